//! What can be wrong with the configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::invalid_profile::InvalidProfile;
use crate::domain::redact::looks_like_a_token;
use crate::domain::{Key, NextCommand, Origin, ProfileName, has_invisible, one_line, with_escapes};
use crate::system::files::FileError;
use crate::system::locks::LockError;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path}:{line}:{column}: {message}")]
    Syntax { path: PathBuf, line: usize, column: usize, message: String },
    /// As `Syntax`, of pins.toml, which no command edits as a text.
    #[error("{path}:{line}:{column}: {message}")]
    Pins { path: PathBuf, line: usize, column: usize, message: String },
    #[error("{path}:{line}: {message}")]
    Shape { path: PathBuf, line: usize, message: String },
    #[error("`{key}` {why} (from {origin})")]
    Invalid { key: Key, why: String, origin: Origin },
    /// A profile where an address belongs.
    #[error("`api_url` is not a URL, but `{name}` is a profile (from {origin})")]
    ProfileAsAddress { name: ProfileName, origin: Origin },
    #[error("{origin} {why}")]
    Expectation { why: String, origin: Origin },
    #[error("the working directory is gone, so nobody knows which profile is pinned here")]
    Nowhere,
    #[error("there is no profile `{name}` (named by {origin})")]
    UnknownProfile { name: String, origin: Origin, existing: Vec<String> },
    #[error("several profiles are bound to {url}: {}", names.join(", "))]
    Ambiguous { url: String, origin: Origin, names: Vec<String> },
    #[error("`{left}` and `{right}` can't coexist: both would take their token from {variable}")]
    SameVariable { left: String, right: String, variable: String },
    #[error("{}:{}: {profile}", path.display(), profile.line)]
    InvalidProfile { path: PathBuf, profile: Box<InvalidProfile> },
    #[error("{variable} names {}, which does not exist", path.display())]
    MissingFile { variable: &'static str, path: PathBuf },
    /// `config.toml` can't be read.
    #[error(transparent)]
    Unreadable(Arc<FileError>),
    #[error("{0}")]
    UnknownKey(String),
    #[error("`{0}` belongs to the top level, not to a profile")]
    TopLevelOnly(Key),
    #[error("a profile `{0}` exists already")]
    NameTaken(String),
    #[error("{}{}: profile `{name}` has no api_url", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    NoAddress { path: PathBuf, line: Option<usize>, name: String },
    #[error("{path} changed; nothing was written")]
    ChangedMeanwhile { path: PathBuf },
    #[error("{0}; nothing was written")]
    Conflict(Conflict),
    /// The [watcher](super::Watcher) refused the write, and why.
    #[error("{0}")]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    #[error("there is no home folder to keep config.toml in")]
    NoHome,
    #[error("there is no home folder to keep pins.toml in")]
    NoPlaceForPins,
    #[error("can't tell which profile is pinned here")]
    PinsUnknown { source: Box<ConfigError> },
    #[error("{} can't be accepted: {why}", one_line(&path.display().to_string()))]
    Unacceptable { path: PathBuf, why: String },
    #[error("profile {name}, which may be protected, can't be read")]
    UnknownGuard { name: String, fix: NextCommand, source: Box<ConfigError> },
    #[error("the change would make {path} invalid")]
    WouldBreak { path: PathBuf, source: Box<ConfigError> },
    #[error("the change can't be made to {path} without changing more")]
    WouldMangle { path: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl From<Conflict> for ConfigError {
    fn from(conflict: Conflict) -> ConfigError {
        ConfigError::Conflict(conflict)
    }
}

impl ConfigError {
    /// A value that is none. What is invisible in a variable's value is made visible: that is what is wrong with it.
    pub fn invalid(key: Key, why: &str, origin: &Origin, text: &str) -> ConfigError {
        let is_shown =
            matches!(origin, Origin::Variable(_)) && has_invisible(text) && !looks_like_a_token(text);
        let why =
            if is_shown { format!("{why}; the value is {}", with_escapes(text)) } else { why.to_owned() };
        ConfigError::Invalid { key, why, origin: origin.clone() }
    }

    /// The key whose value is none.
    pub fn key(&self) -> Option<Key> {
        match self {
            ConfigError::Invalid { key, .. } => Some(*key),
            ConfigError::ProfileAsAddress { .. } => Some(Key::ApiUrl),
            _ => None,
        }
    }

    /// The file that it is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            ConfigError::Syntax { path, .. }
            | ConfigError::Pins { path, .. }
            | ConfigError::Shape { path, .. }
            | ConfigError::WouldBreak { path, .. }
            | ConfigError::WouldMangle { path } => Some(path),
            ConfigError::File(error) => Some(error.path()),
            ConfigError::Unreadable(error) => Some(error.path()),
            ConfigError::MissingFile { path, .. } | ConfigError::InvalidProfile { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether it is that the file, or the profile in it, can't be used.
    pub fn is_of_file(&self) -> bool {
        matches!(
            self,
            ConfigError::InvalidProfile { .. } | ConfigError::MissingFile { .. } | ConfigError::Unreadable(_)
        )
    }

    /// Whether the file could not be written at all (a read-only home, none at all): what else the
    /// command did may still stand.
    pub fn is_unwritable(&self) -> bool {
        match self {
            ConfigError::NoHome | ConfigError::NoPlaceForPins => true,
            ConfigError::File(error) => error.is_read_only(),
            ConfigError::Lock(LockError::NoHome) => true,
            ConfigError::Unreadable(error) => error.is_read_only(),
            ConfigError::Lock(LockError::File(error)) => error.is_read_only(),
            _ => false,
        }
    }
}

/// Why what was decided can't be written any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("profile `{0}` no longer exists")]
    Gone(ProfileName),
    #[error("profile `{name}` changed: {key} was {}, is now {}", or_unset(was), or_unset(is))]
    Changed { name: ProfileName, key: Key, was: Option<String>, is: Option<String> },
}

fn or_unset(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("not set")
}
