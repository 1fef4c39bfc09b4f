//! `--all-profiles` and `--profiles`: one command over several environments.

use clap::Args;
use glob::Pattern;

use crate::error::{Error, Result};
use crate::session::several::Scope;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Several environments")]
pub struct Several {
    /// Do it for every profile at once
    #[arg(long, conflicts_with_all = ["profiles", "profile", "api_url"])]
    pub all_profiles: bool,
    /// Do it for these profiles at once, as in 'staging,prod-*'
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with_all = ["profile", "api_url"])]
    pub profiles: Vec<String>,
}

impl Several {
    /// `None`: the command is about the one profile that is selected.
    pub fn scope(&self) -> Result<Option<Scope>> {
        if self.all_profiles {
            return Ok(Some(Scope::All));
        }
        if self.profiles.is_empty() {
            return Ok(None);
        }
        let pattern = |text: &String| {
            Pattern::new(text.trim()).map_err(|error| {
                Error::usage(format!("`{text}` is no pattern of names: {} (from --profiles)", error.msg))
                    .hint("autocom profiles list")
            })
        };
        self.profiles.iter().map(pattern).collect::<Result<_>>().map(Scope::Named).map(Some)
    }
}
