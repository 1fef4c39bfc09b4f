//! What switches one shell, in the words of each.

use clap::ValueEnum;

use crate::domain::ProfileName;
use crate::error::{Error, Result};
use crate::session::profile::switch::{NONE, PREVIOUS};
use crate::system::environment::Environment;

const PROFILE: &str = "AUTOCOM_PROFILE";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Also sh, dash and ksh.
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl Shell {
    /// The one that `SHELL` names: a guess, since it is the login shell.
    pub fn detect(environment: &Environment) -> Result<Shell> {
        let path = environment.path_var("SHELL");
        let name = path.as_deref().and_then(|path| path.file_stem()).and_then(|name| name.to_str());
        match name {
            Some("bash" | "sh" | "dash" | "ash" | "ksh" | "mksh") => Ok(Shell::Bash),
            Some("zsh") => Ok(Shell::Zsh),
            Some("fish") => Ok(Shell::Fish),
            Some("pwsh" | "powershell") => Ok(Shell::Powershell),
            None if cfg!(windows) => Ok(Shell::Powershell),
            None => Err(Error::usage("SHELL is not set, so it is not known which shell is meant")),
            Some(name) => Err(Error::usage(format!("SHELL names {name}, which autocom can't switch"))),
        }
        .map_err(|error| error.hint("name one: --shell bash, zsh, fish or powershell"))
    }

    /// The lines that give the shell `profile`, or none of its own, and let it go back to what it has now. Where
    /// it has that one already there is nothing new to go back to.
    pub fn switch(self, profile: Option<&ProfileName>, environment: &Environment) -> String {
        let now = environment.var(PROFILE).filter(|name| name.parse::<ProfileName>().is_ok());
        if now.as_deref() == profile.map(ProfileName::as_str) {
            return String::new();
        }
        let back = self.set(PREVIOUS, now.as_deref().unwrap_or(NONE));
        let there = match profile {
            Some(name) => self.set(PROFILE, name.as_str()),
            None => self.unset(PROFILE),
        };
        format!("{back}\n{there}")
    }

    /// What fails in the shell that evaluates it: otherwise it would go on as if it had been switched.
    pub fn failure(self) -> &'static str {
        match self {
            Shell::Bash | Shell::Zsh | Shell::Fish => "false\n",
            Shell::Powershell => "throw 'autocom switched nothing'\n",
        }
    }

    /// As it is named behind `--shell`.
    pub fn invocation_name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Powershell => "powershell",
        }
    }

    /// How a person has it done.
    pub fn invocation(self, command: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => format!("eval \"$({command})\""),
            Shell::Fish => format!("{command} | source"),
            Shell::Powershell => format!("{command} | Out-String | Invoke-Expression"),
        }
    }

    /// The values are names of profiles or [`NONE`]; quoted all the same.
    fn set(self, variable: &str, value: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => format!("export {variable}='{value}';"),
            Shell::Fish => format!("set -gx {variable} '{value}';"),
            Shell::Powershell => format!("$env:{variable} = '{value}'"),
        }
    }

    fn unset(self, variable: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => format!("unset {variable};"),
            Shell::Fish => format!("set -e {variable};"),
            Shell::Powershell => format!("Remove-Item Env:{variable} -ErrorAction SilentlyContinue"),
        }
    }
}
