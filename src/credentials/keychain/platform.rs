//! What differs between the operating systems: the store, its limit, and what its errors mean.
//!
//! An error's `Debug` output is never used: some variants hold the secret's bytes.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::error::PlatformError;
use keyring_core::{CredentialStore, Error};
use zeroize::Zeroize;

use crate::credentials::StoreError;

/// The most bytes that an item can hold: `CRED_MAX_CREDENTIAL_BLOB_SIZE` on Windows.
pub(super) const LIMIT: Option<usize> = if cfg!(windows) { Some(2560) } else { None };

#[cfg(target_os = "linux")]
pub(super) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
pub(super) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
pub(super) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub(super) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NoDefaultStore)
}

/// How a new item is made: on Linux with a label that people can read in the keychain's window, on
/// Windows so that it does not roam to other machines.
pub(super) fn modifiers(label: &str) -> Option<HashMap<&'static str, &str>> {
    if cfg!(target_os = "linux") {
        Some(HashMap::from([("label", label)]))
    } else if cfg!(windows) {
        Some(HashMap::from([("persistence", "Local")]))
    } else {
        None
    }
}

/// What a keyring error means to the chain.
pub(super) fn sort(error: Error) -> StoreError {
    let failed = |reason: &str| StoreError::Keychain { reason: reason.to_owned() };
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
            meaning(&cause).unwrap_or_else(|| StoreError::Keychain { reason: cause.to_string() })
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

/// The Secret Service's errors, as gnome-keyring and dbus-daemon were seen to give them.
#[cfg(target_os = "linux")]
fn meaning(cause: &PlatformError) -> Option<StoreError> {
    use secret_service::Error as Service;
    use std::io::ErrorKind;

    let absent = |reason: &str| Some(StoreError::Absent { reason: reason.to_owned() });
    let error = match cause.downcast_ref::<Service>()? {
        // The address of a bus is missing, malformed, or of a kind that can't be.
        Service::Unavailable => return absent("no D-Bus session bus"),
        // Dismissed by a person, or by a service that found nobody to ask.
        Service::Locked | Service::Prompt => return Some(StoreError::Locked),
        Service::NoResult => return Some(StoreError::NoCollection),
        Service::PromptDisconnected => return broken_off(),
        Service::Zbus(error) => error,
        Service::ZbusFdo(zbus::fdo::Error::ZBus(error)) => error,
        _ => return None,
    };
    match error {
        zbus::Error::Connection(io, _) | zbus::Error::InputOutput(io)
            if matches!(io.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            absent("no D-Bus session bus")
        }
        zbus::Error::InputOutput(_) => broken_off(),
        zbus::Error::MethodError(name, ..) => match name.as_str() {
            // Nobody owns the name and nothing can be started for it.
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound" => {
                absent("no Secret Service on the D-Bus session bus")
            }
            "org.freedesktop.Secret.Error.IsLocked" => Some(StoreError::Locked),
            // It died over our call. It was there, so this is not an absent one.
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Disconnected" => broken_off(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(target_os = "linux")]
fn broken_off() -> Option<StoreError> {
    Some(StoreError::Keychain { reason: "it went away before it answered".to_owned() })
}

/// Whether the item that was found is no more: another process has deleted it since.
#[cfg(target_os = "linux")]
pub(super) fn is_gone(error: &Error) -> bool {
    use secret_service::Error as Service;
    let (Error::PlatformFailure(cause) | Error::NoStorageAccess(cause)) = error else { return false };
    let name = match cause.downcast_ref::<Service>() {
        Some(Service::Zbus(zbus::Error::MethodError(name, ..))) => name.as_str(),
        Some(Service::ZbusFdo(zbus::fdo::Error::UnknownObject(_) | zbus::fdo::Error::UnknownMethod(_))) => {
            return true;
        }
        _ => return false,
    };
    // gnome-keyring was seen to say the last, of an object that no longer has an item's methods.
    matches!(
        name,
        "org.freedesktop.Secret.Error.NoSuchObject"
            | "org.freedesktop.DBus.Error.UnknownObject"
            | "org.freedesktop.DBus.Error.UnknownMethod"
    )
}

/// Elsewhere an item is found and used in one call.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_gone(_: &Error) -> bool {
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
