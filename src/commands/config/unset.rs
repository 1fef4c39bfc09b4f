use clap::Args;

use super::super::Done;
use super::keys::{known, target};
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::EditTarget;
use crate::domain::{Key, ProfileName};
use crate::error::Result;
use crate::session::Context;
use crate::session::profile::{config_file, expectation};

/// Remove a key, so that the next layer's value holds
#[derive(Debug, Args)]
pub struct Unset {
    key: String,
}

impl Verb for Unset {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.without_output_setting()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let context = &config_file::lock_config(context)?;
        let (target, key) = target(context, &self.key)?;
        // An unknown key may be removed too, if it is really there: that is how one gets rid of it.
        let unknown =
            context.config()?.document.unknown_keys().iter().any(|unknown| unknown.name == self.key);
        if !unknown {
            known(key)?;
        }
        if target == EditTarget::TopLevel && key == Key::Profile.as_str() {
            expectation::meet_named(context, &ProfileName::default_profile())?;
        }
        let removed = config_file::change_config(context, |edit| Ok(edit.unset(&target, key)))?;
        context.reporter().progress(if removed {
            format!("removed {}", self.key)
        } else {
            format!("{} was not set", self.key)
        });
        Ok(Done::nothing())
    }
}
