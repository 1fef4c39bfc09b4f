//! Changes to `config.toml` that keep its comments, order and formatting.
//!
//! Every change is: lock, read again, change, check that the result still reads, write. A file that
//! is not TOML, or that the change would make invalid, is never written.
//!
//! toml_edit keeps comments but not everything: it moves blanks around dots, ends every line in a
//! bare line feed, and drops a key together with the comment above it. So each change is made to its
//! document, and what differs before and after is carried over into the text, line by line.

use toml_edit::{DocumentMut, Entry, InlineTable, Item, Key as TomlKey, Table, TableLike, Value};

use super::{Config, ConfigError, Document};
use crate::domain::{Key, ProfileName};
use crate::system::files;
use crate::system::locks::Locks;
use crate::system::notices::Notices;
use crate::system::paths::Place;

/// The file as something that can be changed.
pub struct ConfigFile<'a> {
    place: Option<&'a Place>,
    locks: &'a Locks,
    notices: &'a Notices,
}

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
    pub fn of(name: &ProfileName) -> EditTarget {
        if name.is_default() { EditTarget::TopLevel } else { EditTarget::Profile(name.clone()) }
    }
}

impl<'a> ConfigFile<'a> {
    pub fn new(place: Option<&'a Place>, locks: &'a Locks, notices: &'a Notices) -> ConfigFile<'a> {
        ConfigFile { place, locks, notices }
    }

    /// Runs `change` on the file as it is now; writes only if it changed something.
    pub fn edit<T>(
        &self,
        change: impl FnOnce(&mut ConfigEdit) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let place = self.place.ok_or(ConfigError::NoHome)?;
        let _lock = self.locks.config()?;
        let before = Document::load(Some(place), self.notices)?;
        let text = match files::read(&place.path, files::Trust::AsIs, self.notices)? {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(), // load() saw that it is UTF-8
            None => String::new(),
        };
        // toml_edit drops a byte order mark; a line in front of it would be worse.
        let (mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (BYTE_ORDER_MARK, rest.to_owned()),
            None => ("", text),
        };
        let document = text.parse::<DocumentMut>().map_err(|error| ConfigError::Shape {
            path: place.path.clone(),
            line: 1,
            message: error.message().to_owned(),
        })?;
        let mut edit = ConfigEdit { document, text: text.clone(), before };
        let answer = change(&mut edit)?;
        let after = edit.text;
        if after != text {
            let after = format!("{mark}{after}");
            Document::parse(&place.path, after.clone().into_bytes()).map_err(|source| {
                ConfigError::WouldBreak { path: place.path.clone(), source: Box::new(source) }
            })?;
            files::replace(&place.path, after.as_bytes())?;
        }
        Ok(answer)
    }
}

impl ConfigEdit {
    /// The file as it was before this change.
    pub fn before(&self) -> &Document {
        &self.before
    }

    /// The file as it would be now.
    pub fn preview(&self) -> Result<Document, ConfigError> {
        Document::parse(self.before.path(), self.text.clone().into_bytes())
    }

    /// Makes one change to the document and carries it over into the text.
    fn change<T>(&mut self, above: Above, make: impl FnOnce(&mut ConfigEdit) -> T) -> T {
        let before = self.document.to_string();
        let answer = make(self);
        let after = self.document.to_string();
        let carried = carry_over(&self.text, &before, &after, above);
        // What is written must say what the document says, whatever it looks like.
        self.text = if values(&carried).is_some_and(|carried| Some(carried) == values(&after)) {
            carried
        } else {
            with_line_ends_of(&self.text, &after)
        };
        answer
    }

    pub fn has_profile(&self, name: &ProfileName) -> bool {
        self.profiles().is_some_and(|profiles| profiles.contains_key(name.as_str()))
    }

    /// Writes `text`, which must be a value of `key`, in its canonical form.
    pub fn set(&mut self, target: &EditTarget, key: Key, text: &str) -> Result<(), ConfigError> {
        let canonical = key.canonical(text).map_err(|why| ConfigError::Invalid {
            key,
            why: why.to_string(),
            origin: crate::domain::Origin::Flag("the command line"),
        })?;
        if matches!(target, EditTarget::Profile(_)) && !key.in_profile() {
            return Err(ConfigError::TopLevelOnly(key));
        }
        let value = if key.is_bool() { Value::from(canonical == "true") } else { Value::from(canonical) };
        self.change(Above::Stays, |edit| edit.put(target, key, value));
        Ok(())
    }

