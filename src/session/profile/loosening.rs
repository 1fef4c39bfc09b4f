//! Confirmation of changes that take protection away.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::PoisonError;

use crate::config::{
    Config, ConfigEdit, ConfigError, Document, Flags, Logins, Loosened, Selection, Watcher, loosened_by,
    protection, resolve,
};
use crate::domain::{ApiUrl, ProfileName, one_line, shell_word};
use crate::error::{Error, Kind, Result};
use crate::session::context::Context;
use crate::session::profile::config_file;
use crate::session::protection::journal::{self, JournalEvent, Permit};
use crate::session::protection::{lease, records};
use crate::system::environment::Environment;
use crate::system::prompter::Prompter;

/// Has a person type the name of a protected profile. `nothing` is what is said of a refusal.
pub(crate) fn ask_for_name(prompter: &dyn Prompter, name: &str, nothing: &str) -> Result<()> {
    match prompter.answer("Type the name of the profile to go on:") {
        Some(typed) if typed.trim() == name => Ok(()),
        Some(_) => Err(Error::usage(format!("that is not {name}: {nothing}"))
            .hint(format!("type `{name}`, or give the command --confirm {}", shell_word(name)))),
        None => Err(Error::new(Kind::Interrupted, format!("not confirmed: {nothing}"))),
    }
}

/// Ends the lease of a profile; answers whether there was one.
pub fn lock(context: &Context, name: &ProfileName) -> Result<bool> {
    let was_open = lease::end_lease(&records::records(context), name)?;
    if was_open {
        journal::write(&records::records(context), JournalEvent::Locked { profile: name.to_string() })?;
    }
    Ok(was_open)
}

/// The confirmation of changes in the protected profile `name` that was given so far.
fn permit(context: &Context, name: &str) -> Option<Permit> {
    let typed = || context.typed.lock().unwrap_or_else(PoisonError::into_inner).contains(name);
    if context.confirmed.iter().any(|confirmed| confirmed == name) {
        Some(Permit::Flag)
    } else {
        typed().then_some(Permit::Typed)
    }
}

/// The confirmation to loosen the protection of `name`, asked for where it was not given yet.
pub(crate) fn confirm_loosening(context: &Context, name: &str, change: &str) -> Result<Permit> {
    if let Some(permit) = permit(context, name) {
        return Ok(permit);
    }
    let shown = one_line(name);
    if !context.can_ask {
        return Err(Error::usage(format!("profile {shown} is protected, and this would {change}"))
            .cause("nothing was written")
            .hint(format!(
                "if that is what you want: the same command with --confirm {}",
                shell_word(name)
            )));
    }
    context.reporter.show(format!("{shown} is protected, and this would {change}.\n"));
    ask_for_name(context.prompter.as_ref(), name, "nothing was written")?;
    context.typed.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    Ok(Permit::Typed)
}

/// Confirms now what `change` would loosen, for a command that does something else before it writes. To be called
/// with `config.toml` unlocked.
pub fn confirm_change(context: &Context, change: impl FnOnce(&mut ConfigEdit)) -> Result<()> {
    let file = config_file::config_file(context);
    let before = file.bytes()?.unwrap_or_default();
    let after = file.rehearse(|edit| {
        change(edit);
        edit.config()
    })?;
    let loosened = config_of(&before).map(|before| loosened_by(&before, &after)).unwrap_or_default();
    loosened.iter().try_for_each(|it| confirm_loosening(context, &it.name, &it.change).map(drop))
}

/// Ends the leases of profiles whose name, address or protection a write of `config.toml` changes. It comes
/// before the write: one that fails leaves a lease too few, and none too many.
fn end_groundless_leases(context: &Context, before: &[u8], after: &[u8]) {
    // What can't be read opens nothing.
    let leases = lease::leases(&records::records(context)).unwrap_or_default();
    let names: BTreeSet<ProfileName> = leases.iter().filter_map(|lease| lease.profile.parse().ok()).collect();
    if names.is_empty() {
        return;
    }
    let (before, after) = (config_of(before), config_of(after));
    for name in names {
        let (was, is) = (ground(before.as_ref(), &name), ground(after.as_ref(), &name));
        // One that lost it by hand has its lease no longer either; one that is not in this file at all may
        // well be in another.
        let is_there = after.as_ref().is_none_or(|after| after.exists(&name));
        if was != is || is.is_none() && is_there {
            close(context, &name);
        }
    }
}

/// # Errors
/// It is not confirmed, or the journal can't be written.
fn write_down_loosening(context: &Context, before: &[u8], after: &[u8]) -> Result<()> {
    let loosened = loosened(before, after);
    let permits = loosened.iter().map(|it| confirm_loosening(context, &it.name, &it.change));
    let permits = permits.collect::<Result<Vec<_>>>()?;
    for (Loosened { name: profile, url, change }, permit) in loosened.into_iter().zip(permits) {
        let api_url = url.map(|url| url.to_string());
        journal::write(
            &records::records(context),
            JournalEvent::Loosened { profile, api_url, change, permit },
        )
        .map_err(|error| Error { message: format!("nothing was written: {}", error.message), ..error })?;
    }
    Ok(())
}

fn close(context: &Context, name: &ProfileName) {
    match lock(context, name) {
        Ok(true) => context.reporter.progress(format!("profile {name} is not unlocked any more")),
        Ok(false) => {}
        Err(error) => {
            context.reporter.warn(format!("profile {name} may still be unlocked: {}", error.message))
        }
    }
}

/// Empty where one of them cannot be parsed: such a file protects nothing.
fn loosened(before: &[u8], after: &[u8]) -> Vec<Loosened> {
    let (before, after) = (config_of(before), config_of(after));
    before.zip(after).map(|(before, after)| loosened_by(&before, &after)).unwrap_or_default()
}

/// `None`: it can't be understood.
fn config_of(bytes: &[u8]) -> Option<Config> {
    let document = Document::parse(Path::new(""), bytes.to_vec()).ok()?;
    Config::new(document, Logins::default(), Environment::default(), Flags::default()).ok()
}

/// What a lease is given for: the address of a profile that is protected, and by which one's name.
fn ground(config: Option<&Config>, name: &ProfileName) -> Option<(ApiUrl, ProfileName)> {
    let profile = resolve(config?, Selection::listed(name.clone())).ok()?;
    let protection = protection(config?, &profile).ok()??;
    Some((profile.api_url?.value, protection.name))
}

impl Watcher for Context {
    fn must_ask(&self, before: &[u8], after: &[u8]) -> bool {
        self.can_ask && loosened(before, after).iter().any(|it| permit(self, &it.name).is_none())
    }

    fn ask(&self, before: &[u8], after: &[u8]) -> Result<(), ConfigError> {
        let mut loosened = loosened(before, after).into_iter();
        let asked = loosened.try_for_each(|it| confirm_loosening(self, &it.name, &it.change).map(drop));
        asked.map_err(|error| ConfigError::Refused(error.into()))
    }

    fn admit(&self, before: &[u8], after: &[u8]) -> Result<(), ConfigError> {
        write_down_loosening(self, before, after).map_err(|error| ConfigError::Refused(error.into()))?;
        end_groundless_leases(self, before, after);
        Ok(())
    }
}
