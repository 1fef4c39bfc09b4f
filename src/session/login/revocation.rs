//! The end of tokens at their platform.
//!
//! The platform revokes the access token that asks for it, and has no way to revoke a refresh token. But a
//! refresh ends the one that it uses: so a credential is refreshed first, and then the new access token is
//! revoked and the new refresh token forgotten. Whoever has a copy of the old tokens can do nothing with them.
//!
//! Other servers don't replace refresh tokens, or go on taking those that were replaced, and have an endpoint for
//! revoking them (RFC 7009). So that one is asked too, and at the end the old refresh token is tried once more: only
//! what is refused counts as revoked.

use std::time::{Duration, Instant};

use crate::credentials::{Record, Stored};
use crate::domain::{ApiUrl, CredentialKey, RevocationUrl, Secret, Tenant};
use crate::error::{Error, Kind};
use crate::oauth::{self, Endpoints, OAuthError};
use crate::platform::{Platform, PlatformError};
use crate::session::credential::refresh::{Credential, RefreshError};
use crate::system::http::{Http, HttpError};
use crate::system::locks::LockGuard;

/// What all requests of a revocation may take together: a logout must not hang on it.
pub(crate) const REVOKING: Duration = Duration::from_secs(5);
/// What the refresh may take of that.
const REFRESHING: Duration = Duration::from_secs(3);

/// What became of the tokens of a credential at its platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// There was no token.
    Nothing,
    /// It was not asked for.
    Skipped,
    /// A personal access token, which others may use, was left alone.
    Kept,
    /// Another credential has the same token.
    Shared(CredentialKey),
    Done,
    /// The access token is revoked; why the refresh token may still work.
    AccessTokenOnly(String),
    /// The platform rejected the token before it was revoked.
    AlreadyDead,
    /// Why it is not known whether the tokens still work.
    Unconfirmed(String),
}

/// Why a refresh token may still work.
#[derive(Clone)]
enum Alive {
    Accepted(String),
    /// It was rejected; but who refreshed it before may go on with what they got.
    Rejected(String),
    Unknown(String),
}

/// Revokes an access token. It goes to its own platform only.
pub(crate) async fn revoke_access_token(
    http: &Http,
    url: ApiUrl,
    token: Secret,
    tenant: Option<Tenant>,
) -> Revocation {
    let platform = Platform::new(http.within(REVOKING), url, token, tenant);
    let answered = match platform.logout().await {
        Err(PlatformError::Unauthenticated { is_json: true, .. }) => return Revocation::AlreadyDead,
        Err(PlatformError::Http(error @ HttpError::Unreachable(_))) => {
            return Revocation::Unconfirmed(error.to_string());
        }
        answered => answered,
    };
    // Whatever the answer was, something else may have given it: only a token that is rejected is revoked.
    match (platform.profile().await, answered) {
        (Err(PlatformError::Unauthenticated { is_json: true, .. }), _) => Revocation::Done,
        (Err(PlatformError::Unauthenticated { .. }), _) => {
            Revocation::Unconfirmed("status 401, but without the platform's JSON".to_owned())
        }
        (_, Err(error)) | (Err(error), Ok(())) => Revocation::Unconfirmed(error.to_string()),
        (Ok(_), Ok(())) => Revocation::Unconfirmed("the platform still accepts it".to_owned()),
    }
}

/// Ends both tokens of a login that is stored no longer.
pub(crate) async fn revoke_login(
    http: &Http,
    record: &Record,
    endpoint: Option<&RevocationUrl>,
) -> Revocation {
    let refresh = async {
        let Some(token) = record.refresh_token.as_ref().filter(|_| record.is_renewable()) else {
            return Ok(record.clone());
        };
        let unknown = || Alive::Unknown("its client id is not known".to_owned());
        let client_id = record.client_id.as_ref().ok_or_else(unknown)?;
        let (way, endpoints) = (http.within(REFRESHING), Endpoints::new(&record.api_url));
        match oauth::refresh(&way, &endpoints, client_id, token).await {
            Ok(grant) => Ok(Record {
                access_token: grant.access_token,
                refresh_token: grant.refresh_token.or_else(|| record.refresh_token.clone()),
                ..record.clone()
            }),
            Err(error @ OAuthError::Refused { .. }) => Err(Alive::Rejected(error.to_string())),
            Err(error) => Err(Alive::Unknown(error.to_string())),
        }
    };
    end(http, record, endpoint, refresh).await
}

/// The way to the platform for [`revoke`](Credential::revoke).
pub fn way_to_revoke(http: &Http) -> Http {
    http.within(REFRESHING)
}

