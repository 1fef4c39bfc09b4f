//! The keychain's bad days, at the level of the real binary with a real gnome-keyring: whatever is
//! wrong with it, every command ends soon, says what to do, and leaves everything as it was.

use crate::platform::{Fault, Gate, Sandbox, Visitor};
use crate::support::World;
use crate::support::mock_keychain::MockKeychain;
use crate::support::platform::sandbox;
use crate::support::ports::CallbackPorts;
use crate::support::secret_service::{SecretService, Spy, Watch, world_on};
use crate::support::world::DEADLINE;

/// Profiles `a` (active), `b` and `c`, each logged in under a key of its own; answers their tokens.
fn three_logins(world: &World, sandbox: &Sandbox) -> Vec<String> {
    let profile =
        |name| format!("[profiles.{name}]\napi_url = \"{}\"\ncredential = \"{name}\"\n", sandbox.api_url());
    world.config(&("profile = \"a\"\n".to_owned() + &["a", "b", "c"].map(profile).concat()));
    let log_in = |name| world.log_in(sandbox, "ada", &format!("-p {name}"));
    ["a", "b", "c"].map(log_in).into()
}

/// Every command on a keychain that can't be used now: those that need it exit 6 with `words` and a
/// way out, and change nothing anywhere; the others do their work. A keychain that hangs, which `frozen` is, is
/// waited for once.
fn everything_waits_for_better_days(
    case: &str,
    world: &World,
    sandbox: &Sandbox,
    words: &str,
    frozen: Option<&SecretService>,
) {
    let (before, asked) = (world.files(), sandbox.requests().len());
    let fresh = sandbox.mint_pat("ada", None);
    let mut watch = frozen.map(SecretService::watch);
    let mut waits = || watch.as_mut().map_or(1, Watch::calls);
    for line in ["auth status", "auth token", "auth refresh", "auth logout --all", "profiles remove b"] {
        let outcome =
            world.run(line).code(6).says(words).says("AUTOCOM_TOKEN").says("auth login --store file");
        assert_eq!(waits(), 1, "{case}: autocom {line}");
        assert_eq!(world.files(), before, "{case}: autocom {line}: {}", outcome.stderr);
    }
    let login = world.login_with_token(&sandbox.api_url(), &fresh, "-p a --store keychain");
    login.code(6).says("--store file");
    assert_eq!(waits(), 1, "{case}: a login");
    assert_eq!(sandbox.requests().len(), asked, "{case}: the platform was told of it");
    assert_eq!(world.files(), before, "{case}");
    world.run("whoami").ok().prints("Ada Lovelace");
    assert!(world.tokens().iter().all(|(_, token)| token == "valid"), "{case}");
    assert_eq!(world.files(), before, "{case}");
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_locked_a_dead_and_a_hanging_keychain_are_waited_for_once_and_nothing_is_lost() {
    let (sandbox, mut service) = (sandbox(), SecretService::start());
    let world = world_on(&service);
    let tokens = three_logins(&world, &sandbox);
    let kept = |service: &SecretService| ["a", "b", "c"].map(|name| service.secrets(name));
    let before = kept(&service);

    service.lock();
    everything_waits_for_better_days("locked", &world, &sandbox, "the keychain is locked", None);
    service.unlock();
    service.freeze();
    everything_waits_for_better_days("hangs", &world, &sandbox, "no answer in 3 seconds", Some(&service));
    service.thaw();
    assert_eq!(kept(&service), before);
    world.run("auth status").ok();

    service.kill();
    everything_waits_for_better_days("dead", &world, &sandbox, "can't be reached from here", None);
    let mute = service.impersonate(false);
    world.run("auth status").code(6).says("no answer in 3 seconds");
    // Under `auto`, what says nothing is not what is not there.
    let login = world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "-p new");
    login.code(6).says("no answer in 3 seconds");
    assert!(!world.path("credentials").exists());
    drop(mute);
    assert!(tokens.iter().all(|token| sandbox.accepts(token)));
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn the_way_out_that_errors_name_leads_out() {
    for case in ["locked", "hangs", "dead"] {
        let (sandbox, mut service) = (sandbox(), SecretService::start());
        let mut world = world_on(&service);
        three_logins(&world, &sandbox);
        // Two profiles that share a credential, the one of their URL.
        world.log_in(&sandbox, "ada", "-p d");
        world.run(&format!("profiles set e api_url={}", sandbox.api_url())).ok();
        match case {
            "locked" => service.lock(),
            "hangs" => service.freeze(),
            _ => service.kill(),
        }
        let token = sandbox.mint_pat("ada", None);
        world.set("AUTOCOM_TOKEN", token.clone()).run("auth status").ok().prints("AUTOCOM_TOKEN");
        world.unset("AUTOCOM_TOKEN");
        let mut watch = (case == "hangs").then(|| service.watch());
        let login = world.login_with_token(&sandbox.api_url(), &token, "-p a --store file");
        login.ok().says("plain text").says("an older copy of the credential may be left in the OS keychain");
        assert_eq!(watch.as_mut().map_or(1, Watch::calls), 1, "{case}: it is waited for once");
        drop(watch);
        assert_eq!(world.record("a")["access_token"].as_str(), Some(&*token));
        world.run("auth status").ok().prints("file");
        world.run("auth status -p b").code(6);

        // Another user's login would need to know what it must not take from `e`.
        let other = sandbox.mint_pat("grace", None);
        world.login_with_token(&sandbox.api_url(), &other, "-p d --store file").code(6);
        world.login_with_token(&sandbox.api_url(), &token, "-p d --store file").ok();
        world.run("auth status -p d").ok().prints("ada@example.test").prints("file");
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_keychain_that_fails_in_the_middle_of_a_command_is_no_success_and_no_loss() {
    let late =
        |body: &str, gate: &Gate| Fault::status(200).body("application/json", body).behind(gate).after_work();
    for case in ["dies", "hangs"] {
        let (sandbox, mut service) = (sandbox(), SecretService::start());
        let world = world_on(&service);
        let old = world.log_in(&sandbox, "ada", "");
        let before = (world.files(), service.secrets(&sandbox.api_url()));

        // Proven writable, asked for by the platform, and then gone when the login is to be stored.
        let user = r#"{"id":1,"name":"Ada Lovelace","email":"ada@example.test","current_tenant":"acme"}"#;
        let gate = Gate::shut();
        sandbox.fault("/api/v1/profile", late(user, &gate));
        let asked = sandbox.requests().len();
        let token = sandbox.mint_pat("ada", None);
        world.plant(&token);
        let mut login =
            world.start_open(&format!("auth login --api-url {} --token-stdin", sandbox.api_url()));
        login.input(&token);
        sandbox
            .wait_for_request(
                |request| request.path.ends_with("/profile") && request.status.is_none(),
                DEADLINE,
            )
            .unwrap();
        assert!(sandbox.requests().len() > asked);
        match case {
            "dies" => service.kill(),
            _ => service.freeze(),
        }
        gate.open();
        login
            .finish()
            .code(6)
            .says(&format!("autocom auth login --api-url {} --store file", sandbox.api_url()));
        assert_eq!(world.files(), before.0, "{case}");
        assert!(sandbox.accepts(&old), "{case}");
        if case == "hangs" {
            service.thaw();
            assert_eq!(service.secrets(&sandbox.api_url()), before.1);
            // Deleted it can't be, but that it is dead at the platform is the lesser evil.
            let gate = Gate::shut();
            sandbox.fault("/api/v1/auth/logout", late("{}", &gate));
            let logout = world.start("auth logout --revoke");
            sandbox.wait_for_request(|request| request.path.ends_with("/auth/logout"), DEADLINE).unwrap();
            service.freeze();
            gate.open();
            logout.finish().code(6).says("no answer in 3 seconds");
            assert_eq!(world.files(), before.0);
            service.thaw();
            world.run("auth logout --revoke").ok().says("it no longer worked at the platform");
            assert!(service.accounts().is_empty());
        }
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_service_that_dies_over_a_call_was_there_and_is_no_absent_one() {
    let (sandbox, service) = (sandbox(), SecretService::without_service());
    let world = world_on(&service);
    let dying = service.impersonate(true);
    let login = world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "");
    login.code(6).says("it went away before it answered").says("try again");
    assert_eq!(world.files(), <[String; 3]>::default());
    drop(dying);
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn in_a_terminal_the_keychain_is_waited_for_until_it_answers_or_ctrl_c() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let world = world_on(&service);
    three_logins(&world, &sandbox);
    let before = world.files();
    let notice = "waiting for the keychain to be unlocked...";
    for (spoil, mend) in [
        (SecretService::lock as fn(&SecretService), SecretService::unlock as fn(&SecretService)),
        (SecretService::freeze, SecretService::thaw),
    ] {
        spoil(&service);
        let mut status = world.start_in_terminal("auth status");
        status.line_with(notice);
        mend(&service);
        let status = status.finish().ok();
        assert!(status.stderr.contains("ada@example.test"), "{}", status.stderr);

        spoil(&service);
        for line in ["auth logout --all", "auth login -p a --with-token none"] {
            let mut running = world.start_in_terminal(line);
            running.line_with(notice);
            running.types("\u{3}");
            let outcome = running.finish().code(130);
            assert!(!outcome.stderr.contains("in 60 seconds"), "{line}: {}", outcome.stderr);
        }
        // Nobody is there to unlock it, whatever the terminal looks like.
        let outcome = world.start_in_terminal("auth status --no-input").finish().code(6);
        assert!(!outcome.stderr.contains(notice), "{}", outcome.stderr);
        mend(&service);
        assert_eq!(world.files(), before);
    }
    assert_eq!(service.accounts(), ["a", "b", "c"]);
}

/// A record as it is stored, of another user and another time.
fn copy_of(record: &str, email: &str, written_at: &str) -> String {
    let mut record: serde_json::Value = serde_json::from_str(record).unwrap();
    record["user_email"] = email.into();
    record["written_at"] = written_at.into();
    record.to_string()
}

const LONG_AGO: &str = "2020-01-01T00:00:00Z";
const IN_A_LONG_TIME: &str = "2090-01-01T00:00:00Z";

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn of_duplicate_items_the_later_written_is_read_a_login_leaves_one_and_a_logout_none() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let (world, key) = (world_on(&service), sandbox.api_url());
    world.log_in(&sandbox, "ada", "");
    let record = service.secrets(&key).remove(0);
    service.put(&key, copy_of(&record, "early@example.test", LONG_AGO).as_bytes(), "1");
    world.run("auth status").ok().prints("ada@example.test");
    service.put(&key, copy_of(&record, "late@example.test", IN_A_LONG_TIME).as_bytes(), "2");
    world.run("auth status").ok().prints("late@example.test");
    assert_eq!(service.accounts().len(), 3);

    world.log_in(&sandbox, "ada", "");
    assert_eq!(service.accounts(), [key.as_str()]);
    world.run("auth status").ok().prints("ada@example.test");
    service.put(&key, record.as_bytes(), "3");
    world.run("auth logout").ok().says("deleted from the keychain");
    assert!(service.accounts().is_empty());
    world.run("auth status").code(4);
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn another_program_s_item_is_no_login_and_goes_only_for_one() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let (world, key) = (world_on(&service), sandbox.api_url());
    let foreign = r#"{"AccessToken":"of-the-go-client","Expiry":"2030-01-01T00:00:00Z"}"#;
    world.plant("of-the-go-client");
    world.config(&format!(
        "profile = \"p\"\n[profiles.p]\napi_url = \"{key}\"\n[profiles.q]\napi_url = \"{key}\"\n"
    ));
    service.put(&key, foreign.as_bytes(), "1");
    for (line, code) in [("auth status", 4), ("whoami", 4), ("auth logout", 0), ("auth logout --all", 0)] {
        let outcome = world.run(line).code(code);
        assert_eq!(
            outcome.stderr.matches("is not a login of this program").count(),
            1,
            "{line}: {}",
            outcome.stderr
        );
        assert_eq!(service.secrets(&key), [foreign], "{line}");
    }
    world.run("profiles remove q").ok();
    assert_eq!(service.secrets(&key), [foreign]);
    world.login_with_token(&key, &sandbox.mint_pat("ada", None), "").ok().says("replacing the item");
    assert!(service.secrets(&key).iter().all(|secret| secret.contains("ada@example.test")));
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_newer_version_s_item_stops_every_command_and_stays() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let (world, key) = (world_on(&service), sandbox.api_url());
    world.config(&format!("profile = \"p\"\n[profiles.p]\napi_url = \"{key}\"\n[profiles.q]\napi_url = \"{key}\"\ncredential = \"q\"\n"));
    let newer = r#"{"version":2,"sealed":"..."}"#;
    for account in [key.as_str(), "q"] {
        service.put(account, newer.as_bytes(), "1");
    }
    let before = world.files();
    for line in ["auth status", "whoami", "auth logout", "auth logout --all", "profiles remove q"] {
        world
            .run(line)
            .code(6)
            .says("was written by a newer version of autocom")
            .says("hint: update autocom");
    }
    world.login_with_token(&key, &sandbox.mint_pat("ada", None), "").code(6).says("update autocom");
    assert!(sandbox.requests().is_empty());
    assert_eq!(world.files(), before);
    assert_eq!(
        (service.secrets(&key), service.secrets("q")),
        (vec![newer.to_owned()], vec![newer.to_owned()])
    );
}

#[test]
fn a_chosen_file_means_that_nobody_goes_near_the_keychain() {
    let sandbox = sandbox();
    for (case, flag) in [("--store file", "--store file"), ("AUTOCOM_STORE", ""), ("store=", "")] {
        let mut world = World::new();
        let bus = Spy::at(&world.home().join("bus"));
        world.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", world.home().join("bus").display()));
        if case != "AUTOCOM_STORE" {
            world.unset("AUTOCOM_STORE");
        }
        let store = if case == "store=" { "store = \"file\"\n" } else { "" };
        world.config(&format!("[profiles.p]\napi_url = \"{}\"\n{store}", sandbox.api_url()));
        world.log_in(&sandbox, "ada", &format!("-p p {flag}"));
        for line in ["auth status -p p", "whoami -p p", "profiles list", "auth logout --all"] {
            world.run(line).ok();
        }
        world.log_in(&sandbox, "ada", &format!("-p p {flag}"));
        world.run("profiles remove p --use default").ok();
        assert!(!bus.somebody_came(), "{case}");
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn of_a_copy_in_either_store_the_later_written_wins_and_a_logout_takes_both() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let (mut world, key) = (world_on(&service), sandbox.api_url());
    for (stale, fresh) in [("file", "keychain"), ("keychain", "file")] {
        world.set("AUTOCOM_STORE", stale).log_in(&sandbox, "grace", "");
        let (file, item) = (world.read("credentials"), service.secrets(&key).pop());
        world.set("AUTOCOM_STORE", fresh).log_in(&sandbox, "ada", "");
        // As if the other copy could not have been deleted.
        match item {
            Some(item) => service.put(&key, item.as_bytes(), "1"),
            None => world.write("credentials", &file),
        }
        world.unset("AUTOCOM_STORE").run("auth status").ok().prints("ada@example.test").prints(fresh);
        std::fs::remove_file(world.path("logins.toml")).unwrap();
        world.run("auth status").ok().prints("ada@example.test").prints(fresh);
        world.run("auth logout").ok().says("deleted from the keychain and the file");
        assert!(service.accounts().is_empty() && world.record(&key).is_null());
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_refresh_writes_to_the_keychain_that_it_read_and_only_if_that_can_be_written() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let (world, key) = (world_on(&service), sandbox.api_url());
    {
        let _turn = CallbackPorts::take();
        world.browse(&sandbox, Visitor::approving("ada"), "").0.ok();
    }
    let token_of = |secret: &str| {
        let record: serde_json::Value = serde_json::from_str(secret).unwrap();
        record["access_token"].as_str().unwrap().to_owned()
    };
    let old = service.secrets(&key).remove(0);
    // Copies that nobody came to delete, in the keychain and in the file.
    service.put(&key, copy_of(&old, "early@example.test", LONG_AGO).as_bytes(), "1");
    world.write("credentials", &format!(r#"{{"version":1,"credentials":{{"{key}":{old}}}}}"#));
    let file = world.read("credentials");

    world.run("auth refresh").ok();
    let new = service.secrets(&key);
    assert_eq!((new.len(), service.accounts()), (1, vec![key.clone()]), "one item, and no trace of a check");
    assert_ne!(token_of(&new[0]), token_of(&old));
    assert_eq!(world.read("credentials"), file, "only a login moves a record");
    for _ in 0..2 {
        world.run("auth token").ok().prints(&token_of(&new[0]));
        // The second time without what says in which store it is.
        let _ = std::fs::remove_file(world.path("logins.toml"));
    }

    let refreshed = || sandbox.requests().iter().filter(|request| request.path == "/oauth/token").count();
    let before = refreshed();
    world.run("auth status").ok();
    service.lock();
    world.run("auth refresh").code(6).says("the keychain is locked");
    service.unlock();
    service.put(&key, br#"{"version":2}"#, "2");
    world.run("auth refresh").code(6).says("update autocom");
    assert_eq!(refreshed(), before, "a refresh token was spent for nothing");
    assert_eq!(service.secrets(&key).len(), 2);
    assert!(service.secrets(&key).contains(&new[0]));
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn logins_at_once_share_a_keychain_and_what_a_killed_one_left_is_cleaned_up() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let (world, key) = (world_on(&service), sandbox.api_url());
    for more in ["1", "2"] {
        service.put(&format!("{key}#check"), b"autocom checks that it can write here", more);
    }
    for _ in 0..3 {
        let line = format!("auth login --api-url {key} --token-stdin");
        let running: Vec<_> = (0..6)
            .map(|_| {
                let token = sandbox.mint_pat("ada", None);
                world.plant(&token);
                let mut login = world.start_open(&line);
                login.input(&token);
                login
            })
            .collect();
        running.into_iter().for_each(|login| _ = login.finish().ok());
        assert_eq!(service.accounts(), [key.as_str()]);
    }
}

#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn an_address_that_leads_to_no_bus_is_no_keychain() {
    let sandbox = sandbox();
    for address in [
        "nonsense",
        "unix:",
        "disabled:",
        "unix:path=",
        "tcp:host=127.0.0.1,port=1",
        ";",
        "unix:path=/dev/null",
    ] {
        let mut world = World::new();
        world.unset("AUTOCOM_STORE").set("DBUS_SESSION_BUS_ADDRESS", address);
        let token = sandbox.mint_pat("ada", None);
        let login = world.login_with_token(&sandbox.api_url(), &token, "");
        assert_eq!(login.code, 0, "{address}: {}", login.stderr);
        assert_eq!(
            login.stderr.matches("there is no keychain here").count(),
            1,
            "{address}: {}",
            login.stderr
        );
        world.run("auth status").ok().prints("file");
        world
            .login_with_token(&sandbox.api_url(), &token, "--store keychain")
            .code(6)
            .says("no D-Bus session bus");
    }
}

#[test]
#[ignore = "needs dbus; run by tests/run"]
fn another_user_s_bus_is_no_keychain() {
    let (sandbox, service) = (sandbox(), SecretService::without_service());
    let _mute = service.impersonate(false);
    service.show_to_others();
    let mut world = world_on(&service);
    // Only root can become another user, and here must not stay one whom the bus accepts.
    world.heed_modes();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let token = sandbox.mint_pat("ada", None);
    let login = world.login_with_token(&sandbox.api_url(), &token, "").ok();
    assert_eq!(login.stderr.matches("the D-Bus session bus belongs to another user").count(), 1);
    world.run("auth status").ok().prints("file");
    world.run("auth logout").ok();
}

#[test]
#[ignore = "needs dbus; run by tests/run"]
fn a_service_that_has_only_plain_sessions_keeps_a_login() {
    let (sandbox, service) = (sandbox(), SecretService::without_service());
    let (keychain, world) = (MockKeychain::on(&service), world_on(&service));
    world.log_in(&sandbox, "ada", "");
    world.run("auth status").ok().prints("keychain");
    world.log_in(&sandbox, "ada", "");
    assert_eq!(keychain.accounts(), [sandbox.api_url()]);
    world.run("auth logout").ok().says("deleted from the keychain");
    assert!(keychain.accounts().is_empty());
}

/// What is planted is checked in the output of every command that a [`World`] runs.
#[test]
#[ignore = "needs dbus; run by tests/run"]
fn no_error_of_the_bus_is_repeated_whichever_call_it_answers() {
    let (sandbox, service) = (sandbox(), SecretService::without_service());
    let (keychain, world) = (MockKeychain::on(&service), world_on(&service));
    world.log_in(&sandbox, "ada", "");
    let (quoted, token) = ("password=hunter2hunter2", sandbox.mint_pat("ada", None));
    world.plant(quoted);
    let text = format!(
        "Rejected send message, 1 matched rules; comm=\"autocom api -f {quoted} --with-token {token}\""
    );
    let methods =
        ["OpenSession", "SearchItems", "GetSecret", "ReadAlias", "Get", "CreateItem", "SetSecret", "Delete"];
    let denied = "org.freedesktop.DBus.Error.AccessDenied";
    for (error, words) in [
        (denied, "access denied"),
        ("org.freedesktop.DBus.Error.LimitsExceeded", "it reported an error"),
        ("org.freedesktop.DBus.Error.Spawn.ChildExited", "could not be started"),
        ("org.freedesktop.DBus.Error.NoReply", "it went away before it answered"),
        ("org.example.Error.Other", "it reported an error"),
    ] {
        for method in methods {
            keychain.refuse(method, error, &text);
            // Even the log has no text of the two errors that quote a command line.
            let more = if error == denied { "-vv -o json" } else { "-o json" };
            let login = world.login_with_token(&sandbox.api_url(), &token, more).code(6);
            assert!(login.stderr.contains(words), "{error} of {method}: {}", login.stderr);
            for line in ["auth status", "auth logout", "auth token"] {
                world.run(line);
            }
            world.run_words(&["api", "orders", "-X", "post", "-f", quoted, "-v"]);
            assert!(keychain.refuse("", "", "") > 0, "{method} was not called");
            world.log_in(&sandbox, "ada", "");
            assert!(!world.path("credentials").exists(), "{error} of {method}");
        }
    }
}

#[test]
#[ignore = "needs dbus; run by tests/run"]
fn a_policy_that_forbids_the_keychain_is_named_and_the_bus_logs_no_token() {
    let (sandbox, service) = (sandbox(), SecretService::forbidden());
    // The bus asks its policy only about a name that somebody owns.
    let _keychain = MockKeychain::on(&service);
    let world = world_on(&service);
    let (token, url) = (sandbox.mint_pat("ada", None), sandbox.api_url());
    world.plant(&token);
    for output in ["table", "json"] {
        // Its name is short: the bus logs the first 50 characters of the command line.
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_autocom"), world.home().join("autocom")).ok();
        let line = format!("login --with-token {token} -o {output} --api-url {url}");
        let outcome = world.start_script_in_terminal(&format!("exec ./autocom {line} --no-input")).finish();
        outcome.code(6).says("access denied by a policy").says("--store file");
    }
    // Nothing in plain text beside a keychain that is there.
    assert_eq!(world.files(), <[String; 3]>::default());
    assert!(sandbox.requests().is_empty());
    let log = service.bus_log();
    assert!(log.contains("autocom login --with-token xxxx") && !log.contains(&token[..12]), "{log}");
}
