//! A keyring store over the Secret Service.
//!
//! Items have the attributes `service` and `username` and are looked for in all collections. What is
//! unlocked is used as it is: a locked collection that holds another copy stops nobody. New items go to
//! the default collection.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, CredentialStore, Entry, Error, Result};
use secret_service::EncryptionType;
use secret_service::blocking::{Collection, Item, SecretService};
use zbus::blocking::Connection;
use zbus::zvariant::{ObjectPath, OwnedObjectPath};

use super::bus::{Addresses, Failure};
use super::opening::Unlock;

const CONTENT_TYPE: &str = "application/octet-stream";

type Service = SecretService<'static>;

/// What [`Store::build`] understands beside the service and the account.
pub(super) const LABEL: &str = "label";
/// What of it is unlocked, in the words of [`unlock_word`].
pub(super) const UNLOCK: &str = "unlock";
/// The path of the collection that a new item goes to, if not to the default one.
pub(super) const COLLECTION: &str = "collection";

const NEXT: &str = "next";
const HOME: &str = "home";

pub(super) fn unlock_word(unlock: Unlock) -> &'static str {
    match unlock {
        Unlock::Nothing => "nothing",
        Unlock::Next => NEXT,
        Unlock::Home => HOME,
    }
}

pub(super) struct Store(Arc<Service>);

/// All items of an account.
struct Account {
    service: Arc<Service>,
    name: String,
    account: String,
    label: String,
    unlock: Unlock,
    collection: Option<String>,
}

/// One item that was found.
pub(super) struct FoundItem {
    service: Arc<Service>,
    path: OwnedObjectPath,
    locked: bool,
}

#[derive(Default)]
struct FoundPaths {
    /// Those of the default collection first.
    unlocked: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl Store {
    pub(super) fn open(addresses: &Addresses) -> Result<Arc<CredentialStore>> {
        let service = addresses.first(|bus| open_session(&bus)).map_err(failed)?;
        Ok(Arc::new(Store(Arc::new(service))))
    }
}

/// A session in which secrets are encrypted or, with a service that has no such sessions, a plain one:
/// every service must have those, and the bus is a socket of this machine.
fn open_session(bus: &Connection) -> std::result::Result<Service, Failure> {
    let open = |encryption| SecretService::connect_with_existing(encryption, bus.clone());
    match open(EncryptionType::Dh) {
        Err(error) if lacks_encryption(&error) => {
            tracing::debug!("the Secret Service has no encrypted sessions");
            open(EncryptionType::Plain)
        }
        opened => opened,
    }
    .map_err(|error| failure(&error))
}

/// Whether it is the service that refuses the session, and not the bus that reports it missing or dead.
fn lacks_encryption(error: &secret_service::Error) -> bool {
    match error {
        secret_service::Error::Zbus(zbus::Error::MethodError(name, ..)) => {
            match name.strip_prefix("org.freedesktop.DBus.Error.") {
                Some(of_bus) => matches!(of_bus, "NotSupported" | "InvalidArgs" | "Failed"),
                None => true,
            }
        }
        // Its half of the key exchange is none.
        secret_service::Error::Zvariant(_) => true,
        _ => false,
    }
}

impl CredentialStoreApi for Store {
    fn vendor(&self) -> String {
        "Secret Service".to_owned()
    }

