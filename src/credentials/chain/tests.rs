use std::sync::Mutex;

use super::super::record::tests::record;
use super::super::{Fault, MemoryStore};
use super::*;
use crate::system::paths::Place;
use StoreChoice::{Auto, File, Keychain};

const CHOICES: [StoreChoice; 3] = [Auto, Keychain, File];
const IN_KEYCHAIN: Option<StoreKind> = Some(StoreKind::Keychain);
const IN_FILE: Option<StoreKind> = Some(StoreKind::File);

struct World {
    keychain: MemoryStore,
    file: MemoryStore,
    chain: Credentials,
    said: Arc<Mutex<Vec<String>>>,
    key: CredentialKey,
    _dir: tempfile::TempDir,
}

fn locks_in(folder: &std::path::Path) -> Locks {
    let credentials = Some(Place::at(folder.join("credentials")));
    Locks::new(&Paths { credentials, runtime_dir: Some(folder.to_owned()), ..Paths::default() })
}

fn world(keychain: Option<Record>, file: Option<Record>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let key: CredentialKey = "k".parse().unwrap();
    let stores = [StoreKind::Keychain, StoreKind::File].map(MemoryStore::new);
    for (store, record) in stores.iter().zip([keychain, file]) {
        record.into_iter().for_each(|record| store.put(&key, record));
    }
    let said = Arc::<Mutex<Vec<String>>>::default();
    let sink = said.clone();
    let chain = Credentials::with_stores(
        Box::new(stores[0].clone()),
        Box::new(stores[1].clone()),
        locks_in(dir.path()),
        Arc::new(Reporter::new(move |_, text| sink.lock().unwrap().push(text.to_owned()))),
    );
    let [keychain, file] = stores;
    World { keychain, file, chain, said, key, _dir: dir }
}

impl World {
    /// The token read, or `-`, or `!` for an error.
    fn read(&self, choice: StoreChoice, known: Option<StoreKind>) -> String {
        match self.chain.read(&self.key, choice, known) {
            Ok(Some(stored)) => stored.record.access_token.expose().trim_end_matches("-access").to_owned(),
            Ok(None) => "-".to_owned(),
            Err(_) => "!".to_owned(),
        }
    }

    fn delete(&self, choice: StoreChoice, known: Option<StoreKind>) -> Result<Deleted, StoreError> {
        let lookup = (&self.key, choice, known);
        let _lock = self.chain.lock_to_delete(lookup)?;
        self.chain.delete_each(&[lookup])?.remove(0)
    }
}

#[test]
fn reading_begins_where_the_login_was_and_asks_the_other_only_then() {
    let w = world(Some(record("keychain", 1)), Some(record("file", 2)));
    for choice in CHOICES {
        assert_eq!(w.read(choice, IN_KEYCHAIN), "keychain", "{choice}");
    }
    let calls = w.keychain.calls();
    for choice in CHOICES {
        assert_eq!(w.read(choice, IN_FILE), "file", "{choice}");
    }
    assert_eq!(w.read(File, None), "file");
    assert_eq!(w.keychain.calls(), calls, "the keychain was asked for nothing");
    assert_eq!(w.read(Auto, None), "file", "of two copies the later written");

    let w = world(Some(record("keychain", 3)), None);
    assert_eq!(w.read(Auto, IN_FILE), "keychain");
    assert_eq!(w.read(File, IN_FILE), "-");
    let w = world(None, Some(record("file", 1)));
    assert_eq!(w.read(Auto, IN_KEYCHAIN), "file");
}

#[test]
fn an_unreachable_keychain_is_not_a_logged_out_one() {
    let w = world(None, None);
    for (fault, choice, known, expected) in [
        (Fault::Absent, Auto, None, "-"),
        (Fault::Absent, Auto, IN_FILE, "-"),
        (Fault::Absent, Auto, IN_KEYCHAIN, "!"),
        (Fault::Absent, Keychain, None, "!"),
        (Fault::Absent, File, None, "-"),
        (Fault::Locked, Auto, None, "!"),
        (Fault::NoAnswer, Auto, IN_KEYCHAIN, "!"),
        (Fault::Newer, Auto, None, "!"),
    ] {
        w.keychain.set_fault(Some(fault));
        assert_eq!(w.read(choice, known), expected, "{fault:?} {choice} {known:?}");
    }
    let w = world(None, Some(record("file", 1)));
    w.keychain.set_fault(Some(Fault::NoAnswer));
    assert_eq!(w.read(Auto, None), "file", "a record that can be read is used");
    assert_eq!(w.read(Auto, IN_KEYCHAIN), "!");
}

