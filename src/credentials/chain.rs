//! Both stores as one: where to look first, where to write, and when the other store stands in.
//!
//! `known` is the store that `logins.toml` names for the key, `choice` the setting `store`. With
//! `file` chosen the keychain is not touched, with one exception: where `known` says that a record is
//! in the keychain it is read, moved and deleted there. `auth login --store keychain` under
//! `store = "file"` put it there, or the setting changed since, and the alternative is a live token
//! that no logout would ever find.

use std::sync::Arc;

use super::{CredentialStore, FileStore, Keychain, Patience, Record, StoreError};
use crate::domain::{CredentialKey, StoreChoice, StoreKind};
use crate::system::locks::{LockGuard, Locks};
use crate::system::notices::Notices;
use crate::system::paths::Paths;

/// The chain of the two stores.
pub struct Credentials {
    keychain: Box<dyn CredentialStore>,
    file: Box<dyn CredentialStore>,
    locks: Locks,
    notices: Arc<Notices>,
}

/// A record and the store it was found in.
#[derive(Debug, Clone)]
pub struct Stored {
    pub record: Record,
    pub store: StoreKind,
}

/// What a logout removed from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deleted {
    pub keychain: bool,
    pub file: bool,
}

impl Credentials {
    /// The stores of this machine. Opens and reads nothing.
    pub fn new(paths: &Paths, locks: Locks, notices: Arc<Notices>, patience: Patience) -> Credentials {
        let locks = locks.where_it_is(paths.credentials.as_ref());
        let file = FileStore::new(paths.credentials.clone(), locks.clone(), notices.clone());
        let keychain = Keychain::new(paths, notices.clone(), patience);
        Credentials::with_stores(Box::new(keychain), Box::new(file), locks, notices)
    }

    pub fn with_stores(
        keychain: Box<dyn CredentialStore>,
        file: Box<dyn CredentialStore>,
        locks: Locks,
        notices: Arc<Notices>,
    ) -> Credentials {
        Credentials { keychain, file, locks, notices }
    }

    /// The lock of `key`, which every write and deletion holds. Not re-entrant: [`save`](Self::save)
    /// and [`delete`](Self::delete) take it themselves, [`update`](Self::update) expects it held.
    pub fn lock(&self, key: &CredentialKey) -> Result<LockGuard, StoreError> {
        Ok(self.locks.credential(key.as_str())?)
    }

    /// The credential of `key`, or `None` if nobody is logged in.
    ///
    /// Looks in the `known` store, and in the other only if that has nothing. With nothing known both
    /// are looked at, and of two copies the later written wins.
    ///
    /// # Errors
    /// A `known` keychain that can't be reached, absent ones included, is an error and not `None`; so
    /// is any store that had to be looked at and is unusable, unless the other has a record.
    pub fn read(
        &self,
        key: &CredentialKey,
        choice: StoreChoice,
        known: Option<StoreKind>,
    ) -> Result<Option<Stored>, StoreError> {
        match known {
            Some(StoreKind::Keychain) => match self.read_in(key, StoreKind::Keychain).map_err(lost)? {
                Some(stored) => Ok(Some(stored)),
                None => self.read_in(key, StoreKind::File),
            },
            Some(StoreKind::File) => match self.read_in(key, StoreKind::File)? {
                Some(stored) => Ok(Some(stored)),
                None => self.read_keychain(key, choice),
            },
            None => {
                let file = self.read_in(key, StoreKind::File);
                match (self.read_keychain(key, choice), file) {
                    (Ok(Some(keychain)), Ok(Some(file))) => Ok(Some(later(keychain, file))),
                    (Ok(Some(stored)), _) | (_, Ok(Some(stored))) => Ok(Some(stored)),
                    (Err(error), _) | (_, Err(error)) => Err(error),
                    (Ok(None), Ok(None)) => Ok(None),
                }
            }
        }
    }

    /// Which store a login will write to, proven writable.
    ///
    /// Says so before a secret goes to the file in plain text. Only an absent keychain, and only
    /// under `auto`, lets the file stand in for it.
    pub fn prepare(&self, key: &CredentialKey, choice: StoreChoice) -> Result<StoreKind, StoreError> {
        if choice != StoreChoice::File {
            match self.keychain.check_writable(key) {
                Ok(()) => return Ok(StoreKind::Keychain),
                Err(error) if error.is_absent() && choice == StoreChoice::Auto => {
                    self.file.check_writable(key)?;
                    self.notices.warn(format!(
                        "{error}; the credential will be stored in plain text in {} (mode 0600)",
                        self.file.place()
                    ));
                }
                Err(error) => return Err(error),
            }
        } else {
            self.file.check_writable(key)?;
            // Also with --quiet: no plain-text secret is written without saying so.
            self.notices.always(format!(
                "the credential will be stored in plain text in {} (store = file)",
                self.file.place()
            ));
        }
        Ok(StoreKind::File)
    }

    /// Login's write: into `store`, after which the other store's copy is deleted. Holds the key's
    /// lock. Once the record is written, a copy that can't be deleted is a warning.
    pub fn save(
        &self,
        key: &CredentialKey,
        record: &Record,
        store: StoreKind,
        choice: StoreChoice,
        known: Option<StoreKind>,
    ) -> Result<(), StoreError> {
        let _lock = self.lock(key)?;
        self.store(store).write(key, record)?;
        if store == StoreKind::File && !may_touch_keychain(choice, known) {
            return Ok(());
        }
        let other = self.store(store.other());
        match other.delete(key) {
            Ok(_) => {}
            // Nothing was ever there, unless `logins.toml` says otherwise.
            Err(error) if error.is_absent() && known != Some(StoreKind::Keychain) => {}
            Err(error) => self.notices.warn(format!(
                "an older copy of the credential may be left in {}: {}",
                other.place(),
                with_causes(&error)
            )),
        }
        Ok(())
    }

