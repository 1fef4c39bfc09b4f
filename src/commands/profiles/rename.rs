use clap::Args;

use super::super::Done;
use super::names::{existing, name};
use crate::commands::verb::{Invocation, Verb};
use crate::config::{ConfigEdit, ConfigError, EditTarget, pins};
use crate::domain::{Key, ProfileName, autocom, one_line};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::{config_file, expectation, switch};

/// Rename a profile; its credential stays as it is
///
/// The old name may be an invalid one, such as `x y`: this is how it is repaired.
#[derive(Debug, Args)]
pub struct Rename {
    name: String,
    new_name: String,
}

impl Verb for Rename {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let context = &config_file::lock_config(context)?;
        if context.config()?.document.check_usable(&self.name).is_err() {
            return self.rename_invalid(context);
        }
        let from = existing(context, &self.name)?;
        let to = name(&self.new_name)
            .map_err(|error| error.hint(autocom("profiles rename").value(&from).words("NEW-NAME")))?;
        expectation::meet_named(context, &from)?;
        if from.is_default() {
            return Err(Error::usage(
                "the profile `default` can't be renamed: it is the top level of config.toml",
            )
            .hint(
                autocom("profiles set").value(to).words("api_url=URL").after("to have it as a profile: "),
            ));
        }
        // A pin that can't be read could not follow.
        pins(context.config()?)?;
        switch::move_profile(
            context,
            &from,
            Some(&to),
            |edit| Ok(rename(edit, from.as_str(), &to)?),
            || {
                context.reporter().progress(format!("renamed {from} to {to}"));
                switch::rename_pins(context, &from, &to)
            },
        )?;
        let (before, now) = (from.token_variable(), to.token_variable());
        if before != now {
            context.reporter().progress(format!("its token variable is {now} now, no longer {before}"));
        }
        Ok(Done::nothing())
    }
}

impl Rename {
    /// Of a profile that can't be used: how one that another client or a hand has written is repaired.
    fn rename_invalid(&self, context: &Context) -> Result<Done> {
        let to = name(&self.new_name)?;
        expectation::meet_name(context, &self.name)?;
        config_file::config_file(context).edit(|edit| rename(edit, &self.name, &to))?;
        context.reporter().progress(format!("renamed `{}` to {to}", one_line(&self.name)));
        match self.name.parse::<ProfileName>() {
            Ok(from) if !from.is_default() => switch::rename_pins(context, &from, &to)?,
            _ => {}
        }
        Ok(Done::nothing())
    }
}

fn rename(edit: &mut ConfigEdit, from: &str, to: &ProfileName) -> Result<(), ConfigError> {
    edit.rename_profile(from, to)?;
    let active = edit.before().top().get(Key::Profile).and_then(|entry| entry.text());
    if active == Some(from) {
        edit.set(&EditTarget::TopLevel, Key::Profile, to.as_str())?;
    }
    Ok(())
}
