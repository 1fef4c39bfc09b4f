//! Which user the token of a variable belongs to. Only the platform knows: it is asked once, before anything else.

use std::time::{Duration, Instant};

use crate::config::{Resolved, TokenVariable};
use crate::domain::{ApiUrl, Secret};
use crate::error::Result;
use crate::platform::{Platform, Profile as User};
use crate::session::call::tokens::{self, CallError, Tokens};
use crate::session::context::{self, Asked, Context};
use crate::session::profile::expectation;
use crate::session::profile::hints::about_profile;

/// Whose a variable's token is, asked of the platform once, and refused if it is the wrong one's.
pub(crate) async fn variable_owner(
    context: &Context,
    profile: &Resolved,
    variable: &TokenVariable,
) -> Result<User> {
    let url = profile.api_url.as_ref().ok_or_else(|| context::no_environment(profile))?.value.clone();
    let user = match known_owner(context, profile, variable) {
        Some((user, _)) => user,
        None => {
            let started = Instant::now();
            let user = ask_owner(context, profile, variable, url).await?;
            let answer = (user.clone(), started.elapsed());
            context.owners.borrow_mut().insert(owner_key(profile, variable), answer);
            user
        }
    };
    expectation::wanted(context, profile)?.check(user.user(), &format!("the token in {}", variable.name))?;
    Ok(user)
}

/// Whose a variable's token is, if that was asked already, and how long the answer took.
pub(crate) fn known_owner(
    context: &Context,
    profile: &Resolved,
    variable: &TokenVariable,
) -> Option<(User, Duration)> {
    context.owners.borrow().get(&owner_key(profile, variable)).cloned()
}

/// Whether a token that is not let into a tenant is that of the user whom `profile` is for: that it
/// is a stranger's comes first. `platform`: in no tenant. Where it is for anybody, nobody is asked.
pub(crate) async fn meet_anywhere(
    context: &Context,
    profile: &Resolved,
    platform: &Platform<Secret>,
    whose: &str,
) -> Result<()> {
    let wanted = expectation::wanted(context, profile)?;
    if wanted.is_empty() {
        return Ok(());
    }
    match platform.profile().await {
        Ok(user) => wanted.check(user.user(), whose),
        // What was wrong first says more.
        Err(_) => Ok(()),
    }
}

async fn ask_owner(
    context: &Context,
    profile: &Resolved,
    variable: &TokenVariable,
    url: ApiUrl,
) -> Result<User> {
    let tokens = Tokens::Variable(variable.clone());
    let tenant = tokens::own_tenant(profile);
    let platform = Platform::new(context.http(profile), url.clone(), tokens, tenant);
    match platform.profile().await {
        Ok(user) => Ok(user),
        Err(error) => {
            if matches!(&error, CallError::Platform(error) if error.is_no_entry()) {
                let anywhere = Platform::new(context.http(profile), url, variable.token.clone(), None);
                let whose = format!("the token in {}", variable.name);
                meet_anywhere(context, profile, &anywhere, &whose).await?;
            }
            Err(about_profile(error.with(platform.tokens()), profile))
        }
    }
}

/// As [`variable_owner`], for who is not at work with the network yet.
pub(crate) fn variable_user(context: &Context, profile: &Resolved, variable: &TokenVariable) -> Result<User> {
    context.block_on(variable_owner(context, profile, variable))
}

/// Before a variable's token is used: whose it is, if that matters.
pub(crate) async fn vet(context: &Context, profile: &Resolved, variable: &TokenVariable) -> Result<()> {
    if expectation::wanted(context, profile)?.is_empty() {
        Ok(())
    } else {
        variable_owner(context, profile, variable).await.map(drop)
    }
}

fn owner_key(profile: &Resolved, variable: &TokenVariable) -> Asked {
    let url = profile.api_url.as_ref().map(|url| url.value.to_string()).unwrap_or_default();
    let tenant = tokens::own_tenant(profile);
    (url, variable.name.clone(), tenant)
}