#[test]
fn only_an_absent_keychain_under_auto_lets_the_file_stand_in_and_not_silently() {
    for (fault, choice, expected, words) in [
        (None, Auto, IN_KEYCHAIN, 0),
        (None, Keychain, IN_KEYCHAIN, 0),
        (None, File, IN_FILE, 1),
        (Some(Fault::Absent), Auto, IN_FILE, 1),
        (Some(Fault::Absent), Keychain, None, 0),
        (Some(Fault::Locked), Auto, None, 0),
        (Some(Fault::NoAnswer), Auto, None, 0),
        (Some(Fault::ReadOnly), Auto, None, 0),
        (Some(Fault::Newer), Auto, None, 0),
    ] {
        let w = world(None, None);
        w.keychain.set_fault(fault);
        assert_eq!(
            w.chain.prepare(&w.key, choice).ok().map(|store| store.kind),
            expected,
            "{fault:?} {choice}"
        );
        let said = w.said.lock().unwrap();
        assert_eq!(said.len(), words, "{fault:?} {choice}");
        assert!(said.iter().all(|text| text.contains("plain text in memory (file)")), "{said:?}");
        assert_eq!(w.keychain.calls() == 0, choice == File);
    }
    let w = world(None, None);
    w.file.set_fault(Some(Fault::ReadOnly));
    assert!(w.chain.prepare(&w.key, File).is_err());
}

#[test]
fn a_login_moves_the_record_and_deletes_the_other_copy() {
    let w = world(None, Some(record("old", 1)));
    w.chain.save(&w.key, &record("new", 2), StoreKind::Keychain, Auto, IN_FILE).unwrap();
    assert!(w.file.get(&w.key).is_none() && w.keychain.get(&w.key).is_some());

    let w = world(Some(record("old", 1)), None);
    w.chain.save(&w.key, &record("new", 2), StoreKind::File, File, IN_KEYCHAIN).unwrap();
    assert!(w.keychain.get(&w.key).is_none(), "logins.toml says that it is there");

    let w = world(Some(record("old", 1)), None);
    w.chain.save(&w.key, &record("new", 2), StoreKind::File, File, None).unwrap();
    assert_eq!(w.keychain.calls(), 0, "file never touches the keychain");
}

#[test]
fn a_copy_that_stays_behind_is_a_warning_and_an_absent_keychain_none() {
    let w = world(None, None);
    w.keychain.set_fault(Some(Fault::Absent));
    w.chain.save(&w.key, &record("new", 2), StoreKind::File, Auto, None).unwrap();
    assert!(w.said.lock().unwrap().is_empty());
    w.chain.save(&w.key, &record("new", 2), StoreKind::File, Auto, IN_KEYCHAIN).unwrap();
    assert_eq!(w.said.lock().unwrap().len(), 1);
    w.file.set_fault(Some(Fault::ReadOnly));
    assert!(w.chain.save(&w.key, &record("new", 3), StoreKind::File, File, None).is_err());
}

#[test]
fn a_logout_deletes_everywhere_and_says_what_it_could_not() {
    let both = || world(Some(record("a", 1)), Some(record("b", 2)));
    let w = both();
    let deleted = w.delete(Auto, None).unwrap();
    assert_eq!(deleted, Deleted { keychain: true, file: true });
    assert_eq!(w.delete(Auto, None).unwrap(), Deleted::default(), "twice is no error");

    let w = both();
    let deleted = w.delete(File, None).unwrap();
    assert_eq!(deleted, Deleted { keychain: false, file: true });
    assert_eq!(w.keychain.calls(), 0);
    assert!(w.delete(File, IN_KEYCHAIN).unwrap().keychain);

    let w = both();
    w.keychain.set_fault(Some(Fault::Absent));
    assert!(w.delete(Auto, IN_KEYCHAIN).is_err(), "the token lives on there");
    assert!(w.file.get(&w.key).is_none(), "the other store was cleared all the same");
    assert_eq!(w.delete(Auto, None).unwrap(), Deleted::default());
    w.keychain.set_fault(Some(Fault::Locked));
    assert!(w.delete(Auto, None).unwrap_err().is_locked());
}

