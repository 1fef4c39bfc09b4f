//! The real binary with a real gnome-keyring: which store a login ends in, what is said about it, and
//! which commands leave the keychain alone. The stores by themselves are tested in `secret_service`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::platform::{Sandbox, Visitor, visit_blocking};
use crate::support::World;
use crate::support::platform::sandbox;
use crate::support::ports::CallbackPorts;
use crate::support::secret_service::{SecretService, Spy, Watch, world_on};

const NONE: [&str; 0] = [];

/// A home on a machine without a session bus.
fn world_without_bus() -> World {
    let mut world = World::new();
    world.unset("AUTOCOM_STORE").unset("DBUS_SESSION_BUS_ADDRESS").set("XDG_RUNTIME_DIR", "/nonexistent");
    world
}

/// Whether `text` is in any file below `folder`.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        // Sockets can't be read, and hold nothing.
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn status_of(world: &World, profile: &str) -> String {
    let rows = world.run("profiles list -o json").ok().json();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == profile).unwrap();
    format!("{} {}", row["token"].as_str().unwrap(), row["store"].as_str().unwrap_or("-"))
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_login_goes_to_the_keychain_and_no_file_holds_its_token() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let world = world_on(&service);
    let token = sandbox.mint_pat("ada", None);
    let login = world.login_with_token(&sandbox.api_url(), &token, "").ok().says("token is in the keychain");
    assert!(!login.stderr.contains("plain text"), "{}", login.stderr);

    assert_eq!(service.accounts(), [sandbox.api_url()]);
    assert!(!world.path("credentials").exists());
    assert!(!holds(world.home(), &token), "the token is in a file");
    world.run("whoami").ok().prints("Ada Lovelace");
    world.run("auth status").ok().prints("ada@example.test").prints("keychain");
    assert_eq!(status_of(&world, "local"), "valid keychain");

    world.run("auth logout --revoke").ok().says("deleted from the keychain");
    assert_eq!(service.accounts(), NONE);
    assert!(!sandbox.accepts(&token));
    assert_eq!(status_of(&world, "local"), "logged_out -");
    world.run("auth status").code(4);
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn two_environments_in_one_keychain_and_a_logout_of_one() {
    let (staging, prod, service) = (sandbox(), sandbox(), SecretService::start());
    let world = world_on(&service);
    {
        // Tokens of Passport's size: a JWT and a refresh token.
        let _turn = CallbackPorts::take();
        let mut login = world.login(&staging.api_url(), "--profile staging");
        visit_blocking(&login.login_url(), Visitor::approving("ada")).unwrap();
        login.finish().ok().says("token is in the keychain");
    }
    let long = sandbox_token_of(&prod, 4000);
    world.login_with_token(&prod.api_url(), &long, "--profile prod").ok();
    let mut both = [staging.api_url(), prod.api_url()];
    both.sort();
    assert_eq!(service.accounts(), both);
    assert_eq!(status_of(&world, "staging"), "valid keychain");

    world.run("auth logout --profile staging").ok();
    assert_eq!(service.accounts(), [prod.api_url()]);
    assert!(prod.accepts(&long));
    world.run("auth status --profile prod").ok().prints("valid");
    world.run("auth logout --all --revoke").ok();
    assert_eq!(service.accounts(), NONE);
    assert!(!prod.accepts(&long));
}

