//! Expectations of a command that opens no credential, or several.

use crate::config::{Resolved, Selection, resolve};
use crate::domain::{Expectation, UserRef};
use crate::error::{Kind, Result};
use crate::session::call::owner;
use crate::session::call::token_cache::TokenCache;
use crate::session::call::tokens;
use crate::session::context::Context;
use crate::session::credential::stored;
use crate::session::profile::{expectation, selected};

/// The whole of it for a command that opens no credential: what is known offline counts.
pub fn meet_all_expectations(context: &Context) -> Result<()> {
    // Before any file is read: `doctor` looks at them as they are.
    if expectation::expects_nothing(context) {
        return Ok(());
    }
    let profile = selected::profile(context)?;
    let variable = tokens::token_variable(context, &profile)?;
    if profile.tenant.is_none() || variable.is_some() {
        let tenant = match variable.clone() {
            Some(_) => tokens::own_tenant(&profile),
            None => profile.tenant.as_ref().map(|tenant| tenant.value.clone()),
        };
        expectation::meet_tenant(context, tenant.as_ref(), &format!("profile {}", profile.label()))?;
    }
    let wanted = expectation::expected_users(context, &profile)?;
    if wanted.is_empty() {
        return Ok(());
    }
    match (variable, &profile.login) {
        (Some(variable), _) => owner::variable_user(context, &profile, &variable).map(drop),
        (None, Some(login)) if !login.is_logged_out() => wanted.check_login(login),
        (None, Some(_)) => wanted.check(UserRef::new(None, None), "the login"),
        (None, None) => match stored::stored(context, &profile)? {
            Some(_) => Ok(()), // who it is was checked when it was read
            None => wanted.check(UserRef::new(None, None), "the login"),
        },
    }
}

/// As [`meet_everywhere`], of all profiles that there are.
pub fn meet_all_profiles(context: &Context) -> Result<()> {
    if expectation::expects_nothing(context) {
        return Ok(());
    }
    let config = context.config()?;
    let resolve = |name| resolve(config, Selection::one_of_several(name)).ok();
    let profiles: Vec<Resolved> = config.profiles().into_iter().filter_map(resolve).collect();
    meet_everywhere(context, &profiles.iter().collect::<Vec<_>>())
}

/// For a command that sends something to every platform: each profile must be what is expected.
pub(crate) fn meet_everywhere(context: &Context, profiles: &[&Resolved]) -> Result<()> {
    for profile in profiles {
        expectation::meet_expectations(context, profile).map_err(|error| error.about(profile.label()))?;
    }
    meet_users(context, &TokenCache::of(profiles.iter().copied()), profiles.iter().copied())
}

/// Whether every credential is the expected user's, before one of them is used.
pub(crate) fn meet_users<'p>(
    context: &Context,
    pool: &TokenCache,
    profiles: impl Iterator<Item = &'p Resolved>,
) -> Result<()> {
    let expectations = context.config()?.expectations()?;
    if !expectations.iter().any(|(expectation, _)| matches!(expectation, Expectation::User(_))) {
        return Ok(());
    }
    context.block_on(async {
        for profile in profiles {
            // What else is wrong with one is said when it is its turn.
            if let Err(error) = pool.tokens(context, profile).await
                && error.kind == Kind::Usage
            {
                return Err(error.about(profile.label()));
            }
        }
        Ok(())
    })
}
