//! What differs between the operating systems: the store, its limit, and what its errors mean.
//!
//! An error's `Debug` output is never used: some variants hold the secret's bytes.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::error::PlatformError;
use keyring_core::{Entry, Error};
use zeroize::Zeroize;

#[cfg(target_os = "linux")]
use super::bus::{Addresses, Failure};
use super::opening::{Open, Unlock};
#[cfg(target_os = "linux")]
use super::store::{self, FoundItem, Store};
use crate::credentials::StoreError;
use crate::system::paths::Paths;

/// The most bytes that an item can hold: `CRED_MAX_CREDENTIAL_BLOB_SIZE` on Windows.
pub(super) const LIMIT: Option<usize> = if cfg!(windows) { Some(2560) } else { None };

/// What opens the OS's store.
#[cfg(target_os = "linux")]
pub(super) fn opener(paths: &Paths) -> Arc<Open> {
    let addresses = Addresses::new(paths);
    Arc::new(move || Store::open(&addresses))
}

#[cfg(target_os = "macos")]
pub(super) fn opener(_: &Paths) -> Arc<Open> {
    Arc::new(|| Ok(apple_native_keyring_store::keychain::Store::new()?))
}

#[cfg(windows)]
pub(super) fn opener(_: &Paths) -> Arc<Open> {
    Arc::new(|| Ok(windows_native_keyring_store::Store::new()?))
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub(super) fn opener(_: &Paths) -> Arc<Open> {
    Arc::new(|| Err(Error::NoDefaultStore))
}

/// How the items of an account are found and made: on Linux with a label that people can read in the
/// keychain's window, in the collection of the item `beside` if there is one, and with what is unlocked
/// for it; on Windows so that they do not roam to other machines.
#[cfg(target_os = "linux")]
pub(super) fn modifiers<'a>(
    label: &'a str,
    unlock: Unlock,
    beside: Option<&'a Entry>,
) -> Option<HashMap<&'static str, &'a str>> {
    let collection = beside.and_then(|entry| entry.as_any().downcast_ref::<FoundItem>());
    let collection = collection.map(|item| (store::COLLECTION, item.collection()));
    Some(
        [(store::LABEL, label), (store::UNLOCK, store::unlock_word(unlock))]
            .into_iter()
            .chain(collection)
            .collect(),
    )
}

#[cfg(not(target_os = "linux"))]
pub(super) fn modifiers<'a>(
    _: &'a str,
    _: Unlock,
    _: Option<&'a Entry>,
) -> Option<HashMap<&'static str, &'a str>> {
    cfg!(windows).then(|| HashMap::from([("persistence", "Local")]))
}

/// What a keyring error means to the chain.
pub(super) fn sort(error: Error) -> StoreError {
    let failed = |reason: &str| StoreError::Keychain { reason: reason.to_owned() };
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
            // Its text is the library's own, and may repeat what it was given.
            meaning(&cause).unwrap_or_else(|| failed("it reported an error"))
        }
        Error::NoDefaultStore => {
            StoreError::Absent { reason: "this system has none that autocom knows".to_owned() }
        }
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            failed("an item could not be decoded")
        }
        Error::NoEntry => failed("the item is gone"),
        Error::Ambiguous(_) => failed("several items have the same name"),
        Error::TooLong(..) => failed("the record is too long for it"),
        Error::BadStoreFormat(_) => failed("its data is damaged"),
        Error::Invalid(..) | Error::NotSupportedByStore(_) => failed("it does not support what was asked"),
        _ => failed("for a reason of its own"),
    }
}

#[cfg(target_os = "linux")]
fn meaning(cause: &PlatformError) -> Option<StoreError> {
    let failure = *cause.downcast_ref::<Failure>()?;
    let reason = failure.to_string();
    Some(match failure {
        Failure::NoBus | Failure::OtherUsersBus | Failure::NoService => StoreError::Absent { reason },
        Failure::Locked => StoreError::Locked,
        Failure::NoCollection => StoreError::NoCollection,
        // The keychain is there, so no file stands in for it unasked.
        Failure::Denied => StoreError::Denied,
        Failure::Gone | Failure::NoSession | Failure::NotStarted | Failure::Disconnected | Failure::Other => {
            StoreError::Keychain { reason }
        }
    })
}

#[cfg(target_os = "linux")]
fn failure_of(error: &Error) -> Option<Failure> {
    let (Error::PlatformFailure(cause) | Error::NoStorageAccess(cause)) = error else { return None };
    cause.downcast_ref::<Failure>().copied()
}

/// Whether what was found is no more: another process has deleted it since, or the service has
/// restarted.
#[cfg(target_os = "linux")]
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(failure_of(error), Some(Failure::Gone | Failure::NoSession))
}

/// Whether it is one of several items that is locked.
#[cfg(target_os = "linux")]
pub(super) fn is_locked(error: &Error) -> bool {
    failure_of(error) == Some(Failure::Locked)
}

/// Elsewhere an item is found and used in one call.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_gone(_: &Error) -> bool {
    false
}

/// Elsewhere all items are locked or none.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_locked(_: &Error) -> bool {
    false
}

/// Codes from Security/SecBase.h.
#[cfg(target_os = "macos")]
fn meaning(cause: &PlatformError) -> Option<StoreError> {
    match cause.downcast_ref::<security_framework::base::Error>()?.code() {
        // errSecNotAvailable, errSecNoSuchKeychain, errSecNoDefaultKeychain
        -25291 | -25294 | -25307 => Some(StoreError::Absent { reason: "no login keychain".to_owned() }),
        // errSecAuthFailed, errSecInteractionNotAllowed (a login by ssh), errSecUserCanceled
        -25293 | -25308 | -128 => Some(StoreError::Locked),
        _ => None,
    }
}

/// The store says `NoStorageAccess` for `ERROR_NO_SUCH_LOGON_SESSION` alone: a session that was made
/// over the network has no credential set. It has no type of its own, so its text must do.
#[cfg(windows)]
fn meaning(cause: &PlatformError) -> Option<StoreError> {
    cause
        .to_string()
        .contains("ERROR_NO_SUCH_LOGON_SESSION")
        .then(|| StoreError::Absent { reason: "this logon session has no credential set".to_owned() })
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn meaning(_: &PlatformError) -> Option<StoreError> {
    None
}
