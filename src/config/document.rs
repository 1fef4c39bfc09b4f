//! `config.toml` as it was read: the known keys with their lines, the unknown ones by name.
//!
//! Values are kept as they stand: only the profile that a command uses must be valid, so that one
//! bad line never locks a user out of the commands that mend it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use figment::value::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use crate::domain::{Key, Origin, ProfileName, is_slip, likely};
use crate::system::files::{self, FileError, Trust};
use crate::system::notices::Notices;
use crate::system::paths::Place;

/// The parsed file. The empty one stands for a file that does not exist.
#[derive(Debug)]
pub struct Document {
    path: Arc<Path>,
    exists: bool,
    lines: Vec<usize>,
    top: Table,
    profiles: Vec<(ProfileName, Table)>,
    index: BTreeMap<ProfileName, usize>,
    unknown: Vec<UnknownKey>,
}

/// The known keys of one table.
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<(Key, Entry)>);

/// A value and where it begins.
#[derive(Debug, Clone)]
pub struct Entry {
    pub value: Value,
    offset: usize,
}

/// A key that autocom does not know: kept, and mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// Dotted, as in `profiles.staging.tennant`.
    pub name: String,
    pub line: usize,
    /// The known key that it is most likely a slip of.
    pub nearest: Option<&'static str>,
    /// Whether that is a key that somebody relies on to be stopped: unknown, it stops nobody.
    pub is_grave: bool,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown key `{}`", self.name)?;
        match self.nearest {
            Some(key) if self.is_grave => write!(f, ", which has no effect (did you mean `{key}`?)"),
            Some(key) => write!(f, " (did you mean `{key}`?)"),
            None => Ok(()),
        }
    }
}

impl Table {
    pub fn get(&self, key: Key) -> Option<&Entry> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, entry)| entry)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Key, &Entry)> {
        self.0.iter().map(|(key, entry)| (*key, entry))
    }
}

impl Entry {
    /// The value if it is a string that isn't empty. An empty one counts as unset everywhere.
    pub fn text(&self) -> Option<&str> {
        self.value.as_str().filter(|text| !text.trim().is_empty())
    }

    /// What is no string is not empty.
    pub fn is_empty(&self) -> bool {
        self.value.as_str().is_some_and(|text| text.trim().is_empty())
    }
}

impl Default for Document {
    fn default() -> Document {
        Document {
            path: Path::new("").into(),
            exists: false,
            lines: Vec::new(),
            top: Table::default(),
            profiles: Vec::new(),
            index: BTreeMap::new(),
            unknown: Vec::new(),
        }
    }
}

impl Document {
    /// Reads the file; a missing one is an empty document.
    pub fn load(place: Option<&Place>, notices: &Notices) -> Result<Document, ConfigError> {
        let Some(place) = place else { return Ok(Document::default()) };
        Document::of(&place.path, Document::bytes(place, notices)?)
    }

    /// The file's bytes, or `None` if there is none.
    pub(super) fn bytes(place: &Place, notices: &Notices) -> Result<Option<Vec<u8>>, FileError> {
        let is_torn = |bytes: &[u8]| toml::from_slice::<toml::Table>(bytes).is_err();
        files::read_whole(place, Trust::of(place, false), notices, is_torn)
    }

