//! The token of a profile, for calls to its platform: a variable's, else the store's, renewed in time.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::credential::{Credential, Unrenewed};
use super::hints::about_profile;
use super::login::ids;
use super::protection::Access;
use super::record::login_again_command;
use super::{Session, no_environment};
use crate::config::{Resolved, TokenVariable};
use crate::credentials::Stored;
use crate::domain::time::span;
use crate::domain::{Key, Layer, SKEW, Secret, Tenant, jwt, shell_word, token_flaw};
use crate::error::{Error, Kind, Result};
use crate::platform::{Platform, PlatformError, TokenSource};

/// How long a token that is given away is to be good for, unless `--min-ttl` says.
const MIN_TTL: SignedDuration = SignedDuration::from_secs(60);

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

    /// Whether the platform gave no way to get another one.
    fn is_only_one(&self) -> bool {
        matches!(self, Bearer::Stored(stored) if stored.record.refresh_token.is_none())
    }

    fn subject(&self, profile: &Resolved) -> String {
        match self {
            Bearer::Variable(variable) => format!("the token of {}", variable.name),
            Bearer::Stored(_) => format!("the token of profile {}", profile.label()),
        }
    }

    fn ends_too_soon(&self, profile: &Resolved, left: SignedDuration, min_ttl: SignedDuration) -> Error {
        let left = match left.is_positive() {
            true => format!("ends in {}", span(left)),
            false => "has ended".to_owned(),
        };
        let subject = self.subject(profile);
        let message = format!("{subject} {left}, but is to be good for {} s at least", min_ttl.as_secs());
        let ask_for_less = "ask for less with --min-ttl";
        Error::new(Kind::Authentication, message).hint(match self {
            Bearer::Variable(variable) => {
                format!("set {} to a fresh token, or {ask_for_less}", variable.name)
            }
            Bearer::Stored(stored) if !stored.record.is_renewable() => login_again_command(profile),
            Bearer::Stored(stored) => match stored.record.full_life() {
                Some(full) => {
                    format!("the platform gives tokens of {} s here: {ask_for_less}", full.as_secs())
                }
                None => ask_for_less.to_owned(),
            },
        })
    }

    /// The tenant that goes along with it.
    pub fn tenant(&self, profile: &Resolved) -> Option<Tenant> {
        match self {
            Bearer::Variable(_) => own_tenant(profile),
            Bearer::Stored(stored) => tenant_with(profile, stored),
        }
    }
}

/// Not the one that a login learned, which may have been somebody else's.
fn own_tenant(profile: &Resolved) -> Option<Tenant> {
    let own = profile.tenant.as_ref().filter(|tenant| tenant.layer != Layer::Captured);
    own.map(|tenant| tenant.value.clone())
}

fn tenant_with(profile: &Resolved, stored: &Stored) -> Option<Tenant> {
    profile.tenant.as_ref().map(|tenant| tenant.value.clone()).or_else(|| stored.record.tenant.clone())
}

/// The tokens of a profile while a command runs. Clones are the same tokens.
#[derive(Clone)]
pub enum Tokens {
    Variable(TokenVariable),
    Stored { credential: Credential, held: Arc<Mutex<Box<Stored>>> },
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
    /// What a platform says that requires a tenant where none is known, with the tenants that could be named.
    pub(super) async fn with_available_tenants(self, platform: &Platform<Access>) -> CallError {
        let CallError::Platform(error) = self else { return self };
        if platform.tenant().is_some() || !error.mentions_tenant() {
            return error.into();
        }
        match platform.tenants().await {
            Ok(available) if !available.is_empty() => {
                let first = shell_word(&available[0].id);
                CallError::Own(Error::from(error).cause("no tenant is set").hint(format!(
                    "available tenants: {}; choose one: --{} {first}, or AUTOCOM_TENANT={first}",
                    ids(&available),
                    Key::Tenant
                )))
            }
            _ => error.into(),
        }
    }

    /// For people, with what helps against a token that the platform rejects.
    pub(super) fn with(self, tokens: &Tokens) -> Error {
        match self {
            CallError::Platform(error) => {
                let error = Error::from(error);
                if error.kind == Kind::Authentication { error.hint(tokens.remedy()) } else { error }
            }
            CallError::Token(error) | CallError::Own(error) => error,
        }
    }
}

