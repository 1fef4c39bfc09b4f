//! What a command has to show, before anyone knows whether it becomes a table, TSV, JSON or YAML.

use std::borrow::Cow;

use serde::Serialize;

use super::style::Tone;
use crate::domain::sanitized;

/// One cell: what a person reads, and what a program reads where that differs. Its texts are sanitized.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    plain: Option<String>,
    pub tone: Tone,
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Cell {
        Cell { text: clean(text.into()), ..Cell::default() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// For programs.
    pub fn plain_text(&self) -> &str {
        self.plain.as_ref().unwrap_or(&self.text)
    }

    /// An absent value: a dash for people, nothing for programs.
    pub fn absent() -> Cell {
        Cell { text: "-".to_owned(), plain: Some(String::new()), tone: Tone::Faint }
    }

    pub fn or_absent(text: Option<impl Into<String>>) -> Cell {
        text.map_or_else(Cell::absent, Cell::new)
    }

    /// A name, for people with a star if it is the one that counts now. Programs have a [`Column::for_programs`] for it.
    pub fn starred(name: &str, counts: bool) -> Cell {
        let (mark, tone) = if counts { ("*", Tone::Strong) } else { (" ", Tone::Plain) };
        let text = format!("{mark} {name}");
        Cell::new(text).plain(name).tone(tone)
    }

    /// `true` or `false`.
    pub fn flag(is_so: bool) -> Cell {
        Cell::new(is_so.to_string())
    }

    pub fn tone(self, tone: Tone) -> Cell {
        Cell { tone, ..self }
    }

    /// What programs read instead of the text.
    pub fn plain(self, plain: impl Into<String>) -> Cell {
        Cell { plain: Some(clean(plain.into())), ..self }
    }
}

fn clean(text: String) -> String {
    match sanitized(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => clean,
    }
}

/// A column and how long it stays when the terminal gets narrow: the lower its rank, the longer;
/// rank 0 never goes and is never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub expendable: u8,
    /// Whether it never goes, although it may be cut.
    pub asked: bool,
    /// Whether a table has its cells to the right, as numbers are compared.
    pub right: bool,
    /// Whether a terminal tells it by a mark, and has no such column.
    pub for_programs: bool,
}

impl Column {
    pub const fn kept(name: &'static str) -> Column {
        Column { name, expendable: 0, asked: false, right: false, for_programs: false }
    }

    pub const fn expendable(name: &'static str, rank: u8) -> Column {
        Column { expendable: rank, ..Column::kept(name) }
    }

    /// What somebody has asked for: cut before anything else goes, but never gone.
    pub const fn asked(name: &'static str) -> Column {
        Column { expendable: 1, asked: true, ..Column::kept(name) }
    }

    pub const fn for_programs(name: &'static str) -> Column {
        Column { for_programs: true, ..Column::kept(name) }
    }

    pub const fn right(self) -> Column {
        Column { right: true, ..self }
    }
}

/// Some lines of a report, under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub title: &'static str,
    pub items: Vec<Item>,
}

/// What was looked at, how it is, and the command that comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub mark: Cell,
    pub name: String,
    pub text: String,
    pub command: Option<String>,
}

/// The shape of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    Table {
        columns: Vec<Column>,
        rows: Vec<Vec<Cell>>,
        /// What a terminal shows instead of an empty table.
        empty: &'static str,
    },
    /// Groups of lines for a person to read from top to bottom; rows elsewhere.
    Report { columns: Vec<Column>, rows: Vec<Vec<Cell>>, groups: Vec<Group>, summary: Cell },
    /// One thing with named properties: a line each in a terminal, one row elsewhere.
    Record(Vec<(&'static str, Cell)>),
    /// One bare value.
    Line(String),
}

/// An answer that can be shown in every format. `Serialize` is its JSON and YAML.
pub trait Show {
    fn view(&self) -> View;
    fn json(&self) -> serde_json::Result<String>;
    fn yaml(&self) -> Result<String, String>;
}

/// What a type says of its own look; JSON and YAML come from `Serialize`.
pub trait Viewed: Serialize {
    fn view(&self) -> View;
}

impl<T: Viewed> Show for T {
    fn view(&self) -> View {
        Viewed::view(self)
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    fn yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }
}
