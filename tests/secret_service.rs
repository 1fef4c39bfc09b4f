//! The credential stores against a real gnome-keyring. A keychain is found through variables of the
//! process, so each test runs the library in a child: this binary again, doing what `DO` says.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use autocom::credentials::{Credentials, Patience, Record, StoreError};
use autocom::domain::{CredentialKey, Secret, StoreChoice, StoreKind, TokenKind};
use autocom::system::environment::Environment;
use autocom::system::locks::Locks;
use autocom::system::paths::Paths;
use autocom::system::reporter::Reporter;

use crate::support::secret_service::{LOGIN, SecretService};
use crate::support::world::until;

const DO: &str = "AUTOCOM_TEST_DO";
const KEY: &str = "https://api.example.test/api/v1";

/// What the tests run: `;`-separated commands, each answered with one line after `=> `.
#[test]
#[ignore = "only what the tests of this file run in a child process"]
fn child() {
    let environment = Environment::capture();
    let Some(commands) = environment.var(DO) else { return };
    let reporter = Arc::new(Reporter::new(|_, text| println!("=> said {text}")));
    let paths = Paths::new(&environment);
    let key: CredentialKey = KEY.parse().unwrap();
    let patience = Patience { interactive: commands.starts_with("interactive") };
    let chain = Credentials::new(&paths, Locks::new(&paths), reporter, patience);
    for command in commands.split(';') {
        let (verb, argument) = command.split_once(' ').unwrap_or((command, ""));
        let choice = argument.parse().unwrap_or(StoreChoice::Auto);
        let answer = match verb {
            "read" => chain.read(&key, choice, None).map(|found| match found {
                Some(stored) => format!("{} in {}", stored.record.access_token.expose(), stored.store),
                None => "nothing".to_owned(),
            }),
            "prepare" => chain.prepare(&key, choice).map(|store| store.kind.to_string()),
            "save" => chain
                .save(&key, &record(argument), StoreKind::Keychain, choice, None)
                .map(|()| "saved".to_owned()),
            "delete" => {
                let _lock = chain.lock_to_delete((&key, choice, None)).unwrap();
                let deleted = chain.delete_each(&[(&key, choice, None)]);
                deleted.and_then(|mut each| each.remove(0)).map(|deleted| format!("{deleted:?}"))
            }
            "until" => {
                assert!(until(|| Path::new(argument).exists()));
                continue;
            }
            _ => continue,
        };
        let answer = answer.unwrap_or_else(|error| format!("{}: {error}", sort(&error)));
        println!("=> {answer}");
    }
}

fn sort(error: &StoreError) -> &'static str {
    match error {
        error if error.is_absent() => "absent",
        error if error.is_locked() => "locked",
        error if error.is_no_answer() => "no answer",
        _ => "unusable",
    }
}

fn record(token: &str) -> Record {
    let written_at = "2026-01-02T03:04:05Z".parse().unwrap();
    Record {
        access_token: Secret::new(token),
        refresh_token: Some(Secret::new("r".repeat(776))),
        expires_at: None,
        access_refused: false,
        refresh_refused: false,
        refresh_expires_at: None,
        kind: TokenKind::Oauth,
        user_name: "Ada".to_owned(),
        user_email: "ada@example.test".to_owned(),
        tenant: None,
        api_url: KEY.parse().unwrap(),
        client_id: None,
        requested_scope: None,
        scopes: Vec::new(),
        logged_in_at: written_at,
        written_at,
    }
}

type Configure<'a> = Box<dyn Fn(&mut Command) + 'a>;

