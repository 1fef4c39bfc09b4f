//! A store for tests: in memory, with switches for what can go wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{CredentialStore, Record, StoreError};
use crate::domain::{CredentialKey, StoreKind};

/// What every call is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Absent,
    Locked,
    NoAnswer,
    Newer,
    /// Reads work, writes and deletions don't.
    ReadOnly,
}

/// A handle: its clones share the same records.
#[derive(Clone)]
pub struct MemoryStore {
    kind: StoreKind,
    state: Arc<Mutex<MemoryState>>,
}

#[derive(Default)]
struct MemoryState {
    records: BTreeMap<CredentialKey, Record>,
    fault: Option<Fault>,
    calls: usize,
}

impl MemoryStore {
    pub fn new(kind: StoreKind) -> MemoryStore {
        MemoryStore { kind, state: Arc::default() }
    }

    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// How often the store was called: zero proves that it was not touched.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Puts a record there behind the chain's back.
    pub fn put(&self, key: &CredentialKey, record: Record) {
        self.state().records.insert(key.clone(), record);
    }

    /// The record that is there, looked at behind the chain's back.
    pub fn get(&self, key: &CredentialKey) -> Option<Record> {
        self.state().records.get(key).cloned()
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn called(&self, writing: bool) -> Result<MutexGuard<'_, MemoryState>, StoreError> {
        let mut state = self.state();
        state.calls += 1;
        match state.fault {
            None => Ok(state),
            Some(Fault::ReadOnly) if !writing => Ok(state),
            Some(Fault::ReadOnly) => Err(StoreError::Keychain { reason: "read-only".to_owned() }),
            Some(Fault::Absent) => Err(StoreError::Absent { reason: "test".to_owned() }),
            Some(Fault::Locked) => Err(StoreError::Locked),
            Some(Fault::NoAnswer) => Err(StoreError::NoAnswer { waited: Duration::from_secs(3) }),
            Some(Fault::Newer) => Err(StoreError::Newer { place: self.place() }),
        }
    }
}

impl CredentialStore for MemoryStore {
    fn kind(&self) -> StoreKind {
        self.kind
    }

    fn place(&self) -> String {
        format!("memory ({})", self.kind)
    }

    fn read(&self, key: &CredentialKey) -> Result<Option<Record>, StoreError> {
        Ok(self.called(false)?.records.get(key).cloned())
    }

    fn write(&self, key: &CredentialKey, record: &Record) -> Result<(), StoreError> {
        self.called(true)?.records.insert(key.clone(), record.clone());
        Ok(())
    }

    fn delete(&self, key: &CredentialKey) -> Result<bool, StoreError> {
        Ok(self.called(true)?.records.remove(key).is_some())
    }

    fn read_each(
        &self,
        keys: &[&CredentialKey],
        take: &mut dyn FnMut(usize, Result<Option<Record>, StoreError>),
    ) {
        match self.called(false).map(|state| state.records.clone()) {
            Ok(all) => keys.iter().enumerate().for_each(|(n, key)| take(n, Ok(all.get(*key).cloned()))),
            Err(_) => keys.iter().enumerate().for_each(|(n, key)| take(n, self.read(key))),
        }
    }

    fn delete_each(&self, keys: &[&CredentialKey]) -> Result<Vec<bool>, StoreError> {
        let mut state = self.called(true)?;
        Ok(keys.iter().map(|key| state.records.remove(*key).is_some()).collect())
    }

    fn check_writable(&self, _: &CredentialKey) -> Result<(), StoreError> {
        self.called(true).map(drop)
    }

    fn keys(&self) -> Result<Vec<CredentialKey>, StoreError> {
        Ok(self.called(false)?.records.keys().cloned().collect())
    }
}
