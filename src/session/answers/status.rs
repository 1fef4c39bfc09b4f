//! How a profile stands: who is logged in, where the credential is and why there, and both clocks.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Resolved;
use crate::credentials::Stored;
use crate::domain::time::rfc3339;
use crate::domain::{Lifetime, StoreChoice, StoreKind, TokenKind, TokenStatus};
use crate::error::{Error, Kind, Result};
use crate::session::answers::listing;
use crate::session::call::check::Check;
use crate::session::call::tokens;
use crate::session::context::Context;
use crate::session::credential::stored;
use crate::session::profile::login_command::Owner;
use crate::session::profile::protection_state::ProtectionState;

#[derive(Debug, Serialize, JsonSchema)]
pub struct CredentialStatus {
    pub profile: Option<String>,
    /// Whether requests that change something need a confirmation.
    pub protected: Option<bool>,
    /// Until when `profiles unlock` has opened it: RFC 3339, UTC.
    pub unlocked_until: Option<String>,
    #[serde(skip)]
    pub protection_state: ProtectionState,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub token: TokenStatus,
    pub kind: Option<TokenKind>,
    /// RFC 3339, UTC.
    pub expires_at: Option<String>,
    /// Whether there is a refresh token.
    pub renewable: bool,
    /// The end of the refresh token, where the platform told it.
    pub refresh_expires_at: Option<String>,
    pub store: Option<StoreKind>,
    /// Why the credential is in that store, or which variable the token comes from.
    pub store_reason: Option<String>,
    /// With `--check`.
    pub check: Option<Check>,
    #[serde(skip)]
    pub now: Timestamp,
}

/// How the profile stands, and what is wrong with it. Asks nobody but the credential store.
pub fn standing(context: &Context, profile: &Resolved) -> Result<(CredentialStatus, Option<Error>)> {
    let row = listing::row(context, profile, true);
    let known = profile.login.as_ref().filter(|login| !login.is_logged_out());
    let mut answer = CredentialStatus {
        profile: row.name,
        protected: row.protected,
        unlocked_until: row.unlocked_until.map(rfc3339),
        protection_state: row.protection_state,
        api_url: row.api_url,
        tenant: row.tenant,
        name: known.and_then(|login| login.user_name.clone()),
        email: row.user,
        token: row.token,
        kind: known.and_then(|login| login.kind),
        expires_at: row.expires_at.map(rfc3339),
        renewable: known.is_some_and(|login| login.renewable),
        refresh_expires_at: None,
        store: row.store,
        store_reason: None,
        check: None,
        now: context.clock().now(),
    };
    if let Some(variable) = tokens::token_variable(context, profile)? {
        return Ok(of_variable(answer, variable.name, row.expires_at, profile));
    }
    match stored::stored(context, profile) {
        Ok(Some(stored)) => {
            let failure = fill(&mut answer, &stored, profile);
            Ok((answer, failure))
        }
        // There is nothing to show of a profile without an environment.
        Ok(None) if profile.api_url.is_none() => Err(stored::not_logged_in(context, profile)),
        Ok(None) => {
            let nothing = CredentialStatus {
                name: None,
                email: None,
                token: TokenStatus::LoggedOut,
                kind: None,
                expires_at: None,
                renewable: false,
                store: None,
                ..answer
            };
            Ok((nothing, Some(stored::not_logged_in(context, profile))))
        }
        // What was captured is shown all the same: it says what can't be reached.
        Err(error) => Ok((answer, Some(error))),
    }
}

/// How the token of the variable `name` stands.
fn of_variable(
    answer: CredentialStatus,
    name: String,
    expires_at: Option<Timestamp>,
    profile: &Resolved,
) -> (CredentialStatus, Option<Error>) {
    let tenant = tokens::own_tenant(profile).map(|tenant| tenant.to_string());
    let (kind, store, renewable) = (None, None, false);
    let ended = Lifetime { expires_at, renewable, refused: false }.is_expired(answer.now);
    let failure = ended.then(|| {
        Error::new(Kind::Authentication, format!("the token in {name} has expired"))
            .hint(format!("set {name} to a fresh token"))
    });
    let store_reason = Some(name);
    (
        CredentialStatus { name: None, email: None, tenant, kind, store, renewable, store_reason, ..answer },
        failure,
    )
}

/// The record's own words in place of what was captured.
fn fill(answer: &mut CredentialStatus, stored: &Stored, profile: &Resolved) -> Option<Error> {
    let record = &stored.record;
    let status = record.lifetime().status(answer.now);
    let refresh_ended = record.refresh_expires_at.is_some_and(|end| end <= answer.now);
    let status = match status {
        TokenStatus::Refreshable if refresh_ended => TokenStatus::Expired,
        other => other,
    };
    answer.tenant = answer.tenant.take().or_else(|| record.tenant.as_ref().map(ToString::to_string));
    answer.name = Some(record.user_name.clone());
    answer.email = Some(record.user_email.clone());
    answer.token = status;
    answer.kind = Some(record.kind);
    answer.expires_at = record.expires_at.map(rfc3339);
    answer.renewable = record.is_renewable();
    answer.refresh_expires_at = record.refresh_expires_at.map(rfc3339);
    answer.store = Some(stored.store);
    answer.store_reason = Some(store_reason(stored.store, profile));
    (status == TokenStatus::Expired).then(|| Owner::new(profile).expired())
}

fn store_reason(store: StoreKind, profile: &Resolved) -> String {
    let (choice, origin) = (profile.store.value, &profile.store.origin);
    let wish = format!("store = {choice} from {origin}");
    match (choice, store) {
        (StoreChoice::Auto, StoreKind::File) => format!("{wish}; there was no keychain at login"),
        (StoreChoice::Keychain, StoreKind::File) | (StoreChoice::File, StoreKind::Keychain) => {
            format!("{wish}, but the last login put it there")
        }
        _ => wish,
    }
}
