use clap::Args;

use super::super::Done;
use super::names::{existing, name};
use crate::commands::verb::{Invocation, Verb};
use crate::error::Result;
use crate::session::Context;
use crate::session::profile::{config_file, expectation, loosening};

/// End what `profiles unlock` began
#[derive(Debug, Args)]
pub struct Lock {
    name: String,
}

impl Verb for Lock {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let context = &config_file::lock_config(context)?;
        // Also of one that is gone: its lease may not be.
        let name = name(&self.name)?;
        expectation::meet_named(context, &name)?;
        let was_open = loosening::lock(context, &name)?;
        if !was_open {
            existing(context, &self.name)?;
        }
        let said = if was_open { "is locked" } else { "was not unlocked" };
        context.reporter().progress(format!("profile {name} {said}"));
        Ok(Done::nothing())
    }
}
