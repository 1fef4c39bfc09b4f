//! The OS keychain: Keychain on macOS, Secret Service on Linux, Credential Manager on Windows.
//!
//! This folder is the only user of the keyring crates. Its layers, from the bottom: [`platform`]
//! opens the OS's store and sorts its errors (on Linux that is [`store`], over the [`bus`]), [`vault`] is
//! that store by account name, [`worker`] is the thread that it lives on, [`items`] lays a record out
//! over one or several items.
//!
//! Items have the service `autocom` and the credential key as account, and on Linux exactly the
//! attributes that go-keyring gives them, so an item of the Go client is found, seen to be foreign
//! and not overwritten without a word.

#[cfg(target_os = "linux")]
mod bus;
mod items;
mod opening;
mod platform;
#[cfg(target_os = "linux")]
mod store;
// Linux, because they make its errors.
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod vault;
mod worker;

use self::items::PLACE;
pub use self::worker::Patience;
use std::sync::Arc;

use zeroize::Zeroizing;

use self::items::FoundRecord;
use self::opening::Open;
use self::vault::Vault;
use self::worker::{Timing, Worker};
use super::{CredentialStore, Record, StoreError};
use crate::domain::{CredentialKey, StoreKind};
use crate::system::paths::Paths;
use crate::system::reporter::Reporter;

/// Credentials in the OS keychain. Nothing is opened before the first use.
pub struct Keychain {
    worker: Worker,
    /// The most bytes that one item can hold.
    limit: Option<usize>,
    reporter: Arc<Reporter>,
}

impl Keychain {
    pub fn new(paths: &Paths, reporter: Arc<Reporter>, patience: Patience) -> Keychain {
        Keychain::with(platform::opener(paths), platform::LIMIT, Timing::new(patience), reporter)
    }

    fn with(open: Arc<Open>, limit: Option<usize>, timing: Timing, reporter: Arc<Reporter>) -> Keychain {
        Keychain { worker: Worker::new(open, timing, reporter.clone()), limit, reporter }
    }

    fn call<T: Send + 'static>(
        &self,
        key: &CredentialKey,
        work: impl Fn(&mut Vault, &str, Option<usize>) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let (account, limit) = (key.as_str().to_owned(), self.limit);
        self.worker.call(move |vault| work(vault, &account, limit))
    }
}

impl CredentialStore for Keychain {
    fn kind(&self) -> StoreKind {
        StoreKind::Keychain
    }

    fn place(&self) -> String {
        PLACE.to_owned()
    }

    fn read(&self, key: &CredentialKey) -> Result<Option<Record>, StoreError> {
        match self.call(key, |vault, account, _| items::read(vault, account))? {
            FoundRecord::Ours(record) => Ok(Some(*record)),
            FoundRecord::Nothing => Ok(None),
            FoundRecord::Foreign => {
                self.reporter.warn(format!(
                    "the item {key} of service {} in {PLACE} is not a login of this program: logged out",
                    vault::SERVICE
                ));
                Ok(None)
            }
        }
    }

    fn write(&self, key: &CredentialKey, record: &Record) -> Result<(), StoreError> {
        let bytes: Arc<Zeroizing<Vec<u8>>> = Arc::new(record.to_bytes());
        let (reporter, name) = (self.reporter.clone(), key.clone());
        self.call(key, move |vault, account, limit| {
            items::write(vault, account, &bytes, limit, || {
                reporter.warn(format!("replacing the item {name} in {PLACE}, which another program wrote"));
            })
        })
    }

    fn delete(&self, key: &CredentialKey) -> Result<bool, StoreError> {
        let removed = self.call(key, items::delete)?;
        if removed.locked_left {
            self.reporter.warn(format!(
                "another copy of the credential {key} may be left in a locked collection of {PLACE}; \
                 unlock it and log out again to delete it"
            ));
        }
        Ok(removed.any)
    }

    fn check_writable(&self, key: &CredentialKey) -> Result<(), StoreError> {
        self.call(key, |vault, account, _| items::check(vault, account))
    }
}
