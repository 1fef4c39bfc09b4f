use clap::Args;

use super::super::Done;
use super::super::auth::logout::tell;
use super::existing;
use crate::config::{EditTarget, Selection};
use crate::domain::Key;
use crate::error::{Error, Result};
use crate::session::Session;

/// Remove a profile; logs it out too, unless another profile uses its credential
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

impl Remove {
    pub fn run(self, session: &Session) -> Result<Done> {
        let name = existing(session, &self.name)?;
        session.meet_named(&name)?;
        if name.is_default() {
            return Err(Error::usage(
                "the profile `default` can't be removed: it is the top level of config.toml",
            )
            .hint("autocom config unset api_url"));
        }
        let config = session.config()?;
        // Whoever can't read the pins can't free those of the profile.
        config.pins()?;
        let successor = self.successor.as_deref().map(|other| existing(session, other)).transpose()?;
        if successor.as_ref() == Some(&name) {
            return Err(Error::usage(format!("`{name}` can't follow itself")));
        }
        let is_active = config.active().ok().and_then(|selection| selection.name).as_ref() == Some(&name);
        if is_active && successor.is_none() {
            let other = config.profiles().into_iter().find(|other| *other != name);
            let other = other.map_or_else(|| "default".to_owned(), |other| other.to_string());
            return Err(Error::usage(format!("{name} is the active profile"))
                .hint(format!("name the next one: autocom profiles remove {name} --use {other}")));
        }
        // Out first: if the credential can't be deleted, the profile that leads to it must stay.
        let profile = config.resolve(Selection::listed(name.clone())).ok().filter(|p| p.credential.is_some());
        if let Some(profile) = profile.filter(|_| !self.keep_credential) {
            let mut doomed = session.doomed(&profile)?;
            // A store chosen by variable holds for every credential, not for the selected profile's alone.
            if let Ok(named) = config.resolve(Selection::by_flag(name.clone())) {
                doomed.choice = named.store.value;
            }
            let others = session.profiles_with_key(&doomed.key, Some(&name))?;
            if let Some(other) = others.first() {
                session.notices().progress(format!("its credential stays: profile {other} uses it"));
            } else {
                let done = session.logout(&doomed, false)?;
                if !done.stores.is_empty() {
                    tell(session, &format!("profile {name}"), &done);
                }
            }
        }
        session.config_file().edit(|edit| {
            edit.remove_profile(&name);
            if let Some(successor) = successor.as_ref().filter(|_| is_active || self.successor.is_some()) {
                edit.set(&EditTarget::TopLevel, Key::Profile, successor.as_str())?;
            }
            Ok(())
        })?;
        session.notices().progress(format!("removed profile {name}"));
        session.drop_pins(&name)?;
        // Nothing leads back to what is no more.
        if let Some(successor) = successor.filter(|_| !is_active) {
            session.remember_previous(config, &successor);
        }
        Ok(Done::nothing())
    }
}
