//! The end of a login at its platform.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use crate::credentials::Record;
use crate::domain::Secret;
use crate::oauth::{self, Endpoints, OAuthError};
use crate::platform::{Platform, PlatformError};
use crate::system::http::Http;

/// For all requests together.
const DEADLINE: Duration = Duration::from_secs(5);
/// The part of it that a refresh may take: the access token must still be revoked then.
const REFRESH_DEADLINE: Duration = Duration::from_secs(3);

/// What became of a login's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Revoked {
    All,
    /// The access token no longer works, but the refresh token may; why.
    AccessTokenOnly(String),
    /// All of them may still work; why.
    Nothing(String),
}

/// Revokes the tokens of a record that is stored no longer, within five seconds. Passport leaves the refresh token
/// alone when its access token is revoked, so it is used up first.
pub(super) async fn revoke(record: &Record, http: &Http) -> Revoked {
    let deadline = Instant::now() + DEADLINE;
    let (token, left) = match use_up_refresh_token(record, http).await {
        Ok(new) => (new, None),
        Err(why) => (None, Some(why)),
    };
    let token = token.unwrap_or_else(|| record.access_token.clone());
    let platform = Platform::new(http.clone(), record.api_url.clone(), token, record.tenant.clone());
    match timeout_at(deadline, platform.logout()).await {
        // An access token that is not accepted needs no revocation.
        Ok(Ok(()) | Err(PlatformError::Unauthenticated { .. })) => {
            left.map_or(Revoked::All, Revoked::AccessTokenOnly)
        }
        Ok(Err(error)) => Revoked::Nothing(error.to_string()),
        Err(_) => Revoked::Nothing(no_answer(DEADLINE)),
    }
}

/// The access token that a refresh gave; `None`: there is no refresh token that works.
async fn use_up_refresh_token(record: &Record, http: &Http) -> Result<Option<Secret>, String> {
    let Some(token) = record.refresh_token.as_ref().filter(|_| record.is_renewable()) else {
        return Ok(None);
    };
    let client_id = record.client_id.as_ref().ok_or("its client id is unknown")?;
    let endpoints = Endpoints::of(&record.api_url);
    match timeout(REFRESH_DEADLINE, oauth::refresh(http, &endpoints, client_id, token)).await {
        Ok(Ok(grant)) => Ok(Some(grant.access_token)),
        Ok(Err(OAuthError::Refused { .. })) => Ok(None),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(no_answer(REFRESH_DEADLINE)),
    }
}

fn no_answer(waited: Duration) -> String {
    format!("the platform did not answer within {} seconds", waited.as_secs())
}
