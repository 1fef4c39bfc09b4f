//! Both stores as one: where to look first, where to write, and when the other store stands in.
//!
//! `known` is the store that `logins.toml` names for the key, `choice` the setting `store`. With
//! `file` chosen the keychain is not touched, with one exception: where `known` says that a record is
//! in the keychain it is read, moved and deleted there. `auth login --store keychain` under
//! `store = "file"` put it there, or the setting changed since, and the alternative is a live token
//! that no logout would ever find.

use std::sync::Arc;

use super::{CredentialStore, FileStore, Keychain, Patience, Prepared, Record, StoreError};
use crate::domain::{CredentialKey, StoreChoice, StoreKind};
use crate::system::locks::{LockError, LockGuard, Locks};
use crate::system::paths::Paths;
use crate::system::reporter::Reporter;

const BOTH: [StoreKind; 2] = [StoreKind::Keychain, StoreKind::File];

/// The chain of the two stores.
pub struct Credentials {
    keychain: Box<dyn CredentialStore>,
    file: Box<dyn CredentialStore>,
    locks: Locks,
    reporter: Arc<Reporter>,
}

/// A record and the store it was found in.
#[derive(Debug, Clone)]
pub struct Stored {
    pub record: Record,
    pub store: StoreKind,
}

/// A store that a record is about to be written to, and what it has made ready.
#[derive(Debug)]
pub struct PreparedStore {
    pub kind: StoreKind,
    prepared: Prepared,
}

impl From<StoreKind> for PreparedStore {
    /// A store that has made nothing ready.
    fn from(kind: StoreKind) -> PreparedStore {
        PreparedStore { kind, prepared: Prepared::default() }
    }
}

/// A credential that is looked for: its key, the setting `store`, and the store that `logins.toml` names.
pub type Lookup<'k> = (&'k CredentialKey, StoreChoice, Option<StoreKind>);

/// What a logout removed from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deleted {
    pub keychain: bool,
    pub file: bool,
}

impl Stored {
    /// Whether both have one access token: every login and every refresh brings another.
    pub fn is_same(&self, other: &Stored) -> bool {
        self.record.access_token.expose() == other.record.access_token.expose()
    }
}

impl Credentials {
    /// The stores of this machine. Opens and reads nothing.
    pub fn new(paths: &Paths, locks: Locks, reporter: Arc<Reporter>, patience: Patience) -> Credentials {
        let file = FileStore::new(paths.credentials.clone(), locks.clone(), reporter.clone());
        let keychain = Keychain::new(paths, reporter.clone(), patience);
        Credentials::with_stores(Box::new(keychain), Box::new(file), locks, reporter)
    }

    pub fn with_stores(
        keychain: Box<dyn CredentialStore>,
        file: Box<dyn CredentialStore>,
        locks: Locks,
        reporter: Arc<Reporter>,
    ) -> Credentials {
        Credentials { keychain, file, locks, reporter }
    }

    /// The lock of `key` in one store, which every write there holds. Not re-entrant:
    /// [`update`](Self::update) expects it held.
    pub fn lock(&self, key: &CredentialKey, store: StoreKind) -> Result<LockGuard, StoreError> {
        Ok(self.locks.credential(key.as_str(), &[store])?)
    }

    /// The locks that [`save`](Self::save) into `store` expects held: that of the other store as well where it may
    /// have a copy.
    pub fn lock_to_save(
        &self,
        key: &CredentialKey,
        store: StoreKind,
        known: Option<StoreKind>,
    ) -> Result<LockGuard, StoreError> {
        if store == StoreKind::Keychain || known == Some(StoreKind::Keychain) {
            match self.locks.credential(key.as_str(), &BOTH) {
                Ok(locks) => return Ok(locks),
                Err(error @ LockError::Busy { .. }) => return Err(error.into()),
                // An older copy in a store that can't be written is no reason not to log in.
                Err(_) => {}
            }
        }
        self.lock(key, store)
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
        self.read_beside((key, choice, known), || self.read_in(key, StoreKind::File))
    }

