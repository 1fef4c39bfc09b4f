//! A profile as a row: where it is, who is logged in, how the token stands. Opens no store and no
//! connection.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Config, ConfigError, Resolved, Selection, resolve, select, token_variable};
use crate::domain::{Argument, Layer, Origin, ProfileName, StoreKind, TokenStatus, autocom, jwt};
use crate::error::{Error, Kind, Result};
use crate::session::call::check::{self, Check, CheckStatus, Checked};
use crate::session::context::Context;
use crate::session::profile::protection_state::{self, ProtectionState};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProfileRow {
    /// Null for an environment that no profile is bound to.
    pub name: Option<String>,
    /// Whether commands use it here.
    pub active: bool,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    /// E-mail of the user who is logged in.
    pub user: Option<String>,
    pub token: TokenStatus,
    /// RFC 3339, UTC.
    #[serde(serialize_with = "crate::domain::time::optional_rfc3339")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    pub store: Option<StoreKind>,
    /// The credential key.
    pub credential: Option<String>,
    /// Whether requests that change something need a confirmation. Null if nobody can tell: the profile, or the address
    /// of a protected one, can't be read.
    pub protected: Option<bool>,
    /// Until when `profiles unlock` has opened it: RFC 3339, UTC.
    #[serde(serialize_with = "crate::domain::time::optional_rfc3339")]
    #[schemars(with = "Option<String>")]
    pub unlocked_until: Option<Timestamp>,
    /// With `--check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    #[serde(skip)]
    pub protection_state: ProtectionState,
    /// Whether somebody else than `expect_user` is logged in: no command will use that login.
    #[serde(skip)]
    pub other_user: bool,
    #[serde(skip)]
    pub token_variable: Option<String>,
}

/// The rows, and what was wrong with single profiles or with the selection.
pub struct Listing {
    pub rows: Vec<ProfileRow>,
    pub failures: Vec<Error>,
}

/// A profile that is to be listed.
struct Listed {
    name: Option<ProfileName>,
    active: bool,
    /// `None`: it can't be resolved.
    profile: Option<Resolved>,
}

/// Every profile of the file, and the selected one also when it exists only in variables.
pub fn listing(context: &Context) -> Result<Listing> {
    let (listed, failures) = listed(context)?;
    Ok(Listing { rows: listed.iter().map(|one| listed_row(context, one)).collect(), failures })
}

/// As [`listing`], with what each platform says of its token. That nobody is logged in is
/// not a failure: the list is there to show it.
pub fn checked_listing(context: &Context) -> Result<Listing> {
    let (mut listed, mut failures) = listed(context)?;
    let profiles: Vec<&Resolved> = listed.iter().filter_map(|one| one.profile.as_ref()).collect();
    let mut checks = check::checks(context, &profiles)?.into_iter();
    // What was renewed or mended meanwhile is listed as it is now.
    let now = context.reloaded();
    let captured = &now.config()?.captured;
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for one in &mut listed {
        if let Some(profile) = &mut one.profile {
            profile.login = profile.credential.as_ref().and_then(|key| captured.get(&key.value));
        }
        let mut row = listed_row(context, one);
        if one.profile.is_some()
            && let Some(Checked { check, outcome, .. }) = checks.next()
        {
            match outcome {
                Ok(user) => row.user = row.user.or(user.email),
                Err(_) if check.status == CheckStatus::Missing => {}
                Err(error) => failed.push((error.kind, one.label().to_owned(), check.status)),
            }
            row.check = Some(check);
        }
        rows.push(row);
    }
    failures.extend(did_not_pass(&failed, rows.len()));
    Ok(Listing { rows, failures })
}

fn listed(context: &Context) -> Result<(Vec<Listed>, Vec<Error>)> {
    let config = context.config()?;
    let mut failures = Vec::new();
    // A list shows what there is: a file that does not exist has no profiles.
    context.warn_of_missing_file(config);
    let selected = match select(config) {
        Ok(selection) => {
            context.warn_of_unreadable_file(config);
            Some(selection)
        }
        Err(ConfigError::MissingFile { .. }) => None,
        Err(error) => {
            failures.push(error.into());
            None
        }
    };
    let mut listed = Vec::new();
    for name in config.profiles() {
        let own = selected.as_ref().filter(|selection| selection.name.as_ref() == Some(&name));
        let active = own.is_some();
        let selection = own.cloned().unwrap_or_else(|| Selection::listed(name.clone()));
        let profile = resolve(config, selection).map_err(|error| {
            failures.push(mendable(config, &name, error));
        });
        listed.push(Listed { name: Some(name), active, profile: profile.ok() });
    }
    let in_variables =
        selected.filter(|s| s.name.as_ref().is_none_or(|name| !config.profiles().contains(name)));
    if let Some(selection) = in_variables {
        let name = selection.name.clone();
        match resolve(config, selection) {
            Ok(profile) if profile.api_url.is_some() => {
                listed.push(Listed { name, active: true, profile: Some(profile) });
            }
            Ok(_) => {}
            Err(error) => failures.push(error.into()),
        }
    }
    Ok((listed, failures))
}

