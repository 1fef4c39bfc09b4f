//! What the platform itself says of a profile's token: `GET /profile`.

use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use crate::config::Resolved;
use crate::error::{Error, Kind, Result};
use crate::platform::Profile as User;

/// The column CHECK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Ok,
    /// The token is not, or no longer, good there.
    Rejected,
    /// The token is good, but not for this tenant.
    Forbidden,
    /// There was no answer, or none that an Autocom platform in good health gives.
    Unreachable,
    /// The credential store can't be used.
    Locked,
    /// Nobody is logged in.
    Missing,
}

impl CheckStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Ok => "ok",
            CheckStatus::Rejected => "rejected",
            CheckStatus::Forbidden => "forbidden",
            CheckStatus::Unreachable => "unreachable",
            CheckStatus::Locked => "locked",
            CheckStatus::Missing => "missing",
        }
    }

    fn of(error: &Error) -> CheckStatus {
        match error.kind {
            Kind::Authentication => CheckStatus::Rejected,
            Kind::Forbidden => CheckStatus::Forbidden,
            Kind::CredentialStore => CheckStatus::Locked,
            Kind::Failed | Kind::Usage | Kind::Unreachable | Kind::Interrupted => CheckStatus::Unreachable,
        }
    }
}

/// The outcome of asking a platform.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check {
    pub status: CheckStatus,
    /// How long the platform took, a renewal of the token included. Null if it was not asked.
    pub ms: Option<u64>,
    /// Why it is not ok.
    pub reason: Option<String>,
}

impl Check {
    pub fn missing(error: &Error) -> Check {
        Check { status: CheckStatus::Missing, ms: None, reason: Some(error.message.clone()) }
    }

    pub fn failed(error: &Error, ms: Option<u64>) -> Check {
        let reason = std::iter::once(&error.message).chain(&error.causes).cloned().collect::<Vec<_>>();
        Check { status: CheckStatus::of(error), ms, reason: Some(reason.join(": ")) }
    }
}

impl Session {
    /// Asks the platform who the profile's token is, renewing it if that is due.
    ///
    /// # Errors
    /// Only an interruption; all else is an outcome, with the error that a command would have ended with.
    pub fn check(&self, profile: &Resolved) -> Result<(Check, Result<User>)> {
        let started = Instant::now();
        let outcome = self.call(profile, async |platform| platform.profile().await);
        let ms = Some(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        match outcome {
            Ok(user) => Ok((Check { status: CheckStatus::Ok, ms, reason: None }, Ok(user))),
            Err(error) if error.kind == Kind::Interrupted => Err(error),
            Err(error) => {
                let check = Check::failed(&error, ms);
                let show = || "see where the tenant comes from: autocom profiles show".to_owned();
                let error = if error.kind == Kind::Forbidden { error.hint_if_none(show) } else { error };
                Ok((check, Err(error)))
            }
        }
    }
}
