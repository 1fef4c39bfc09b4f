use clap::Args;

use super::super::Done;
use super::keys::{known, target};
use crate::config::EditTarget;
use crate::domain::{Key, ProfileName};
use crate::error::Result;
use crate::session::context::Session;
use crate::session::profile::{config_file, expectation};

/// Remove a key, so that the next layer's value holds
#[derive(Debug, Args)]
pub struct Unset {
    key: String,
}

impl Unset {
    pub fn run(self, session: &Session) -> Result<Done> {
        let session = &config_file::lock_config(session)?;
        let (target, key) = target(session, &self.key)?;
        // An unknown key may be removed too, if it is really there: that is how one gets rid of it.
        let unknown =
            session.config()?.document.unknown_keys().iter().any(|unknown| unknown.name == self.key);
        if !unknown {
            known(key)?;
        }
        if target == EditTarget::TopLevel && key == Key::Profile.as_str() {
            expectation::meet_named(session, &ProfileName::default_profile())?;
        }
        let removed = config_file::change_config(session, |edit| Ok(edit.unset(&target, key)))?;
        session.notices().progress(if removed {
            format!("removed {}", self.key)
        } else {
            format!("{} was not set", self.key)
        });
        Ok(Done::nothing())
    }
}
