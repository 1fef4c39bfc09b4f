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
        let item = |entry: Entry| {
            let bytes = Zeroizing::new(entry.get_secret()?);
            Ok(Item { entry, bytes })
        };
        self.find_and(account, |entry| match entry.get_secret() {
            Ok(bytes) => Ok(vec![Item { entry, bytes: Zeroizing::new(bytes) }]),
            Err(Error::NoEntry) => Ok(Vec::new()),
            Err(Error::Ambiguous(entries)) => entries.into_iter().map(item).collect(),
            Err(error) => Err(error),
        })
    }

    /// Sets the one item of `account`, or makes it.
    pub fn set(&mut self, account: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.find_and(account, |entry| entry.set_secret(bytes))
    }

    /// Replaces the bytes of an item that was got for `account`.
    pub fn replace(&mut self, account: &str, item: &Item, bytes: &[u8]) -> Result<(), StoreError> {
        self.check()?;
        match item.entry.set_secret(bytes) {
            Err(error) if platform::is_gone(&error) => self.set(account, bytes),
            result => self.finish(result),
        }
    }

    /// Removes an item that was got.
    pub fn remove(&mut self, item: &Item) -> Result<(), StoreError> {
        self.check()?;
        match item.entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            Err(error) if platform::is_gone(&error) => Ok(()),
            result => self.finish(result),
        }
    }

    /// Removes every item of `account`; answers whether there was one.
    pub fn delete(&mut self, account: &str) -> Result<bool, StoreError> {
        self.find_and(account, |entry| match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(Error::Ambiguous(entries)) => {
                entries.iter().try_for_each(Entry::delete_credential).map(|()| true)
            }
            Err(error) => Err(error),
        })
    }

    /// Does what first has to find the account's items, and does it again if one of them vanished in
    /// between: other processes check for writing whenever they like, since that needs no lock.
    fn find_and<T>(
        &mut self,
        account: &str,
        work: impl Fn(Entry) -> keyring_core::Result<T>,
    ) -> Result<T, StoreError> {
        let mut left = 5;
        loop {
            let entry = self.entry(account)?;
            left -= 1;
            match work(entry) {
                Err(error) if left > 0 && platform::is_gone(&error) => {}
                result => return self.finish(result),
            }
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