fn listed_row(context: &Context, listed: &Listed) -> ProfileRow {
    match &listed.profile {
        Some(profile) => row(context, profile, listed.active),
        None => broken_row(listed),
    }
}

pub fn row(context: &Context, profile: &Resolved, active: bool) -> ProfileRow {
    let variable =
        context.config().ok().and_then(|config| token_variable(config, profile, profile.selection.sole).used);
    let login = profile.login.as_ref();
    let token = match (&variable, &profile.api_url, login) {
        (Some(_), _, _) => TokenStatus::Env,
        (None, Some(_), Some(login)) if login.is_logged_out() => TokenStatus::LoggedOut,
        (None, Some(_), Some(_)) if profile.is_foreign() => TokenStatus::Foreign,
        (None, Some(_), Some(login)) => login.status(context.clock().now()),
        (None, _, _) => TokenStatus::Unknown,
    };
    let protection_state = protection_state::protection_state(context, profile);
    let login =
        login.filter(|_| !matches!(token, TokenStatus::Env | TokenStatus::LoggedOut | TokenStatus::Unknown));
    ProfileRow {
        name: profile.name().map(ToString::to_string),
        active,
        api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
        // What a login learned is of no use once it belongs to another origin, or to another token.
        tenant: profile
            .tenant
            .as_ref()
            .filter(|tenant| {
                tenant.layer != Layer::Captured || !matches!(token, TokenStatus::Foreign | TokenStatus::Env)
            })
            .map(|tenant| tenant.value.to_string()),
        user: login.and_then(|login| login.user_email.clone()),
        token,
        expires_at: match &variable {
            Some(variable) => jwt::expiry(&variable.token),
            None => login.and_then(|login| login.expires_at),
        },
        store: login.and_then(|login| login.store),
        protected: protection_state.protected(),
        unlocked_until: protection_state.unlocked_until(),
        protection_state,
        other_user: login
            .zip(profile.expect_user.as_ref())
            .is_some_and(|(login, expected)| !expected.value.is(login.user())),
        credential: profile.credential.as_ref().map(|key| key.value.to_string()),
        token_variable: variable.map(|variable| variable.name),
        check: None,
    }
}

impl Listed {
    fn label(&self) -> &str {
        self.name.as_ref().map_or("(unnamed)", ProfileName::as_str)
    }
}

/// A profile that can't be resolved still has a row: hiding it would hide the mistake.
fn broken_row(listed: &Listed) -> ProfileRow {
    ProfileRow {
        name: listed.name.as_ref().map(ToString::to_string),
        active: listed.active,
        api_url: None,
        tenant: None,
        user: None,
        token: TokenStatus::Unknown,
        expires_at: None,
        store: None,
        protected: None,
        unlocked_until: None,
        protection_state: ProtectionState::Unknown,
        other_user: false,
        credential: None,
        token_variable: None,
        check: None,
    }
}

/// One error for all checks that failed: the table says the rest.
fn did_not_pass(failed: &[(Kind, String, CheckStatus)], count: usize) -> Option<Error> {
    let kind = Kind::gravest(failed.iter().map(|(kind, ..)| *kind))?;
    let (_, first, _) = failed.iter().find(|(other, ..)| *other == kind)?;
    let names: Vec<String> =
        failed.iter().map(|(_, name, status)| format!("{name} ({})", status.as_str())).collect();
    let message = format!("{} of {count} profiles did not pass: {}", failed.len(), names.join(", "));
    Some(Error::new(kind, message).hint(autocom("auth status --check").option("--profile", first)))
}

/// What is wrong in a profile's own table, and the command that sets that very key.
fn mendable(config: &Config, name: &ProfileName, error: ConfigError) -> Error {
    let own = error
        .key()
        .filter(|key| config.document.table_of(name).is_some_and(|table| table.get(*key).is_some()));
    match (&error, own) {
        (ConfigError::Invalid { origin: Origin::File { .. }, .. }, Some(key)) => Error::from(error).hint(
            autocom("profiles set")
                .value(name)
                .argument(Argument::placeholder(format!("{key}="), key.placeholder())),
        ),
        _ => error.into(),
    }
}
