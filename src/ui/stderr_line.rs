//! What `-o json` has on stderr: one JSON object a line.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::error_report::ErrorBody;
use super::escape;
use crate::domain::diagnostic;

/// A line of stderr with `-o json`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "autocom stderr")]
pub enum StderrLine {
    /// Why the command failed. The last line.
    Error(ErrorBody),
    /// Something is not as it should be.
    Warning(Message),
    /// What was done, or is worth knowing.
    Note(Message),
    /// Where the user logs in.
    Login(Login),
    /// An event, with `-v` or `AUTOCOM_LOG`.
    Log(Log),
}

#[derive(Serialize, JsonSchema)]
pub struct Message {
    message: String,
}

#[derive(Serialize, JsonSchema)]
pub struct Login {
    /// To open in a browser. With --device it is the page on which the code is entered.
    pub url: String,
    /// The code to enter there, with --device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_code: Option<String>,
    /// How long the code is valid, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
pub struct Log {
    /// RFC 3339, in UTC.
    pub time: String,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    pub message: String,
    /// What belongs to the event, such as `status`.
    pub fields: Map<String, Value>,
}

impl StderrLine {
    pub fn warning(text: &str) -> StderrLine {
        StderrLine::Warning(Message::new(text))
    }

    pub fn note(text: &str) -> StderrLine {
        StderrLine::Note(Message::new(text))
    }

    pub fn json(&self) -> String {
        escape::json(&serde_json::to_string(self).unwrap_or_default()).into_owned()
    }
}

impl Message {
    fn new(text: &str) -> Message {
        Message { message: diagnostic(text) }
    }
}
