//! `pins-pending.toml`: the profile that was renamed or removed while its pins still have the old name.
//!
//! A rename changes `config.toml` in one write and `pins.toml` in the next. A process that is killed in between
//! leaves this file: readers take the pins as they will be, and the next writer brings `pins.toml` up to date.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError, Pins};
use crate::domain::ProfileName;
use crate::system::files::{self, Trust};
use crate::system::locks::Locks;
use crate::system::paths::Place;
use crate::system::replace::Mode;
use crate::system::reporter::Reporter;

/// What the pins of a profile are to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMove {
    /// The config.toml that it is about: several may share a home.
    config: String,
    from: String,
    /// `None`: it is removed.
    to: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct PendingWire {
    #[serde(default, rename = "move")]
    moves: Vec<PendingMove>,
}

impl PendingMove {
    /// Whether there may be one.
    pub fn is_any(pins: &Place) -> bool {
        path(pins).exists()
    }

    /// The move of a profile of `config` that the pins may not have followed yet.
    pub fn read(pins: &Place, config: &Config) -> Option<PendingMove> {
        let moves = read(pins).moves;
        moves.into_iter().find(|it| it.config == id(config))
    }

    /// Writes down that the pins are to follow, before `config.toml` is changed. Whoever calls holds its lock.
    pub fn announce(
        pins: &Place,
        locks: &Locks,
        config: &Config,
        from: &ProfileName,
        to: Option<&ProfileName>,
    ) -> Result<(), ConfigError> {
        let new =
            PendingMove { config: id(config), from: from.to_string(), to: to.map(ProfileName::to_string) };
        replace(pins, locks, config, Some(new))
    }

    /// Brings the pins up to date with `config`. Whoever calls holds its lock, so that no move is under way.
    pub fn settle(
        pins: &Place,
        locks: &Locks,
        reporter: &Reporter,
        config: &Config,
    ) -> Result<(), ConfigError> {
        let Some(pending) = PendingMove::read(pins, config) else { return Ok(()) };
        Pins::update(Some(pins), locks, reporter, |pins| pending.apply(pins, config))?;
        replace(pins, locks, config, None)
    }

    /// Moves the pins, if the profile was moved.
    pub fn apply(&self, pins: &mut Pins, config: &Config) {
        let exists = |name: &ProfileName| config.exists(name);
        match (self.from.parse(), self.to.as_deref().map(str::parse)) {
            (Ok(from), Some(Ok(to))) if !exists(&from) && exists(&to) => drop(pins.rename(&from, &to)),
            (Ok(from), None) if !exists(&from) => drop(pins.drop_profile(&from)),
            _ => {}
        }
    }
}

/// One that can't be read says nothing: its pins name a profile that doesn't exist, which is reported.
fn read(pins: &Place) -> PendingWire {
    let bytes = files::read(&path(pins), Trust::WarnOnly, &Reporter::silent()).ok().flatten();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default()
}

fn replace(
    pins: &Place,
    locks: &Locks,
    config: &Config,
    new: Option<PendingMove>,
) -> Result<(), ConfigError> {
    let mut lock = locks.pins(&Place { path: path(pins), ..pins.clone() })?;
    let mut wire = read(pins);
    wire.moves.retain(|it| it.config != id(config));
    wire.moves.extend(new);
    if wire.moves.is_empty() {
        return Ok(files::remove(&path(pins))?);
    }
    let text = toml::to_string(&wire).unwrap_or_default();
    Ok(lock.replace(text.as_bytes(), Mode::Private)?)
}

fn path(pins: &Place) -> PathBuf {
    pins.path.with_file_name("pins-pending.toml")
}

fn id(config: &Config) -> String {
    files::canonical(config.document.path()).display().to_string()
}

/// What `pins.toml` says; a missing one says nothing.
pub fn pins(config: &Config) -> Result<&Pins, ConfigError> {
    if let Some(pins) = config.pins.get() {
        return Ok(pins);
    }
    if let Some(error) = &config.home_error {
        return Err(ConfigError::Unreadable(error.clone()));
    }
    let mut pins = Pins::load(config.pins_at.as_ref(), &config.reporter)?;
    let is_unknown = |name: &str| !name.parse().is_ok_and(|name| config.exists(&name));
    if let Some(place) = config.pins_at.as_ref().filter(|_| pins.names().any(is_unknown))
        && let Some(pending) = PendingMove::read(place, config)
    {
        pending.apply(&mut pins, config);
    }
    Ok(config.pins.get_or_init(|| pins))
}
