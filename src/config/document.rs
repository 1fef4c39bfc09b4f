//! `config.toml` as it was read: the known keys with their lines, the unknown ones by name.
//!
//! Values are kept as they stand, and profiles that can't be used are kept apart: only the profile that a
//! command uses must be valid, so that one bad line never locks a user out of the commands that mend it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use figment::value::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::invalid_profile::{InvalidProfile, Reason};
use crate::domain::text::utf16;
use crate::domain::{Key, Origin, ProfileName, is_slip, likely};
use crate::system::files::{self, FileError, Trust};
use crate::system::paths::Place;
use crate::system::reporter::Reporter;

/// The parsed file. The empty one stands for a file that does not exist.
#[derive(Debug)]
pub struct Document {
    path: Arc<Path>,
    exists: bool,
    absence: Option<Absence>,
    lines: Vec<usize>,
    top: Table,
    profiles: Vec<(ProfileName, Table)>,
    index: BTreeMap<ProfileName, usize>,
    invalid: Vec<InvalidTable>,
    unknown: Vec<UnknownKey>,
}

/// Why nothing is known of the profiles of a file.
#[derive(Debug)]
enum Absence {
    /// This variable names a file that does not exist.
    Missing(&'static str),
    Unreadable(Arc<FileError>),
}

#[derive(Debug)]
struct InvalidTable {
    profile: InvalidProfile,
    offset: usize,
    table: Table,
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
            absence: None,
            lines: Vec::new(),
            top: Table::default(),
            profiles: Vec::new(),
            index: BTreeMap::new(),
            invalid: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

impl Document {
    /// Reads the file; one that is missing or can't be read is an empty document that
    /// [knows it](Document::check_present).
    pub fn load(place: Option<&Place>, reporter: &Reporter) -> Result<Document, ConfigError> {
        let Some(place) = place else { return Ok(Document::default()) };
        match Document::bytes(place, reporter) {
            Ok(Some(bytes)) => Document::parse(&place.path, bytes),
            Ok(None) => {
                let absence = place.by_variable.map(Absence::Missing);
                Ok(Document { path: place.path.as_path().into(), absence, ..Document::default() })
            }
            Err(error) => Ok(Document::unreadable(&place.path, Arc::new(error))),
        }
    }

    /// The file's bytes, or `None` if there is none.
    pub(super) fn bytes(place: &Place, reporter: &Reporter) -> Result<Option<Vec<u8>>, FileError> {
        let is_torn = |bytes: &[u8]| toml::from_slice::<toml::Table>(bytes).is_err();
        files::read_whole(place, Trust::new(place, false), reporter, is_torn)
    }

    pub fn unreadable(path: &Path, error: Arc<FileError>) -> Document {
        Document { path: path.into(), absence: Some(Absence::Unreadable(error)), ..Document::default() }
    }

    /// Fails if the file exists but can't be read.
    pub fn check_readable(&self) -> Result<(), ConfigError> {
        match &self.absence {
            Some(Absence::Unreadable(error)) => Err(ConfigError::Unreadable(error.clone())),
            _ => Ok(()),
        }
    }

    /// Fails if the file can't be read, or if a variable names one that does not exist.
    pub fn check_present(&self) -> Result<(), ConfigError> {
        match self.absence {
            Some(Absence::Missing(variable)) => {
                Err(ConfigError::MissingFile { variable, path: self.path.to_path_buf() })
            }
            _ => self.check_readable(),
        }
    }

