use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::super::config::settings_view;
use super::existing;
use crate::config::Selection;
use crate::domain::Origin;
use crate::error::{Error, Result};
use crate::session::Session;
use crate::session::settings::{SettingRow, settings};
use crate::ui::view::{View, Viewed};

/// Show every value of a profile and where it comes from
#[derive(Debug, Args)]
pub struct Show {
    /// The profile, as `--profile NAME` would resolve it; without: the selected one
    name: Option<String>,
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

impl Show {
    pub fn run(self, session: &Session) -> Result<Done> {
        let config = session.config()?;
        let profile = match (&self.name, &config.flags.profile) {
            (Some(name), Some(flag)) if name != flag => {
                return Err(Error::usage(format!("`{name}` and --profile {flag} name two profiles")));
            }
            (Some(name), _) => {
                let name = existing(session, name)?;
                config.resolve(Selection::by_flag(name))?
            }
            (None, _) => session.profile()?,
        };
        let selected_by = match &profile.selection.origin {
            Origin::Flag("--profile") if self.name.is_some() => "the command line".to_owned(),
            origin => origin.to_string(),
        };
        Ok(Done::answer(ShowAnswer {
            profile: profile.name().map(ToString::to_string),
            selected_by,
            settings: settings(session, &profile),
        }))
    }
}