    fn id(&self) -> String {
        "autocom".to_owned()
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let modifier = |name| modifiers.and_then(|modifiers| modifiers.get(name).copied());
        Ok(Entry::new_with_credential(Arc::new(Account {
            service: self.0.clone(),
            name: service.to_owned(),
            account: user.to_owned(),
            label: modifier(LABEL).unwrap_or(service).to_owned(),
            unlock: match modifier(UNLOCK) {
                Some(NEXT) => Unlock::Next,
                Some(HOME) => Unlock::Home,
                _ => Unlock::Nothing,
            },
            collection: modifier(COLLECTION).map(str::to_owned),
        })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Account {
    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([("service", self.name.as_str()), ("username", self.account.as_str())])
    }

    /// The account's items, after what [`Unlock`] says has been unlocked.
    fn find(&self) -> Result<FoundPaths> {
        let mut found = self.search()?;
        let next = match self.unlock {
            Unlock::Nothing => None,
            Unlock::Next => {
                let home = self.home().ok();
                found.locked.iter().min_by_key(|path| !is_in(path, home.as_ref())).cloned()
            }
            Unlock::Home if found.locked.is_empty() => None,
            Unlock::Home => {
                let home = self.home()?;
                found.locked.iter().find(|path| is_in(path, Some(&home))).cloned()
            }
        };
        if let Some(next) = next {
            self.service.get_item_by_path(next.clone()).and_then(|item| item.unlock()).map_err(rejected)?;
            found = self.search()?;
            if found.locked.contains(&next) {
                return Err(failed(Failure::Locked));
            }
        }
        if found.unlocked.len() > 1 {
            let home = self.home().ok();
            found.unlocked.sort_by_key(|path| !is_in(path, home.as_ref()));
        }
        Ok(found)
    }

    fn search(&self) -> Result<FoundPaths> {
        let found = self.service.search_items(self.attributes()).map_err(rejected)?;
        let paths = |items: Vec<Item<'_>>| items.into_iter().map(|item| item.item_path).collect();
        Ok(FoundPaths { unlocked: paths(found.unlocked), locked: paths(found.locked) })
    }

    /// The collection that new items go to.
    fn home(&self) -> Result<Collection<'_>> {
        match &self.collection {
            Some(path) => {
                let path = ObjectPath::try_from(path.as_str()).map_err(|_| failed(Failure::Other))?;
                self.service.get_collection_by_path(path.into())
            }
            None => self.service.get_default_collection(),
        }
        .map_err(rejected)
    }

    fn item(&self, path: OwnedObjectPath, locked: bool) -> FoundItem {
        FoundItem { service: self.service.clone(), path, locked }
    }

    /// Does it to the only item there is, if that is unlocked. Otherwise the caller has to choose from
    /// all of them, and those that are locked refuse.
    fn with_the_one<T>(&self, found: FoundPaths, work: impl Fn(&FoundItem) -> Result<T>) -> Result<T> {
        match (&found.unlocked[..], &found.locked[..]) {
            ([], []) => Err(Error::NoEntry),
            ([path], []) => work(&self.item(path.clone(), false)),
            _ => {
                let unlocked = found.unlocked.into_iter().map(|path| self.item(path, false));
                let locked = found.locked.into_iter().map(|path| self.item(path, true));
                let entry = |item| Entry::new_with_credential(Arc::new(item));
                Err(Error::Ambiguous(unlocked.chain(locked).map(entry).collect()))
            }
        }
    }
}

/// The specification makes an item's path that of its collection and a name.
fn collection_of(item: &OwnedObjectPath) -> &str {
    item.as_str().rsplit_once('/').map_or("/", |(collection, _)| collection)
}

fn is_in(item: &OwnedObjectPath, collection: Option<&Collection<'_>>) -> bool {
    collection.is_some_and(|collection| collection.collection_path.as_str() == collection_of(item))
}

impl CredentialApi for Account {
    /// Sets the one item that is unlocked, or makes one, for which its collection is unlocked.
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let unlocked = FoundPaths { unlocked: self.find()?.unlocked, locked: Vec::new() };
        match self.with_the_one(unlocked, |item| item.set_secret(secret)) {
            Err(Error::NoEntry) => {}
            result => return result,
        }
        let home = self.home()?;
        if home.is_locked().map_err(rejected)? {
            home.unlock().map_err(rejected)?;
        }
        let made = home.create_item(&self.label, self.attributes(), secret, true, CONTENT_TYPE);
        made.map(drop).map_err(rejected)
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.with_the_one(self.find()?, FoundItem::get_secret)
    }

    fn delete_credential(&self) -> Result<()> {
        self.with_the_one(self.find()?, FoundItem::delete_credential)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.with_the_one(self.find()?, |item| {
            Ok(Some(Arc::new(self.item(item.path.clone(), item.locked)) as Arc<Credential>))
        })
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.name.clone(), self.account.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl FoundItem {
    pub(super) fn collection(&self) -> &str {
        collection_of(&self.path)
    }

    /// The item, unless it is known to be locked: what a service does then differs.
    fn item(&self) -> Result<Item<'_>> {
        if self.locked {
            return Err(failed(Failure::Locked));
        }
        self.service.get_item_by_path(self.path.clone()).map_err(rejected)
    }
}

impl CredentialApi for FoundItem {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.item()?.set_secret(secret, CONTENT_TYPE).map_err(rejected)
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.item()?.get_secret().map_err(rejected)
    }

    fn delete_credential(&self) -> Result<()> {
        self.item()?.delete().map_err(rejected)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn failure(error: &secret_service::Error) -> Failure {
    use secret_service::Error as Service;
    match error {
        Service::Unavailable => Failure::NoBus,
        // A prompt was dismissed by a person, or by a service that found nobody to ask.
        Service::Locked | Service::Prompt => Failure::Locked,
        Service::NoResult => Failure::NoCollection,
        Service::PromptDisconnected => Failure::Disconnected,
        Service::Zbus(error) => Failure::from(error),
        Service::ZbusFdo(error) => Failure::from(error),
        error => {
            tracing::debug!(%error, "the Secret Service's answer can't be read");
            Failure::Other
        }
    }
}

fn rejected(error: secret_service::Error) -> Error {
    failed(failure(&error))
}

fn failed(failure: Failure) -> Error {
    match failure {
        Failure::Locked => Error::NoStorageAccess(Box::new(failure)),
        failure => Error::PlatformFailure(Box::new(failure)),
    }
}
