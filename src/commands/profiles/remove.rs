use clap::Args;
use jiff::Timestamp;

use super::super::Done;
use super::super::auth::logout::tell;
use super::names::existing;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{ConfigEdit, EditTarget, Facts, Selection, active, pins, resolve};
use crate::domain::{Key, ProfileName, autocom, one_line};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::login::logout::{self, LogoutTarget, Revoke};
use crate::session::profile::{config_file, expectation, loosening, selected, switch};

/// Remove a profile; logs it out too, unless another profile uses its credential
///
/// One whose name is invalid is removed from config.toml only.
#[derive(Debug, Args)]
pub struct Remove {
    name: String,
    /// The profile to make active instead, if this is the active one
    #[arg(long = "use", value_name = "OTHER")]
    successor: Option<String>,
    /// Leave its credential where it is
    #[arg(long)]
    keep_credential: bool,
}

/// What the removal was decided on.
struct Decided {
    name: ProfileName,
    successor: Option<ProfileName>,
    is_active: bool,
}

impl Verb for Remove {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        if context.config()?.document.check_usable(&self.name).is_err() {
            return self.remove_invalid(&config_file::lock_config(context)?);
        }
        let decided = self.decide(context)?;
        loosening::confirm_change(context, |edit| _ = edit.remove_profile(&decided.name))?;
        // Out first: if the credential can't be deleted, the profile that leads to it must stay.
        let locked = config_file::lock_config(context)?;
        let context = &match self.unshared(&locked, &decided.name)? {
            None => locked,
            Some(logout_target) => log_out(context, locked, &decided.name, &logout_target)?,
        };
        let Decided { name, successor, is_active } = self.decide(context)?;
        let remove = |edit: &mut ConfigEdit| {
            edit.remove_profile(&name);
            match &successor {
                Some(successor) => Ok(edit.set(&EditTarget::TopLevel, Key::Profile, successor.as_str())?),
                None => Ok(()),
            }
        };
        switch::move_profile(context, &name, None, remove, || {
            context.reporter().progress(format!("removed profile {name}"));
            switch::drop_pins(context, &name)
        })?;
        // Nothing leads back to what is no more.
        if let Some(successor) = successor.filter(|_| !is_active) {
            switch::remember_previous(context, context.config()?, &successor);
        }
        Ok(Done::nothing())
    }
}

impl Remove {
    /// The credential of the profile, unless another profile uses it too.
    fn unshared(&self, context: &Context, name: &ProfileName) -> Result<Option<LogoutTarget>> {
        let config = context.config()?;
        let profile = resolve(config, Selection::listed(name.clone())).ok();
        let profile = profile.filter(|profile| !self.keep_credential && profile.credential.is_some());
        let Some(profile) = profile else { return Ok(None) };
        let mut logout_target = logout::logout_target(context, &profile)?;
        // A store chosen by variable holds for every credential, not for the selected profile's alone.
        if let Ok(named) = resolve(config, Selection::by_flag(name.clone())) {
            logout_target.choice = named.store.value;
        }
        let other = selected::profiles_with_key(context, &logout_target.key, Some(name))?.into_iter().next();
        let Some(other) = other else { return Ok(Some(logout_target)) };
        context.reporter().progress(format!("its credential stays: profile {other} uses it"));
        Ok(None)
    }

    fn decide(&self, context: &Context) -> Result<Decided> {
        let name = existing(context, &self.name)?;
        expectation::meet_named(context, &name)?;
        if name.is_default() {
            return Err(Error::usage(
                "the profile `default` can't be removed: it is the top level of config.toml",
            )
            .hint(autocom("config unset api_url")));
        }
        let config = context.config()?;
        // Whoever can't read the pins can't free those of the profile.
        pins(config)?;
        let successor = self.successor.as_deref().map(|other| existing(context, other)).transpose()?;
        if successor.as_ref() == Some(&name) {
            return Err(Error::usage(format!("`{name}` can't follow itself")));
        }
        let is_active = active(config).ok().and_then(|selection| selection.name).as_ref() == Some(&name);
        if is_active && successor.is_none() {
            let other = config.profiles().into_iter().find(|other| *other != name);
            let other = other.map_or_else(|| "default".to_owned(), |other| other.to_string());
            return Err(Error::usage(format!("{name} is the active profile")).hint(
                autocom("profiles remove").value(name).option("--use", other).after("name the next one: "),
            ));
        }
        Ok(Decided { name, successor, is_active })
    }

    /// Of a profile that can't be used, the table alone: whose credential it would have used can't be told.
    fn remove_invalid(&self, context: &Context) -> Result<Done> {
        let name = self.name.as_str();
        expectation::meet_name(context, name)?;
        let successor = self.successor.as_deref().map(|other| existing(context, other)).transpose()?;
        let active = context.config()?.document.top().get(Key::Profile).and_then(|entry| entry.text());
        // `default` stays: it is the top level.
        if active == Some(name) && name != ProfileName::DEFAULT && successor.is_none() {
            let name = one_line(name);
            return Err(Error::usage(format!("{name} is the active profile")).hint(
                autocom("profiles remove").value(name).words("--use default").after("name the next one: "),
            ));
        }
        config_file::config_file(context).edit(|edit| {
            edit.remove_profile(name);
            match &successor {
                Some(successor) => edit.set(&EditTarget::TopLevel, Key::Profile, successor.as_str()),
                None => Ok(()),
            }
        })?;
        context
            .reporter()
            .progress(format!("removed profile `{}`; no credential was deleted", one_line(name)));
        match name.parse::<ProfileName>() {
            Ok(name) if !name.is_default() => switch::drop_pins(context, &name)?,
            _ => {}
        }
        Ok(Done::nothing())
    }
}

/// Logs the profile out with `config.toml` unlocked, and locks it again.
///
/// # Errors
/// The profile has changed since, or has a new login.
fn log_out(
    context: &Context,
    locked: Context,
    name: &ProfileName,
    logout_target: &LogoutTarget,
) -> Result<Context> {
    let login_written_at = |context: &Context| -> Result<Option<Timestamp>> {
        let login = context.config()?.captured.get(&logout_target.key);
        Ok(login.filter(|login| login.kept_in().is_some()).and_then(|login| login.written_at))
    };
    let again = autocom("profiles remove").value(name);
    let (facts, before) =
        (Facts::new(locked.config()?, name, &[Key::Credential]), login_written_at(&locked)?);
    drop(locked);
    let done = logout::logout(context, logout_target, Revoke::Logins)?;
    let locked = config_file::lock_config(context)?;
    if !done.stores.is_empty() {
        tell(context, &format!("profile {name}"), &done);
        locked.check_facts(&facts, &again)?;
    }
    let now = login_written_at(&locked)?;
    if now.is_some() && now != before {
        let message = format!("profile `{name}` has a new login; nothing was written");
        return Err(Error::usage(message).hint(again));
    }
    Ok(locked)
}
