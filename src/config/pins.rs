//! `pins.toml`: which directory is bound to which profile, which repositories' files were accepted, and
//! the profile that was active before.
//!
//! It decides which profile a command means, so it is no cache: what can't be read is an error and is never
//! written over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::document::position;
use crate::domain::ProfileName;
use crate::domain::text::decode;
use crate::system::files::{self, Trust};
use crate::system::locks::Locks;
use crate::system::paths::Place;
use crate::system::replace::Mode;
use crate::system::reporter::Reporter;

const HEADER: &str = "# Written by autocom: `autocom profiles pin` lists and changes it.\n\n";

/// The file's content. Directories and files are canonical paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)] // a table passed over would be a directory that is bound to nothing
pub struct Pins {
    /// The profile that was active before the one that is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    directories: BTreeMap<String, String>,
    /// The files with the very content that was accepted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    accepted: BTreeMap<String, String>,
}

impl Pins {
    /// A missing file is an empty one.
    pub fn load(place: Option<&Place>, reporter: &Reporter) -> Result<Pins, ConfigError> {
        let Some(place) = place else { return Ok(Pins::default()) };
        let is_torn = |bytes: &[u8]| decode(bytes).is_ok_and(|text| toml::from_str::<Pins>(&text).is_err());
        let Some(bytes) = files::read_whole(place, Trust::new(place, false), reporter, is_torn)? else {
            return Ok(Pins::default());
        };
        let flaw = |text: &str, at: usize, message: String| {
            let (line, column) = position(text, at);
            ConfigError::Pins { path: place.path.clone(), line, column, message }
        };
        let text = decode(&bytes).map_err(|good| flaw(&good, good.len(), "is not UTF-8 text".to_owned()))?;
        toml::from_str(&text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            flaw(&text, error.span().map_or(0, |span| span.start), message)
        })
    }

    /// Lock, read again, change, write.
    pub fn update<T>(
        place: Option<&Place>,
        locks: &Locks,
        reporter: &Reporter,
        change: impl FnOnce(&mut Pins) -> T,
    ) -> Result<T, ConfigError> {
        let place = place.ok_or(ConfigError::NoPlaceForPins)?;
        let mut lock = locks.pins(place)?;
        let before = Pins::load(Some(place), reporter)?;
        let mut pins = before.clone();
        let answer = change(&mut pins);
        if pins != before {
            let body = toml::to_string(&pins).unwrap_or_default();
            lock.replace(format!("{HEADER}{body}").as_bytes(), Mode::Private)?;
        }
        Ok(answer)
    }

    /// The longest directory at or above `here` that is bound, and the name it is bound to.
    pub fn binding_of<'p>(&self, here: &'p Path) -> Option<(&'p Path, &str)> {
        self.bindings_of(here).next()
    }

    /// As `binding_of`, and then the shorter ones, which it overrides.
    pub fn bindings_of<'p>(&self, here: &'p Path) -> impl Iterator<Item = (&'p Path, &str)> {
        here.ancestors().filter_map(|directory| {
            let name = self.directories.get(directory.to_str()?)?;
            Some((directory, name.as_str()))
        })
    }

    /// The content that was accepted of a file.
    pub fn accepted_of(&self, file: &Path) -> Option<&str> {
        self.accepted.get(file.to_str()?).map(String::as_str)
    }

    /// The directories and the names that they are bound to.
    pub fn directories(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.directories.iter().map(|(directory, name)| (Path::new(directory), name.as_str()))
    }

    /// The accepted files and their content.
    pub fn accepted(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.accepted.iter().map(|(file, content)| (Path::new(file), content.as_str()))
    }

    pub fn previous(&self) -> Option<&str> {
        self.previous.as_deref()
    }

    pub fn set_previous(&mut self, name: &ProfileName) {
        self.previous = Some(name.to_string());
    }

    /// Answers what the directory was bound to before.
    pub fn bind(&mut self, directory: &str, name: &ProfileName) -> Option<String> {
        self.directories.insert(directory.to_owned(), name.to_string())
    }

    pub fn unbind(&mut self, directory: &Path) -> Option<String> {
        self.directories.remove(directory.to_str()?)
    }

    pub fn accept(&mut self, file: &str, content: &str) {
        self.accepted.insert(file.to_owned(), content.to_owned());
    }

    /// Answers whether the file was accepted.
    pub fn forget(&mut self, file: &Path) -> bool {
        file.to_str().is_some_and(|file| self.accepted.remove(file).is_some())
    }

    /// The profiles that it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.directories.values().chain(&self.previous).map(String::as_str)
    }

    /// A profile has another name now. Answers how many directories are bound to it. What a repository's
    /// file says is not ours to change.
    pub fn rename(&mut self, from: &ProfileName, to: &ProfileName) -> usize {
        let bound = self.directories.values_mut().filter(|name| *name == from.as_str());
        let count = bound.map(|name| *name = to.to_string()).count();
        if self.previous.as_deref() == Some(from.as_str()) {
            self.previous = Some(to.to_string());
        }
        count
    }

    /// A profile is no more: frees the directories that are bound to it, and answers which.
    pub fn drop_profile(&mut self, name: &ProfileName) -> Vec<PathBuf> {
        if self.previous.as_deref() == Some(name.as_str()) {
            self.previous = None;
        }
        let mut freed = Vec::new();
        self.directories.retain(|directory, bound| {
            let stays = bound != name.as_str();
            freed.extend((!stays).then(|| directory.into()));
            stays
        });
        freed
    }
}
