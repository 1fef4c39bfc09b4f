//! The token of a profile, for calls to its platform: a variable's, else the store's, renewed in time.

use jiff::SignedDuration;

use crate::config::{Resolved, protection};
use crate::credentials::Stored;
use crate::domain::time::span;
use crate::domain::{Key, SKEW, Tenant, shell_word};
use crate::error::{Error, Result};
use crate::platform::Platform;
use crate::session::call::guard::{Access, Guard};
use crate::session::call::membership::ids;
use crate::session::call::owner;
use crate::session::call::tokens::{self, Bearer, CallError, Tokens};
use crate::session::context::{Context, no_environment};
use crate::session::credential::refresh::{self, RefreshError};
use crate::session::credential::stored;
use crate::session::profile::expectation;
use crate::session::profile::hints::about_profile;
use crate::session::protection::records;

/// How long a token that is given away is to be good for, unless `--min-ttl` says.
const MIN_TTL: SignedDuration = SignedDuration::from_secs(60);

/// What a platform says that requires a tenant where none is known, with the tenants that could be named.
pub(crate) async fn with_available_tenants(error: CallError, platform: &Platform<Access>) -> CallError {
    let CallError::Platform(error) = error else { return error };
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

/// A token for `profile` that is good for at least `min_ttl`, to be given away. `None`: for a minute, or what is
/// left of it where a login has given no refresh token. Nothing is set up for the network unless a renewal is due.
pub fn bearer(context: &Context, profile: &Resolved, min_ttl: Option<SignedDuration>) -> Result<Bearer> {
    let bearer = held(context, profile)?;
    let tenant = bearer.tenant(profile);
    meet_tenant(context, profile, tenant.as_ref())?;
    let (now, wanted) = (context.clock.now(), min_ttl.unwrap_or(MIN_TTL));
    let left = |bearer: &Bearer| bearer.expires_at().map(|end| end.duration_since(now));
    let lasts = |bearer: &Bearer| left(bearer).is_none_or(|left| left >= wanted);
    let bearer = match bearer {
        Bearer::Stored(stored) if stored.record.access_refused || !lasts(&Bearer::Stored(stored.clone())) => {
            renewed_for(context, profile, *stored, wanted)?
        }
        other => other,
    };
    match left(&bearer) {
        Some(left) if left >= wanted => Ok(bearer),
        None => Ok(bearer),
        Some(left) if min_ttl.is_none() && left.is_positive() && bearer.is_only_one() => {
            context.reporter.warn(about_to_end(profile, left));
            Ok(bearer)
        }
        Some(left) => Err(bearer.ends_too_soon(profile, left, wanted)),
    }
}

fn renewed_for(
    context: &Context,
    profile: &Resolved,
    stored: Stored,
    min_ttl: SignedDuration,
) -> Result<Bearer> {
    let record = &stored.record;
    let now = context.clock.now();
    // What a refresh gave last time is what it will give: no use in asking again and again.
    let full = record.full_life().filter(|full| *full < min_ttl);
    let was_refreshed = record.written_at > record.logged_in_at;
    if was_refreshed && full.is_some() && !record.lifetime().is_expired(now) {
        return Ok(Bearer::Stored(Box::new(stored)));
    }
    let credential = refresh::credential(context, profile)?;
    // Another login may give the same token again: where there never was a refresh token, it is used to its end.
    let least = if record.refresh_token.is_none() { SignedDuration::ZERO } else { SKEW };
    let left = record.expires_at.map(|end| end.duration_since(now));
    let is_usable = !record.access_refused && left.is_none_or(|left| left > least);
    let renewed = context.block_on(async {
        match credential.renew(&stored).await {
            Ok(renewed) => Ok(renewed),
            Err(RefreshError::NotRenewable) if is_usable => Ok(stored.clone()),
            Err(RefreshError::NotRenewable) => Err(credential.owner().expired()),
            Err(
                RefreshError::NotTried(error) | RefreshError::Refused(error) | RefreshError::Failed(error),
            ) => Err(error),
        }
    })?;
    Ok(Bearer::Stored(Box::new(renewed)))
}

/// A renewal, due or not.
pub fn refresh(context: &Context, profile: &Resolved) -> Result<Stored> {
    if let Some(variable) = tokens::token_variable(context, profile)? {
        return Err(Error::usage(format!(
            "the token of profile {} comes from {} and can't be renewed here",
            profile.label(),
            variable.name
        ))
        .hint(format!("set {} to a fresh token, or unset it to renew the stored login", variable.name)));
    }
    let seen = stored::require_stored(context, profile)?;
    let credential = refresh::credential(context, profile)?;
    context.block_on(async {
        credential.renew_as_asked(&seen).await.map_err(|unrenewed| match unrenewed {
            RefreshError::NotTried(error) | RefreshError::Refused(error) | RefreshError::Failed(error) => {
                error
            }
            RefreshError::NotRenewable => credential.owner().not_renewable(),
        })
    })
}

/// Works with the platform of `profile`, in its tenant, with tokens that look after themselves.
pub fn call<T>(
    context: &Context,
    profile: &Resolved,
    work: impl AsyncFnOnce(&Platform<Access>) -> Result<T, CallError>,
) -> Result<T> {
    context.block_on(async {
        let tokens = tokens(context, profile).await?;
        let tokens = tokens.ok_or_else(|| stored::not_logged_in(context, profile))?;
        warn_of_last_seconds(context, profile, &tokens);
        let platform = platform(context, profile, tokens)?;
        let outcome = match work(&platform).await {
            Err(error) => Err(with_available_tenants(error, &platform).await),
            done => {
                platform.tokens().tokens.accepted().await;
                done
            }
        };
        outcome.map_err(|error| about_profile(error.with(&platform.tokens().tokens), profile))
    })
}

fn warn_of_last_seconds(context: &Context, profile: &Resolved, tokens: &Tokens) {
    let record = tokens.held().map(|stored| stored.record).filter(|record| !record.is_renewable());
    let left = record.and_then(|record| Some(record.expires_at?.duration_since(context.clock.now())));
    if let Some(left) = left.filter(|left| left.is_positive() && *left < SKEW) {
        context.reporter.warn(about_to_end(profile, left));
    }
}

/// The tokens of `profile`, or `None` if nobody is logged in.
pub(crate) async fn tokens(context: &Context, profile: &Resolved) -> Result<Option<Tokens>> {
    if let Some(variable) = tokens::token_variable(context, profile)? {
        owner::vet(context, profile, &variable).await?;
        return Ok(Some(Tokens::Variable(variable)));
    }
    // A profile without an environment can't have been logged in to.
    if profile.credential.is_none() || profile.api_url.is_none() {
        return Ok(None);
    }
    let credential = refresh::credential(context, profile)?;
    let held = credential.find().await.map_err(|error| about_profile(error, profile))?;
    Ok(held.map(|held| Tokens::stored(credential, held)))
}

fn meet_tenant(context: &Context, profile: &Resolved, tenant: Option<&Tenant>) -> Result<()> {
    let from = format!("the credential of profile {}", profile.label());
    expectation::meet_tenant(context, tenant, &from).map_err(|error| error.naming(profile.label()))
}

/// The platform of `profile`, for the tenant that goes along with `tokens`.
pub(crate) fn platform(context: &Context, profile: &Resolved, tokens: Tokens) -> Result<Platform<Access>> {
    let url = profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?.value.clone();
    let tenant = tokens.tenant_now(profile);
    meet_tenant(context, profile, tenant.as_ref())?;
    Ok(Platform::new(context.http(profile), url, access(context, profile, tokens)?, tenant))
}

/// The token as it is now, whatever its age.
fn held(context: &Context, profile: &Resolved) -> Result<Bearer> {
    if let Some(variable) = tokens::token_variable(context, profile)? {
        if !expectation::wanted(context, profile)?.is_empty() {
            owner::variable_user(context, profile, &variable)?;
        }
        return Ok(Bearer::Variable(variable));
    }
    let stored = stored::require_stored(context, profile)?;
    Ok(Bearer::Stored(Box::new(stored)))
}

/// Said of a token that is used to its end.
fn about_to_end(profile: &Resolved, left: SignedDuration) -> String {
    format!("the token of profile {} expires in {} and cannot be refreshed", profile.label(), span(left))
}

/// What the platform of `profile` is asked with.
pub(crate) fn access(context: &Context, profile: &Resolved, tokens: Tokens) -> Result<Access> {
    let protection = match protection(context.config()?, profile) {
        Ok(Some(protection)) => protection,
        Ok(None) => return Ok(Access::new(tokens, Ok(None))),
        Err(error) => return Ok(Access::new(tokens, Err(error.into()))),
    };
    let guard = Guard {
        confirmed: context.confirmed.iter().any(|name| name == protection.name.as_str()),
        protection,
        label: profile.label().to_owned(),
        http: context.http(profile),
        url: profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?.value.clone(),
        tenant: tokens.tenant_now(profile),
        prompter: context.can_ask.then(|| context.prompter.clone()),
        records: records::records(context),
        typed: context.typed.clone(),
    };
    Ok(Access::new(tokens, Ok(Some(guard))))
}
