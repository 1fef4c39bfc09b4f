//! A repository's `.autocom.toml`: text of strangers that may name a profile, and nothing else.
//!
//! It counts only with the very content that its user has accepted at that very path.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::document::position;
use super::{ConfigError, Pins};
use crate::domain::text::decode;
use crate::domain::{ProfileName, printable};
use crate::system::files;

/// The name of the file in a repository.
pub const REPOSITORY_FILE: &str = ".autocom.toml";

/// More than one line and the comments around it need.
const LARGEST: u64 = 4 << 10;

/// A file whose content may be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFile {
    pub path: PathBuf,
    pub content: String,
    pub profile: ProfileName,
    /// Where it names the profile, from 1.
    pub line: usize,
}

/// What a file in a directory is to autocom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It has the content that was accepted.
    Accepted(ProfileName),
    /// It was accepted, but not with the content that it has now.
    Changed,
    /// Nobody has accepted it. The profile that it names, if it could be accepted.
    Unaccepted(Option<ProfileName>),
}

impl RepositoryFile {
    /// The file in `directory`; an error is why nobody can accept it.
    pub fn read(directory: &Path) -> Result<Option<RepositoryFile>, ConfigError> {
        let path = directory.join(REPOSITORY_FILE);
        let unfit = |why: String| ConfigError::Unacceptable { path: path.clone(), why };
        let Some(bytes) = files::read_of_other_user(&path, LARGEST)? else { return Ok(None) };
        let content = decode(&bytes).map_err(|_| unfit("it is not UTF-8 text".to_owned()))?;
        let (profile, line) = named_in(&content).map_err(unfit)?;
        Ok(Some(RepositoryFile { path, content, profile, line }))
    }

    /// The nearest directory at or above `here` with something of the name in it, whatever that is.
    pub fn nearest(here: &Path) -> Option<&Path> {
        here.ancestors().find(|directory| directory.join(REPOSITORY_FILE).symlink_metadata().is_ok())
    }
}

impl Acceptance {
    /// `None` if there is no such file in `directory`.
    pub fn new(directory: &Path, pins: &Pins) -> Option<Acceptance> {
        let path = directory.join(REPOSITORY_FILE);
        let found = RepositoryFile::read(directory);
        if matches!(found, Ok(None)) {
            return None;
        }
        let found = found.ok().flatten();
        Some(match (pins.accepted_of(&path), found) {
            (Some(accepted), Some(file)) if file.content == accepted => Acceptance::Accepted(file.profile),
            (Some(_), _) => Acceptance::Changed,
            (None, file) => Acceptance::Unaccepted(file.map(|file| file.profile)),
        })
    }
}

/// The profile that an accepted content names.
pub fn profile_in(content: &str) -> Option<ProfileName> {
    named_in(content).ok().map(|(profile, _)| profile)
}

/// With its line; or why the text is not `profile = "..."` and nothing else.
fn named_in(text: &str) -> Result<(ProfileName, usize), String> {
    let table = DeTable::parse(text).map_err(|error| {
        let words = error.message().lines().collect::<Vec<_>>().join("; ");
        format!("it is not TOML: {}", printable(&words, 80))
    })?;
    let table = table.get_ref();
    if let Some(key) = table.keys().find(|key| key.get_ref() != "profile") {
        return Err(format!(
            "it holds `{}`, and only `profile` may stand in it",
            printable(key.get_ref(), 40)
        ));
    }
    let Some(value) = table.get("profile") else { return Err("it names no profile".to_owned()) };
    let DeValue::String(name) = value.get_ref() else {
        return Err("its `profile` must be a string".to_owned());
    };
    let name = name.parse().map_err(|why| format!("its `profile` {why}"))?;
    Ok((name, position(text, value.span().start).0))
}
