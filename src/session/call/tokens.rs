//! The tokens of a profile while a command runs.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::config::{Resolved, TokenVariable};
use crate::credentials::Stored;
use crate::domain::time::span;
use crate::domain::{Hint, Layer, Secret, Tenant, jwt, token_flaw};
use crate::error::{Error, Kind, Result};
use crate::platform::{PlatformError, TokenSource};
use crate::session::context::Context;
use crate::session::credential::refresh::{Credential, RefreshError};
use crate::session::profile::login_command::login_again_command;

/// A token to be sent, and where it comes from: a stored one as it was read, or as [`Tokens`] has it.
#[derive(Clone)]
pub enum Bearer<S = Box<Stored>> {
    Variable(TokenVariable),
    Stored(S),
}

impl Bearer {
    pub fn token(&self) -> &Secret {
        match self {
            Bearer::Variable(variable) => &variable.token,
            Bearer::Stored(stored) => &stored.record.access_token,
        }
    }

    /// `None`: no end is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Bearer::Variable(variable) => jwt::expiry(&variable.token),
            Bearer::Stored(stored) => stored.record.expires_at,
        }
    }

    /// Whether the platform gave no way to get another one.
    pub(crate) fn is_only_one(&self) -> bool {
        matches!(self, Bearer::Stored(stored) if stored.record.refresh_token.is_none())
    }

    fn subject(&self, profile: &Resolved) -> String {
        match self {
            Bearer::Variable(variable) => format!("the token of {}", variable.name),
            Bearer::Stored(_) => format!("the token of profile {}", profile.label()),
        }
    }

    pub(crate) fn ends_too_soon(
        &self,
        profile: &Resolved,
        left: SignedDuration,
        min_ttl: SignedDuration,
    ) -> Error {
        let left =
            if left.is_positive() { format!("ends in {}", span(left)) } else { "has ended".to_owned() };
        let subject = self.subject(profile);
        let message = format!("{subject} {left}, but is to be good for {} s at least", min_ttl.as_secs());
        let ask_for_less = "ask for less with --min-ttl";
        Error::new(Kind::Authentication, message).hint(match self {
            Bearer::Variable(variable) => {
                Hint::from(format!("set {} to a fresh token, or {ask_for_less}", variable.name))
            }
            Bearer::Stored(stored) if !stored.record.is_renewable() => login_again_command(profile).into(),
            Bearer::Stored(stored) => match stored.record.full_life() {
                Some(full) => {
                    format!("the platform gives tokens of {} s here: {ask_for_less}", full.as_secs()).into()
                }
                None => ask_for_less.into(),
            },
        })
    }

    /// The tenant that goes along with it.
    pub(crate) fn tenant(&self, profile: &Resolved) -> Option<Tenant> {
        match self {
            Bearer::Variable(_) => own_tenant(profile),
            Bearer::Stored(stored) => tenant_with(profile, stored),
        }
    }
}

/// The tenant that goes along with a variable's token: not the one that a login learned, which may have been somebody
/// else's.
pub(crate) fn own_tenant(profile: &Resolved) -> Option<Tenant> {
    let own = profile.tenant.as_ref().filter(|tenant| tenant.layer != Layer::Captured);
    own.map(|tenant| tenant.value.clone())
}

fn tenant_with(profile: &Resolved, stored: &Stored) -> Option<Tenant> {
    profile.tenant.as_ref().map(|tenant| tenant.value.clone()).or_else(|| stored.record.tenant.clone())
}

/// The tokens of a profile while a command runs. Clones are the same tokens.
pub type Tokens = Bearer<Renewing>;

/// A stored token that is renewed in time.
#[derive(Clone)]
pub struct Renewing {
    credential: Credential,
    held: Arc<Mutex<Box<Stored>>>,
}

impl Renewing {
    fn held(&self) -> Stored {
        (**self.held.lock().unwrap_or_else(PoisonError::into_inner)).clone()
    }

    fn keep(&self, stored: Stored) -> Secret {
        let token = stored.record.access_token.clone();
        **self.held.lock().unwrap_or_else(PoisonError::into_inner) = stored;
        token
    }
}

/// Why a call came to nothing.
#[derive(Debug)]
pub enum CallError {
    Platform(PlatformError),
    /// There was no token to send.
    Token(Error),
    /// What a command makes of the answers, or could not do with them.
    Own(Error),
}

impl From<PlatformError> for CallError {
    fn from(error: PlatformError) -> CallError {
        CallError::Platform(error)
    }
}

impl CallError {
    /// For people, with what helps against a token that the platform rejects.
    pub(crate) fn with(self, tokens: &Tokens) -> Error {
        match self {
            CallError::Platform(error) => {
                let error = Error::from(error);
                if error.kind == Kind::Authentication { error.hint(tokens.remedy()) } else { error }
            }
            CallError::Token(error) | CallError::Own(error) => error,
        }
    }
}

