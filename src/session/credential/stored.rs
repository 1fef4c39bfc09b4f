//! The stored credential of a profile, and `logins.toml` kept true to it.

use crate::config::{Resolved, blank_token_variable};
use crate::credentials::Stored;
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::credential::refresh;
use crate::session::profile::login_command::Owner;

/// The profile's credential, if there is one. It is refused if another origin issued it.
pub fn stored(context: &Context, profile: &Resolved) -> Result<Option<Stored>> {
    // A profile without an environment can't have been logged in to.
    match (&profile.credential, &profile.api_url) {
        (Some(_), Some(_)) => refresh::credential(context, profile)?.read(),
        _ => Ok(None),
    }
}

/// The profile's credential, or how to get one.
pub fn require_stored(context: &Context, profile: &Resolved) -> Result<Stored> {
    stored(context, profile)?.ok_or_else(|| not_logged_in(context, profile))
}

/// Nobody is: the command that helps, and the variable that would have if it were not empty.
pub(crate) fn not_logged_in(context: &Context, profile: &Resolved) -> Error {
    let (owner, config) = (Owner::new(profile), context.config().ok());
    let error = owner.not_logged_in();
    match config.and_then(|config| blank_token_variable(config, profile)) {
        Some(name) => error
            .cause(format!("{name} is set, but empty, which counts as unset"))
            .hint(owner.login.clone().after(format!("give {name} a token, or log in: "))),
        None => error,
    }
}
