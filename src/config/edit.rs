//! Changes to `config.toml` that keep its comments, order and formatting.
//!
//! Every change is: lock, read again, change, check that the result still reads, write. A file that
//! is not TOML, or that the change would make invalid, is never written.
//!
//! toml_edit keeps comments but not everything: it moves blanks around dots, ends every line in a
//! bare line feed, and drops a key together with the comment above it. So each change is made to its
//! document, and what differs before and after is carried over into the text, line by line. Where
//! toml_edit orders the lines otherwise (interleaved dotted keys), its own order is taken. Whatever
//! comes out is read again and must say what the document says.

use std::sync::{Mutex, PoisonError};

use similar::{Algorithm, DiffOp, capture_diff_slices};
use toml_edit::{DocumentMut, Entry, InlineTable, Item, Key as TomlKey, Table, TableLike, Value};

use super::{Config, ConfigError, Conflict, Document};
use crate::domain::text::utf16;
use crate::domain::{Key, ProfileName};
use crate::system::locks::{FileLock, Locks};
use crate::system::paths::Place;
use crate::system::replace::Mode;
use crate::system::reporter::Reporter;

/// The file as something that can be changed.
pub struct ConfigFile<'a> {
    place: Option<&'a Place>,
    locks: &'a Locks,
    reporter: &'a Reporter,
    watcher: Option<&'a dyn Watcher>,
    /// The lock, where the caller holds it already.
    held: Option<&'a Mutex<Option<FileLock>>>,
}

/// Must agree to every write: `before` is the file's content, `after` the new one.
pub trait Watcher {
    /// Whether a person must be asked first.
    fn must_ask(&self, before: &[u8], after: &[u8]) -> bool;

    /// Asks, with the file unlocked: no other process waits for a person.
    fn ask(&self, before: &[u8], after: &[u8]) -> Result<(), ConfigError>;

    /// Called for every write, with the file locked.
    fn admit(&self, before: &[u8], after: &[u8]) -> Result<(), ConfigError>;
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Which table a key is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditTarget {
    TopLevel,
    Profile(ProfileName),
}

/// The document while it is being changed.
pub struct ConfigEdit {
    document: DocumentMut,
    /// The file's text with the changes so far; its lines are those of `document`, but as they were.
    text: String,
    before: Document,
}

/// What becomes of the comments above a line that is removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    Stays,
    /// Only what a blank line sets apart.
    GoesWithIt,
}

impl EditTarget {
    /// Where the values of the profile `name` live.
    pub fn new(name: &ProfileName) -> EditTarget {
        if name.is_default() { EditTarget::TopLevel } else { EditTarget::Profile(name.clone()) }
    }
}