/// The variable that supplies the selected profile's token. One that belongs to another
/// environment is mentioned.
pub fn token_variable(context: &Context, profile: &Resolved) -> Result<Option<TokenVariable>> {
    let variables = crate::config::token_variable(context.config()?, profile, profile.selection.sole);
    if variables.passed_over {
        context.reporter().warn(if profile.selection.sole {
            format!(
                "AUTOCOM_TOKEN belongs to another environment and is not used for profile {}",
                profile.label()
            )
        } else {
            "AUTOCOM_TOKEN belongs to another environment and is not used".to_owned()
        });
    }
    if let Some(TokenVariable { name, token }) = &variables.used
        && let Some(why) = token_flaw(token.expose())
    {
        return Err(Error::new(Kind::Authentication, format!("the token in {name} {why}"))
            .hint(format!("set {name} to the token alone, without quotes or spaces")));
    }
    Ok(variables.used)
}

impl Tokens {
    pub(crate) fn stored(credential: Credential, held: Stored) -> Tokens {
        Tokens::Stored(Renewing { credential, held: Arc::new(Mutex::new(Box::new(held))) })
    }

    /// The record as it is now, if they are stored ones.
    pub(crate) fn held(&self) -> Option<Stored> {
        match self {
            Tokens::Variable(_) => None,
            Tokens::Stored(stored) => Some(stored.held()),
        }
    }

    /// Whether a renewal waits for another process.
    pub(crate) fn waits_for_lock(&self) -> bool {
        matches!(self, Tokens::Stored(stored) if stored.credential.waits_for_lock())
    }

    /// What helps if the platform rejects them.
    fn remedy(&self) -> Hint {
        match self {
            Tokens::Variable(variable) => format!("unset or replace {}", variable.name).into(),
            Tokens::Stored(stored) => stored.credential.owner().login.clone().into(),
        }
    }

    /// The tenant that goes along with them.
    pub(crate) fn tenant_now(&self, profile: &Resolved) -> Option<Tenant> {
        match self {
            Tokens::Variable(_) => own_tenant(profile),
            Tokens::Stored(stored) => tenant_with(profile, &stored.held()),
        }
    }

    /// Notes that the platform takes an access token that it had rejected.
    pub(crate) async fn accepted(&self) {
        if let Tokens::Stored(stored) = self
            && let held = stored.held()
            && held.record.access_refused
        {
            stored.credential.remember_access(&held, false).await;
        }
    }
}

impl TokenSource for Tokens {
    type Error = CallError;

    async fn current(&self) -> Result<Secret, CallError> {
        let held = match self {
            Tokens::Variable(variable) => return Ok(variable.token.clone()),
            Tokens::Stored(held) => held,
        };
        let (credential, seen) = (&held.credential, held.held());
        let (now, lifetime) = (credential.now(), seen.record.lifetime());
        if !lifetime.is_expired(now) {
            return Ok(seen.record.access_token);
        }
        match credential.renew(&seen).await {
            Ok(stored) => Ok(held.keep(stored)),
            // The last seconds of a token are better than nothing.
            Err(RefreshError::NotTried(error) | RefreshError::Refused(error)) if !lifetime.has_ended(now) => {
                tracing::debug!(reason = error.message, "not renewed: using what is left of the token");
                Ok(seen.record.access_token)
            }
            Err(
                RefreshError::NotTried(error) | RefreshError::Refused(error) | RefreshError::Failed(error),
            ) => Err(CallError::Token(error)),
            Err(RefreshError::NotRenewable) if !lifetime.has_ended(now) => Ok(seen.record.access_token),
            Err(RefreshError::NotRenewable) => Err(CallError::Token(credential.owner().expired())),
        }
    }

    async fn instead_of(&self, rejected: &Secret) -> Result<Option<Secret>, CallError> {
        let Tokens::Stored(held) = self else { return Ok(None) };
        let (credential, seen) = (&held.credential, held.held());
        if seen.record.access_token.expose() != rejected.expose() {
            return Ok(Some(seen.record.access_token)); // Another call of ours was faster.
        }
        let now = credential.look().await.map_err(CallError::Token)?;
        if credential.is_newer(&now, &seen) {
            return Ok(Some(held.keep(now)));
        }
        match credential.renew(&seen).await {
            Ok(stored) => Ok(Some(held.keep(stored))),
            Err(RefreshError::NotRenewable) => {
                credential.remember_if_rejected(&seen).await;
                Ok(None)
            }
            Err(RefreshError::Refused(error)) => {
                credential.remember_if_rejected(&seen).await;
                Err(CallError::Token(error))
            }
            Err(RefreshError::NotTried(error) | RefreshError::Failed(error)) => Err(CallError::Token(error)),
        }
    }
}
