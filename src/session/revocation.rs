//! The end of tokens at their platform.
//!
//! The platform revokes the access token that asks for it, and has no way to revoke a refresh token. But a
//! refresh ends the one that it uses: so a credential is refreshed first, and then the new access token is
//! revoked and the new refresh token forgotten. Whoever has a copy of the old tokens can do nothing with them.

use std::time::{Duration, Instant};

use super::credential::{Credential, Unrenewed};
use crate::credentials::{Record, Stored};
use crate::domain::{ApiUrl, Secret, Tenant};
use crate::error::{Error, Kind};
use crate::oauth::{self, Endpoints, OAuthError};
use crate::platform::{Platform, PlatformError};
use crate::system::http::{Http, HttpError};
use crate::system::locks::LockGuard;

/// What all requests of a revocation may take together: a logout must not hang on it.
pub(super) const REVOKING: Duration = Duration::from_secs(5);
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
    Done,
    /// The access token is revoked; why the refresh token may still work.
    AccessTokenOnly(String),
    /// The platform rejected the token before it was revoked.
    AlreadyDead,
    /// Why it is not known whether the tokens still work.
    Unconfirmed(String),
}

/// Why a refresh token may still work.
enum Alive {
    /// It was rejected; but who refreshed it before may go on with what they got.
    Rejected(String),
    Unknown(String),
}

/// Revokes an access token. It goes to its own platform only.
pub(super) async fn revoke_access_token(
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
pub(super) async fn revoke_login(http: &Http, record: &Record) -> Revocation {
    let refresh = async {
        let Some(token) = record.refresh_token.as_ref().filter(|_| record.is_renewable()) else {
            return Ok(record.access_token.clone());
        };
        let unknown = || Alive::Unknown("its client id is not known".to_owned());
        let client_id = record.client_id.as_ref().ok_or_else(unknown)?;
        let (way, endpoints) = (http.within(REFRESHING), Endpoints::of(&record.api_url));
        match oauth::refresh(&way, &endpoints, client_id, token).await {
            Ok(grant) => Ok(grant.access_token),
            Err(error @ OAuthError::Refused { .. }) => Err(Alive::Rejected(error.to_string())),
            Err(error) => Err(Alive::Unknown(error.to_string())),
        }
    };
    end(http, record, refresh).await
}

impl Credential {
    /// The way to the platform for [`revoke`](Self::revoke).
    pub fn way_to_revoke(http: &Http) -> Http {
        http.within(REFRESHING)
    }

    /// Ends both tokens of `stored`, which was read under the lock that `guard` holds. What a refresh grants is
    /// stored before it is revoked, as by every refresh.
    pub async fn revoke(&self, http: &Http, stored: Stored, guard: LockGuard) -> Revocation {
        let refresh = async {
            match self.renew_to_revoke(stored.clone(), guard).await {
                Ok(renewed) => Ok(renewed.record.access_token),
                Err(Unrenewed::NotRenewable) => Ok(stored.record.access_token.clone()),
                Err(Unrenewed::Refused(error)) => Err(Alive::Rejected(reason(error))),
                Err(Unrenewed::NotTried(error) | Unrenewed::Failed(error)) => {
                    Err(Alive::Unknown(reason(error)))
                }
            }
        };
        end(http, &stored.record, refresh).await
    }
}

/// Revokes the access token that `refresh` comes to, else that of the record.
async fn end(
    http: &Http,
    record: &Record,
    refresh: impl Future<Output = Result<Secret, Alive>>,
) -> Revocation {
    let started = Instant::now();
    let (token, alive) = match refresh.await {
        Ok(token) => (token, None),
        Err(alive) => (record.access_token.clone(), Some(alive)),
    };
    let http = http.within(REVOKING.saturating_sub(started.elapsed()));
    match (revoke_access_token(&http, record.api_url.clone(), token, record.tenant.clone()).await, alive) {
        (Revocation::Done, Some(Alive::Rejected(why) | Alive::Unknown(why))) => {
            Revocation::AccessTokenOnly(why)
        }
        (Revocation::AlreadyDead, Some(Alive::Unknown(why))) => Revocation::Unconfirmed(why),
        (revoked, _) => revoked,
    }
}

/// What stands in the way, without what it means for other commands.
fn reason(error: Error) -> String {
    match error.kind {
        Kind::Authentication => error.causes.into_iter().next().unwrap_or(error.message),
        _ => error.message,
    }
}
