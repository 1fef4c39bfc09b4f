//! The answers of several profiles' platforms as one list: whose, and what.

use std::io;

use serde::Serialize;

use crate::domain::{Json, OutputFormat, ProfileName};
use crate::session::answers::api::Page;
use crate::session::call::stream::Sink;
use crate::ui::output::Output;
use crate::ui::rows::{Row, Rows};
use crate::ui::view::{Cell, Column};

/// It is JSON or YAML whatever a table would be: an answer has no columns.
pub(super) struct Answers(Rows);

#[derive(Serialize)]
struct ProfileResponse {
    profile: String,
    response: Json,
}

impl Row for ProfileResponse {
    const EMPTY: &'static str = "";

    fn columns() -> Vec<Column> {
        Vec::new()
    }

    fn cells(&self) -> Vec<Cell> {
        Vec::new() // never drawn as a table
    }
}

impl Answers {
    pub(super) fn new(output: Output) -> Answers {
        let format = match output.format {
            OutputFormat::Table => OutputFormat::Json,
            other => other,
        };
        Answers(Rows::new::<ProfileResponse>(Output { format, ..output }))
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.0.end()
    }
}

impl Sink<(ProfileName, Page)> for Answers {
    fn take(&mut self, (name, page): (ProfileName, Page)) -> io::Result<()> {
        let text = || Json::Text(String::from_utf8_lossy(&page.body).into_owned());
        let response =
            if page.body.is_empty() { Json::Null } else { page.json().cloned().unwrap_or_else(text) };
        self.0.add(&[ProfileResponse { profile: name.to_string(), response }])
    }
}
