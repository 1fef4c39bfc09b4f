//! The OS's store by account name, as the worker's thread sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::opening::{Open, Unlock};
use super::platform;
use crate::credentials::StoreError;

/// The service that all items of this program belong to.
pub(super) const SERVICE: &str = "autocom";

/// The open store. It lives on one thread and is opened by the first call that needs it.
pub(super) struct Vault {
    open: Arc<Open>,
    store: Option<Arc<CredentialStore>>,
    /// Set when the caller has given up: what was begun then must not be finished behind its back.
    abandoned: Arc<AtomicBool>,
}

/// One item: the same service and account may have several, which the OS calls ambiguous.
pub(super) struct VaultItem {
    entry: Entry,
    pub bytes: Zeroizing<Vec<u8>>,
}

impl VaultItem {
    fn new(entry: Entry, bytes: Vec<u8>) -> VaultItem {
        VaultItem { entry, bytes: Zeroizing::new(bytes) }
    }
}

/// What an account has.
#[derive(Default)]
pub(super) struct Items {
    /// Those that can be used, the default collection's first.
    pub unlocked: Vec<VaultItem>,
    /// Whether there are others, in a collection that is locked.
    pub locked: bool,
}

impl Vault {
    pub(super) fn new(open: Arc<Open>, abandoned: Arc<AtomicBool>) -> Vault {
        Vault { open, store: None, abandoned }
    }

    /// Every item of `account`, with its bytes where it is unlocked.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if what was to be unlocked was not.
    pub(super) fn get(&mut self, account: &str, unlock: Unlock) -> Result<Items, StoreError> {
        self.find_and(account, unlock, None, |entry| {
            let mut items = Items::default();
            match entry.get_secret() {
                Ok(bytes) => items.unlocked.push(VaultItem::new(entry, bytes)),
                Err(Error::NoEntry) => {}
                Err(Error::Ambiguous(entries)) => {
                    for entry in entries {
                        match entry.get_secret() {
                            Ok(bytes) => items.unlocked.push(VaultItem::new(entry, bytes)),
                            Err(error) if platform::is_locked(&error) => items.locked = true,
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
            Ok(items)
        })
    }

    /// Sets the one item of `account`, or makes it, beside another one if that is given.
    pub(super) fn set(
        &mut self,
        account: &str,
        bytes: &[u8],
        beside: Option<&VaultItem>,
    ) -> Result<(), StoreError> {
        self.find_and(account, Unlock::Nothing, beside, |entry| entry.set_secret(bytes))
    }

    /// Replaces the bytes of an item that was got for `account`.
    pub(super) fn replace(
        &mut self,
        account: &str,
        item: &VaultItem,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.check()?;
        match item.entry.set_secret(bytes) {
            Err(error) if platform::is_gone(&error) => self.set(account, bytes, None),
            result => self.finish(result),
        }
    }

    /// Removes an item that was got.
    pub(super) fn remove(&mut self, item: &VaultItem) -> Result<(), StoreError> {
        self.check()?;
        match item.entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            Err(error) if platform::is_gone(&error) => Ok(()),
            result => self.finish(result),
        }
    }

    /// Removes the items of `account`, but those in other collections that are locked; answers whether
    /// there was one.
    pub(super) fn delete(&mut self, account: &str, beside: Option<&VaultItem>) -> Result<bool, StoreError> {
        self.find_and(account, Unlock::Home, beside, |entry| match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(Error::Ambiguous(entries)) => {
                let mut deleted = false;
                for entry in entries {
                    match entry.delete_credential() {
                        Ok(()) => deleted = true,
                        Err(error) if platform::is_locked(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(deleted)
            }
            Err(error) => Err(error),
        })
    }

    /// Does what first has to find the account's items, and does it again if one of them, or the session,
    /// vanished in between: other processes check for writing whenever they like, since that needs no lock.
    fn find_and<T>(
        &mut self,
        account: &str,
        unlock: Unlock,
        beside: Option<&VaultItem>,
        work: impl Fn(Entry) -> keyring_core::Result<T>,
    ) -> Result<T, StoreError> {
        let mut left = 5;
        loop {
            let entry = self.entry(account, unlock, beside)?;
            left -= 1;
            match work(entry) {
                Err(error) if left > 0 && platform::is_gone(&error) => self.store = None,
                result => return self.finish(result),
            }
        }
    }

    fn entry(
        &mut self,
        account: &str,
        unlock: Unlock,
        beside: Option<&VaultItem>,
    ) -> Result<Entry, StoreError> {
        self.check()?;
        let store = match &self.store {
            Some(store) => store.clone(),
            None => {
                let opened = (self.open)();
                self.store.insert(opened.map_err(platform::sort)?).clone()
            }
        };
        let label = format!("Autocom login for {account}");
        let modifiers = platform::modifiers(&label, unlock, beside.map(|item| &item.entry));
        let entry = store.build(SERVICE, account, modifiers.as_ref());
        entry.map_err(|error| self.failed(error))
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.abandoned.load(Ordering::SeqCst) {
            // Nobody receives this.
            Err(StoreError::NoAnswer { waited: Duration::ZERO })
        } else {
            Ok(())
        }
    }

    fn finish<T>(&mut self, result: keyring_core::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| self.failed(error))
    }

    /// The connection may be what broke: the next call opens a new one.
    fn failed(&mut self, error: Error) -> StoreError {
        self.store = None;
        platform::sort(error)
    }
}
