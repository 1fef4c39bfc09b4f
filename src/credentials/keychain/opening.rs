//! How the store is opened, and what is unlocked in it.

use std::sync::Arc;

use keyring_core::CredentialStore;

/// Which of an account's locked items are unlocked before it is looked at. Only the Secret Service
/// has items that are locked beside others that are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlock {
    Nothing,
    /// One of them, the default collection's first, and whatever else that unlocks.
    Next,
    /// One in the collection that new items go to.
    Home,
}

/// Opens the OS's store.
pub(super) type Open = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;
