//! An error as its reader needs it: what, why, and the next command.

use serde::Serialize;

use super::style::Tone;
use crate::domain::{Argument, Hint, NextCommand, diagnostic};

/// What `-o json` prints on stderr.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(title = "autocom error")]
pub struct ErrorReport {
    error: ErrorBody,
}

#[derive(Serialize, schemars::JsonSchema)]
pub struct ErrorBody {
    kind: &'static str,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    /// The commands of the hint, each as a list of arguments that can be run without a shell, unless it has a
    /// placeholder. A command that grants what was refused, or that deletes something, is in `hint` only.
    next: Vec<Vec<NextArgument>>,
    exit_code: u8,
}

#[derive(Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum NextArgument {
    Argument(String),
    Placeholder {
        /// What to fill in.
        placeholder: String,
        /// What precedes it in the argument, as in `api_url=URL`.
        #[serde(skip_serializing_if = "Option::is_none")]
        prefix: Option<String>,
    },
}

impl NextArgument {
    /// `None`: it can't be shown as it is, so the command could not be run.
    fn new(word: Argument) -> Option<NextArgument> {
        Some(match word {
            Argument::Literal(text) => NextArgument::Argument(text.to_owned()),
            Argument::Value(text) if diagnostic(&text) == text => NextArgument::Argument(text),
            Argument::Value(_) => return None,
            Argument::Placeholder { before, name } => NextArgument::Placeholder {
                placeholder: name,
                prefix: Some(before).filter(|it| !it.is_empty()),
            },
        })
    }
}

impl ErrorReport {
    pub fn new(
        kind: &'static str,
        exit_code: u8,
        message: &str,
        causes: &[String],
        hint: Option<&Hint>,
    ) -> Self {
        let causes = causes.iter().map(|cause| diagnostic(cause)).collect();
        let commands = hint.into_iter().flat_map(Hint::commands).filter_map(NextCommand::argv);
        let next = commands.filter_map(|words| words.map(NextArgument::new).collect()).collect();
        let (message, hint) = (diagnostic(message), hint.map(|hint| diagnostic(&hint.to_string())));
        ErrorReport { error: ErrorBody { kind, message, causes, hint, next, exit_code } }
    }

    /// What a line of stderr holds of it.
    pub fn into_body(self) -> ErrorBody {
        self.error
    }

    pub fn text(&self, colours: bool) -> String {
        let mut text = format!("{} {}", Tone::Bad.paint("error:", colours), self.error.message);
        for cause in &self.error.causes {
            text.push_str(&format!("\n  {} {cause}", Tone::Faint.paint("caused by:", colours)));
        }
        if let Some(hint) = &self.error.hint {
            text.push_str(&format!("\n{} {hint}", Tone::Good.paint("hint:", colours)));
        }
        text
    }
}
