//! What the platform itself says of a profile's token: `GET /profile`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Resolved;
use crate::domain::time::spelled_out;
use crate::domain::{CredentialKey, Lifetime};
use crate::error::{Error, Kind, Result};
use crate::platform::{PlatformError, Profile as User};
use crate::session::call::token_cache::{CredentialPlace, NetworkKey, TokenCache, network_key};
use crate::session::call::tokens::{self, CallError, Tokens};
use crate::session::call::{bearer, everywhere, fan_out, owner};
use crate::session::context::{Context, no_environment};
use crate::session::credential::stored;
use crate::session::profile::hints::about_profile;
use crate::system::http::{Cause, HttpError, Peer, Unreachable};

/// What one environment has for its answer, renewal and retries included, unless `--request-timeout`
/// says otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the end of the last request may take beyond that.
const GRACE: Duration = Duration::from_millis(500);

/// The column CHECK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Ok,
    /// The token is not, or no longer, good there.
    Rejected,
    /// The token is good, but not for this tenant.
    Forbidden,
    /// There was no answer.
    Unreachable,
    /// There was an answer, but it tells nothing of the token.
    Failed,
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
            CheckStatus::Failed => "failed",
            CheckStatus::Locked => "locked",
            CheckStatus::Missing => "missing",
        }
    }

    fn from_error(error: &Error) -> CheckStatus {
        match error.kind {
            Kind::Authentication => CheckStatus::Rejected,
            Kind::Forbidden => CheckStatus::Forbidden,
            Kind::CredentialStore => CheckStatus::Locked,
            Kind::Failed => CheckStatus::Failed,
            Kind::Usage | Kind::Unreachable => CheckStatus::Unreachable,
            Kind::Interrupted | Kind::Terminated | Kind::HungUp => CheckStatus::Unreachable,
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

/// What a check found, with what a command would have ended with.
#[derive(Debug, Clone)]
pub struct Checked {
    pub check: Check,
    /// Of the stored token that was sent in the end.
    pub lifetime: Option<Lifetime>,
    pub outcome: Result<User>,
}

impl Checked {
    fn new(outcome: Result<User>, ms: Option<u64>) -> Checked {
        let check = match &outcome {
            Ok(_) => Check { status: CheckStatus::Ok, ms, reason: None },
            Err(error) => {
                let reason: Vec<_> = std::iter::once(&error.message).chain(&error.causes).cloned().collect();
                Check { status: CheckStatus::from_error(error), ms, reason: Some(reason.join(": ")) }
            }
        };
        Checked { check, lifetime: None, outcome }
    }

    fn missing(error: Error) -> Checked {
        let check = Check { status: CheckStatus::Missing, ..Checked::new(Err(error.clone()), None).check };
        Checked { check, lifetime: None, outcome: Err(error) }
    }
}

/// Who asks with which token for which tenant: profiles that agree in this share one check.
type TokenCheck = (Option<CredentialKey>, [Option<String>; 4], CredentialPlace, NetworkKey);

/// Asks the platform who the profile's token is, renewing it if that is due.
///
/// # Errors
/// Only an interruption; all else is an outcome.
pub fn check(context: &Context, profile: &Resolved) -> Result<Checked> {
    let mut checked = checks(context, &[profile])?;
    checked.pop().ok_or_else(|| no_environment(profile))
}

/// As [`check`], of all profiles at once, each within a deadline of its own. The outcomes
/// are in the profiles' order.
pub fn checks(context: &Context, profiles: &[&Resolved]) -> Result<Vec<Checked>> {
    let pool = TokenCache::of(profiles.iter().copied());
    everywhere::meet_everywhere(context, profiles)?;
    let mut questions: Vec<&Resolved> = Vec::new();
    let mut places: HashMap<TokenCheck, usize> = HashMap::new();
    let mut asked_at = Vec::with_capacity(profiles.len());
    for profile in profiles.iter().copied() {
        let place = *places.entry(question(context, profile)?).or_insert(questions.len());
        if place == questions.len() {
            questions.push(profile);
        }
        asked_at.push(place);
    }
    let checked = fan_out::all_at_once(context, &questions, "Asking", async |profile| {
        ask(context, &pool, profile).await.unwrap_or_else(|error| Checked::new(Err(error), None))
    })?;
    Ok(asked_at.into_iter().map(|place| checked[place].clone()).collect())
}

fn question(context: &Context, profile: &Resolved) -> Result<TokenCheck> {
    let variable = tokens::token_variable(context, profile).ok().flatten().map(|variable| variable.name);
    let url = profile.api_url.as_ref().map(|url| url.value.to_string());
    let tenant = profile.tenant.as_ref().map(|tenant| tenant.value.to_string());
    let key = profile.credential.as_ref().map(|key| key.value.clone());
    let lock = profile.expect_user.as_ref().map(|expected| expected.value.to_string());
    Ok((key, [url, tenant, variable, lock], CredentialPlace::new(profile), network_key(profile)))
}

async fn ask(context: &Context, pool: &TokenCache, profile: &Resolved) -> Result<Checked> {
    let Some(tokens) = pool.tokens(context, profile).await? else {
        return Ok(Checked::missing(stored::not_logged_in(context, profile)));
    };
    // Who a variable's token is may have been asked just now: it was the same question.
    if let Tokens::Variable(variable) = &tokens
        && let Some((user, time)) = owner::known_owner(context, profile, variable)
    {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        return Ok(Checked::new(Ok(user), Some(ms)));
    }
    let deadline = context.request_timeout.unwrap_or(DEADLINE);
    let platform = bearer::platform(context, profile, tokens)?.within(deadline);
    let started = Instant::now();
    let call = platform.profile();
    tokio::pin!(call);
    // The platform keeps to the deadline by itself, but not what a renewal waits for.
    let outcome = match tokio::time::timeout(deadline + GRACE, &mut call).await {
        Ok(outcome) => outcome,
        // Looked at while the call still waits.
        Err(_) if platform.tokens().tokens.waits_for_lock() => Err(CallError::Token(busy(deadline))),
        Err(_) => {
            let at = profile.api_url.as_ref().map(|url| url.value.authority()).unwrap_or_default();
            let unreachable = Unreachable { at: Peer::Server(at), cause: Cause::Timeout(deadline) };
            Err(PlatformError::Http(HttpError::Unreachable(unreachable)).into())
        }
    };
    if outcome.is_ok() {
        platform.tokens().tokens.accepted().await;
    }
    let was_asked = !matches!(outcome, Err(CallError::Token(_)));
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let outcome = outcome.map_err(|error| about_profile(error.with(&platform.tokens().tokens), profile));
    let lifetime = platform.tokens().tokens.held().map(|stored| stored.record.lifetime());
    Ok(Checked { lifetime, ..Checked::new(outcome, was_asked.then_some(ms)) })
}

/// The platform was not asked at all.
fn busy(waited: Duration) -> Error {
    let waited = spelled_out(waited);
    Error::new(Kind::Failed, format!("another autocom process has been renewing the token for {waited}"))
        .hint("wait until it has ended, then try again")
}
