//! A table of `profiles` that no command can use, and the command that repairs it.

use std::fmt;

use crate::domain::{Invalid, NextCommand, autocom, one_line, steers};

/// Longer names than a profile can have are not echoed whole.
const MAX_SHOWN: usize = 80;

/// A profile that only `profiles rename` and `profiles remove` accept; it stops no other profile's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProfile {
    /// The key of its table, as it stands in the file.
    pub name: String,
    pub line: usize,
    pub reason: Reason,
}

/// Why a profile can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    Name(Invalid),
    /// `[profiles.default]`: that profile is the top level.
    TopLevel,
    NotATable,
    /// Two names that share a token variable. Both are invalid: a token would go to either.
    SameVariable {
        left: String,
        right: String,
        variable: String,
    },
}

impl InvalidProfile {
    /// The command that repairs it.
    pub fn fix(&self) -> NextCommand {
        // What can't be typed as it is can't be named on a command line.
        if self.name.contains(steers) || self.name.len() > MAX_SHOWN {
            return autocom("config edit");
        }
        let dashes = |command: NextCommand| {
            if self.name.starts_with('-') { command.words("--") } else { command }
        };
        match self.reason {
            Reason::NotATable => dashes(autocom("profiles remove")).value(&self.name),
            _ => dashes(autocom("profiles rename")).value(&self.name).words("NEW-NAME"),
        }
    }
}

impl fmt::Display for InvalidProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = one_line(&self.name).chars().take(MAX_SHOWN).collect();
        match &self.reason {
            Reason::Name(why) => write!(f, "the profile name `{name}` {why}"),
            Reason::TopLevel => f.write_str(
                "`[profiles.default]` can't be: the top level of this file is the profile `default`",
            ),
            Reason::NotATable => write!(f, "`profiles.{name}` must be a table"),
            Reason::SameVariable { left, right, variable } => {
                write!(f, "`{left}` and `{right}` can't coexist: both would take their token from {variable}")
            }
        }
    }
}
