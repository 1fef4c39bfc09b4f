//! The profile that a command works with.

use crate::config::{Config, Resolved, resolve, select};
use crate::domain::{CredentialKey, NextCommand, ProfileName};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::expectation;

/// The profile that this command works with.
pub fn profile(context: &Context) -> Result<Resolved> {
    let config = context.config()?;
    let profile = resolve(config, select(config)?)?;
    context.warn_of_unreadable_file(config);
    tracing::info!(
        profile = profile.label(),
        by = %profile.selection.origin,
        api_url = profile.api_url.as_ref().map(|url| url.value.as_str()),
        tenant = profile.tenant.as_ref().map(|tenant| tenant.value.as_str()),
        credential = profile.credential.as_ref().map(|key| key.value.as_str()),
        "resolved"
    );
    for passed_over in &profile.passed_over {
        context.reporter.note(format!(
            "{} is set but not used: --profile {} has its own {}",
            passed_over.variable,
            profile.label(),
            passed_over.key
        ));
    }
    expectation::meet_expectations(context, &profile)?;
    Ok(profile)
}

/// The profiles, other than `except`, that use the credential `key`.
pub fn profiles_with_key(
    context: &Context,
    key: &CredentialKey,
    except: Option<&ProfileName>,
) -> Result<Vec<ProfileName>> {
    let config = context.config()?;
    Ok(config
        .profiles()
        .into_iter()
        .filter(|name| Some(name) != except)
        .filter(|name| {
            let profile = resolve(config, crate::config::Selection::listed(name.clone()));
            profile.is_ok_and(|profile| profile.credential.is_some_and(|own| own.value == *key))
        })
        .collect())
}

/// An error about a profile that does not exist, with the command that creates it.
pub fn or_create(config: &Config, unknown: Error, create: NextCommand) -> Error {
    // A slip is likelier than a profile that was to be made.
    let existing = unknown.hint.clone().filter(|_| !config.profiles().is_empty());
    unknown.hint(match existing {
        Some(existing) => existing.text("; to create it: ").command(create),
        None => create.after("to create it: "),
    })
}
