//! How a record lies in the keychain: in one item, or, where it is larger than an item can be, in
//! parts that the item names.
//!
//! The parts are in slot `a` or `b` (accounts `key#a1`, `key#a2`...). A write fills the slot that is
//! not in use, then replaces the head, and only then clears the other: whoever reads meanwhile, and
//! whoever comes after a crash, finds the old record or the new one. The head's checksum tells a
//! reader that lost that race, and it looks again.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::opening::Unlock;
use super::vault::{Items, Vault, VaultItem};
use crate::credentials::StoreError;
use crate::credentials::record::{Parsed, Record, VERSION};
use crate::domain::checksum;

/// What an account holds.
pub(super) enum FoundRecord {
    Nothing,
    Ours(Box<Record>),
    /// Something, but not of this program.
    Foreign,
}

/// The item in place of a record that is in parts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Head {
    version: u64,
    slot: Slot,
    parts: usize,
    checksum: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Slot {
    A,
    B,
}

impl Slot {
    fn other(self) -> Slot {
        match self {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        }
    }

    /// The account of part `n`, counted from 1.
    fn account(self, account: &str, n: usize) -> String {
        format!("{account}#{}{n}", if self == Slot::A { 'a' } else { 'b' })
    }
}

/// One item's bytes, understood.
enum ItemContent {
    Whole(Box<Record>),
    Head(Head),
    Foreign,
}

pub(super) fn read(vault: &mut Vault, account: &str) -> Result<FoundRecord, StoreError> {
    let (mut unlock, mut looks) = (Unlock::Nothing, 3);
    loop {
        let Items { unlocked, locked } = vault.get(account, unlock)?;
        let (mut newest, mut torn): (Option<Box<Record>>, bool) = (None, false);
        for item in &unlocked {
            let record = match shape(item, account)? {
                ItemContent::Whole(record) => record,
                ItemContent::Head(head) => match join(vault, account, head)? {
                    Some(record) => record,
                    None => {
                        torn = true;
                        continue;
                    }
                },
                ItemContent::Foreign => continue,
            };
            if newest.as_ref().is_none_or(|newest| newest.written_at < record.written_at) {
                newest = Some(record);
            }
        }
        match newest {
            Some(record) => return Ok(FoundRecord::Ours(record)),
            // A write is replacing the parts right now: look again.
            None if torn && looks > 1 => looks -= 1,
            None if locked => unlock = Unlock::Next,
            None if unlocked.is_empty() => return Ok(FoundRecord::Nothing),
            None => return Ok(FoundRecord::Foreign),
        }
    }
}

/// What a write replaces: ours first, then other programs'.
struct Targets {
    items: Vec<VaultItem>,
    foreign: bool,
    head: Option<Head>,
}

/// Locked copies elsewhere are left alone. In the collection that the record goes to they are unlocked:
/// one may be a newer version's.
fn targets(vault: &mut Vault, account: &str) -> Result<Targets, StoreError> {
    let mut found = vault.get(account, Unlock::Nothing)?;
    if found.unlocked.is_empty() && found.locked {
        found = vault.get(account, Unlock::Home)?;
    }
    let mut head = None;
    let mut items = Vec::with_capacity(found.unlocked.len());
    let mut others = Vec::new();
    for item in found.unlocked {
        match shape(&item, account)? {
            ItemContent::Foreign => others.push(item),
            ItemContent::Whole(_) => items.push(item),
            ItemContent::Head(found) => {
                head = Some(found);
                items.push(item);
            }
        }
    }
    let foreign = !others.is_empty();
    items.append(&mut others);
    Ok(Targets { items, foreign, head })
}

/// Whether a write would succeed: makes and deletes an item where it would write.
pub(super) fn check(vault: &mut Vault, account: &str) -> Result<(), StoreError> {
    let targets = targets(vault, account)?;
    let beside = targets.items.first();
    let account = format!("{account}#check");
    // What killed processes may have left would make the account ambiguous.
    vault.delete(&account, beside)?;
    vault.set(&account, b"autocom checks that it can write here", beside)?;
    vault.delete(&account, beside).map(drop)
}

