//! A long list, written as it comes: nothing of it is kept but the widths of its columns.

use std::io::{self, Write};

use serde::Serialize;

use super::output::Output;
use super::table::Layout;
use super::view::{Cell, Column, View};
use super::{escape, tsv, yaml};
use crate::domain::{Json, OutputFormat};

/// A row of a list; `Serialize` is its JSON and YAML.
pub trait Row: Serialize {
    /// What a terminal shows instead of an empty table.
    const EMPTY: &'static str;

    fn columns() -> Vec<Column>;

    fn cells(&self) -> Vec<Cell>;
}

/// A short list, all of which is there.
pub fn list<R: Row>(rows: &[R]) -> View {
    View::Table { columns: R::columns(), rows: rows.iter().map(Row::cells).collect(), empty: R::EMPTY }
}

/// The list. Without [`Rows::end`] it stays visibly unfinished: its JSON array has no end.
pub struct Rows {
    output: Output,
    columns: Vec<Column>,
    /// What a terminal shows instead of an empty table.
    empty: &'static str,
    /// Of the first rows; those that follow keep to it, so that they stand below the header.
    layout: Option<Layout>,
    started: bool,
    /// For `--jq`, which is applied to all of it: the array as far as it goes.
    array: String,
}

impl Rows {
    pub fn new<R: Row>(output: Output) -> Rows {
        Rows {
            output,
            columns: R::columns(),
            empty: R::EMPTY,
            layout: None,
            started: false,
            array: String::new(),
        }
    }

    /// Writes some rows, whole, at once.
    ///
    /// # Errors
    /// Also [`io::ErrorKind::BrokenPipe`], so that nobody goes on for a reader that is gone.
    pub fn add<R: Row>(&mut self, rows: &[R]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let text = match self.output.format {
            OutputFormat::Json if self.output.jq.is_some() => {
                self.array += &self.json(rows)?;
                String::new()
            }
            OutputFormat::Json => self.json(rows)?,
            OutputFormat::Yaml => self.yaml(rows)?,
            OutputFormat::Table => self.text(&rows.iter().map(Row::cells).collect::<Vec<_>>()),
        };
        self.started = true;
        put(&text)
    }

    /// Writes what belongs behind the last row. A reader that has gone away is no error here.
    pub fn end(self) -> io::Result<()> {
        let end = if self.started { "]" } else { "[]" };
        let text = match (self.output.format, self.started) {
            (OutputFormat::Json, _) if self.output.jq.is_some() => {
                let expression = self.output.jq.unwrap_or_default();
                self.output.filtered(expression, (self.array + end).as_bytes())?
            }
            (OutputFormat::Json, true) => "\n]\n".to_owned(),
            (OutputFormat::Json, false) => "[]\n".to_owned(),
            (OutputFormat::Yaml, false) => "---\n[]\n".to_owned(),
            (OutputFormat::Table, false) if self.output.terminal => format!("{}\n", self.empty),
            (OutputFormat::Table, false) => tsv::draw(&self.columns, &[]),
            (OutputFormat::Yaml | OutputFormat::Table, true) => return Ok(()),
        };
        match put(&text) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// As serde_json draws the array as a whole, two spaces deep.
    fn json<R: Row>(&self, rows: &[R]) -> io::Result<String> {
        let mut text = String::new();
        for (i, row) in rows.iter().enumerate() {
            text.push_str(if i == 0 && !self.started { "[" } else { "," });
            for line in escape::json(&serde_json::to_string_pretty(row)?).split('\n') {
                text.push_str("\n  ");
                text.push_str(line);
            }
        }
        Ok(text)
    }

    fn yaml<R: Row>(&self, rows: &[R]) -> io::Result<String> {
        let json = serde_json::to_vec(rows)?;
        let json = Json::parse(&json).ok_or_else(|| io::Error::other("a row that is not JSON"))?;
        let start = if self.started { "" } else { "---\n" };
        Ok(format!("{start}{}", yaml::draw(&json)))
    }

    fn text(&mut self, rows: &[Vec<Cell>]) -> String {
        if !self.output.terminal {
            return if self.started { tsv::draw_rows(rows) } else { tsv::draw(&self.columns, rows) };
        }
        let (width, colours) = (self.output.width, self.output.colours);
        match &mut self.layout {
            Some(layout) => layout.draw_more(&self.columns, rows, width, colours),
            None => {
                let layout = self.layout.insert(Layout::fitting(&self.columns, rows, width));
                layout.draw(&self.columns, rows, width, colours)
            }
        }
    }
}

/// Each page is there at once for whoever reads along.
fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