impl Session {
    /// A token for `profile` that is good for at least `min_ttl`, to be given away. `None`: for a minute, or what is
    /// left of it where a login has given no refresh token. Nothing is set up for the network unless a renewal is due.
    pub fn bearer(&self, profile: &Resolved, min_ttl: Option<SignedDuration>) -> Result<Bearer> {
        let bearer = self.held(profile)?;
        let tenant = bearer.tenant(profile);
        self.meet_tenant(tenant.as_ref(), &format!("the credential of profile {}", profile.label()))?;
        let (now, wanted) = (self.clock.now(), min_ttl.unwrap_or(MIN_TTL));
        let left = |bearer: &Bearer| bearer.expires_at().map(|end| end.duration_since(now));
        let lasts = |bearer: &Bearer| left(bearer).is_none_or(|left| left >= wanted);
        let bearer = match bearer {
            Bearer::Stored(stored)
                if stored.record.access_refused || !lasts(&Bearer::Stored(stored.clone())) =>
            {
                self.renewed_for(profile, *stored, wanted)?
            }
            other => other,
        };
        match left(&bearer) {
            Some(left) if left >= wanted => Ok(bearer),
            None => Ok(bearer),
            Some(left) if min_ttl.is_none() && left.is_positive() && bearer.is_only_one() => {
                self.notices.warn(about_to_end(profile, left));
                Ok(bearer)
            }
            Some(left) => Err(bearer.ends_too_soon(profile, left, wanted)),
        }
    }

    fn renewed_for(&self, profile: &Resolved, stored: Stored, min_ttl: SignedDuration) -> Result<Bearer> {
        let record = &stored.record;
        let now = self.clock.now();
        // What a refresh gave last time is what it will give: no use in asking again and again.
        let full = record.full_life().filter(|full| *full < min_ttl);
        let was_refreshed = record.written_at > record.logged_in_at;
        if was_refreshed && full.is_some() && !record.lifetime().is_expired(now) {
            return Ok(Bearer::Stored(Box::new(stored)));
        }
        let credential = self.credential(profile)?;
        // Another login may give the same token again: where there never was a refresh token, it is used to its end.
        let least = if record.refresh_token.is_none() { SignedDuration::ZERO } else { SKEW };
        let left = record.expires_at.map(|end| end.duration_since(now));
        let is_usable = !record.access_refused && left.is_none_or(|left| left > least);
        let renewed = self.block_on(async {
            match credential.renew(&stored).await {
                Ok(renewed) => Ok(renewed),
                Err(Unrenewed::NotRenewable) if is_usable => Ok(stored.clone()),
                Err(Unrenewed::NotRenewable) => Err(credential.owner().expired()),
                Err(Unrenewed::NotTried(error) | Unrenewed::Refused(error) | Unrenewed::Failed(error)) => {
                    Err(error)
                }
            }
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
            credential.renew_as_asked(&seen).await.map_err(|unrenewed| match unrenewed {
                Unrenewed::NotTried(error) | Unrenewed::Refused(error) | Unrenewed::Failed(error) => error,
                Unrenewed::NotRenewable => credential.owner().not_renewable(),
            })
        })
    }

    /// Works with the platform of `profile`, in its tenant, with tokens that look after themselves.
    pub fn call<T>(
        &self,
        profile: &Resolved,
        work: impl AsyncFnOnce(&Platform<Access>) -> Result<T, CallError>,
    ) -> Result<T> {
        self.block_on(async {
            let tokens = self.tokens(profile).await?;
            let tokens = tokens.ok_or_else(|| self.not_logged_in(profile))?;
            self.warn_of_last_seconds(profile, &tokens);
            let platform = self.platform(profile, tokens)?;
            let outcome = match work(&platform).await {
                Err(error) => Err(error.with_available_tenants(&platform).await),
                done => {
                    platform.tokens().tokens.accepted().await;
                    done
                }
            };
            outcome.map_err(|error| about_profile(error.with(&platform.tokens().tokens), profile))
        })
    }

    fn warn_of_last_seconds(&self, profile: &Resolved, tokens: &Tokens) {
        let record = tokens.held().map(|stored| stored.record).filter(|record| !record.is_renewable());
        let left = record.and_then(|record| Some(record.expires_at?.duration_since(self.clock.now())));
        if let Some(left) = left.filter(|left| left.is_positive() && *left < SKEW) {
            self.notices.warn(about_to_end(profile, left));
        }
    }

    /// The tokens of `profile`, or `None` if nobody is logged in.
    pub(super) async fn tokens(&self, profile: &Resolved) -> Result<Option<Tokens>> {
        if let Some(variable) = self.token_variable(profile)? {
            self.vet(profile, &variable).await?;
            return Ok(Some(Tokens::Variable(variable)));
        }
        // A profile without an environment can't have been logged in to.
        if profile.credential.is_none() || profile.api_url.is_none() {
            return Ok(None);
        }
        let credential = self.credential(profile)?;
        let held = credential.find().await.map_err(|error| about_profile(error, profile))?;
        Ok(held.map(|held| Tokens::stored(credential, held)))
    }