impl<'a> ConfigFile<'a> {
    pub fn new(place: Option<&'a Place>, locks: &'a Locks, reporter: &'a Reporter) -> ConfigFile<'a> {
        ConfigFile { place, locks, reporter, watcher: None, held: None }
    }

    /// `watcher` must agree to every write.
    pub fn watched(self, watcher: &'a dyn Watcher) -> ConfigFile<'a> {
        ConfigFile { watcher: Some(watcher), ..self }
    }

    /// For a caller who holds the file's [lock](ConfigFile::lock) already.
    pub fn holding(self, held: Option<&'a Mutex<Option<FileLock>>>) -> ConfigFile<'a> {
        ConfigFile { held, ..self }
    }

    /// Runs `change` on the file as it is now; writes only if it changed something.
    pub fn edit<T, E: From<ConfigError>>(
        &self,
        change: impl FnOnce(&mut ConfigEdit) -> Result<T, E>,
    ) -> Result<T, E> {
        match self.held {
            Some(held) => self.edit_locked(&mut held.lock().unwrap_or_else(PoisonError::into_inner), change),
            None => self.edit_locked(&mut Some(self.lock()?), change),
        }
    }

    fn edit_locked<T, E: From<ConfigError>>(
        &self,
        lock: &mut Option<FileLock>,
        change: impl FnOnce(&mut ConfigEdit) -> Result<T, E>,
    ) -> Result<T, E> {
        let place = self.place.ok_or(ConfigError::NoHome)?;
        let (mut edit, mark) = self.read(place)?;
        let text = edit.text.clone();
        let answer = change(&mut edit)?;
        if edit.text != text {
            if !says_the_same(&edit.text, &edit.document.to_string()) {
                return Err(ConfigError::WouldMangle { path: place.path.clone() }.into());
            }
            let after = format!("{mark}{}", edit.text).into_bytes();
            Document::parse(&place.path, after.clone())
                .and_then(|document| document.check_since(&edit.before))
                .map_err(|source| ConfigError::WouldBreak {
                    path: place.path.clone(),
                    source: Box::new(source),
                })?;
            self.write(lock, format!("{mark}{text}").as_bytes(), &after)?;
        }
        Ok(answer)
    }

    /// Runs `change` on what the file says now, and leaves the file as it is.
    pub fn rehearse<T>(
        &self,
        change: impl FnOnce(&mut ConfigEdit) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        change(&mut self.read(self.place.ok_or(ConfigError::NoHome)?)?.0)
    }

    /// The file as it stands, whatever it holds; `None` if there is none.
    pub fn bytes(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let place = self.place.ok_or(ConfigError::NoHome)?;
        Ok(Document::bytes(place, self.reporter)?)
    }

    /// Puts `after`, which must have been checked, in place of the whole file, if that is still `before`.
    pub fn replace(&self, before: Option<&[u8]>, after: &[u8]) -> Result<(), ConfigError> {
        let mut lock = Some(self.lock()?);
        self.check_unchanged(before.unwrap_or_default())?;
        self.write(&mut lock, before.unwrap_or_default(), after)
    }

    /// The lock that every change of the file holds.
    pub fn lock(&self) -> Result<FileLock, ConfigError> {
        let place = self.place.ok_or(ConfigError::NoHome)?;
        Ok(self.locks.config(place)?)
    }

    fn check_unchanged(&self, before: &[u8]) -> Result<(), ConfigError> {
        let place = self.place.ok_or(ConfigError::NoHome)?;
        if self.bytes()?.as_deref().unwrap_or_default() == before {
            Ok(())
        } else {
            Err(ConfigError::ChangedMeanwhile { path: place.path.clone() })
        }
    }

    fn write(&self, held: &mut Option<FileLock>, before: &[u8], after: &[u8]) -> Result<(), ConfigError> {
        if let Some(watcher) = self.watcher {
            if watcher.must_ask(before, after) {
                *held = None;
                watcher.ask(before, after)?;
                *held = Some(self.lock()?);
                self.check_unchanged(before)?;
            }
            watcher.admit(before, after)?;
        }
        let lock = match held {
            Some(lock) => lock,
            // The question released it, and the answer was no.
            None => held.insert(self.lock()?),
        };
        let mode = Mode::of_config(lock.place());
        Ok(lock.replace(after, mode)?)
    }

    /// The file, and the mark that it begins with.
    fn read(&self, place: &Place) -> Result<(ConfigEdit, &'static str), ConfigError> {
        let bytes = Document::bytes(place, self.reporter)?;
        let before = Document::from_bytes(&place.path, bytes.clone())?;
        // of() saw that it is text.
        let bytes = bytes.unwrap_or_default();
        let text = match utf16(&bytes) {
            Some(text) => {
                self.reporter
                    .warn(format!("{} is UTF-16 text; it is written as UTF-8", place.path.display()));
                text.unwrap_or_default()
            }
            None => String::from_utf8_lossy(&bytes).into_owned(),
        };
        let (mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (BYTE_ORDER_MARK, rest.to_owned()),
            None => ("", text),
        };
        let document = text.parse::<DocumentMut>().map_err(|error| ConfigError::Shape {
            path: place.path.clone(),
            line: 1,
            message: error.message().to_owned(),
        })?;
        Ok((ConfigEdit { document, text, before }, mark))
    }
}

impl ConfigEdit {
    /// The file as it was before this change.
    pub fn before(&self) -> &Document {
        &self.before
    }

    /// The file as it would be now.
    pub fn preview(&self) -> Result<Document, ConfigError> {
        let document = Document::parse(self.before.path(), self.text.clone().into_bytes())?;
        document.check_since(&self.before)?;
        Ok(document)
    }

    /// As [`ConfigEdit::preview`], with what it means by itself: without logins, flags and variables.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::new(self.preview()?, Default::default(), Default::default(), Default::default())
    }

    /// Makes one change to the document and carries it over into the text.
    fn change<T>(&mut self, above: Above, make: impl FnOnce(&mut ConfigEdit) -> T) -> T {
        let before = self.document.to_string();
        let answer = make(self);
        let after = self.document.to_string();
        if before != after {
            let end = line_end(&self.text);
            let own = if same_lines(&self.text, &before) { self.text.clone() } else { ended(&before, end) };
            self.text = carry_over(&own, &before, &after, end, above);
            if !says_the_same(&self.text, &after) {
                self.text = ended(&after, end);
            }
        }
        answer
    }

    pub fn has_profile(&self, name: &ProfileName) -> bool {
        self.profiles().is_some_and(|profiles| profiles.contains_key(name.as_str()))
    }

    /// Writes `text`, which must be a value of `key`, in its canonical form. A profile must exist.
    pub fn set(&mut self, target: &EditTarget, key: Key, text: &str) -> Result<(), ConfigError> {
        if let EditTarget::Profile(name) = target
            && !self.has_profile(name)
        {
            return Err(Conflict::Gone(name.clone()).into());
        }
        self.set_all(&[(target.clone(), key, text)])
    }

    /// As [`ConfigEdit::set`], all in one change, since that costs as much as the file is long. A profile that is
    /// missing is created.
    pub fn set_all(&mut self, new: &[(EditTarget, Key, &str)]) -> Result<(), ConfigError> {
        let values = new.iter().map(|(target, key, text)| value_of(target, *key, text));
        let values = values.collect::<Result<Vec<Value>, _>>()?;
        self.change(Above::Stays, |edit| {
            for ((target, key, _), value) in new.iter().zip(values) {
                edit.put(target, *key, value);
            }
        });
        Ok(())
    }

    fn put(&mut self, target: &EditTarget, key: Key, mut value: Value) {
        // Comments that stand alone are the end of the file; a key that comes must come after them.
        if *target == EditTarget::TopLevel && self.document.is_empty() {
            let comments = self.take_trailing();
            let mut name = TomlKey::new(key.as_str());
            name.leaf_decor_mut().set_prefix(comments);
            self.document.as_table_mut().insert_formatted(&name, Item::Value(value));
            return;
        }
        let table = self.table_or_new(target);
        match table.get_mut(key.as_str()) {
            Some(Item::Value(old)) => {
                // The comment behind a value is part of the old one's decoration.
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            Some(item) => *item = Item::Value(value),
            None => {
                table.insert(key.as_str(), Item::Value(value));
                if let EditTarget::Profile(name) = target {
                    let profile = self.profiles_mut().and_then(|profiles| profiles.get_mut(name.as_str()));
                    if let Some(Item::Value(Value::InlineTable(table))) = profile {
                        move_closing_blank(table);
                    }
                }
            }
        }
    }

    /// Removes a key; answers whether it was there.
    pub fn unset(&mut self, target: &EditTarget, key: &str) -> bool {
        self.change(Above::Stays, |edit| match target {
            EditTarget::TopLevel => edit.document.remove(key).is_some(),
            EditTarget::Profile(name) => edit
                .profiles_mut()
                .and_then(|profiles| profiles.get_mut(name.as_str()))
                .and_then(Item::as_table_like_mut)
                .is_some_and(|table| table.remove(key).is_some()),
        })
    }

    /// Removes a profile's table with the comments that belong to it.
    pub fn remove_profile(&mut self, name: impl AsRef<str>) -> bool {
        self.change(Above::GoesWithIt, |edit| {
            edit.profiles_mut().is_some_and(|profiles| profiles.remove(name.as_ref()).is_some())
        })
    }

    /// Gives a profile another name, in place. The old one need not be a valid name.
    pub fn rename_profile(&mut self, from: impl AsRef<str>, to: &ProfileName) -> Result<(), ConfigError> {
        if let Ok(name) = from.as_ref().parse::<ProfileName>()
            && !self.has_profile(&name)
        {
            return Err(Conflict::Gone(name).into());
        }
        if self.has_profile(to) || to.is_default() {
            return Err(ConfigError::NameTaken(to.to_string()));
        }
        self.change(Above::Stays, |edit| {
            let Some(profiles) = edit.profiles_mut() else { return };
            // toml_edit has no rename; taking all out and putting them back in order keeps every place.
            let names: Vec<String> = profiles.iter().map(|(name, _)| name.to_owned()).collect();
            let mut kept: Vec<(TomlKey, Item)> = Vec::with_capacity(names.len());
            for name in names {
                let key = profiles.key(&name).cloned().unwrap_or_else(|| TomlKey::new(&name));
                let Some(item) = profiles.remove(&name) else { continue };
                let key = if name == from.as_ref() {
                    TomlKey::new(to.as_str())
                        .with_leaf_decor(key.leaf_decor().clone())
                        .with_dotted_decor(key.dotted_decor().clone())
                } else {
                    key
                };
                kept.push((key, item));
            }
            for (key, item) in kept {
                if let Entry::Vacant(place) = profiles.entry_format(&key) {
                    place.insert(item);
                }
            }
        });
        Ok(())
    }

    fn profiles(&self) -> Option<&dyn TableLike> {
        self.document.get("profiles").and_then(Item::as_table_like)
    }

    fn profiles_mut(&mut self) -> Option<&mut dyn TableLike> {
        self.document.get_mut("profiles").and_then(Item::as_table_like_mut)
    }

    /// The comments at the end of the file, to be put in front of what is added there.
    fn take_trailing(&mut self) -> String {
        let mut text = self.document.trailing().as_str().unwrap_or_default().to_owned();
        self.document.set_trailing("");
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    /// Only [`ConfigEdit::set_all`] may create one.
    fn table_or_new(&mut self, target: &EditTarget) -> &mut dyn TableLike {
        let EditTarget::Profile(name) = target else { return self.document.as_table_mut() };
        let is_new = !self.has_profile(name);
        let inline = self.profiles().is_some_and(|profiles| {
            !matches!(profiles.iter().next(), Some((_, Item::Table(table))) if !table.is_dotted())
                && !profiles.is_empty()
        });
        let comments = if is_new && !inline { self.take_trailing() } else { String::new() };
        let profiles = self.document.entry("profiles").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let profiles = as_table(profiles);
        if profiles.get(name.as_str()).is_none_or(Item::is_none) {
            let fresh = if inline {
                Item::Value(Value::InlineTable(Default::default()))
            } else {
                let mut table = Table::new();
                if !comments.is_empty() {
                    table.decor_mut().set_prefix(format!("{comments}\n"));
                    table.set_position(Some(isize::MAX));
                }
                Item::Table(table)
            };
            profiles.insert(name.as_str(), fresh);
        }
        as_table(profiles.entry(name.as_str()).or_insert_with(|| Item::Table(Table::new())))
    }
}

/// `text` in its canonical form, if it is a value of `key` and has its place in `target`.
fn value_of(target: &EditTarget, key: Key, text: &str) -> Result<Value, ConfigError> {
    let canonical = key.canonical(text).map_err(|why| ConfigError::Invalid {
        key,
        why: why.to_string(),
        origin: crate::domain::Origin::CommandLine,
    })?;
    if matches!(target, EditTarget::Profile(_)) && !key.in_profile() {
        return Err(ConfigError::TopLevelOnly(key));
    }
    Ok(if key.is_bool() { Value::from(canonical == "true") } else { Value::from(canonical) })
}

/// The blank in front of the closing brace belongs to the last value, which another one is now.
fn move_closing_blank(table: &mut InlineTable) {
    let mut values: Vec<&mut Value> = table.iter_mut().map(|(_, value)| value).collect();
    if let [.., before, last] = values.as_mut_slice()
        && let Some(blank) = before.decor().suffix().cloned()
    {
        before.decor_mut().set_suffix("");
        last.decor_mut().set_prefix(" ");
        last.decor_mut().set_suffix(blank);
    }
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// `text` with every line ended by `end`.
fn ended(text: &str, end: &str) -> String {
    text.split_inclusive('\n').map(|line| line.trim_end_matches(['\r', '\n']).to_owned() + end).collect()
}

/// Whether line n of both is the same but for blanks, which toml_edit moves around dots.
fn same_lines(left: &str, right: &str) -> bool {
    let bare = |line: &str| line.split_whitespace().collect::<String>();
    let lines = |text: &str| text.split_inclusive('\n').map(bare).collect::<Vec<String>>();
    lines(left) == lines(right)
}

/// Whether both read as the same values.
fn says_the_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.parse::<toml::Table>(), right.parse::<toml::Table>());
    left.is_ok_and(|left| right.is_ok_and(|right| left == right))
}

/// `text` with the change that turns `before` into `after`, both of which are toml_edit's spelling
/// of it: a line that did not change stays as it is in `text`.
fn carry_over(text: &str, before: &str, after: &str, end: &str, above: Above) -> String {
    let lines =
        |text| str::split_inclusive(text, '\n').map(|line| line.trim_end_matches(['\r', '\n'])).collect();
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(before), lines(after));
    let text: Vec<&str> = text.split_inclusive('\n').collect();
    let mut changed = String::new();
    let mut push = |lines: &[&str]| {
        for line in lines {
            changed.push_str(line);
            if !line.ends_with('\n') {
                changed.push_str(end);
            }
        }
    };
    for change in capture_diff_slices(Algorithm::Myers, &old, &new) {
        match change {
            DiffOp::Equal { old_index, len, .. } => push(&text[old_index..old_index + len]),
            DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
                push(&new[new_index..new_index + new_len]);
            }
            // What stands above a removed line is toml_edit's to remove, and a user's to keep.
            DiffOp::Delete { old_index, old_len, .. } => {
                let gone = &text[old_index..old_index + old_len];
                let is_comment = |line: &&&str| matches!(line.trim_start().chars().next(), None | Some('#'));
                let comments = gone.iter().take_while(is_comment).count();
                let is_blank = |line: &&str| line.trim().is_empty();
                let kept = match above {
                    Above::Stays => comments,
                    Above::GoesWithIt => gone[..comments].iter().rposition(is_blank).map_or(0, |at| at + 1),
                };
                push(&gone[..kept]);
            }
        }
    }
    changed
}

/// The reader has refused files in which these are no tables, so anything else is replaced.
fn as_table(item: &mut Item) -> &mut dyn TableLike {
    if !item.is_table_like() {
        *item = Item::Table(Table::new());
    }
    match item {
        Item::Value(Value::InlineTable(table)) => table,
        Item::Table(table) => table,
        _ => unreachable!("made a table above"),
    }
}

/// The raw text of `key` in the file, as `config get profiles.staging.tenant` prints it.
pub fn in_file(config: &Config, target: &EditTarget, key: Key) -> Result<Option<String>, ConfigError> {
    let table = match target {
        EditTarget::TopLevel => config.document.top(),
        EditTarget::Profile(name) => match config.document.profile(name) {
            Some(table) => table,
            None => return Ok(None),
        },
    };
    let Some(entry) = table.get(key) else { return Ok(None) };
    match (entry.value.as_str(), entry.value.to_bool()) {
        (Some(_), _) => Ok(entry.text().map(str::to_owned)),
        (None, Some(value)) if key.is_bool() => Ok(Some(value.to_string())),
        _ => Err(ConfigError::Invalid {
            key,
            why: key.kind().to_owned(),
            origin: config.document.origin_of(entry),
        }),
    }
}
