//! Changes of `config.toml`: under its lock, and checked before they are written.

use std::cell::OnceCell;

use crate::config::{ConfigEdit, ConfigError, ConfigFile, PendingMove};
use crate::error::Result;
use crate::session::context::Context;
use crate::system::files::FileError;
use crate::system::locks::LockError;

/// Every write is checked first: see [`Watcher`].
pub fn config_file(context: &Context) -> ConfigFile<'_> {
    ConfigFile::new(context.paths.config.as_ref(), &context.locks, &context.reporter)
        .watched(context)
        .holding(context.config_lock.as_deref())
}

/// This invocation once more, with `config.toml` locked until it is dropped, and the files as they are now. What
/// is decided with it is still so when it is written. A command that has waited for something since it decided
/// [compares](Context::check_facts) those first. A file that can't be written changes for nobody.
pub fn lock_config(context: &Context) -> Result<Context> {
    if context.config_lock.is_some() {
        return Ok(context.reloaded());
    }
    // A missing file is empty once it is locked, which is something else where a variable names it.
    if context.paths.config.as_ref().is_some_and(|place| !place.path.exists()) {
        context.config()?;
    }
    match config_file(context).lock() {
        Ok(lock) => {
            let config = if lock.is_new() { context.config.clone() } else { OnceCell::new() };
            let context = Context { config, ..context.holding(Some(lock)) };
            if let Err(error) = settle_pins(&context) {
                tracing::debug!(error = %error.message, "pins.toml is still behind");
            }
            Ok(context)
        }
        // A pipe can't be read again.
        Err(ConfigError::Lock(LockError::File(FileError::NotAFile { .. }))) => {
            Ok(Context { config: context.config.clone(), ..context.reloaded() })
        }
        Err(error) if error.is_unwritable() => Ok(context.reloaded()),
        Err(error) => Err(error.into()),
    }
}

/// Every change of `config.toml` but that of a whole text: `change` sees the file as it is under its lock.
pub fn change_config<T>(context: &Context, change: impl FnOnce(&mut ConfigEdit) -> Result<T>) -> Result<T> {
    config_file(context).edit(change)
}

/// Lets the pins follow what an earlier command has renamed or removed, if it did not get that far.
pub(crate) fn settle_pins(context: &Context) -> Result<()> {
    match context.paths.pins.as_ref().filter(|place| PendingMove::is_any(place)) {
        Some(place) => Ok(PendingMove::settle(place, &context.locks, &context.reporter, context.config()?)?),
        None => Ok(()),
    }
}