fn sandbox_token_of(sandbox: &Sandbox, length: usize) -> String {
    sandbox.knobs(|knobs| knobs.token_length = length);
    let token = sandbox.mint_pat("grace", None);
    assert!(token.len() >= length);
    token
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_login_moves_the_credential_between_the_stores() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let world = world_on(&service);
    let token = sandbox.mint_pat("ada", None);
    world.login_with_token(&sandbox.api_url(), &token, "--store file").ok().says("plain text");
    assert!(holds(world.home(), &token));
    assert_eq!(service.accounts(), NONE);

    world.login_with_token(&sandbox.api_url(), &token, "--store keychain").ok();
    assert!(!holds(world.home(), &token), "the copy in the file is left");
    assert_eq!(service.accounts(), [sandbox.api_url()]);

    world.login_with_token(&sandbox.api_url(), &token, "--store file").ok();
    assert!(holds(world.home(), &token));
    assert_eq!(service.accounts(), NONE, "the copy in the keychain is left");
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn without_a_keychain_the_file_serves_and_that_is_said_before_it_is_written() {
    let bare = SecretService::without_service();
    for (case, world) in [("no bus", world_without_bus()), ("no service", world_on(&bare))] {
        let sandbox = sandbox();
        let _turn = CallbackPorts::take();
        let mut login = world.login(&sandbox.api_url(), "");
        let warning = login.line_with("plain text");
        assert!(warning.contains("there is no keychain here"), "{case}: {warning}");
        assert!(warning.contains(world.path("credentials").to_str().unwrap()), "{case}: {warning}");
        // Nobody has been to the browser yet, and nothing is written.
        assert!(!world.path("credentials").exists(), "{case}");
        visit_blocking(&login.login_url(), Visitor::approving("ada")).unwrap();
        let login = login.finish().ok();
        assert_eq!(login.stderr.matches("plain text").count(), 1, "{case}: {}", login.stderr);

        let mode = world.path("credentials").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{case}");
        let status = world.run("auth status").ok().prints("file");
        assert!(!status.stderr.contains("keychain"), "{case}: {}", status.stderr);
        assert_eq!(status_of(&world, "local"), "valid file", "{case}");
        world.run("auth logout").ok().says("deleted from the file");
        assert_eq!(status_of(&world, "local"), "logged_out -", "{case}");
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_keychain_that_is_wished_for_and_not_there_is_an_error() {
    let bare = SecretService::without_service();
    for (case, world) in [("no bus", world_without_bus()), ("no service", world_on(&bare))] {
        let sandbox = sandbox();
        let login =
            world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "--store keychain");
        login.code(6).says("there is no keychain here").says("--store file");
        assert!(sandbox.requests().is_empty(), "{case}");
        assert_nothing_written(&world);
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_keychain_that_is_locked_or_hangs_stops_a_login_before_it_begins() {
    let locked = SecretService::start();
    locked.lock();
    let frozen = SecretService::start();
    frozen.freeze();
    for (case, service, words) in
        [("locked", &locked, "is locked"), ("frozen", &frozen, "no answer in 3 seconds")]
    {
        let (sandbox, world) = (sandbox(), world_on(service));
        let mut watch = (case == "frozen").then(|| service.watch());
        let login = world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "");
        login.code(6).says(words).says("unlock the keychain").says("AUTOCOM_TOKEN").says("--store file");
        assert_eq!(watch.as_mut().map_or(1, Watch::calls), 1, "{case}: it is waited for once");
        assert!(sandbox.requests().is_empty(), "{case}");
        assert_nothing_written(&world);
    }
    frozen.thaw();
    assert_eq!((locked.accounts(), frozen.accounts()), (vec![], vec![]));
}

/// Locks aside, the home is as it was.
fn assert_nothing_written(world: &World) {
    for file in ["config.toml", "logins.toml", "credentials"] {
        assert!(!world.path(file).exists(), "{file} was written");
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_keychain_that_is_gone_or_locked_is_not_logged_out() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let mut world = world_on(&service);
    let token = sandbox.mint_pat("ada", None);
    world.login_with_token(&sandbox.api_url(), &token, "").ok();

    service.lock();
    world.run("auth status").code(6).says("the keychain is locked");
    world.run("auth logout").code(6);
    service.unlock();
    world.run("auth status").ok();

    world.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    world.run("auth status").code(6);
    world.run("auth logout").code(6);
    // What needs no secret goes on.
    world.run("whoami").ok().prints("Ada Lovelace");
    assert_eq!(status_of(&world, "local"), "valid keychain");
    assert!(sandbox.accepts(&token), "a logout that failed has revoked");
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn commands_that_need_no_secret_leave_the_keychain_alone() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let mut world = world_on(&service);
    let token = sandbox.mint_pat("ada", None);
    world.login_with_token(&sandbox.api_url(), &token, "--profile staging").ok();
    world.login_with_token(&sandbox.api_url(), &token, "--profile prod").ok();

    let socket = world.home().join("bus");
    let bus = Spy::at(&socket);
    world.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()));
    for command in [
        "profiles list",
        "profiles list -o json",
        "profiles show staging",
        "profiles current",
        "profiles use prod",
        "profiles set prod tenant=globex",
        "profiles rename prod live",
        "whoami",
        "config list",
        "config set output json",
        "version",
    ] {
        world.run(command).ok();
        assert!(!bus.somebody_came(), "autocom {command} opened the keychain");
    }
    world.run("auth status").code(6);
    assert!(bus.somebody_came(), "the bus sees nobody at all");
}
