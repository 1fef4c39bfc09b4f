//! The fallback store: one JSON file of mode 0600 that all keys share.
//!
//! ```json
//! {"version":1,"credentials":{
//! "https://api.example.test/api/v1":{"version":1,"access_token":"..."}
//! }}
//! ```
//!
//! Everything in it that is not the record being changed is kept byte for byte: other keys, broken
//! records, fields that a later version added. An emptied file stays, with its mode and, where it is
//! a symbolic link, its place in somebody's dotfiles.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::record::{Parsed, Record, VERSION};
use super::{CredentialStore, Prepared, StoreError};
use crate::domain::{CredentialKey, StoreKind};
use crate::system::files::{self, Trust};
use crate::system::locks::Locks;
use crate::system::paths::Place;
use crate::system::replace::{self, Mode};
use crate::system::reporter::Reporter;

/// Passport's records have about 3 KiB.
const MAX_RECORD: usize = 16 << 10;

/// Credentials in a file. Its `place` is `None` where there is no home folder: then it holds nothing.
pub struct FileStore {
    place: Option<Place>,
    locks: Locks,
    reporter: Arc<Reporter>,
    /// The lock of a mounted file is one for all threads of this process.
    changing: Mutex<()>,
}

/// The file's text, taken apart without copying a secret.
enum Contents<'a> {
    Ours { fields: BTreeMap<String, &'a RawValue>, credentials: BTreeMap<String, &'a RawValue> },
    Foreign,
}

impl FileStore {
    pub fn new(place: Option<Place>, locks: Locks, reporter: Arc<Reporter>) -> FileStore {
        FileStore { place, locks, reporter, changing: Mutex::new(()) }
    }

    fn required_place(&self) -> Result<&Place, StoreError> {
        self.place.as_ref().ok_or(StoreError::NoHome)
    }

    fn bytes(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Some(place) = &self.place else { return Ok(None) };
        let bytes = files::read_whole(place, Trust::new(place, true), &self.reporter, is_foreign)?;
        Ok(bytes.map(Zeroizing::new))
    }

    /// The record of `key` in the file's `bytes`, with a warning about what is not ours.
    fn find(&self, bytes: &[u8], key: &CredentialKey) -> Result<Option<Record>, StoreError> {
        let place = self.place();
        let Contents::Ours { credentials, .. } = parse(bytes, &place)? else {
            self.reporter
                .warn(format!("{place} is not a credential file of autocom: nobody is logged in there"));
            return Ok(None);
        };
        self.record(&credentials, key)
    }

    fn record(
        &self,
        credentials: &BTreeMap<String, &RawValue>,
        key: &CredentialKey,
    ) -> Result<Option<Record>, StoreError> {
        let place = self.place();
        let Some(raw) = credentials.get(key.as_str()) else { return Ok(None) };
        match Record::from_bytes(raw.get().as_bytes()) {
            Parsed::Ours(record) => Ok(Some(*record)),
            Parsed::Newer => Err(StoreError::Newer { place: format!("{key} in {place}") }),
            Parsed::Foreign => {
                self.reporter.warn(format!("the record of {key} in {place} can't be read: logged out"));
                Ok(None)
            }
        }
    }

    /// Reads the file again under its lock, sets or removes records and replaces the file.
    fn change(
        &self,
        changes: &[(&CredentialKey, Option<&Record>)],
        prepared: Prepared,
    ) -> Result<(), StoreError> {
        let place = self.required_place()?;
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lock = self.locks.credentials_file(place)?;
        let bytes = self.bytes()?.unwrap_or_default();
        let (mut fields, mut credentials) = match parse(&bytes, &self.place())? {
            Contents::Ours { fields, credentials } => {
                // Refuses a newer version's record, also one that came between the caller's look and
                // the lock, and says so if the record to be replaced is not ours.
                changes.iter().try_for_each(|(key, _)| self.record(&credentials, key).map(drop))?;
                (fields, credentials)
            }
            Contents::Foreign => {
                self.keep(&place.path, &bytes)?;
                Default::default()
            }
        };
        let new: Vec<_> = changes.iter().map(|(key, record)| (key, record.map(Record::to_bytes))).collect();
        for (key, record) in &new {
            match record {
                Some(record) => credentials.insert(key.as_str().to_owned(), raw(record)?),
                None => credentials.remove(key.as_str()),
            };
        }
        fields.remove("version");
        fields.remove("credentials");
        let bytes = render(&fields, &credentials, bytes.len())?;
        match prepared.0 {
            Some(prepared) => lock.finish(prepared, &bytes)?,
            None => lock.replace(&bytes, Mode::Private)?,
        }
        Ok(())
    }

    /// Removes what killed processes have left: it may hold tokens.
    fn sweep(&self) {
        if let Some(place) = self.place.as_ref().filter(|place| !replace::leftovers(&place.path).is_empty())
            && let Ok(_lock) = self.locks.credentials_file(place)
        {
            replace::sweep(&place.path);
        }
    }

    /// Puts a file that is not ours aside.
    fn keep(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let kept = files::keep_aside(path, bytes).map_err(|source| StoreError::NotKept {
            path: path.to_owned(),
            kept: files::name_aside(path),
            source,
        })?;
        self.reporter.warn(format!(
            "{} was not a credential file of autocom; it is kept as {}",
            path.display(),
            kept.display()
        ));
        Ok(())
    }
}

impl CredentialStore for FileStore {
    fn kind(&self) -> StoreKind {
        StoreKind::File
    }

    fn place(&self) -> String {
        match &self.place {
            Some(place) => place.path.display().to_string(),
            None => "the credential file".to_owned(),
        }
    }

    fn is_foreign(&self) -> bool {
        self.bytes().is_ok_and(|bytes| bytes.is_some_and(|bytes| is_foreign(&bytes)))
    }

