use clap::Args;

use super::super::Done;
use super::names::{existing, name};
use crate::error::Result;
use crate::session::context::Session;
use crate::session::profile::{config_file, expectation, loosening};

/// End what `profiles unlock` began
#[derive(Debug, Args)]
pub struct Lock {
    name: String,
}

impl Lock {
    pub fn run(self, session: &Session) -> Result<Done> {
        let session = &config_file::lock_config(session)?;
        // Also of one that is gone: its lease may not be.
        let name = name(&self.name)?;
        expectation::meet_named(session, &name)?;
        let was_open = loosening::lock(session, &name)?;
        if !was_open {
            existing(session, &self.name)?;
        }
        let said = if was_open { "is locked" } else { "was not unlocked" };
        session.notices().progress(format!("profile {name} {said}"));
        Ok(Done::nothing())
    }
}
