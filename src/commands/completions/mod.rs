//! Completions. Each shell gets a short script of ours, which asks `autocom __complete` for the candidates
//! at every TAB; those are found by clap_complete's engine, from the same tree of commands that parses.
//!
//! clap_complete has scripts of its own, and a variable that turns the program into their helper. They are
//! not used: what they say to each other may change with every version, while a script that somebody has
//! saved outlives many; in bash they know nothing of words with `=` or `:` in them, of `--profile=st`; and
//! that helper takes the variable out of the environment, which is not safe to do.

mod answer;
mod names;
mod paths;

pub use answer::answer;

use clap::Args;
use clap::builder::PossibleValuesParser;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::error::Result;
use crate::session::Context;
use crate::ui::view::{View, Viewed};

/// Print the script that completes commands, options and live names in a shell
///
/// Profiles, tenants and keys are looked up as you type, in config.toml and in what the last login or
/// `tenants list` learned; nobody is asked for them, and no credential is opened.
#[derive(Debug, Args)]
#[command(after_help = "\
For good:
  bash        add to ~/.bashrc:             source <(autocom completions bash)
  zsh         add to ~/.zshrc, below compinit:  source <(autocom completions zsh)
  fish        autocom completions fish > ~/.config/fish/completions/autocom.fish
  PowerShell  add to $PROFILE:              autocom completions powershell | Out-String | Invoke-Expression

The macOS bash (3.2) can't source a pipe: eval \"$(autocom completions bash)\"")]
pub struct Completions {
    #[arg(value_parser = PossibleValuesParser::new(SHELLS.map(|(name, _)| name)))]
    shell: String,
}

const SHELLS: [(&str, &str); 4] = [
    ("bash", include_str!("autocom.bash")),
    ("zsh", include_str!("autocom.zsh")),
    ("fish", include_str!("autocom.fish")),
    ("powershell", include_str!("autocom.ps1")),
];

/// `autocom completions -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom completions")]
pub struct CompletionsAnswer {
    pub shell: String,
    pub script: String,
}

impl Viewed for CompletionsAnswer {
    fn view(&self) -> View {
        View::Line(self.script.trim_end().to_owned())
    }
}

impl Verb for Completions {
    fn policy(&self) -> Policy {
        Policy::STANDALONE
    }

    fn run(self: Box<Self>, _: &Context, _: &Invocation<'_>) -> Result<Done> {
        let script = SHELLS.iter().find(|(name, _)| *name == self.shell).map(|(_, script)| *script);
        let script = script.unwrap_or_default().to_owned();
        Ok(Done::answer(CompletionsAnswer { shell: self.shell, script }))
    }
}
