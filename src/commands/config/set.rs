use clap::Args;

use super::super::Done;
use super::keys::{known, target};
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::{EditTarget, unknown};
use crate::domain::{Key, NextCommand, Origin, ProfileName, autocom};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::settings::typed;
use crate::session::profile::{config_file, expectation, switch};

/// Write a key: at the top level, with --profile in that profile, or dotted (profiles.NAME.KEY)
#[derive(Debug, Args)]
pub struct Set {
    key: String,
    value: String,
}

impl Verb for Set {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.without_output_setting()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let context = &config_file::lock_config(context)?;
        let (target, name) = target(context, &self.key)?;
        let key = known(name)?;
        let config = context.config()?;
        if key == Key::Profile
            && let Ok(name) = self.value.parse::<ProfileName>()
        {
            if !config.exists(&name) {
                return Err(unknown(config, &self.value, Origin::CommandLine).into());
            }
            expectation::meet_named(context, &name)?;
        }
        config_file::change_config(context, |edit| {
            edit.set(&target, key, &typed(context, key, &self.value)?).map_err(|error| {
                let again = error.key().map(|_| self.again(context, key));
                again.into_iter().fold(Error::from(error), |error, again| error.hint_if_none(|| again))
            })
        })?;
        if let (Key::Profile, Ok(name)) = (key, self.value.parse()) {
            switch::remember_previous(context, config, &name);
        }
        switch::mention_overrides(context, &target, key);
        let place = match &target {
            EditTarget::TopLevel => String::new(),
            EditTarget::Profile(name) => format!(" in profile {name}"),
        };
        context.reporter().progress(format!("set {key}{place}"));
        Ok(Done::nothing())
    }
}

impl Set {
    /// The command with a place for another value.
    fn again(&self, context: &Context, key: Key) -> NextCommand {
        let again = autocom("config set").value(&self.key).placeholder(key.placeholder());
        match context.config().ok().and_then(|config| config.flags.get(Key::Profile).map(str::to_owned)) {
            Some(name) => again.option("--profile", name),
            None => again,
        }
    }
}
