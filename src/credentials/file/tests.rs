use super::super::record::tests::{access, record};
use super::*;
use crate::system::paths::Paths;
use crate::system::reporter::Notice;

struct World {
    dir: tempfile::TempDir,
    said: Arc<std::sync::Mutex<Vec<String>>>,
    store: FileStore,
}

fn world(contents: Option<&str>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("credentials");
    if let Some(contents) = contents {
        replace::replace(&path, contents.as_bytes(), Mode::Private).unwrap();
    }
    let said = Arc::<std::sync::Mutex<Vec<String>>>::default();
    let sink = said.clone();
    let reporter = Reporter::new(move |notice, text| {
        assert_eq!(notice, Notice::Warning);
        sink.lock().unwrap().push(text.to_owned());
    });
    let store = FileStore::new(Some(Place::at(path)), Locks::new(&Paths::default()), Arc::new(reporter));
    World { dir, said, store }
}

impl World {
    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }
}

fn key(text: &str) -> CredentialKey {
    text.parse().unwrap()
}

#[test]
fn records_come_and_go_one_by_one() {
    let w = world(None);
    assert!(!w.store.delete(&key("a")).unwrap());
    assert!(!w.dir.path().join("locks").exists(), "a logout of nothing writes nothing");
    w.store.write(&key("a"), &record("one", 1)).unwrap();
    w.store.write(&key("b"), &record("two", 2)).unwrap();
    w.store.write(&key("a"), &record("three", 3)).unwrap();
    assert_eq!(access(w.store.read(&key("a")).unwrap()).unwrap(), "three-access");
    assert_eq!(w.store.keys().unwrap(), [key("a"), key("b")]);
    assert!(w.store.delete(&key("a")).unwrap());
    assert!(w.store.read(&key("a")).unwrap().is_none());
    assert_eq!(access(w.store.read(&key("b")).unwrap()).unwrap(), "two-access");
    assert!(w.store.delete(&key("b")).unwrap());
    assert_eq!(w.text("credentials"), "{\"version\":1,\"credentials\":{\n}}\n");
    assert!(w.said.lock().unwrap().is_empty());
}

#[test]
fn what_is_not_being_changed_is_kept_byte_for_byte() {
    let broken = r#"{"version":1,  "access_token":  12.50}"#;
    let newer = r#"{"version":7,"shape":"unknown"}"#;
    let w = world(Some(&format!(
        r#"{{"note":[1.0],"credentials":{{"broken":{broken},"newer":{newer}}},"version":1}}"#
    )));
    assert!(w.store.read(&key("broken")).unwrap().is_none());
    assert_eq!(w.said.lock().unwrap().len(), 1);
    assert!(w.store.read(&key("newer")).unwrap_err().is_newer());
    assert!(w.store.write(&key("newer"), &record("x", 1)).unwrap_err().is_newer());
    assert!(w.store.delete(&key("newer")).unwrap_err().is_newer());
    assert!(w.store.check_writable(&key("newer")).unwrap_err().is_newer());
    w.store.write(&key("a"), &record("one", 1)).unwrap();
    let text = w.text("credentials");
    for kept in [broken, newer, r#""note":[1.0]"#] {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
    w.store.write(&key("broken"), &record("mended", 1)).unwrap();
    assert_eq!(access(w.store.read(&key("broken")).unwrap()).unwrap(), "mended-access");
}

#[test]
fn a_foreign_file_is_no_login_and_is_kept_before_it_is_replaced() {
    for foreign in ["token: abc\n", "[]", r#"{"credentials":{}}"#, r#"{"version":1}"#] {
        let w = world(Some(foreign));
        assert!(w.store.read(&key("a")).unwrap().is_none());
        assert!(w.store.read(&key("b")).unwrap().is_none());
        assert_eq!(w.said.lock().unwrap().len(), 1, "one warning");
        assert!(!w.store.delete(&key("a")).unwrap());
        replace::replace(&w.dir.path().join("credentials.old"), b"older still", Mode::Private).unwrap();
        w.store.write(&key("a"), &record("one", 1)).unwrap();
        assert_eq!(w.text("credentials.old"), "older still");
        assert_eq!(w.text("credentials.old-2"), foreign);
        assert!(w.said.lock().unwrap()[1].contains("credentials.old-2"));
        assert_eq!(access(w.store.read(&key("a")).unwrap()).unwrap(), "one-access");
    }
}

#[test]
fn a_newer_file_is_not_touched() {
    let newer = r#"{"version":2,"credentials":[]}"#;
    let w = world(Some(newer));
    assert!(w.store.read(&key("a")).unwrap_err().is_newer());
    assert!(w.store.write(&key("a"), &record("one", 1)).unwrap_err().is_newer());
    assert!(w.store.check_writable(&key("a")).unwrap_err().is_newer());
    assert_eq!(w.text("credentials"), newer);
}

#[test]
fn without_a_home_there_is_nothing_and_nothing_can_be_written() {
    let store = FileStore::new(None, Locks::new(&Paths::default()), Arc::new(Reporter::silent()));
    assert!(store.read(&key("a")).unwrap().is_none());
    assert!(!store.delete(&key("a")).unwrap());
    assert!(matches!(store.check_writable(&key("a")), Err(StoreError::NoHome)));
    assert!(matches!(store.write(&key("a"), &record("one", 1)), Err(StoreError::NoHome)));
}

#[test]
fn writers_of_different_keys_lose_nothing() {
    let w = world(None);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let store = &w.store;
            scope.spawn(move || {
                store.write(&key(&format!("k{n}")), &record(&format!("r{n}"), n)).unwrap();
            });
        }
    });
    assert_eq!(w.store.keys().unwrap().len(), 8);
}

#[test]
fn many_records_are_read_as_one_is_and_deleted_in_one_write() {
    let w = world(None);
    let keys = ["a", "b", "c", "d"].map(key);
    keys[..3].iter().for_each(|key| w.store.write(key, &record(key.as_str(), 1)).unwrap());
    let read = |w: &World| {
        let mut found = Vec::new();
        w.store.read_each(&keys.each_ref(), &mut |n, record| {
            assert_eq!(n, found.len());
            found.push(record.map(access).unwrap_or_else(|error| Some(error.to_string())));
        });
        found
    };
    let tokens = ["a-access", "b-access", "c-access"].map(|token| Some(token.to_owned()));
    assert_eq!(read(&w), [&tokens[..], &[None]].concat());
    assert_eq!(w.store.delete_each(&[&keys[0], &keys[2]]).unwrap(), [true; 2]);
    assert_eq!(read(&w), [None, tokens[1].clone(), None, None]);
    assert_eq!(w.store.keys().unwrap(), [key("b")]);
    // What can't be read as a whole says why for each, as it does for one.
    let newer = world(Some(r#"{"version":9,"credentials":{}}"#));
    assert!(read(&newer).iter().all(|found| found.as_ref().is_some_and(|why| why.contains("newer version"))));
    let foreign = world(Some("hello"));
    assert_eq!(read(&foreign), [None, None, None, None]);
    assert_eq!(foreign.said.lock().unwrap().len(), 1);
}
