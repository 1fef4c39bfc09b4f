use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::explain::ExplainAnswer;
use super::names::existing;
use crate::commands::config::keys::settings_view;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{Selection, explain, resolve, select};
use crate::domain::Origin;
use crate::error::Result;
use crate::session::Context;
use crate::session::profile::settings::{SettingRow, settings};
use crate::session::profile::{expectation, selected};
use crate::ui::view::{View, Viewed};

/// Show every value of a profile and where it comes from, and with --explain what it overrides
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom profiles show staging
  autocom profiles show --explain
  autocom profiles show staging --explain tenant")]
pub struct Show {
    /// The profile, as `--profile NAME` would resolve it; without: the selected one
    name: Option<String>,
    /// Show too what lost against each value, or that of one key, and why
    #[arg(long, value_name = "KEY", num_args = 0..=1)]
    explain: Option<Option<String>>,
}

/// `autocom profiles show -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles show")]
pub struct ShowAnswer {
    pub profile: Option<String>,
    /// What selected it.
    pub selected_by: String,
    pub settings: Vec<SettingRow>,
}

impl Viewed for ShowAnswer {
    fn view(&self) -> View {
        settings_view(&self.settings)
    }
}

impl Verb for Show {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let config = context.config()?;
        let selection = match &self.name {
            Some(name) => {
                expectation::meet_flag(context, name)?;
                Selection::by_flag(existing(context, name)?)
            }
            None => select(config)?,
        };
        let selected_by = match &selection.origin {
            Origin::Flag("--profile") if self.name.is_some() => Origin::CommandLine.to_string(),
            origin => origin.to_string(),
        };
        if let Some(key) = &self.explain {
            let explanation = explain(config, selection)?;
            return ExplainAnswer::new(context, &explanation, selected_by, key.as_deref()).map(Done::answer);
        }
        let profile = match &self.name {
            Some(_) => resolve(config, selection)?,
            None => selected::profile(context)?,
        };
        Ok(Done::answer(ShowAnswer {
            profile: profile.name().map(ToString::to_string),
            selected_by,
            settings: settings(context, &profile),
        }))
    }
}
