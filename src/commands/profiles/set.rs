use clap::Args;

use super::super::Done;
use super::names::name;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::{ConfigEdit, ConfigError, EditTarget, unknown};
use crate::domain::{Argument, Key, Origin, autocom};
use crate::error::{Error, Result};
use crate::session::Context;
use crate::session::profile::selected;
use crate::session::profile::settings::typed;
use crate::session::profile::{config_file, expectation, switch};

/// Change a profile's keys (KEY= removes one); creates it if api_url= is among them
#[derive(Debug, Args)]
pub struct Set {
    name: String,
    #[arg(required = true, value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

impl Verb for Set {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.without_output_setting()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let context = &config_file::lock_config(context)?;
        context.config()?.document.check_usable(&self.name)?;
        let name = name(&self.name)?;
        expectation::meet_named(context, &name)?;
        let mut changes = Vec::new();
        for setting in &self.settings {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                Error::usage(format!("`{setting}` is not KEY=VALUE"))
                    .hint(autocom("profiles set").value(&name).words("tenant=acme"))
            })?;
            let key: Key = key
                .parse()
                .map_err(|why: crate::domain::Invalid| ConfigError::UnknownKey(why.to_string()))?;
            if !key.in_profile() {
                return Err(ConfigError::TopLevelOnly(key).into());
            }
            changes.push((key, value));
        }
        let config = context.config()?;
        let exists = config.exists(&name);
        if !exists && !changes.iter().any(|(key, value)| *key == Key::ApiUrl && !value.is_empty()) {
            let unknown = unknown(config, name.as_str(), Origin::CommandLine);
            let create = autocom("profiles set").value(&name).words("api_url=URL");
            return Err(selected::or_create(config, unknown.into(), create));
        }
        let target = EditTarget::new(&name);
        let changes = changes.iter().map(|(key, value)| Ok((*key, typed(context, *key, value)?)));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let change = |edit: &mut ConfigEdit| {
            if !exists {
                let given = changes.iter().filter(|(_, value)| !value.is_empty());
                let values = given.map(|(key, value)| (target.clone(), *key, value.as_ref()));
                return edit.set_all(&values.collect::<Vec<_>>());
            }
            for (key, value) in &changes {
                if value.is_empty() {
                    edit.unset(&target, key.as_str());
                } else {
                    edit.set(&target, *key, value)?;
                }
            }
            Ok(())
        };
        config_file::change_config(context, |edit| {
            change(edit).map_err(|error| match error.key() {
                Some(key) => Error::from(error).hint_if_none(|| {
                    autocom("profiles set")
                        .value(&name)
                        .argument(Argument::placeholder(format!("{key}="), key.placeholder()))
                }),
                None => error.into(),
            })
        })?;
        context.reporter().progress(format!("{} profile {name}", if exists { "changed" } else { "created" }));
        for (key, _) in &changes {
            switch::mention_overrides(context, &target, *key);
        }
        Ok(Done::nothing())
    }
}
