//! The token of a profile, for calls to its platform: a variable's, else the store's, renewed in time.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::credential::{Credential, Unrenewed};
use super::record::Owner;
use super::{Session, no_environment};
use crate::config::{Resolved, TokenVariable};
use crate::credentials::Stored;
use crate::domain::time::span;
use crate::domain::{Layer, SKEW, Secret, Tenant, jwt};
use crate::error::{Error, Kind, Result};
use crate::platform::{Platform, PlatformError, TokenSource};

/// A token that is good to be sent, and where it comes from.
pub enum Bearer {
    Variable(TokenVariable),
    Stored(Box<Stored>),
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

    /// The tenant that goes along with it.
    pub fn tenant(&self, profile: &Resolved) -> Option<Tenant> {
        let resolved = profile.tenant.as_ref();
        match self {
            // Not the one that a login learned, which may have been somebody else's.
            Bearer::Variable(_) => {
                resolved.filter(|tenant| tenant.layer != Layer::Captured).map(|tenant| tenant.value.clone())
            }
            Bearer::Stored(stored) => {
                resolved.map(|tenant| tenant.value.clone()).or_else(|| stored.record.tenant.clone())
            }
        }
    }
}

/// The tokens of a profile while a command runs.
pub enum Tokens {
    Variable(Secret),
    Stored { credential: Credential, held: Mutex<Box<Stored>> },
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
    /// For people; `remedy` is what helps against a token that the platform rejects.
    fn with(self, remedy: String) -> Error {
        match self {
            CallError::Platform(error) => {
                let error = Error::from(error);
                if error.kind == Kind::Authentication { error.hint(remedy) } else { error }
            }
            CallError::Token(error) | CallError::Own(error) => error,
        }
    }
}

/// The platform of one profile; several may be at work at once.
pub(super) struct Connection {
    platform: Platform<Tokens>,
    /// What helps against a token that the platform rejects.
    remedy: String,
}

impl Connection {
    pub async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&Platform<Tokens>) -> Result<T, CallError>,
    ) -> Result<T> {
        work(&self.platform).await.map_err(|error| error.with(self.remedy.clone()))
    }
}

impl Session {
    /// A token for `profile` that is good for at least `min_ttl`, to be given away. Nothing is set up
    /// for the network unless a renewal is due.
    pub fn bearer(&self, profile: &Resolved, min_ttl: SignedDuration) -> Result<Bearer> {
        let bearer = self.held(profile)?;
        let now = self.clock.now();
        let left = |bearer: &Bearer| bearer.expires_at().map(|end| end.duration_since(now));
        let lasts = |bearer: &Bearer| left(bearer).is_none_or(|left| left >= min_ttl);
        let bearer = match bearer {
            Bearer::Stored(stored) if !lasts(&Bearer::Stored(stored.clone())) => {
                self.renewed_for(profile, *stored, min_ttl)?
            }
            other => other,
        };
        match left(&bearer) {
            Some(left) if left < min_ttl => Err(match &bearer {
                Bearer::Variable(variable) => ends_too_soon(&variable.name, left, min_ttl)
                    .hint(format!("set {} to a fresh token, or ask for less with --min-ttl", variable.name)),
                Bearer::Stored(stored) => {
                    let record = &stored.record;
                    let full =
                        record.expires_at.map_or(0, |end| end.duration_since(record.written_at).as_secs());
                    let whose = format!("profile {}", profile.label());
                    ends_too_soon(&whose, left, min_ttl).hint(format!(
                        "the platform gives tokens of {full} s here: ask for less with --min-ttl"
                    ))
                }
            }),
            _ => Ok(bearer),
        }
    }

    fn renewed_for(&self, profile: &Resolved, stored: Stored, min_ttl: SignedDuration) -> Result<Bearer> {
        let record = &stored.record;
        let now = self.clock.now();
        // What a refresh gave last time is what it will give: no use in asking again and again.
        let full = record.expires_at.map(|end| end.duration_since(record.written_at));
        let was_refreshed = record.written_at > record.logged_in_at;
        if was_refreshed && full.is_some_and(|full| full < min_ttl) && !record.lifetime().is_expired(now) {
            return Ok(Bearer::Stored(Box::new(stored)));
        }
        let credential = self.credential(profile)?;
        let renewed = self.block_on(async {
            credential.renew(&stored).await.map_err(|unrenewed| match unrenewed {
                Unrenewed::NotTried(error) | Unrenewed::Failed(error) => error,
                Unrenewed::NotRenewable => {
                    match stored.record.expires_at.map(|end| end.duration_since(now)) {
                        Some(left) if left > SKEW => {
                            ends_too_soon(&format!("profile {}", profile.label()), left, min_ttl)
                                .hint(&credential.owner().login)
                        }
                        _ => credential.owner().expired(),
                    }
                }
            })
        })?;
        Ok(Bearer::Stored(Box::new(renewed)))
    }

    /// A renewal, due or not.
    pub fn refresh(&self, profile: &Resolved) -> Result<Stored> {
        if let Some(variable) = self.token_variable(profile)? {
            return Err(Error::usage(format!(
                "the token of profile {} comes from {} and can't be renewed here",
                profile.label(),
                variable.name
            ))
            .hint(format!("set {} to a fresh token, or unset it to renew the stored login", variable.name)));
        }
        let seen = self.require_stored(profile)?;
        let credential = self.credential(profile)?;
        self.block_on(async {
            credential.renew(&seen).await.map_err(|unrenewed| match unrenewed {
                Unrenewed::NotTried(error) | Unrenewed::Failed(error) => error,
                Unrenewed::NotRenewable => credential.owner().not_renewable(),
            })
        })
    }

