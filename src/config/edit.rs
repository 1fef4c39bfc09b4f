//! Changes to `config.toml` that keep its comments, order and formatting.
//!
//! Every change is: lock, read again, change, check that the result still reads, write. A file that
//! is not TOML, or that the change would make invalid, is never written.

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

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
    before: Document,
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
        let document = text.parse::<DocumentMut>().map_err(|error| ConfigError::Shape {
            path: place.path.clone(),
            line: 1,
            message: error.message().to_owned(),
        })?;
        let mut edit = ConfigEdit { document, before };
        let answer = change(&mut edit)?;
        let after = edit.document.to_string();
        if after != text {
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
        Document::parse(self.before.path(), self.document.to_string().into_bytes())
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
        let table = self.table_mut(target);
        match table.get_mut(key.as_str()) {
            Some(Item::Value(old)) => {
                // The comment behind a value is part of the old one's decoration.
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            Some(item) => *item = Item::Value(value),
            None => {
                table.insert(key.as_str(), Item::Value(value));
            }
        }
        Ok(())
    }

    /// Removes a key; answers whether it was there.
    pub fn unset(&mut self, target: &EditTarget, key: &str) -> bool {
        match target {
            EditTarget::TopLevel => self.document.remove(key).is_some(),
            EditTarget::Profile(name) => self
                .profiles_mut()
                .and_then(|profiles| profiles.get_mut(name.as_str()))
                .and_then(Item::as_table_like_mut)
                .is_some_and(|table| table.remove(key).is_some()),
        }
    }

    /// Removes a profile's table with the comments that belong to it.
    pub fn remove_profile(&mut self, name: &ProfileName) -> bool {
        self.profiles_mut().is_some_and(|profiles| profiles.remove(name.as_str()).is_some())
    }

    /// Gives a profile another name, in place.
    pub fn rename_profile(&mut self, from: &ProfileName, to: &ProfileName) -> Result<(), ConfigError> {
        if self.has_profile(to) || to.is_default() {
            return Err(ConfigError::NameTaken(to.to_string()));
        }
        let Some(profiles) = self.profiles_mut() else { return Ok(()) };
        // toml_edit has no rename; taking all out and putting them back in order keeps every place.
        let names: Vec<String> = profiles.iter().map(|(name, _)| name.to_owned()).collect();
        let mut kept: Vec<(String, Item)> = Vec::with_capacity(names.len());
        for name in names {
            if let Some(item) = profiles.remove(&name) {
                kept.push((if name == from.as_str() { to.to_string() } else { name }, item));
            }
        }
        for (name, item) in kept {
            profiles.insert(&name, item);
        }
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
