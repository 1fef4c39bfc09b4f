use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error, Result};

use super::*;
use crate::credentials::record::tests::{access, record};
use crate::domain::Secret;

/// An OS store in memory: several items may have one account, each is refused above `limit`, the
/// nth change fails on demand, and a gate makes every call wait.
#[derive(Default)]
struct Fake {
    items: Mutex<BTreeMap<(String, usize), Vec<u8>>>,
    limit: Option<usize>,
    changes: AtomicUsize,
    fail_change: Mutex<Option<usize>>,
    locked: Mutex<bool>,
    shut: (Mutex<bool>, Condvar),
}

struct FakeStore(Arc<Fake>);

/// `item`: one of several with this account; `None`: whatever there is.
struct FakeEntry {
    fake: Arc<Fake>,
    account: String,
    item: Option<usize>,
}

impl Fake {
    fn keychain(self: &Arc<Fake>) -> Keychain {
        self.keychain_with(timing(None), Reporter::silent())
    }

    fn keychain_with(self: &Arc<Fake>, timing: Timing, reporter: Reporter) -> Keychain {
        let fake = self.clone();
        let open = move || Ok(Arc::new(FakeStore(fake.clone())) as Arc<keyring_core::CredentialStore>);
        Keychain::with(Arc::new(open), self.limit, timing, Arc::new(reporter))
    }

    fn put(&self, account: &str, item: usize, bytes: &[u8]) {
        self.items.lock().unwrap().insert((account.to_owned(), item), bytes.to_vec());
    }

    fn accounts(&self) -> Vec<String> {
        self.items.lock().unwrap().keys().map(|(account, _)| account.clone()).collect()
    }

    fn set_shut(&self, shut: bool) {
        *self.shut.0.lock().unwrap() = shut;
        self.shut.1.notify_all();
    }

    fn may_change(&self) -> Result<()> {
        let change = self.changes.fetch_add(1, Ordering::SeqCst) + 1;
        match *self.fail_change.lock().unwrap() {
            Some(n) if change >= n => Err(Error::PlatformFailure("power cut".into())),
            _ => Ok(()),
        }
    }
}

impl FakeEntry {
    fn find(&self) -> Result<Vec<usize>> {
        let open = self.fake.shut.0.lock().unwrap();
        drop(self.fake.shut.1.wait_while(open, |shut| *shut).unwrap());
        if *self.fake.locked.lock().unwrap() {
            return Err(Error::NoStorageAccess(Box::new(bus::Failure::Locked)));
        }
        let items = self.fake.items.lock().unwrap();
        Ok(items
            .keys()
            .filter(|(account, item)| *account == self.account && self.item.is_none_or(|mine| mine == *item))
            .map(|(_, item)| *item)
            .collect())
    }

    fn one(&self) -> Result<(String, usize)> {
        match self.find()?[..] {
            [] => Err(Error::NoEntry),
            [item] => Ok((self.account.clone(), item)),
            ref several => Err(Error::Ambiguous(
                several.iter().map(|item| entry(&self.fake, &self.account, Some(*item))).collect(),
            )),
        }
    }
}

fn entry(fake: &Arc<Fake>, account: &str, item: Option<usize>) -> Entry {
    let account = account.to_owned();
    Entry::new_with_credential(Arc::new(FakeEntry { fake: fake.clone(), account, item }))
}

impl CredentialApi for FakeEntry {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let key = match self.one() {
            Err(Error::NoEntry) => (self.account.clone(), self.item.unwrap_or(0)),
            key => key?,
        };
        if self.fake.limit.is_some_and(|limit| secret.len() > limit) {
            return Err(Error::TooLong("secret".to_owned(), 0));
        }
        self.fake.may_change()?;
        self.fake.items.lock().unwrap().insert(key, secret.to_vec());
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        let key = self.one()?;
        self.fake.items.lock().unwrap().get(&key).cloned().ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        let key = self.one()?;
        self.fake.may_change()?;
        self.fake.items.lock().unwrap().remove(&key).map(drop).ok_or(Error::NoEntry)
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

impl CredentialStoreApi for FakeStore {
    fn vendor(&self) -> String {
        "fake".to_owned()
    }

    fn id(&self) -> String {
        "fake".to_owned()
    }

