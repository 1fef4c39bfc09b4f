//! Changes of `config.toml`: under its lock, and checked before they are written.

use std::cell::OnceCell;

use crate::config::{ConfigEdit, ConfigError, ConfigFile, PendingMove};
use crate::error::Result;
use crate::session::context::Session;
use crate::system::files::FileError;
use crate::system::locks::LockError;

/// Every write is checked first: see [`Watcher`].
pub fn config_file(session: &Session) -> ConfigFile<'_> {
    ConfigFile::new(session.paths.config.as_ref(), &session.locks, &session.notices)
        .watched(session)
        .holding(session.config_lock.as_deref())
}

/// This invocation once more, with `config.toml` locked until it is dropped, and the files as they are now. What
/// is decided with it is still so when it is written. A command that has waited for something since it decided
/// [compares](Session::check_facts) those first. A file that can't be written changes for nobody.
pub fn lock_config(session: &Session) -> Result<Session> {
    if session.config_lock.is_some() {
        return Ok(session.again());
    }
    // A missing file is empty once it is locked, which is something else where a variable names it.
    if session.paths.config.as_ref().is_some_and(|place| !place.path.exists()) {
        session.config()?;
    }
    match config_file(session).lock() {
        Ok(lock) => {
            let config = if lock.is_new() { session.config.clone() } else { OnceCell::new() };
            let session = Session { config, ..session.holding(Some(lock)) };
            if let Err(error) = settle_pins(&session) {
                tracing::debug!(error = %error.message, "pins.toml is still behind");
            }
            Ok(session)
        }
        // A pipe can't be read again.
        Err(ConfigError::Lock(LockError::File(FileError::NotAFile { .. }))) => {
            Ok(Session { config: session.config.clone(), ..session.again() })
        }
        Err(error) if error.is_unwritable() => Ok(session.again()),
        Err(error) => Err(error.into()),
    }
}

/// Every change of `config.toml` but that of a whole text: `change` sees the file as it is under its lock.
pub fn change_config<T>(session: &Session, change: impl FnOnce(&mut ConfigEdit) -> Result<T>) -> Result<T> {
    config_file(session).edit(change)
}

/// Lets the pins follow what an earlier command has renamed or removed, if it did not get that far.
pub(crate) fn settle_pins(session: &Session) -> Result<()> {
    match session.paths.pins.as_ref().filter(|place| PendingMove::is_any(place)) {
        Some(place) => Ok(PendingMove::settle(place, &session.locks, &session.notices, session.config()?)?),
        None => Ok(()),
    }
}
