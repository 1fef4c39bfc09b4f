//! Where answers go: stdout, in the format that was asked for.

use std::io::{self, Write};

use super::style::Tone;
use super::view::{Cell, Column, Show, View};
use super::{escape, jq, report, table, tsv, yaml};
use crate::domain::{Json, OutputFormat, one_line};

/// How answers are to be written.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub format: OutputFormat,
    /// Whether a person looks at stdout.
    pub terminal: bool,
    pub colours: bool,
    pub width: usize,
    /// `--jq`: what the JSON goes through. The expression of this process.
    pub jq: Option<&'static str>,
}

impl Output {
    /// Writes the answer. A reader that has gone away is no error of ours.
    pub fn write(&self, answer: &dyn Show) -> io::Result<()> {
        self.write_to(answer, &mut io::stdout().lock())
    }

    pub fn write_to(&self, answer: &dyn Show, out: &mut dyn Write) -> io::Result<()> {
        let text = self.render(answer)?;
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    fn render(&self, answer: &dyn Show) -> io::Result<String> {
        match self.format {
            OutputFormat::Json => {
                let drawn = answer.json().map_err(io::Error::other)?;
                match self.jq {
                    Some(expression) => self.filtered(expression, drawn.as_bytes()),
                    None => Ok(escape::json(&drawn).into_owned() + "\n"),
                }
            }
            OutputFormat::Yaml => {
                let mut text = answer.yaml().map_err(io::Error::other)?;
                // serde-saphyr writes these as they are; the drawing of lists escapes them.
                if escape::is_needed(&text) {
                    let json = Json::parse(answer.json().map_err(io::Error::other)?.as_bytes());
                    text = json.map_or(text, |json| yaml::draw(&json));
                }
                let body = text.strip_prefix("---\n").unwrap_or(&text);
                Ok(format!("---\n{}\n", body.trim_end_matches('\n')))
            }
            OutputFormat::Table => Ok(self.text(answer.view())),
        }
    }

    /// What a jq expression makes of a document, a line each.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where it cannot be applied.
    pub fn filtered(&self, expression: &str, json: &[u8]) -> io::Result<String> {
        let outputs = jq::apply(expression, json).map_err(|why| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("cannot apply --jq: {why}"))
        })?;
        let shown = |line: &str| if self.terminal { one_line(line).into_owned() } else { line.to_owned() };
        Ok(outputs.iter().flat_map(|output| output.split('\n')).map(|line| shown(line) + "\n").collect())
    }

    /// Drawn JSON of somebody else, as this output may have it: a pipe's is left alone.
    pub fn others_json(&self, drawn: String) -> String {
        if self.terminal { escape::json(&drawn).into_owned() } else { drawn }
    }

    fn text(&self, view: View) -> String {
        match view {
            View::Line(line) if line.is_empty() => line,
            View::Line(line) => line + "\n",
            View::Table { rows, empty, .. } if rows.is_empty() && self.terminal => format!("{empty}\n"),
            View::Table { columns, rows, .. } if self.terminal => {
                let (columns, rows) = for_people(columns, rows);
                table::draw(&columns, &rows, self.width, self.colours)
            }
            View::Table { columns, rows, .. } => tsv::draw(&columns, &rows),
            View::Report { groups, summary, .. } if self.terminal => {
                report::draw(&groups, &summary, self.width, self.colours)
            }
            View::Report { columns, rows, .. } => tsv::draw(&columns, &rows),
            View::Record(fields) if self.terminal => self.record(&fields),
            View::Record(fields) => {
                let columns: Vec<Column> = fields.iter().map(|(name, _)| Column::kept(name)).collect();
                tsv::draw(&columns, &[fields.into_iter().map(|(_, cell)| cell).collect::<Vec<_>>()])
            }
        }
    }

    fn record(&self, fields: &[(&'static str, Cell)]) -> String {
        let widest = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        fields
            .iter()
            .map(|(name, cell)| {
                let label = Tone::Faint.paint(&format!("{:widest$}", name.to_lowercase()), self.colours);
                format!("{label}  {}\n", cell.tone.paint(cell.text(), self.colours))
            })
            .collect()
    }
}

/// A table without what only programs need a column for.
fn for_people(columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let is_kept: Vec<bool> = columns.iter().map(|column| !column.for_programs).collect();
    let cells = |row: Vec<Cell>| {
        row.into_iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept).map(|(cell, _)| cell).collect()
    };
    let rows = rows.into_iter().map(cells).collect();
    (columns.into_iter().filter(|column| !column.for_programs).collect(), rows)
}