    /// `None` stands for a file that is missing.
    pub fn of(path: &Path, bytes: Option<Vec<u8>>) -> Result<Document, ConfigError> {
        match bytes {
            Some(bytes) => Document::parse(path, bytes),
            None => Ok(Document { path: path.into(), ..Document::default() }),
        }
    }

    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Document, ConfigError> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let (line, column) = position(&String::from_utf8_lossy(good), good.len());
            ConfigError::Syntax {
                path: path.to_owned(),
                line,
                column,
                message: "is not UTF-8 text".to_owned(),
            }
        })?;
        let table = DeTable::parse(&text).map_err(|error| {
            let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            ConfigError::Syntax { path: path.to_owned(), line, column, message }
        })?;
        let lines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect();
        let mut document = Document { path: path.into(), exists: true, lines, ..Document::default() };
        document.read_top(table.get_ref())?;
        document.check_names()?;
        Ok(document)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn exists(&self) -> bool {
        self.exists
    }

    pub fn top(&self) -> &Table {
        &self.top
    }

    /// The profiles' tables in the order of the file.
    pub fn profiles(&self) -> impl Iterator<Item = (&ProfileName, &Table)> {
        self.profiles.iter().map(|(name, table)| (name, table))
    }

    pub fn profile(&self, name: &ProfileName) -> Option<&Table> {
        self.index.get(name).map(|i| &self.profiles[*i].1)
    }

    /// The table of `name`; the top level is the one of `default`.
    pub fn table_of(&self, name: &ProfileName) -> Option<&Table> {
        if name.is_default() { Some(&self.top) } else { self.profile(name) }
    }

    /// Whether any table holds `key`.
    pub fn mentions(&self, key: Key) -> bool {
        std::iter::once(&self.top)
            .chain(self.profiles.iter().map(|(_, table)| table))
            .any(|table| table.get(key).is_some())
    }

    pub fn unknown_keys(&self) -> &[UnknownKey] {
        &self.unknown
    }

    pub fn origin_of(&self, entry: &Entry) -> Origin {
        Origin::File { path: self.path.clone(), line: self.line_at(entry.offset) }
    }

    /// All that is wrong with the values, each as `PATH:LINE:COLUMN: what`.
    pub fn problems(&self) -> Vec<String> {
        let tables = std::iter::once(&self.top).chain(self.profiles.iter().map(|(_, table)| table));
        let mut found = Vec::new();
        for (key, entry) in tables.flat_map(Table::iter) {
            let why = match self.canonical(key, entry) {
                Ok(Some(name)) if key == Key::Profile => self.unknown_profile(&name),
                Ok(_) => None,
                Err(ConfigError::Invalid { why, .. }) => Some(why),
                Err(other) => Some(other.to_string()),
            };
            found.extend(why.map(|why| (entry.offset, format!("`{key}` {why}"))));
        }
        found.sort();
        let shown = |(offset, why): (usize, String)| {
            let line = self.line_at(offset);
            let start = line.checked_sub(2).map_or(0, |before| self.lines[before] + 1);
            format!("{}:{line}:{}: {why}", self.path.display(), offset - start + 1)
        };
        found.into_iter().map(shown).collect()
    }

    fn unknown_profile(&self, name: &str) -> Option<String> {
        let name: ProfileName = name.parse().ok()?;
        let exists = name.is_default() || self.profile(&name).is_some();
        (!exists).then(|| {
            let near = likely(name.as_str(), self.profiles().map(|(name, _)| name.as_str()));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            format!("names no profile of this file{near}")
        })
    }

    pub fn line_of(&self, entry: &Entry) -> usize {
        self.line_at(entry.offset)
    }

    fn line_at(&self, offset: usize) -> usize {
        self.lines.partition_point(|newline| *newline < offset) + 1
    }

    fn read_top(&mut self, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (name, value) in table {
            if name.get_ref() == "profiles" {
                let DeValue::Table(profiles) = value.get_ref() else {
                    return Err(self.shape(value.span(), "`profiles` must be a table of profiles"));
                };
                self.read_profiles(profiles)?;
            } else if let Some((key, entry)) = self.known(name, value, "", |_| true) {
                self.top.0.push((key, entry));
            }
        }
        Ok(())
    }

    fn read_profiles(&mut self, profiles: &DeTable<'_>) -> Result<(), ConfigError> {
        let mut found: Vec<_> = profiles.iter().collect();
        found.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in found {
            let parsed: ProfileName = name.get_ref().parse().map_err(|why| {
                self.shape(name.span(), format!("the profile name `{}` {why}", name.get_ref()))
            })?;
            if parsed.is_default() {
                return Err(self.shape(
                    name.span(),
                    "`[profiles.default]` can't be: the top level of this file is the profile `default`",
                ));
            }
            let DeValue::Table(table) = value.get_ref() else {
                return Err(self.shape(value.span(), format!("`profiles.{parsed}` must be a table")));
            };
            let prefix = format!("profiles.{parsed}.");
            let mut own = Table::default();
            for (name, value) in table {
                own.0.extend(self.known(name, value, &prefix, Key::in_profile));
            }
            self.index.insert(parsed.clone(), self.profiles.len());
            self.profiles.push((parsed, own));
        }
        Ok(())
    }

    fn known(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        prefix: &str,
        allowed: impl Fn(Key) -> bool,
    ) -> Option<(Key, Entry)> {
        let text = name.get_ref().as_ref();
        match Key::ALL.into_iter().find(|key| key.as_str() == text && allowed(*key)) {
            Some(key) => Some((key, Entry { value: plain(value.get_ref()), offset: name.span().start })),
            None => {
                let names = Key::ALL.into_iter().filter(|key| allowed(*key)).map(Key::as_str);
                let guards = [Key::Protected, Key::ExpectUser].map(Key::as_str);
                let slip = guards.into_iter().find(|key| is_slip(text, key));
                self.unknown.push(UnknownKey {
                    name: format!("{prefix}{text}"),
                    line: self.line_at(name.span().start),
                    nearest: slip.or_else(|| likely(text, names)),
                    is_grave: slip.is_some(),
                });
                None
            }
        }
    }

    fn check_names(&self) -> Result<(), ConfigError> {
        // By variable, so that a long list stays cheap; only the rare clash is looked at closely.
        let default = ProfileName::default_profile();
        let mut variables: BTreeMap<String, &ProfileName> =
            BTreeMap::from([(default.token_variable(), &default)]);
        for (name, _) in &self.profiles {
            let variable = name.token_variable();
            if let Some(other) = variables.insert(variable.clone(), name) {
                let (left, right) = (other.to_string(), name.to_string());
                return Err(ConfigError::SameVariable { left, right, variable });
            }
        }
        Ok(())
    }

    fn shape(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        ConfigError::Shape {
            path: self.path.to_path_buf(),
            line: self.line_at(span.start),
            message: message.into(),
        }
    }
}

/// Only scalars can be values of ours; the rest keeps its kind so that an error can name it.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Integer(value) => i64::from_str_radix(value.as_str(), value.radix())
            .map_or_else(|_| Value::from(f64::INFINITY), Value::from),
        DeValue::Float(value) => Value::from(value.as_str().parse::<f64>().unwrap_or(f64::NAN)),
        DeValue::Datetime(value) => Value::from(value.to_string()),
        DeValue::Array(_) => Value::from(Vec::<Value>::new()),
        DeValue::Table(_) => Value::from(figment::value::Dict::new()),
    }
}

/// Line and column (in characters), both from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let end = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = &text[..end];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}