    fn put(&mut self, target: &EditTarget, key: Key, mut value: Value) {
        let table = self.table_mut(target);
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
    pub fn remove_profile(&mut self, name: &ProfileName) -> bool {
        self.change(Above::GoesWithIt, |edit| {
            edit.profiles_mut().is_some_and(|profiles| profiles.remove(name.as_str()).is_some())
        })
    }

    /// Gives a profile another name, in place.
    pub fn rename_profile(&mut self, from: &ProfileName, to: &ProfileName) -> Result<(), ConfigError> {
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
                let key = if name == from.as_str() {
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

    fn table_mut(&mut self, target: &EditTarget) -> &mut dyn TableLike {
        let EditTarget::Profile(name) = target else { return self.document.as_table_mut() };
        let profiles = self.document.entry("profiles").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let profiles = as_table(profiles);
        if profiles.get(name.as_str()).is_none_or(Item::is_none) {
            let inline = !matches!(profiles.iter().next(), Some((_, Item::Table(_))) | None);
            let fresh = if inline {
                Item::Value(Value::InlineTable(Default::default()))
            } else {
                Item::Table(Table::new())
            };
            profiles.insert(name.as_str(), fresh);
        }
        as_table(profiles.entry(name.as_str()).or_insert_with(|| Item::Table(Table::new())))
    }
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

const BYTE_ORDER_MARK: &str = "\u{feff}";

fn values(text: &str) -> Option<toml::Table> {
    text.parse().ok()
}

/// `rendered` with the line ends that `text` has.
fn with_line_ends_of(text: &str, rendered: &str) -> String {
    if text.contains("\r\n") {
        rendered.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        rendered.to_owned()
    }
}

/// `text` with the change that turns `before` into `after`, both of which are toml_edit's spelling
/// of it: a line that did not change stays as it is in `text`.
fn carry_over(text: &str, before: &str, after: &str, above: Above) -> String {
    if before == after {
        return text.to_owned();
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = |line: &str| line.trim_end_matches(['\r', '\n']).to_owned() + end;
    let lines = |text: &'_ str| text.split_inclusive('\n').map(line).collect::<Vec<String>>();
    let (old, new) = (lines(before), lines(after));
    let mut text: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    // toml_edit writes interleaved dotted keys in another order: then no line is where it was.
    let bare = |line: &str| line.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    if text.len() != old.len() || text.iter().zip(&old).any(|(text, old)| bare(text) != bare(old)) {
        return new.concat();
    }
    if let Some(last) = text.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str(end);
    }
    let same = |pair: &(&String, &String)| pair.0 == pair.1;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let head = old.iter().zip(new).take_while(same).count();
    // What stands above a removed line is toml_edit's to remove, and a user's to keep.
    let gone = &text[head..old.len()];
    let comments =
        gone.iter().take_while(|line| matches!(line.trim_start().chars().next(), None | Some('#')));
    let comments = if new.len() > head && above == Above::Stays { 0 } else { comments.count() };
    let kept = match above {
        Above::Stays => comments,
        Above::GoesWithIt => {
            gone[..comments].iter().rposition(|line| line.trim().is_empty()).map_or(0, |blank| blank + 1)
        }
    };
    [&text[..head + kept], &new[head..], &text[old.len()..]].concat().concat()
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

impl Config {
    /// The raw text of `key` in the file, as `config get profiles.staging.tenant` prints it.
    pub fn in_file(&self, target: &EditTarget, key: Key) -> Option<String> {
        let table = match target {
            EditTarget::TopLevel => self.document.top(),
            EditTarget::Profile(name) => self.document.profile(name)?,
        };
        let entry = table.get(key)?;
        Some(match entry.value.as_str() {
            Some(text) => text.to_owned(),
            None => entry.value.to_bool().map(|b| b.to_string()).unwrap_or_default(),
        })
    }
}