    fn build(&self, service: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        assert_eq!(service, "autocom");
        Ok(entry(&self.0, user, None))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn timing(say_after: Option<Duration>) -> Timing {
    Timing { deadline: Duration::from_secs(5), say_after, ask_again: Duration::from_millis(5) }
}

fn key() -> CredentialKey {
    "k".parse().unwrap()
}

/// A record of about `length` bytes.
fn long(name: &str, second: i64, length: usize) -> Record {
    let access_token = Secret::new(format!("{name}{}", "x".repeat(length)));
    Record { access_token, ..record(name, second) }
}

#[test]
fn a_record_beyond_the_limit_goes_into_parts_and_none_is_left_behind() {
    let fake = Arc::new(Fake { limit: Some(200), ..Fake::default() });
    let keychain = fake.keychain();
    for (n, length) in [3000, 1000, 5000, 1000].into_iter().enumerate() {
        let written = long("r", i64::try_from(n).unwrap(), length);
        keychain.write(&key(), &written).unwrap();
        assert_eq!(access(keychain.read(&key()).unwrap()), access(Some(written.clone())));
        let slot = if n % 2 == 0 { "k#a" } else { "k#b" };
        assert!(fake.accounts().iter().all(|a| a == "k" || a.starts_with(slot)), "{:?}", fake.accounts());
        assert_eq!(fake.accounts().len(), 1 + written.to_bytes().len().div_ceil(200));
    }
    assert!(keychain.delete(&key()).unwrap());
    assert!(fake.accounts().is_empty(), "{:?}", fake.accounts());
}

#[test]
fn a_write_that_breaks_off_anywhere_leaves_the_old_record_or_the_new_one() {
    for n in 1.. {
        let fake = Arc::new(Fake { limit: Some(200), ..Fake::default() });
        let keychain = fake.keychain();
        keychain.write(&key(), &long("old", 1, 900)).unwrap();
        fake.changes.store(0, Ordering::SeqCst);
        *fake.fail_change.lock().unwrap() = Some(n);
        let result = keychain.write(&key(), &long("new", 2, 700));
        let survivor = access(keychain.read(&key()).unwrap()).unwrap();
        assert!(survivor.starts_with(if result.is_ok() { "new" } else { "old" }), "change {n}: {survivor}");
        let all_done = fake.changes.load(Ordering::SeqCst) < n;
        *fake.fail_change.lock().unwrap() = None;
        keychain.write(&key(), &record("last", 3)).unwrap();
        assert_eq!(access(keychain.read(&key()).unwrap()).unwrap(), "last-access");
        if all_done {
            assert!(n > 8, "only {n} changes were tried");
            return;
        }
    }
}

/// As a refresh does it, whose new tokens may be longer or shorter than the old ones.
#[test]
fn a_record_grows_over_the_limit_and_shrinks_under_it_whole_at_every_step() {
    let sizes = [50, 900, 50, 2500, 50];
    for pair in sizes.windows(2) {
        for n in 1.. {
            let fake = Arc::new(Fake { limit: Some(600), ..Fake::default() });
            let keychain = fake.keychain();
            keychain.write(&key(), &long("old", 1, pair[0])).unwrap();
            fake.changes.store(0, Ordering::SeqCst);
            *fake.fail_change.lock().unwrap() = Some(n);
            let result = keychain.write(&key(), &long("new", 2, pair[1]));
            let survivor = access(keychain.read(&key()).unwrap()).unwrap();
            assert!(
                survivor.starts_with(if result.is_ok() { "new" } else { "old" }),
                "{pair:?}, change {n}: {survivor}"
            );
            if fake.changes.load(Ordering::SeqCst) < n {
                let parts = fake.accounts().len() - 1;
                assert_eq!(parts > 0, pair[1] > 600, "{pair:?}: {:?}", fake.accounts());
                *fake.fail_change.lock().unwrap() = None;
                assert!(keychain.delete(&key()).unwrap());
                assert!(fake.accounts().is_empty(), "{pair:?}: {:?}", fake.accounts());
                break;
            }
        }
    }
}

#[test]
fn a_missing_part_is_no_login_rather_than_half_a_token() {
    let fake = Arc::new(Fake { limit: Some(200), ..Fake::default() });
    let keychain = fake.keychain();
    keychain.write(&key(), &long("r", 1, 900)).unwrap();
    fake.put("k#a2", 0, b"of another write");
    assert!(keychain.read(&key()).unwrap().is_none());
    fake.items.lock().unwrap().remove(&("k#a2".to_owned(), 0));
    assert!(keychain.read(&key()).unwrap().is_none());
}

#[test]
fn of_several_items_the_later_written_wins_and_a_write_leaves_one() {
    let fake = Arc::new(Fake::default());
    let keychain = fake.keychain();
    fake.put("k", 1, &record("early", 1).to_bytes());
    fake.put("k", 2, b"go-client");
    fake.put("k", 3, &record("late", 3).to_bytes());
    fake.put("k", 4, &record("middle", 2).to_bytes());
    assert_eq!(access(keychain.read(&key()).unwrap()).unwrap(), "late-access");
    keychain.write(&key(), &record("new", 4)).unwrap();
    assert_eq!(fake.accounts(), ["k"]);
    assert_eq!(access(keychain.read(&key()).unwrap()).unwrap(), "new-access");
    fake.put("k", 9, &record("again", 9).to_bytes());
    assert!(keychain.delete(&key()).unwrap());
    assert!(fake.accounts().is_empty());
}

#[test]
fn a_foreign_item_is_no_login_survives_a_logout_and_is_replaced_with_a_word() {
    let fake = Arc::new(Fake::default());
    fake.put("k", 1, b"ya29.of-another-program");
    let said = Arc::<Mutex<Vec<String>>>::default();
    let sink = said.clone();
    let keychain = fake.keychain_with(
        timing(None),
        Reporter::new(move |_, text| sink.lock().unwrap().push(text.to_owned())),
    );
    assert!(keychain.read(&key()).unwrap().is_none());
    keychain.check_writable(&key()).unwrap();
    assert_eq!(said.lock().unwrap().len(), 1, "one warning");
    assert!(!keychain.delete(&key()).unwrap());
    assert_eq!(fake.accounts(), ["k"], "the item is not touched, and the check leaves none");
    for killed in [1, 2] {
        fake.put("k#check", killed, b"left by a process that was killed");
    }
    keychain.check_writable(&key()).unwrap();
    assert_eq!(fake.accounts(), ["k"]);
    keychain.write(&key(), &record("new", 1)).unwrap();
    assert!(said.lock().unwrap()[1].contains("replacing"));
    assert!(!said.lock().unwrap().concat().contains("ya29"));
    assert_eq!(access(keychain.read(&key()).unwrap()).unwrap(), "new-access");
}

#[test]
fn a_newer_version_s_item_is_not_touched() {
    let fake = Arc::new(Fake::default());
    fake.put("k", 1, &record("old", 1).to_bytes());
    fake.put("k", 2, br#"{"version":2}"#);
    let keychain = fake.keychain();
    assert!(keychain.read(&key()).unwrap_err().is_newer());
    assert!(keychain.check_writable(&key()).unwrap_err().is_newer());
    assert!(keychain.write(&key(), &record("new", 1)).unwrap_err().is_newer());
    assert!(keychain.delete(&key()).unwrap_err().is_newer());
    assert_eq!(fake.changes.load(Ordering::SeqCst), 0);
}

#[test]
fn a_keychain_that_hangs_is_given_up_and_finishes_nothing_afterwards() {
    let fake = Arc::new(Fake::default());
    let mut short = timing(None);
    short.deadline = Duration::from_millis(50);
    let keychain = fake.keychain_with(short, Reporter::silent());
    fake.set_shut(true);
    assert!(keychain.write(&key(), &record("late", 1)).unwrap_err().is_no_answer());

    fake.set_shut(false);
    assert!(keychain.read(&key()).unwrap_err().is_no_answer(), "the second caller does not ask again");
    // The abandoned thread is through when it has let go of the store.
    while Arc::strong_count(&fake) > 2 {
        std::thread::yield_now();
    }
    assert_eq!(fake.changes.load(Ordering::SeqCst), 0, "what was given up is not written after all");
}

#[test]
fn at_a_terminal_it_is_said_and_waited_until_somebody_unlocks() {
    let said = Arc::<Mutex<Vec<String>>>::default();
    for hangs in [true, false] {
        let fake = Arc::new(Fake::default());
        let (sink, unlock) = (said.clone(), fake.clone());
        // Hearing that it waits, the user unlocks the keychain.
        let reporter = Reporter::new(move |_, text| {
            sink.lock().unwrap().push(text.to_owned());
            *unlock.locked.lock().unwrap() = false;
            unlock.set_shut(false);
        });
        let keychain = fake.keychain_with(timing(Some(Duration::from_millis(20))), reporter);
        keychain.write(&key(), &record("r", 1)).unwrap();
        if hangs {
            fake.set_shut(true);
        } else {
            *fake.locked.lock().unwrap() = true;
        }
        assert_eq!(access(keychain.read(&key()).unwrap()).unwrap(), "r-access");
    }
    assert_eq!(said.lock().unwrap().len(), 2);

    let fake = Arc::new(Fake::default());
    *fake.locked.lock().unwrap() = true;
    assert!(fake.keychain().read(&key()).unwrap_err().is_locked(), "without a terminal at once");

    let patience = Timing { deadline: Duration::from_secs(1), ..timing(Some(Duration::from_millis(20))) };
    let keychain = fake.keychain_with(patience, Reporter::silent());
    assert!(keychain.read(&key()).unwrap_err().is_locked());
    *fake.locked.lock().unwrap() = false;
    assert!(keychain.read(&key()).unwrap_err().is_locked(), "nobody is waited for, nor asked, twice");
}

#[test]
fn an_error_never_shows_the_bytes_that_came_with_it() {
    for error in
        [Error::BadEncoding(b"hunter2".to_vec()), Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into())]
    {
        let sorted = platform::sort(error);
        let shown = format!("{sorted} {sorted:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("104"), "{shown}");
    }
}
