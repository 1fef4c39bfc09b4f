use clap::Args;

use super::super::Done;
use super::existing;
use crate::config::EditTarget;
use crate::domain::Key;
use crate::error::Result;
use crate::session::Session;

/// Make a profile the active one
#[derive(Debug, Args)]
pub struct Use {
    name: String,
}

impl Use {
    pub fn run(self, session: &Session) -> Result<Done> {
        let name = existing(session, &self.name)?;
        session.config_file().edit(|edit| edit.set(&EditTarget::TopLevel, Key::Profile, name.as_str()))?;
        session.notices().progress(format!("active profile: {name}"));
        session.mention_overrides(&EditTarget::TopLevel, Key::Profile);
        Ok(Done::nothing())
    }
}
