//! An error as its reader needs it: what, why, and the next command.

use serde::Serialize;

use super::style::Tone;
use crate::domain::diagnostic;

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
    exit_code: u8,
}

impl ErrorReport {
    pub fn new(
        kind: &'static str,
        exit_code: u8,
        message: &str,
        causes: &[String],
        hint: Option<&str>,
    ) -> Self {
        let causes = causes.iter().map(|cause| diagnostic(cause)).collect();
        let (message, hint) = (diagnostic(message), hint.map(diagnostic));
        ErrorReport { error: ErrorBody { kind, message, causes, hint, exit_code } }
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