/// Replaces what is there. `before_foreign` is called before an item of another program is.
pub(super) fn write(
    vault: &mut Vault,
    account: &str,
    bytes: &[u8],
    limit: Option<usize>,
    before_foreign: impl Fn(),
) -> Result<(), StoreError> {
    let targets = targets(vault, account)?;
    if targets.foreign {
        before_foreign();
    }
    let free_slot = targets.head.map_or(Slot::A, |head| head.slot.other());
    let limit = limit.unwrap_or(usize::MAX);
    let mut parts = 0;
    if bytes.len() > limit {
        for part in bytes.chunks(limit) {
            parts += 1;
            vault.set(&free_slot.account(account, parts), part, None)?;
        }
    }
    let head;
    let main: &[u8] = if parts == 0 {
        bytes
    } else {
        head = Head { version: VERSION, slot: free_slot, parts, checksum: checksum(bytes) }.to_bytes();
        &head
    };
    match targets.items.split_first() {
        None => vault.set(account, main, None)?,
        Some((first, duplicates)) => {
            vault.replace(account, first, main)?;
            for duplicate in duplicates {
                // One that stays loses to the later written record.
                let _ = vault.remove(duplicate);
            }
        }
    }
    if limit < usize::MAX {
        // Old parts have no head any more: what stays of them is litter, not a failure.
        let _ = clear(vault, account, free_slot, parts + 1);
        let _ = clear(vault, account, free_slot.other(), 1);
    }
    Ok(())
}

/// What a deletion did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Removed {
    pub any: bool,
    /// Items of the account are left in a locked collection.
    pub locked_left: bool,
}

/// Deletes what is ours. Where nothing of ours is unlocked, what is locked is unlocked.
pub(super) fn delete(vault: &mut Vault, account: &str, limit: Option<usize>) -> Result<Removed, StoreError> {
    let mut unlock = Unlock::Nothing;
    let (ours, locked_left) = loop {
        let Items { unlocked, locked } = vault.get(account, unlock)?;
        let mut ours = Vec::new();
        for item in unlocked {
            // All are looked at before one is removed: beside a newer version's nothing is touched.
            if !matches!(shape(&item, account)?, ItemContent::Foreign) {
                ours.push(item);
            }
        }
        if !ours.is_empty() || !locked {
            break (ours, locked);
        }
        unlock = Unlock::Next;
    };
    for item in &ours {
        // The head first: a record without parts would be a riddle, parts without a head are nothing.
        vault.remove(item)?;
    }
    if limit.is_some() {
        clear(vault, account, Slot::A, 1)?;
        clear(vault, account, Slot::B, 1)?;
    }
    Ok(Removed { any: !ours.is_empty(), locked_left })
}

fn shape(item: &VaultItem, account: &str) -> Result<ItemContent, StoreError> {
    match Record::from_bytes(&item.bytes) {
        Parsed::Ours(record) => Ok(ItemContent::Whole(record)),
        Parsed::Newer => Err(StoreError::Newer { place: format!("the item {account} in {PLACE}") }),
        Parsed::Foreign => match serde_json::from_slice::<Head>(&item.bytes) {
            Ok(head) if head.version == VERSION => Ok(ItemContent::Head(head)),
            _ => Ok(ItemContent::Foreign),
        },
    }
}

/// The record that `head` names, if all of its parts are there and belong together.
fn join(vault: &mut Vault, account: &str, head: Head) -> Result<Option<Box<Record>>, StoreError> {
    let mut parts = Vec::new();
    for n in 1..=head.parts {
        match vault.get(&head.slot.account(account, n), Unlock::Nothing)?.unlocked.into_iter().next() {
            Some(part) => parts.push(part),
            None => return Ok(None),
        }
    }
    let length = parts.iter().map(|part| part.bytes.len()).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    parts.iter().for_each(|part| bytes.extend_from_slice(&part.bytes));
    match Record::from_bytes(&bytes) {
        Parsed::Ours(record) if checksum(&bytes) == head.checksum => Ok(Some(record)),
        _ => Ok(None),
    }
}

/// Deletes the parts of `slot` from number `first` to the last that is there.
fn clear(vault: &mut Vault, account: &str, slot: Slot, first: usize) -> Result<(), StoreError> {
    let mut n = first;
    while vault.delete(&slot.account(account, n), None)? {
        n += 1;
    }
    Ok(())
}

impl Head {
    fn to_bytes(self) -> Vec<u8> {
        serde_json::to_vec(&self).unwrap_or_default()
    }
}

pub(super) const PLACE: &str = "the OS keychain";
