use std::collections::BTreeMap;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::names::existing;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::{Shared, shared, to_toml};
use crate::domain::{Key, autocom, one_line};
use crate::error::{Error, Result};
use crate::session::Context;
use crate::ui::view::{View, Viewed};

/// Print profiles as TOML, for `profiles import` elsewhere
///
/// A profile is written whole: also what it has from the top level or from its login, so that it means the
/// same elsewhere. No secret is in it. What belongs to this machine (`store`, `ca_bundle`) is a comment, and the
/// active profile and the top level's preferences are left out; the profile `default` is the keys on top.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom profiles export > profiles.toml
  autocom profiles export staging prod | ssh HOST autocom profiles import -")]
pub struct Export {
    /// The profiles; none: all
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// `autocom profiles export -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles export")]
pub struct ExportAnswer {
    pub profiles: BTreeMap<String, BTreeMap<&'static str, Exported>>,
    #[serde(skip)]
    toml: String,
}

/// A value as TOML has it too.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Exported {
    Flag(bool),
    Text(String),
}

impl Viewed for ExportAnswer {
    fn view(&self) -> View {
        // TOML escapes control characters itself, but not what reorders letters.
        View::Line(self.toml.trim_end().split('\n').map(one_line).collect::<Vec<_>>().join("\n"))
    }
}

impl Verb for Export {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.plain()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let config = context.config()?;
        config.document.check_present()?;
        let mut names = Vec::new();
        for text in &self.names {
            let name = existing(context, text)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if self.names.is_empty() {
            names = config.profiles();
        }
        // The top level comes first in a TOML file, or it would be part of a table.
        names.sort_by_key(|name| !name.is_default());
        let shared = names.iter().map(|name| Ok(shared(config, name)?)).collect::<Result<Vec<Shared>>>()?;
        if let Some(bare) = shared.iter().find(|profile| !profile.values.contains_key(&Key::ApiUrl)) {
            let name = &bare.name;
            return Err(Error::usage(format!("profile {name} has no api_url"))
                .hint(autocom("profiles set").value(name).words("api_url=URL")));
        }
        if shared.is_empty() {
            return Err(Error::usage("there are no profiles to export")
                .hint(autocom("auth login --api-url").placeholder("https://api.example.test")));
        }
        let header = format!(
            "Profiles, written by `autocom profiles export` ({}). No secrets.\n\
             To take them over: autocom profiles import FILE (or - for standard input)",
            env!("CARGO_PKG_VERSION")
        );
        let profiles = shared.iter().map(|profile| {
            let values = profile.values.iter().map(|(key, value)| {
                let value = if key.is_bool() {
                    Exported::Flag(value == "true")
                } else {
                    Exported::Text(value.clone())
                };
                (key.as_str(), value)
            });
            (profile.name.to_string(), values.collect())
        });
        Ok(Done::answer(ExportAnswer { profiles: profiles.collect(), toml: to_toml(&shared, &header) }))
    }
}