    /// The platform of `profile`, for the tenant that goes along with `tokens`.
    pub(super) fn platform(&self, profile: &Resolved, tokens: Tokens) -> Result<Platform<Access>> {
        let url = profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?.value.clone();
        let tenant = tokens.tenant(profile);
        self.meet_tenant(tenant.as_ref(), &format!("the credential of profile {}", profile.label()))?;
        Ok(Platform::new(self.http(profile), url, self.access(profile, tokens)?, tenant))
    }

    /// The token as it is now, whatever its age.
    fn held(&self, profile: &Resolved) -> Result<Bearer> {
        if let Some(variable) = self.token_variable(profile)? {
            if !self.wanted(profile)?.is_empty() {
                self.variable_user(profile, &variable)?;
            }
            return Ok(Bearer::Variable(variable));
        }
        let stored = self.require_stored(profile)?;
        Ok(Bearer::Stored(Box::new(stored)))
    }

    /// The variable that supplies the selected profile's token. One that belongs to another
    /// environment is mentioned.
    pub fn token_variable(&self, profile: &Resolved) -> Result<Option<TokenVariable>> {
        let variables = self.config()?.token_variable(profile, profile.selection.sole);
        if variables.passed_over {
            self.notices().warn(match profile.selection.sole {
                true => format!(
                    "AUTOCOM_TOKEN belongs to another environment and is not used for profile {}",
                    profile.label()
                ),
                // Once for all of them.
                false => "AUTOCOM_TOKEN belongs to another environment and is not used".to_owned(),
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
}

/// Said of a token that is used to its end.
fn about_to_end(profile: &Resolved, left: SignedDuration) -> String {
    format!("the token of profile {} expires in {} and cannot be refreshed", profile.label(), span(left))
}

impl Tokens {
    pub(super) fn stored(credential: Credential, held: Stored) -> Tokens {
        Tokens::Stored { credential, held: Arc::new(Mutex::new(Box::new(held))) }
    }

    /// The record as it is now, if they are stored ones.
    pub(super) fn held(&self) -> Option<Stored> {
        match self {
            Tokens::Variable(_) => None,
            Tokens::Stored { held, .. } => {
                Some((**held.lock().unwrap_or_else(PoisonError::into_inner)).clone())
            }
        }
    }

    /// Whether a renewal waits for another process.
    pub(super) fn waits_for_lock(&self) -> bool {
        matches!(self, Tokens::Stored { credential, .. } if credential.waits_for_lock())
    }

    /// What helps if the platform rejects them.
    fn remedy(&self) -> String {
        match self {
            Tokens::Variable(variable) => format!("unset or replace {}", variable.name),
            Tokens::Stored { credential, .. } => credential.owner().login.clone(),
        }
    }

    /// The tenant that goes along with them.
    pub(super) fn tenant(&self, profile: &Resolved) -> Option<Tenant> {
        match self {
            Tokens::Variable(_) => own_tenant(profile),
            Tokens::Stored { held, .. } => {
                tenant_with(profile, &held.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// Notes that the platform takes an access token that it had rejected.
    pub(super) async fn accepted(&self) {
        if let Tokens::Stored { credential, .. } = self
            && let Some(held) = self.held().filter(|held| held.record.access_refused)
        {
            credential.remember_access(&held, false).await;
        }
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
            Tokens::Variable(variable) => return Ok(variable.token.clone()),
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
            Err(Unrenewed::NotTried(error) | Unrenewed::Refused(error)) if !lifetime.has_ended(now) => {
                tracing::debug!(reason = error.message, "not renewed: using what is left of the token");
                Ok(seen.record.access_token)
            }
            Err(Unrenewed::NotTried(error) | Unrenewed::Refused(error) | Unrenewed::Failed(error)) => {
                Err(CallError::Token(error))
            }
            Err(Unrenewed::NotRenewable) if !lifetime.has_ended(now) => Ok(seen.record.access_token),
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
            Err(Unrenewed::NotRenewable) => {
                credential.remember_if_rejected(&seen).await;
                Ok(None)
            }
            Err(Unrenewed::Refused(error)) => {
                credential.remember_if_rejected(&seen).await;
                Err(CallError::Token(error))
            }
            Err(Unrenewed::NotTried(error) | Unrenewed::Failed(error)) => Err(CallError::Token(error)),
        }
    }
}