    /// Refresh's write: back to the store that the record was read from. The caller holds the key's
    /// lock and has read again under it.
    pub fn update(&self, key: &CredentialKey, record: &Record, store: StoreKind) -> Result<(), StoreError> {
        self.store(store).write(key, record)
    }

    /// Whether [`update`](Self::update) would succeed: asked before a refresh token is spent.
    pub fn check_writable(&self, key: &CredentialKey, store: StoreKind) -> Result<(), StoreError> {
        self.store(store).check_writable(key)
    }

    /// Logout: from both stores, holding the key's lock. Both are tried before an error is returned.
    /// Where both are known to hold nothing there is nothing to lock: that works in a home that is
    /// read-only, or none.
    ///
    /// # Errors
    /// An absent keychain is nothing to delete from, unless it is the `known` store: then the
    /// credential lives on where this session can't reach it.
    pub fn delete(
        &self,
        key: &CredentialKey,
        choice: StoreChoice,
        known: Option<StoreKind>,
    ) -> Result<Deleted, StoreError> {
        let keychain_counts = may_touch_keychain(choice, known);
        let _lock = match self.lock(key) {
            Ok(lock) => lock,
            // A busy lock is another story: whoever holds it may be logging in.
            Err(error) if !error.is_busy() && self.holds_nothing(key, keychain_counts) => {
                return Ok(Deleted::default());
            }
            Err(error) => return Err(error),
        };
        self.delete_held(key, choice, known)
    }

    fn delete_held(
        &self,
        key: &CredentialKey,
        choice: StoreChoice,
        known: Option<StoreKind>,
    ) -> Result<Deleted, StoreError> {
        let file = self.file.delete(key);
        let keychain = if may_touch_keychain(choice, known) {
            match self.keychain.delete(key) {
                Err(error) if error.is_absent() && known != Some(StoreKind::Keychain) => Ok(false),
                result => result.map_err(lost),
            }
        } else {
            Ok(false)
        };
        Ok(Deleted { keychain: keychain?, file: file? })
    }

    /// Where both stores have a copy: deletes the one that was written earlier, under the key's lock.
    /// Answers which store lost it, or `None` if there are no two copies any more.
    pub fn drop_older_copy(&self, key: &CredentialKey) -> Result<Option<StoreKind>, StoreError> {
        let _lock = self.lock(key)?;
        let (keychain, file) = (self.read_in(key, StoreKind::Keychain)?, self.read_in(key, StoreKind::File)?);
        let (Some(keychain), Some(file)) = (keychain, file) else { return Ok(None) };
        let older = later(keychain, file).store.other();
        self.store(older).delete(key)?;
        Ok(Some(older))
    }

    /// As [`delete`](Self::delete), but only if the record is `still` what the caller takes it for, looked
    /// at under the key's lock; `None`: it is not.
    pub fn delete_if(
        &self,
        key: &CredentialKey,
        choice: StoreChoice,
        known: Option<StoreKind>,
        still: impl FnOnce(Option<&Stored>) -> bool,
    ) -> Result<Option<Deleted>, StoreError> {
        match self.lock(key) {
            // Held until all is deleted.
            Ok(_lock) => match still(self.read(key, choice, known)?.as_ref()) {
                true => self.delete_held(key, choice, known).map(Some),
                false => Ok(None),
            },
            Err(_) => self.delete(key, choice, known).map(Some),
        }
    }

    /// The keys that the file holds. The keychain is not asked: listing it may unlock it.
    pub fn file_keys(&self) -> Result<Vec<CredentialKey>, StoreError> {
        self.file.keys()
    }

    /// Whether it is certain that no store has a record of `key`.
    fn holds_nothing(&self, key: &CredentialKey, keychain_counts: bool) -> bool {
        let nothing = |store: &dyn CredentialStore| match store.read(key) {
            Ok(record) => record.is_none(),
            Err(error) => error.is_absent(),
        };
        nothing(&*self.file) && (!keychain_counts || nothing(&*self.keychain))
    }

    fn store(&self, kind: StoreKind) -> &dyn CredentialStore {
        match kind {
            StoreKind::Keychain => &*self.keychain,
            StoreKind::File => &*self.file,
        }
    }

    /// The record that one store has, whatever the other has.
    pub fn read_in(&self, key: &CredentialKey, store: StoreKind) -> Result<Option<Stored>, StoreError> {
        Ok(self.store(store).read(key)?.map(|record| Stored { record, store }))
    }

    /// The keychain's record where nothing says that there is one.
    fn read_keychain(&self, key: &CredentialKey, choice: StoreChoice) -> Result<Option<Stored>, StoreError> {
        match choice {
            StoreChoice::File => Ok(None),
            StoreChoice::Keychain => self.read_in(key, StoreKind::Keychain),
            StoreChoice::Auto => match self.read_in(key, StoreKind::Keychain) {
                Err(error) if error.is_absent() => Ok(None),
                result => result,
            },
        }
    }
}

fn may_touch_keychain(choice: StoreChoice, known: Option<StoreKind>) -> bool {
    choice != StoreChoice::File || known == Some(StoreKind::Keychain)
}

/// An absent keychain that has something of ours.
fn lost(error: StoreError) -> StoreError {
    match error {
        StoreError::Absent { reason } => StoreError::OutOfReach { reason },
        error => error,
    }
}

fn later(keychain: Stored, file: Stored) -> Stored {
    if file.record.written_at > keychain.record.written_at { file } else { keychain }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests;