#[test]
fn a_refresh_goes_back_to_where_it_was_read_and_a_stale_copy_never_wins_over_it() {
    for store in [StoreKind::Keychain, StoreKind::File] {
        let w = world(Some(record("keychain", 1)), Some(record("file", 1)));
        w.chain.check_writable(&w.key, store).unwrap();
        w.chain.update(&w.key, &record("refreshed", 2), store).unwrap();
        let other = if store == StoreKind::File { &w.keychain } else { &w.file };
        assert_eq!(other.get(&w.key).unwrap().written_at.as_second(), 1, "only a login moves a record");
        for known in [None, Some(store)] {
            assert_eq!(w.read(Auto, known), "refreshed", "{store} {known:?}");
        }
        // The store is gone since: nothing is refreshed, and nothing goes to the other.
        let this = if store == StoreKind::File { &w.file } else { &w.keychain };
        this.set_fault(Some(Fault::ReadOnly));
        assert!(w.chain.check_writable(&w.key, store).is_err());
        assert!(w.chain.update(&w.key, &record("lost", 3), store).is_err());
        assert_eq!(other.get(&w.key).unwrap().written_at.as_second(), 1);
    }
}

#[test]
fn writes_hold_the_lock_of_their_key() {
    let w = world(None, None);
    let dir = tempfile::tempdir().unwrap();
    let locks = locks_in(dir.path()).with_patience(std::time::Duration::ZERO);
    let reporter = Arc::new(Reporter::silent());
    let chain =
        Credentials::with_stores(Box::new(w.keychain.clone()), Box::new(w.file.clone()), locks, reporter);
    let _held = chain.lock(&w.key, StoreKind::File).unwrap();
    assert!(chain.lock(&w.key, StoreKind::File).unwrap_err().is_busy());
    assert!(chain.lock_to_delete((&w.key, Auto, None)).unwrap_err().is_busy());
    assert_eq!(w.file.calls(), 0);
    chain.update(&w.key, &record("new", 1), StoreKind::Keychain).unwrap();
}

#[test]
fn many_records_are_read_and_deleted_with_as_few_calls_as_one() {
    let w = world(None, None);
    let keys: Vec<CredentialKey> = (0..100).map(|n| format!("k{n:03}").parse().unwrap()).collect();
    keys.iter().for_each(|key| w.file.put(key, record("seen", 1)));
    let lookups: Vec<Lookup<'_>> = keys.iter().map(|key| (key, File, None)).collect();
    let mut seen = Vec::new();
    w.chain.read_each(&lookups, |_, stored| seen.push(stored.unwrap().unwrap()));
    assert_eq!((seen.len(), w.file.calls()), (100, 1));
    w.file.delete(&keys[9]).unwrap();
    let before = w.file.calls();
    let outcomes = w.chain.delete_each(&lookups).unwrap();
    assert_eq!((w.file.calls() - before, w.keychain.calls()), (1, 0));
    for (n, (key, outcome)) in keys.iter().zip(outcomes).enumerate() {
        assert_eq!(outcome.unwrap(), Deleted { keychain: false, file: n != 9 }, "{key}");
        assert!(w.file.get(key).is_none(), "{key}");
    }
}

#[test]
fn where_the_file_can_not_be_written_it_keeps_all() {
    let w = world(None, Some(record("file", 1)));
    w.file.set_fault(Some(Fault::ReadOnly));
    assert!(w.chain.delete_each(&[(&w.key, File, None)]).is_err());
    assert!(w.file.get(&w.key).is_some());
}
