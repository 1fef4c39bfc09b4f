use clap::Args;

use super::super::Done;
use super::{existing, name};
use crate::error::Result;
use crate::session::Session;

/// End what `profiles unlock` began
#[derive(Debug, Args)]
pub struct Lock {
    name: String,
}

impl Lock {
    pub fn run(self, session: &Session) -> Result<Done> {
        let session = &session.lock_config()?;
        // Also of one that is gone: its lease may not be.
        let name = name(&self.name)?;
        session.meet_named(&name)?;
        let was_open = session.lock(&name)?;
        if !was_open {
            existing(session, &self.name)?;
        }
        let said = if was_open { "is locked" } else { "was not unlocked" };
        session.notices().progress(format!("profile {name} {said}"));
        Ok(Done::nothing())
    }
}
