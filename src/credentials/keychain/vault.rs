//! The OS's store by account name, as the worker's thread sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::platform;
use crate::credentials::StoreError;

/// The service that all items of this program belong to.
pub(super) const SERVICE: &str = "autocom";

/// Opens the OS's store.
pub(super) type Open = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;

/// The open store. It lives on one thread and is opened by the first call that needs it.
pub(super) struct Vault {
    open: Arc<Open>,
    store: Option<Arc<CredentialStore>>,
    /// Set when the caller has given up: what was begun then must not be finished behind its back.
    abandoned: Arc<AtomicBool>,
}

/// One item: the same service and account may have several, which the OS calls ambiguous.
pub(super) struct Item {
    entry: Entry,
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Vault {
    pub fn new(open: Arc<Open>, abandoned: Arc<AtomicBool>) -> Vault {
        Vault { open, store: None, abandoned }
    }

    /// Every item of `account`, with its bytes.
    pub fn get(&mut self, account: &str) -> Result<Vec<Item>, StoreError> {
        let entry = self.entry(account)?;
        match entry.get_secret() {
            Ok(bytes) => Ok(vec![Item { entry, bytes: Zeroizing::new(bytes) }]),
            Err(Error::NoEntry) => Ok(Vec::new()),
            Err(Error::Ambiguous(entries)) => {
                let mut items = Vec::with_capacity(entries.len());
                for entry in entries {
                    match entry.get_secret() {
                        Ok(bytes) => items.push(Item { entry, bytes: Zeroizing::new(bytes) }),
                        Err(Error::NoEntry) => {}
                        Err(error) => return Err(self.failed(error)),
                    }
                }
                Ok(items)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Sets the one item of `account`, or makes it.
    pub fn set(&mut self, account: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let entry = self.entry(account)?;
        self.finish(entry.set_secret(bytes))
    }

    /// Replaces the bytes of an item that was got.
    pub fn replace(&mut self, item: &Item, bytes: &[u8]) -> Result<(), StoreError> {
        self.check()?;
        self.finish(item.entry.set_secret(bytes))
    }

    /// Removes an item that was got.
    pub fn remove(&mut self, item: &Item) -> Result<(), StoreError> {
        self.check()?;
        match item.entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            result => self.finish(result),
        }
    }

    /// Removes every item of `account`; answers whether there was one.
    pub fn delete(&mut self, account: &str) -> Result<bool, StoreError> {
        let entry = self.entry(account)?;
        match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(Error::Ambiguous(entries)) => {
                for entry in entries {
                    self.finish(entry.delete_credential())?;
                }
                Ok(true)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn entry(&mut self, account: &str) -> Result<Entry, StoreError> {
        self.check()?;
        let store = match &self.store {
            Some(store) => store.clone(),
            None => {
                let opened = (self.open)();
                self.store.insert(opened.map_err(platform::sort)?).clone()
            }
        };
        let label = format!("Autocom login for {account}");
        let entry = store.build(SERVICE, account, platform::modifiers(&label).as_ref());
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