    /// `None` stands for a file that is missing.
    pub fn from_bytes(path: &Path, bytes: Option<Vec<u8>>) -> Result<Document, ConfigError> {
        match bytes {
            Some(bytes) => Document::parse(path, bytes),
            None => Ok(Document { path: path.into(), ..Document::default() }),
        }
    }

    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Document, ConfigError> {
        // A mark of UTF-8 counts where errors are placed.
        let text = utf16(&bytes).unwrap_or_else(|| {
            String::from_utf8(bytes).map_err(|error| {
                let good = error.utf8_error().valid_up_to();
                String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned()
            })
        });
        let text = text.map_err(|good| {
            let (line, column) = position(&good, good.len());
            let message = "is not UTF-8 text".to_owned();
            ConfigError::Syntax { path: path.to_owned(), line, column, message }
        })?;
        let table = DeTable::parse(&text).map_err(|error| {
            let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            ConfigError::Syntax { path: path.to_owned(), line, column, message }
        })?;
        let lines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect();
        let mut document = Document { path: path.into(), exists: true, lines, ..Document::default() };
        document.read_top(table.get_ref())?;
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

    /// The profiles that can't be used, in the order of the file.
    pub fn invalid_profiles(&self) -> impl Iterator<Item = &InvalidProfile> {
        self.invalid.iter().map(|it| &it.profile)
    }

    /// As [`Document::invalid_profiles`], with what their tables say.
    pub(super) fn invalid_tables(&self) -> impl Iterator<Item = (&InvalidProfile, &Table)> {
        self.invalid.iter().map(|it| (&it.profile, &it.table))
    }

    /// Fails if the profile `name` of the file can't be used.
    pub fn check_usable(&self, name: &str) -> Result<(), ConfigError> {
        match self.invalid_profiles().find(|profile| profile.name == name) {
            Some(profile) => Err(self.invalid_profile(profile)),
            None => Ok(()),
        }
    }

    /// Fails if a profile can't be used that was not yet there, or could be used, in `before`.
    pub fn check_since(&self, before: &Document) -> Result<(), ConfigError> {
        match self.invalid_profiles().find(|profile| before.check_usable(&profile.name).is_ok()) {
            Some(profile) => Err(match profile.reason.clone() {
                Reason::SameVariable { left, right, variable } => {
                    ConfigError::SameVariable { left, right, variable }
                }
                _ => self.invalid_profile(profile),
            }),
            None => Ok(()),
        }
    }

    pub(super) fn invalid_profile(&self, profile: &InvalidProfile) -> ConfigError {
        ConfigError::InvalidProfile { path: self.path.to_path_buf(), profile: Box::new(profile.clone()) }
    }

    fn tables(&self) -> impl Iterator<Item = &Table> {
        let invalid = self.invalid.iter().map(|it| &it.table);
        std::iter::once(&self.top).chain(self.profiles.iter().map(|(_, table)| table)).chain(invalid)
    }

    /// Whether any table holds `key`.
    pub fn mentions(&self, key: Key) -> bool {
        self.tables().any(|table| table.get(key).is_some())
    }

    pub fn unknown_keys(&self) -> &[UnknownKey] {
        &self.unknown
    }

    pub fn origin_of(&self, entry: &Entry) -> Origin {
        Origin::File { path: self.path.clone(), line: self.line_at(entry.offset) }
    }

    /// All that is wrong with the values, each as `PATH:LINE:COLUMN: what`.
    pub fn problems(&self) -> Vec<String> {
        let invalid = self.invalid.iter().map(|it| (it.offset, it.profile.to_string()));
        let mut found: Vec<(usize, String)> = invalid.collect();
        for (key, entry) in self.tables().flat_map(Table::iter) {
            let why = match canonical(self, key, entry) {
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
                self.read_profiles(profiles);
            } else if let Some((key, entry)) = self.known(name, value, "", |_| true) {
                self.top.0.push((key, entry));
            }
        }
        Ok(())
    }

    fn read_profiles(&mut self, profiles: &DeTable<'_>) {
        let mut found: Vec<_> = profiles.iter().collect();
        found.sort_by_key(|(name, _)| name.span().start);
        let mut read = Vec::new();
        for (key, value) in found {
            let (name, offset) = (key.get_ref().as_ref(), key.span().start);
            let (mut table, unknown) = (Table::default(), self.unknown.len());
            if let DeValue::Table(values) = value.get_ref() {
                let prefix = format!("profiles.{name}.");
                for (name, value) in values {
                    table.0.extend(self.known(name, value, &prefix, Key::in_profile));
                }
            }
            let reason = match (name.parse::<ProfileName>(), value.get_ref()) {
                (Err(why), _) => Reason::Name(why),
                (Ok(parsed), _) if parsed.is_default() => Reason::TopLevel,
                (Ok(parsed), DeValue::Table(_)) => {
                    read.push((parsed, offset, table));
                    continue;
                }
                (Ok(_), _) => Reason::NotATable,
            };
            // No command could name its keys.
            self.unknown.truncate(unknown);
            self.put_aside(name, offset, reason, table);
        }
        let mut clashes = clashes(&read);
        for (i, (name, _, table)) in read.into_iter().enumerate() {
            match clashes.remove(&i) {
                Some((offset, reason)) => self.put_aside(name.as_str(), offset, reason, table),
                None => {
                    self.index.insert(name.clone(), self.profiles.len());
                    self.profiles.push((name, table));
                }
            }
        }
        // Two that clash stand together: their offset is the later one's.
        self.invalid.sort_by_key(|it| it.offset);
    }

    fn put_aside(&mut self, name: &str, offset: usize, reason: Reason, table: Table) {
        let profile = InvalidProfile { name: name.to_owned(), line: self.line_at(offset), reason };
        self.invalid.push(InvalidTable { profile, offset, table });
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

    fn shape(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        ConfigError::Shape {
            path: self.path.to_path_buf(),
            line: self.line_at(span.start),
            message: message.into(),
        }
    }
}

/// The profiles whose names share a token variable, by their place in `read`: with the reason, and where the
/// later one of the two stands.
fn clashes(read: &[(ProfileName, usize, Table)]) -> BTreeMap<usize, (usize, Reason)> {
    let default = ProfileName::default_profile();
    // By variable, so that a long list stays cheap. The top level is a profile too, but no table.
    let mut first = BTreeMap::from([(default.token_variable(), (None, &default))]);
    let mut clashes = BTreeMap::new();
    for (i, (name, offset, _)) in read.iter().enumerate() {
        let variable = name.token_variable();
        let Some((earlier, left)) = first.get(&variable).copied() else {
            first.insert(variable, (Some(i), name));
            continue;
        };
        let (left, right) = (left.to_string(), name.to_string());
        let reason = Reason::SameVariable { left, right, variable };
        if let Some(earlier) = earlier {
            clashes.entry(earlier).or_insert((*offset, reason.clone()));
        }
        clashes.insert(i, (*offset, reason));
    }
    clashes
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

/// The value of an entry as the file should hold it; `None` if it is empty, which counts as unset.
pub(super) fn canonical(document: &Document, key: Key, entry: &Entry) -> Result<Option<String>, ConfigError> {
    let invalid = |why: String| ConfigError::Invalid { key, why, origin: document.origin_of(entry) };
    let text = match (entry.value.as_str(), entry.value.to_bool()) {
        (Some(text), _) if text.trim().is_empty() => return Ok(None),
        (Some(text), _) if !key.is_bool() => text.to_owned(),
        (None, Some(value)) if key.is_bool() => value.to_string(),
        _ => return Err(invalid(key.kind().to_owned())),
    };
    key.canonical(&text).map(Some).map_err(|why| invalid(why.to_string()))
}