/// The child at work: its answers as they come, ended with the guard.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(home: &Path, commands: &str, configure: impl FnOnce(&mut Command)) -> Running {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "secret_service::child", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env_clear().stdout(Stdio::piped()).stderr(Stdio::inherit());
        configure(&mut command);
        command.env("AUTOCOM_HOME", home).env(DO, commands);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    fn answer(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?.unwrap();
            if let Some((_, answer)) = line.split_once("=> ") {
                return Some(answer.to_owned());
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All answers of a child that has `service` for a keychain.
fn run(service: &SecretService, home: &Path, commands: &str) -> Vec<String> {
    let mut running = Running::start(home, commands, |command| {
        command.envs(service.env());
    });
    std::iter::from_fn(|| running.answer()).collect()
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_login_lives_in_the_keychain_from_process_to_process() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    assert_eq!(
        run(&service, home.path(), "read;delete;prepare;save one")[..],
        ["nothing", "Deleted { keychain: false, file: false }", "keychain", "saved"]
    );
    assert_eq!(service.accounts(), [KEY], "and the check for writing left nothing");
    assert_eq!(
        run(&service, home.path(), "read;save two;read"),
        ["one in keychain", "saved", "two in keychain"]
    );
    assert_eq!(service.accounts(), [KEY]);
    assert!(!home.path().join("credentials").exists());
    assert_eq!(
        run(&service, home.path(), "delete;read"),
        ["Deleted { keychain: true, file: false }", "nothing"]
    );
    assert!(service.accounts().is_empty());
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn items_of_the_same_name_are_met_with_sense() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    service.put(KEY, b"a token of the Go client", "1");
    let answers = run(&service, home.path(), "read;delete;save one;read");
    assert!(answers[0].contains("is not a login of this program"), "{answers:?}");
    assert_eq!(answers[1..3], ["nothing", "Deleted { keychain: false, file: false }"]);
    assert!(answers[3].contains("replacing the item"), "{answers:?}");
    assert_eq!(answers[4..], ["saved", "one in keychain"]);

    service.put(KEY, b"another one", "2");
    assert_eq!(service.accounts(), [KEY, KEY]);
    let answers = run(&service, home.path(), "read;save two;read");
    assert_eq!(answers[0], "one in keychain");
    assert_eq!(answers.last().unwrap(), "two in keychain");
    assert_eq!(service.accounts(), [KEY]);

    service.put(KEY, br#"{"version":2}"#, "3");
    assert_eq!(service.accounts(), [KEY, KEY]);
    let answers = run(&service, home.path(), "read keychain;save three;delete");
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|a| a.starts_with("unusable") && a.contains("newer version")), "{answers:?}");
    assert_eq!(service.accounts(), [KEY, KEY]);
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn no_bus_and_no_service_are_an_absent_keychain() {
    let home = tempfile::tempdir().unwrap();
    let nowhere = home.path().join("no/bus");
    let bare = SecretService::without_service();
    let dead = SecretService::without_service().env(); // Its socket file stays behind, if at all, unserved.
    let buses: [(&str, Configure<'_>); 5] = [
        ("no address", Box::new(|c| _ = c.env("XDG_RUNTIME_DIR", "/nonexistent"))),
        (
            "no socket",
            Box::new(|c| {
                c.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", nowhere.display()));
            }),
        ),
        ("a kind unknown", Box::new(|c| _ = c.env("DBUS_SESSION_BUS_ADDRESS", "disabled:"))),
        ("a dead bus", Box::new(|c| _ = c.envs(dead.clone()))),
        ("no service", Box::new(|c| _ = c.envs(bare.env()))),
    ];
    for (case, bus) in buses {
        let mut running = Running::start(home.path(), "read;prepare keychain;prepare", bus);
        assert_eq!(running.answer().unwrap(), "nothing", "{case}");
        let answer = running.answer().unwrap();
        assert!(answer.starts_with("absent: there is no keychain here: no "), "{case}: {answer}");
        let answer = running.answer().unwrap();
        assert!(answer.contains("stored in plain text in"), "{case}: {answer}");
        // A keychain that was waited for is "no answer", not "absent".
        assert_eq!(running.answer().unwrap(), "file", "{case}");
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_locked_keychain_is_no_absent_one_and_is_waited_for_in_a_terminal() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    run(&service, home.path(), "save one");
    service.lock();
    for command in ["read", "prepare", "save two", "delete"] {
        assert_eq!(run(&service, home.path(), command), ["locked: the keychain is locked"], "{command}");
    }
    let mut running = Running::start(home.path(), "interactive;read;save two;read", |command| {
        command.envs(service.env());
    });
    assert_eq!(running.answer().unwrap(), "said waiting for the keychain to be unlocked...");
    service.unlock();
    assert_eq!(running.answer().unwrap(), "one in keychain");
    assert_eq!(running.answer().unwrap(), "saved");
    assert_eq!(running.answer().unwrap(), "two in keychain");
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_keychain_that_hangs_is_given_up_after_three_seconds_once() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    run(&service, home.path(), "save one");
    service.freeze();
    let thawed = home.path().join("thawed");
    let commands = format!("read;until {};prepare;save two;delete", thawed.display());
    let mut running = Running::start(home.path(), &commands, |command| {
        command.envs(service.env());
    });
    let first = running.answer().unwrap();
    assert!(first.starts_with("no answer: ") && first.contains("in 3 seconds"), "{first}");
    // It would answer now, so whoever asked it again would get an answer.
    service.thaw();
    std::fs::write(thawed, "").unwrap();
    let answers: Vec<String> = std::iter::from_fn(|| running.answer()).collect();
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| answer.starts_with("no answer: ")), "{answers:?}");
    assert!(!home.path().join("credentials").exists());
    assert_eq!(run(&service, home.path(), "read"), ["one in keychain"]);

    service.freeze();
    let mut running = Running::start(home.path(), "interactive;read", |command| {
        command.envs(service.env());
    });
    assert_eq!(running.answer().unwrap(), "said waiting for the keychain to be unlocked...");
    service.thaw();
    assert_eq!(running.answer().unwrap(), "one in keychain");
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_copy_in_a_locked_collection_blocks_no_command_and_a_deletion_says_that_it_stays() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    let other = service.add_collection("other");
    run(&service, home.path(), "save old");
    let old = service.secrets(KEY).remove(0);
    run(&service, home.path(), "delete");
    service.put_in(&other, KEY, old.as_bytes(), "");
    service.lock_collection(&other);

    let answers = run(&service, home.path(), "prepare;save new;read;prepare;save newer;read");
    let expected = ["keychain", "saved", "new in keychain", "keychain", "saved", "newer in keychain"];
    assert_eq!(answers[..], expected);
    let paths = service.paths(KEY);
    assert!(paths.len() == 2 && paths[0].starts_with(LOGIN) && paths[1].starts_with(&other), "{paths:?}");

    let answers = run(&service, home.path(), "delete");
    assert!(answers[0].starts_with("said another copy of the credential"), "{answers:?}");
    assert_eq!(answers[1], "Deleted { keychain: true, file: false }");
    assert_eq!(service.paths(KEY), paths[1..]);
    // What may be a login is not called logged out.
    assert_eq!(run(&service, home.path(), "read"), ["locked: the keychain is locked"]);
    assert_eq!(run(&service, home.path(), "delete"), ["locked: the keychain is locked"]);
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn an_unlocked_copy_is_used_and_written_while_the_default_collection_is_locked() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    let other = service.add_collection("other");
    run(&service, home.path(), "save one");
    let record = service.secrets(KEY).remove(0);
    service.put_in(&other, KEY, record.as_bytes(), "");
    // Of two that are unlocked the default collection's is kept.
    assert_eq!(run(&service, home.path(), "save two;read"), ["saved", "two in keychain"]);
    let paths = service.paths(KEY);
    assert!(paths.len() == 1 && paths[0].starts_with(LOGIN), "{paths:?}");

    service.put_in(&other, KEY, record.as_bytes(), "");
    service.lock();
    assert_eq!(
        run(&service, home.path(), "read;prepare;save three;read")[..],
        ["one in keychain", "keychain", "saved", "three in keychain"]
    );
    service.unlock();
    assert_eq!(service.accounts(), [KEY, KEY], "and the check for writing left nothing");
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn another_program_s_unlocked_item_does_not_hide_a_login_that_is_locked() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    let other = service.add_collection("other");
    run(&service, home.path(), "save one");
    service.put_in(&other, KEY, b"a token of the Go client", "");
    service.lock();
    assert_eq!(run(&service, home.path(), "read"), ["locked: the keychain is locked"]);
    service.unlock();
    assert_eq!(run(&service, home.path(), "read"), ["one in keychain"]);
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn every_address_of_the_bus_is_tried() {
    let (service, home) = (SecretService::start(), tempfile::tempdir().unwrap());
    let (bare, nowhere) = (SecretService::without_service(), home.path().join("no/bus"));
    let address = |service: &SecretService| {
        let (_, address) = service.env().remove(0);
        address.into_string().unwrap()
    };
    let (real, bare, nowhere) = (address(&service), address(&bare), nowhere.display());
    let closed = format!("unix:path={}", home.path().join("socket").display());
    drop(std::os::unix::net::UnixListener::bind(home.path().join("socket")).unwrap());
    for list in [
        format!("unix:path={nowhere};{real}"),
        format!("nonsense;;disabled:;unix:tmpdir=/tmp;{closed};{bare};{real};{closed}"),
        real.replacen("/bus", "/%62us", 1),
    ] {
        let mut running = Running::start(home.path(), "prepare;save one;read;delete", |command| {
            command.env("DBUS_SESSION_BUS_ADDRESS", &list);
        });
        let answers: Vec<String> = std::iter::from_fn(|| running.answer()).collect();
        assert_eq!(answers[..3], ["keychain", "saved", "one in keychain"], "{list}");
    }
}

#[test]
fn a_bus_that_rejects_this_user_is_an_absent_keychain() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("bus");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            let _ = (&stream).write_all(b"REJECTED EXTERNAL\r\n");
        }
    });
    let mut running = Running::start(home.path(), "read;prepare keychain", |command| {
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()));
    });
    assert_eq!(running.answer().unwrap(), "nothing");
    let answer = running.answer().unwrap();
    assert!(answer.starts_with("absent: ") && answer.contains("another user"), "{answer}");
}