    /// As [`read`](Self::read), of many, in their order: the file is read once. `take` gets each before the next
    /// is looked at.
    pub fn read_each(
        &self,
        lookups: &[Lookup<'_>],
        mut take: impl FnMut(usize, Result<Option<Stored>, StoreError>),
    ) {
        let keys: Vec<_> = lookups.iter().map(|(key, ..)| *key).collect();
        self.file.read_each(&keys, &mut |n, record| {
            take(n, self.read_beside(lookups[n], || in_the_file(record)));
        });
    }

    /// `in_file`: what the file holds.
    fn read_beside(
        &self,
        (key, choice, known): Lookup<'_>,
        in_file: impl FnOnce() -> Result<Option<Stored>, StoreError>,
    ) -> Result<Option<Stored>, StoreError> {
        match known {
            Some(StoreKind::Keychain) => match self.read_in(key, StoreKind::Keychain).map_err(lost)? {
                Some(stored) => Ok(Some(stored)),
                None => in_file(),
            },
            Some(StoreKind::File) => match in_file()? {
                Some(stored) => Ok(Some(stored)),
                None => self.read_keychain(key, choice),
            },
            None => {
                let file = in_file();
                match (self.read_keychain(key, choice), file) {
                    (Ok(Some(keychain)), Ok(Some(file))) => Ok(Some(later(keychain, file))),
                    (Ok(Some(stored)), _) | (_, Ok(Some(stored))) => Ok(Some(stored)),
                    (Err(error), _) | (_, Err(error)) => Err(error),
                    (Ok(None), Ok(None)) => Ok(None),
                }
            }
        }
    }

    /// The store that a login will write to, ready for it.
    ///
    /// Says so before a secret goes to the file in plain text. Only an absent keychain, and only
    /// under `auto`, lets the file stand in for it.
    pub fn prepare(&self, key: &CredentialKey, choice: StoreChoice) -> Result<PreparedStore, StoreError> {
        let prepared;
        if choice != StoreChoice::File {
            match self.keychain.prepare(key) {
                Ok(prepared) => return Ok(PreparedStore { kind: StoreKind::Keychain, prepared }),
                Err(error) if error.is_absent() && choice == StoreChoice::Auto => {
                    prepared = self.file.prepare(key)?;
                    self.reporter.warn(format!(
                        "{error}; the credential will be stored in plain text in {} (mode 0600)",
                        self.file.place()
                    ));
                }
                Err(error) => return Err(error),
            }
        } else {
            prepared = self.file.prepare(key)?;
            // Also with --quiet: no plain-text secret is written without saying so.
            self.reporter.always(format!(
                "the credential will be stored in plain text in {} (store = file)",
                self.file.place()
            ));
        }
        Ok(PreparedStore { kind: StoreKind::File, prepared })
    }

    /// Login's write: into `store`, after which the other store's copy is deleted. The caller holds
    /// [`lock_to_save`](Self::lock_to_save). Once the record is written, a copy that can't be deleted is a warning.
    pub fn save(
        &self,
        key: &CredentialKey,
        record: &Record,
        store: impl Into<PreparedStore>,
        choice: StoreChoice,
        known: Option<StoreKind>,
    ) -> Result<(), StoreError> {
        let PreparedStore { kind: store, prepared } = store.into();
        self.store(store).finish(key, record, prepared)?;
        if store == StoreKind::File && !may_touch_keychain(choice, known) {
            return Ok(());
        }
        let other = self.store(store.other());
        let deleted = match other.read(key) {
            Ok(None) => Ok(false),
            Err(error) if error.is_absent() => Err(error),
            _ => other.delete(key),
        };
        match deleted {
            Ok(_) => {}
            // Nothing was ever there, unless `logins.toml` says otherwise.
            Err(error) if error.is_absent() && known != Some(StoreKind::Keychain) => {}
            Err(error) => self.reporter.warn(format!(
                "an older copy of the credential may be left in {}: {}",
                other.place(),
                with_causes(&error)
            )),
        }
        Ok(())
    }

    /// Refresh's write: back to the store that the record was read from. The caller holds the key's
    /// lock there and has read again under it.
    pub fn update(
        &self,
        key: &CredentialKey,
        record: &Record,
        store: impl Into<PreparedStore>,
    ) -> Result<(), StoreError> {
        let store = store.into();
        self.store(store.kind).finish(key, record, store.prepared)
    }

    /// Whether [`update`](Self::update) would succeed.
    pub fn check_writable(&self, key: &CredentialKey, store: StoreKind) -> Result<(), StoreError> {
        self.store(store).check_writable(key)
    }

    /// Makes ready for [`update`](Self::update), before a refresh token is spent.
    pub fn prepare_update(&self, key: &CredentialKey, kind: StoreKind) -> Result<PreparedStore, StoreError> {
        Ok(PreparedStore { kind, prepared: self.store(kind).prepare(key)? })
    }

    /// The lock of `key` in every store that may have a record of it. A store that certainly has none needs no
    /// lock: a logout works in a home that is read-only, or none.
    pub fn lock_to_delete(&self, (key, choice, known): Lookup<'_>) -> Result<LockGuard, StoreError> {
        let keychain = may_touch_keychain(choice, known);
        let holds_nothing = |store| match self.store(store).read(key) {
            Ok(record) => record.is_none(),
            Err(error) => error.is_absent(),
        };
        let keychain = keychain && !self.keychain.read(key).is_err_and(|error| error.is_absent());
        let mut stores = BOTH.to_vec();
        stores.retain(|store| *store == StoreKind::File || keychain);
        let locked = self.locks.credential(key.as_str(), &stores);
        if matches!(locked, Ok(_) | Err(LockError::Busy { .. })) {
            return Ok(locked?);
        }
        stores.retain(|store| !holds_nothing(*store));
        Ok(self.locks.credential(key.as_str(), &stores)?)
    }

    /// Logout: each from both stores; the file is written once. The caller holds
    /// [`lock_to_delete`](Self::lock_to_delete) of each.
    ///
    /// # Errors
    /// The file still has all of them; the keychain was cleared all the same. A keychain that fails does so for one
    /// by one; an absent one is nothing to delete from, unless it is the `known` store: then the credential lives on
    /// where this session can't reach it.
    pub fn delete_each(
        &self,
        lookups: &[Lookup<'_>],
    ) -> Result<Vec<Result<Deleted, StoreError>>, StoreError> {
        let keys: Vec<_> = lookups.iter().map(|(key, ..)| *key).collect();
        let file = self.file.delete_each(&keys);
        let keychain: Vec<_> = lookups.iter().map(|lookup| self.delete_in_keychain(*lookup)).collect();
        let deleted = |(keychain, file): (Result<_, _>, _)| Ok(Deleted { keychain: keychain?, file });
        Ok(keychain.into_iter().zip(file?).map(deleted).collect())
    }

    fn delete_in_keychain(&self, (key, choice, known): Lookup<'_>) -> Result<bool, StoreError> {
        if !may_touch_keychain(choice, known) {
            return Ok(false);
        }
        match self.keychain.delete(key) {
            Err(error) if error.is_absent() && known != Some(StoreKind::Keychain) => Ok(false),
            result => result.map_err(lost),
        }
    }

    /// Where both stores have a copy: deletes the one that was written earlier, under the key's lock.
    /// Answers which store lost it, or `None` if there are no two copies any more.
    pub fn drop_older_copy(&self, key: &CredentialKey) -> Result<Option<StoreKind>, StoreError> {
        let _locks = self.lock_to_delete((key, StoreChoice::Auto, None))?;
        let (keychain, file) = (self.read_in(key, StoreKind::Keychain)?, self.read_in(key, StoreKind::File)?);
        let (Some(keychain), Some(file)) = (keychain, file) else { return Ok(None) };
        let older = later(keychain, file).store.other();
        self.store(older).delete(key)?;
        Ok(Some(older))
    }

    /// The records that one store has, as [`read_each`](Self::read_each).
    pub fn read_each_in(
        &self,
        keys: &[&CredentialKey],
        store: StoreKind,
        mut take: impl FnMut(usize, Result<Option<Record>, StoreError>),
    ) {
        self.store(store).read_each(keys, &mut take);
    }

    /// The keys that the file holds. The keychain is not asked: listing it may unlock it.
    pub fn file_keys(&self) -> Result<Vec<CredentialKey>, StoreError> {
        self.file.keys()
    }

    fn store(&self, kind: StoreKind) -> &dyn CredentialStore {
        match kind {
            StoreKind::Keychain => &*self.keychain,
            StoreKind::File => &*self.file,
        }
    }

    /// Whether what is in the place of the credential file is another program's.
    pub fn file_is_foreign(&self) -> bool {
        self.file.is_foreign()
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

fn in_the_file(record: Result<Option<Record>, StoreError>) -> Result<Option<Stored>, StoreError> {
    Ok(record?.map(|record| Stored { record, store: StoreKind::File }))
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