    /// Works with the platform of `profile`, in its tenant, with tokens that look after themselves.
    pub fn call<T>(
        &self,
        profile: &Resolved,
        work: impl AsyncFnOnce(&Platform<Tokens>) -> Result<T, CallError>,
    ) -> Result<T> {
        let connection = self.connect(profile)?;
        self.block_on(connection.run(work))
    }

    /// What the work with one profile's platform takes. Reads the credential; asks nothing yet.
    pub(super) fn connect(&self, profile: &Resolved) -> Result<Connection> {
        let bearer = self.held(profile)?;
        let url = profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?.value.clone();
        let tenant = bearer.tenant(profile);
        let (tokens, remedy) = match bearer {
            Bearer::Variable(variable) => {
                (Tokens::Variable(variable.token), format!("unset or replace {}", variable.name))
            }
            Bearer::Stored(held) => {
                let credential = self.credential(profile)?;
                let remedy = credential.owner().login.clone();
                (Tokens::stored(credential, *held), remedy)
            }
        };
        Ok(Connection { platform: Platform::new(self.http(profile), url, tokens, tenant), remedy })
    }

    /// The token as it is now, whatever its age.
    fn held(&self, profile: &Resolved) -> Result<Bearer> {
        if let Some(variable) = self.token_variable(profile)? {
            return Ok(Bearer::Variable(variable));
        }
        let stored = self.stored(profile)?.ok_or_else(|| Owner::of(profile).not_logged_in())?;
        Ok(Bearer::Stored(Box::new(stored)))
    }

    /// The variable that supplies the selected profile's token. One that belongs to another
    /// environment is mentioned.
    pub fn token_variable(&self, profile: &Resolved) -> Result<Option<TokenVariable>> {
        let variables = self.config()?.token_variable(profile, true);
        if variables.passed_over {
            self.notices().warn(format!(
                "AUTOCOM_TOKEN belongs to another environment and is not used for profile {}",
                profile.label()
            ));
        }
        if let Some(TokenVariable { name, token }) = &variables.used
            && !token.expose().chars().all(|c| c.is_ascii_graphic())
        {
            let message = format!("the token in {name} is not one word of visible ASCII characters");
            return Err(Error::new(Kind::Authentication, message)
                .hint(format!("set {name} to the token alone, without quotes or spaces")));
        }
        Ok(variables.used)
    }
}

fn ends_too_soon(whose: &str, left: SignedDuration, min_ttl: SignedDuration) -> Error {
    let left = match left.is_positive() {
        true => format!("ends in {}", span(left)),
        false => "has ended".to_owned(),
    };
    let message =
        format!("the token of {whose} {left}, but is to be good for {} s at least", min_ttl.as_secs());
    Error::new(Kind::Authentication, message)
}

impl Tokens {
    pub(super) fn stored(credential: Credential, held: Stored) -> Tokens {
        Tokens::Stored { credential, held: Mutex::new(Box::new(held)) }
    }

    fn keep(held: &Mutex<Box<Stored>>, stored: Stored) -> Secret {
        let token = stored.record.access_token.clone();
        **held.lock().unwrap_or_else(PoisonError::into_inner) = stored;
        token
    }
}

impl TokenSource for Tokens {
    type Error = CallError;

    async fn current(&self) -> Result<Secret, CallError> {
        let (credential, held) = match self {
            Tokens::Variable(token) => return Ok(token.clone()),
            Tokens::Stored { credential, held } => (credential, held),
        };
        let seen = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (now, lifetime) = (credential.now(), seen.record.lifetime());
        if !lifetime.is_expired(now) {
            return Ok(seen.record.access_token);
        }
        match credential.renew(&seen).await {
            Ok(stored) => Ok(Tokens::keep(held, stored)),
            // The last seconds of a token are better than nothing.
            Err(Unrenewed::NotTried(error)) if !lifetime.ends_within(SignedDuration::ZERO, now) => {
                tracing::debug!(reason = error.message, "not renewed: using what is left of the token");
                Ok(seen.record.access_token)
            }
            Err(Unrenewed::NotTried(error) | Unrenewed::Failed(error)) => Err(CallError::Token(error)),
            Err(Unrenewed::NotRenewable) => Err(CallError::Token(credential.owner().expired())),
        }
    }

    async fn instead_of(&self, rejected: &Secret) -> Result<Option<Secret>, CallError> {
        let Tokens::Stored { credential, held } = self else { return Ok(None) };
        let seen = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if seen.record.access_token.expose() != rejected.expose() {
            return Ok(Some(seen.record.access_token)); // Another call of ours was faster.
        }
        let now = credential.look().await.map_err(CallError::Token)?;
        if credential.is_news(&now, &seen) {
            return Ok(Some(Tokens::keep(held, now)));
        }
        match credential.renew(&seen).await {
            Ok(stored) => Ok(Some(Tokens::keep(held, stored))),
            Err(Unrenewed::NotRenewable) => Ok(None),
            Err(Unrenewed::NotTried(error) | Unrenewed::Failed(error)) => Err(CallError::Token(error)),
        }
    }
}
