//! The end of tokens at their platform.
//!
//! The platform revokes the access token that asks for it, and has no way to revoke a refresh token. But a
//! refresh ends the one that it uses: so a credential is refreshed first, and then the new access token is
//! revoked and the new refresh token forgotten. Whoever has a copy of the old tokens can do nothing with them.

use std::time::{Duration, Instant};

use super::credential::{Credential, Unrenewed};
use crate::credentials::Stored;
use crate::domain::{ApiUrl, Secret, Tenant};
use crate::error::{Error, Kind};
use crate::platform::{Platform, PlatformError};
use crate::system::http::Http;
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
    /// The token was dead already.
    AlreadyDead,
    Failed(String),
}

/// Why a refresh token may still work.
enum Alive {
    /// It was rejected; but who refreshed it before may go on with what they got.
    Rejected(String),
    Unknown(String),
}

/// Revokes an access token. It goes to its own platform only.
pub(super) async fn revoke(http: &Http, url: ApiUrl, token: Secret, tenant: Option<Tenant>) -> Revocation {
    match Platform::new(http.within(REVOKING), url, token, tenant).logout().await {
        Ok(()) => Revocation::Done,
        Err(PlatformError::Unauthenticated { .. }) => Revocation::AlreadyDead,
        Err(error) => Revocation::Failed(error.to_string()),
    }
}

impl Credential {
    /// The way to the platform for [`revoke`](Self::revoke).
    pub fn way_to_revoke(http: &Http) -> Http {
        http.within(REFRESHING)
    }

    /// Ends both tokens of `stored`, which was read under the lock that `guard` holds. What a refresh grants is
    /// stored before it is revoked, as by every refresh.
    pub async fn revoke(&self, http: &Http, stored: Stored, guard: LockGuard) -> Revocation {
        let started = Instant::now();
        let (seen, alive) = match self.renew_to_revoke(stored.clone(), guard).await {
            Ok(renewed) => (renewed, None),
            Err(Unrenewed::NotRenewable) => (stored, None),
            Err(Unrenewed::Refused(error)) => (stored, Some(Alive::Rejected(reason(error)))),
            Err(Unrenewed::NotTried(error) | Unrenewed::Failed(error)) => {
                (stored, Some(Alive::Unknown(reason(error))))
            }
        };
        let left = REVOKING.saturating_sub(started.elapsed());
        let record = seen.record;
        let revoked = revoke(&http.within(left), record.api_url, record.access_token, record.tenant).await;
        match (revoked, alive) {
            (Revocation::Done, Some(Alive::Rejected(why) | Alive::Unknown(why))) => {
                Revocation::AccessTokenOnly(why)
            }
            (Revocation::AlreadyDead, Some(Alive::Unknown(why))) => Revocation::Failed(why),
            (revoked, _) => revoked,
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
