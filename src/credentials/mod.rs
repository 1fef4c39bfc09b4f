//! Where credentials are kept: the OS keychain, or a file of mode 0600 where there is no keychain.
//!
//! A [`CredentialStore`] tells "not here" (`Ok(None)`) from "no such store on this machine"
//! ([`StoreError::Absent`]) from "not usable now" (the other errors), and [`Credentials`], the chain,
//! decides on that alone: a fallback is for a store that is absent, never for one that is locked.
//!
//! Secrets are in memory as [`Secret`](crate::domain::Secret) and, on their way in and out, in
//! buffers that are wiped; what the D-Bus and JSON libraries copy is out of reach.

mod chain;
mod file;
mod keychain;
mod memory;
mod record;

use std::path::PathBuf;
use std::time::Duration;

pub use chain::{Credentials, Deleted, Lookup, PreparedStore, Stored};
pub use file::FileStore;
pub use keychain::{Keychain, Patience};
pub use memory::{Fault, MemoryStore};
pub use record::Record;

use crate::domain::{CredentialKey, StoreKind};
use crate::system::files::FileError;
use crate::system::locks::LockError;
use crate::system::replace::PreparedWrite;
use crate::system::runtime::StartError;

/// One place that holds credentials. The caller of a change holds the key's lock.
pub trait CredentialStore: Send + Sync {
    fn kind(&self) -> StoreKind;

    /// The place in words that fit after "in": a path, or "the OS keychain".
    fn place(&self) -> String;

    /// The record, or `None`; what is there but not ours to read counts as `None`, with one warning.
    fn read(&self, key: &CredentialKey) -> Result<Option<Record>, StoreError>;

    /// Whether what is there is no store of ours.
    fn is_foreign(&self) -> bool {
        false
    }

    /// Replaces what is there, except a record of a newer version.
    fn write(&self, key: &CredentialKey, record: &Record) -> Result<(), StoreError>;

    /// As [`write`](Self::write), with what [`prepare`](Self::prepare) has made ready.
    fn finish(&self, key: &CredentialKey, record: &Record, prepared: Prepared) -> Result<(), StoreError> {
        drop(prepared);
        self.write(key, record)
    }

    /// Answers whether there was a record of ours. What is not ours stays.
    fn delete(&self, key: &CredentialKey) -> Result<bool, StoreError>;

    /// As [`read`](Self::read), for many keys, in their order: a file is read once. `take` gets each record
    /// before the next is looked at.
    fn read_each(
        &self,
        keys: &[&CredentialKey],
        take: &mut dyn FnMut(usize, Result<Option<Record>, StoreError>),
    ) {
        keys.iter().enumerate().for_each(|(n, key)| take(n, self.read(key)));
    }

    /// As [`delete`](Self::delete), of many: a file is written once.
    ///
    /// # Errors
    /// Some of them may be left; of a file, all.
    fn delete_each(&self, keys: &[&CredentialKey]) -> Result<Vec<bool>, StoreError> {
        keys.iter().map(|key| self.delete(key)).collect()
    }

    /// Whether `write` would succeed, found out by writing something harmless.
    fn check_writable(&self, key: &CredentialKey) -> Result<(), StoreError>;

    /// As [`check_writable`](Self::check_writable), and does as much of the write as can be done without the
    /// record.
    fn prepare(&self, key: &CredentialKey) -> Result<Prepared, StoreError> {
        self.check_writable(key).map(|()| Prepared::default())
    }

    /// Every key that the store holds, where a store can list them without asking anybody.
    fn keys(&self) -> Result<Vec<CredentialKey>, StoreError> {
        Ok(Vec::new())
    }
}

/// What a store has made ready for a write: nothing, or a file.
#[derive(Debug, Default)]
pub struct Prepared(Option<PreparedWrite>);

/// Why a store can't be used. No variant carries bytes of a credential.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no keychain here: {reason}")]
    Absent { reason: String },
    /// `logins.toml` says that a credential is in a keychain that is absent.
    #[error("the credential is in the keychain, which can't be reached from here: {reason}")]
    OutOfReach { reason: String },
    #[error("the keychain is locked")]
    Locked,
    #[error(
        "the keychain gave no answer in {} seconds: it is locked and asks for its password, or it hangs",
        .waited.as_secs()
    )]
    NoAnswer { waited: Duration },
    #[error("the keychain has no default collection to write to")]
    NoCollection,
    /// It is there, and a rule of the system keeps autocom from it.
    #[error("cannot use the keychain: access denied by a policy of this system (snap, AppArmor or D-Bus)")]
    Denied,
    #[error("the keychain failed: {reason}")]
    Keychain { reason: String },
    #[error("{place} was written by a newer version of autocom")]
    Newer { place: String },
    #[error("{path} holds something else than credentials, and it could not be kept as {kept}")]
    NotKept { path: PathBuf, kept: PathBuf, source: FileError },
    #[error("there is no home folder to keep the credential file in")]
    NoHome,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Start(#[from] StartError),
}

impl StoreError {
    /// There is no such store on this machine at all: no bus, no service.
    pub fn is_absent(&self) -> bool {
        matches!(self, StoreError::Absent { .. })
    }

    /// It is there and says that it is locked, or the prompt to unlock it was dismissed.
    pub fn is_locked(&self) -> bool {
        matches!(self, StoreError::Locked)
    }

    /// It is there and said nothing in time; most often an unlocking prompt that nobody answered.
    pub fn is_no_answer(&self) -> bool {
        matches!(self, StoreError::NoAnswer { .. })
    }

    /// A newer version of autocom wrote what is there.
    pub fn is_newer(&self) -> bool {
        matches!(self, StoreError::Newer { .. })
    }

    /// Another autocom process held the lock for too long.
    pub fn is_busy(&self) -> bool {
        matches!(self, StoreError::Lock(LockError::Busy { .. }))
    }
}