    fn read(&self, key: &CredentialKey) -> Result<Option<Record>, StoreError> {
        match self.bytes()? {
            Some(bytes) => self.find(&bytes, key),
            None => Ok(None),
        }
    }

    fn write(&self, key: &CredentialKey, record: &Record) -> Result<(), StoreError> {
        self.change(&[(key, Some(record))], Prepared::default())
    }

    fn finish(&self, key: &CredentialKey, record: &Record, prepared: Prepared) -> Result<(), StoreError> {
        self.change(&[(key, Some(record))], prepared)
    }

    fn delete(&self, key: &CredentialKey) -> Result<bool, StoreError> {
        Ok(self.delete_each(&[key])?.contains(&true))
    }

    fn read_each(
        &self,
        keys: &[&CredentialKey],
        take: &mut dyn FnMut(usize, Result<Option<Record>, StoreError>),
    ) {
        let bytes = self.bytes();
        let credentials = bytes.as_ref().ok().and_then(Option::as_ref).and_then(|bytes| {
            match parse(bytes, &self.place()) {
                Ok(Contents::Ours { credentials, .. }) => Some(credentials),
                _ => None,
            }
        });
        for (n, key) in keys.iter().enumerate() {
            // What can't be read as a whole is read again, to say why.
            take(n, credentials.as_ref().map_or_else(|| self.read(key), |all| self.record(all, key)));
        }
    }

    fn delete_each(&self, keys: &[&CredentialKey]) -> Result<Vec<bool>, StoreError> {
        let mut records = Vec::with_capacity(keys.len());
        self.read_each(keys, &mut |_, record| records.push(record.map(|record| record.is_some())));
        let stored = records.into_iter().collect::<Result<Vec<_>, _>>()?;
        let gone = keys.iter().zip(&stored).filter(|(_, stored)| **stored).map(|(key, _)| (*key, None));
        let changes: Vec<_> = gone.collect();
        // A logout where nothing is stored needs neither a lock nor a folder that can be written.
        if changes.is_empty() {
            self.sweep();
        } else {
            self.change(&changes, Prepared::default())?;
        }
        Ok(stored)
    }

    fn check_writable(&self, key: &CredentialKey) -> Result<(), StoreError> {
        self.prepare(key).map(drop)
    }

    fn prepare(&self, key: &CredentialKey) -> Result<Prepared, StoreError> {
        let place = self.required_place()?;
        self.read(key)?;
        let lock = self.locks.credentials_file(place)?;
        let size = self.bytes()?.map_or(0, |bytes| bytes.len());
        Ok(Prepared(Some(lock.prepare(Mode::Private, size + MAX_RECORD)?)))
    }

    fn keys(&self) -> Result<Vec<CredentialKey>, StoreError> {
        let Some(bytes) = self.bytes()? else { return Ok(Vec::new()) };
        match parse(&bytes, &self.place())? {
            Contents::Ours { credentials, .. } => {
                Ok(credentials.keys().filter_map(|key| key.parse().ok()).collect())
            }
            Contents::Foreign => Ok(Vec::new()),
        }
    }
}

fn is_foreign(bytes: &[u8]) -> bool {
    matches!(parse(bytes, ""), Ok(Contents::Foreign))
}

/// An empty file is an empty store: somebody may have made it to fix its mode or to mount it.
fn parse<'a>(bytes: &'a [u8], place: &str) -> Result<Contents<'a>, StoreError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Contents::Ours { fields: BTreeMap::new(), credentials: BTreeMap::new() });
    }
    let Ok(fields) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(bytes) else {
        return Ok(Contents::Foreign);
    };
    let version = fields.get("version").and_then(|raw| raw.get().parse::<u64>().ok());
    if version.is_some_and(|version| version > VERSION) {
        return Err(StoreError::Newer { place: place.to_owned() });
    }
    let credentials = fields.get("credentials").and_then(|raw| serde_json::from_str(raw.get()).ok());
    match (version, credentials) {
        (Some(VERSION), Some(credentials)) => Ok(Contents::Ours { fields, credentials }),
        _ => Ok(Contents::Foreign),
    }
}

/// The whole file, a record a line, in a buffer that is wiped and never moves.
fn render(
    fields: &BTreeMap<String, &RawValue>,
    credentials: &BTreeMap<String, &RawValue>,
    old_length: usize,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let records: usize = credentials.iter().map(|(key, raw)| 2 * key.len() + raw.get().len() + 8).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(old_length + records + 256));
    out.extend_from_slice(format!("{{\"version\":{VERSION},").as_bytes());
    for (name, raw) in fields {
        pair(&mut out, name, raw)?;
        out.push(b',');
    }
    out.extend_from_slice(b"\"credentials\":{");
    for (n, (key, raw)) in credentials.iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"\n" } else { b",\n" });
        pair(&mut out, key, raw)?;
    }
    out.extend_from_slice(b"\n}}\n");
    Ok(out)
}

fn pair(out: &mut Vec<u8>, name: &str, raw: &RawValue) -> Result<(), StoreError> {
    serde_json::to_writer(&mut *out, name).map_err(not_json)?;
    out.push(b':');
    out.extend_from_slice(raw.get().as_bytes());
    Ok(())
}

fn raw(record: &[u8]) -> Result<&RawValue, StoreError> {
    serde_json::from_slice(record).map_err(not_json)
}

/// Can't happen to what this program has just serialized; the error's own text might quote it.
fn not_json(_: serde_json::Error) -> StoreError {
    let source = std::io::Error::other("a record could not be written as JSON");
    StoreError::File(files::FileError::Io { action: "write", path: "credentials".into(), source })
}

#[cfg(test)]
mod tests;
