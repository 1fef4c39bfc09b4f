//! An error as its reader needs it: what, why, and the next command.

use serde::Serialize;

use super::escape;
use super::style::Tone;

/// What `-o json` prints on stderr.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(title = "autocom error")]
pub struct ErrorReport<'a> {
    pub error: ErrorBody<'a>,
}

#[derive(Serialize, schemars::JsonSchema)]
pub struct ErrorBody<'a> {
    pub kind: &'a str,
    pub message: &'a str,
    pub causes: &'a [String],
    pub hint: Option<&'a str>,
    pub exit_code: u8,
}

impl ErrorReport<'_> {
    pub fn json(&self) -> String {
        escape::json(&serde_json::to_string(self).unwrap_or_default()).into_owned()
    }

    pub fn text(&self, colours: bool) -> String {
        let mut text = format!("{} {}", Tone::Bad.paint("error:", colours), self.error.message);
        for cause in self.error.causes {
            text.push_str(&format!("\n  {} {cause}", Tone::Faint.paint("caused by:", colours)));
        }
        if let Some(hint) = self.error.hint {
            text.push_str(&format!("\n{} {hint}", Tone::Good.paint("hint:", colours)));
        }
        text
    }
}