/// Ends both tokens of `stored`, which was read under the lock that `guard` holds. What a refresh grants is
/// stored before it is revoked, as by every refresh.
pub async fn revoke_stored_login(
    credential: &Credential,
    http: &Http,
    endpoint: Option<&RevocationUrl>,
    stored: Stored,
    guard: LockGuard,
) -> Revocation {
    let refresh = async {
        match credential.renew_to_revoke(stored.clone(), guard).await {
            Ok(renewed) => Ok(renewed.record),
            Err(RefreshError::NotRenewable) => Ok(stored.record.clone()),
            Err(RefreshError::Refused(error)) => Err(Alive::Rejected(reason(error))),
            Err(RefreshError::NotTried(error) | RefreshError::Failed(error)) => {
                Err(Alive::Unknown(reason(error)))
            }
        }
    };
    end(http, &stored.record, endpoint, refresh).await
}

/// Ends the tokens of `record` and those that `refresh` comes to. The access tokens first: a server that revokes a
/// refresh token may end them with it (RFC 7009, section 2.1), which would look as if they had ended before.
async fn end(
    http: &Http,
    record: &Record,
    set: Option<&RevocationUrl>,
    refresh: impl Future<Output = Result<Record, Alive>>,
) -> Revocation {
    let started = Instant::now();
    let refreshed = refresh.await;
    let http = http.within(REVOKING.saturating_sub(started.elapsed()));
    let last = refreshed.as_ref().unwrap_or(record);
    let mut revoked = revoke_access_token_of(&http, last).await;
    if last.access_token.expose() != record.access_token.expose()
        && let unconfirmed @ Revocation::Unconfirmed(_) = revoke_access_token_of(&http, record).await
    {
        revoked = unconfirmed;
    }
    let alive = match &refreshed {
        Ok(refreshed) => revoke_refresh_tokens(&http, record, refreshed, set).await,
        Err(alive) => Some(alive.clone()),
    };
    match (revoked, alive) {
        (Revocation::Done | Revocation::AlreadyDead, Some(Alive::Accepted(why)))
        | (Revocation::Done, Some(Alive::Rejected(why) | Alive::Unknown(why))) => {
            Revocation::AccessTokenOnly(why)
        }
        (Revocation::AlreadyDead, Some(Alive::Unknown(why))) => Revocation::Unconfirmed(why),
        (revoked, _) => revoked,
    }
}

async fn revoke_access_token_of(http: &Http, record: &Record) -> Revocation {
    let (url, token) = (record.api_url.clone(), record.access_token.clone());
    revoke_access_token(http, url, token, record.tenant.clone()).await
}

/// Ends the refresh token that `before` had and the one that `after` may have in its place. It is seen by trying the
/// first: some servers go on accepting a refresh token that was replaced.
async fn revoke_refresh_tokens(
    http: &Http,
    before: &Record,
    after: &Record,
    set: Option<&RevocationUrl>,
) -> Option<Alive> {
    let usable = |record: &Record| record.refresh_token.clone().filter(|_| record.is_renewable());
    let (client_id, old, new) = (after.client_id.as_ref()?, usable(before)?, usable(after)?);
    let is_replaced = old.expose() != new.expose();
    let mut refresh_tokens = vec![old.clone()];
    refresh_tokens.extend(is_replaced.then_some(new));
    let mut endpoint = set.and_then(|set| set.for_tokens_of(&before.api_url)).cloned();
    let mut refusal = String::new();
    loop {
        if let Some(endpoint) = &endpoint {
            for token in &refresh_tokens {
                let outcome = oauth::revoke_refresh_token(http, endpoint, client_id, token).await;
                refusal = outcome.err().map(|error| format!(" ({error})")).unwrap_or_default();
            }
        }
        // Without an endpoint, nothing has happened yet to one that is not replaced.
        if is_replaced || endpoint.is_some() {
            match oauth::refresh(http, &Endpoints::new(&before.api_url), client_id, &old).await {
                Err(OAuthError::Refused { .. }) => return None,
                Err(error) => return Some(Alive::Unknown(error.to_string())),
                Ok(grant) => {
                    let record = Record { access_token: grant.access_token, ..after.clone() };
                    revoke_access_token_of(http, &record).await;
                    refresh_tokens.extend(grant.refresh_token.filter(|new| new.expose() != old.expose()));
                }
            }
        }
        if endpoint.is_some() {
            return Some(Alive::Accepted(format!("the platform still accepts it{refusal}")));
        }
        endpoint = oauth::revocation_endpoint(http, &before.api_url).await;
        if endpoint.is_none() {
            let none = "the platform still accepts it and has no revocation endpoint";
            return Some(Alive::Accepted(none.to_owned()));
        }
    }
}

/// What stands in the way, without what it means for other commands.
fn reason(error: Error) -> String {
    match error.kind {
        Kind::Authentication => error.causes.into_iter().next().unwrap_or(error.message),
        _ => error.message,
    }
}
