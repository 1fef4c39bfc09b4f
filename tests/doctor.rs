//! `doctor`: each kind of trouble is planted, found, and mended by the very command that is named. Without
//! `--fix` nothing changes.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::platform::{Fault, Sandbox};
use crate::support::platform::{refreshes, sandbox};
use crate::support::ports::CallbackPorts;
#[cfg(target_os = "linux")]
use crate::support::secret_service::{SecretService, Watch};
use crate::support::site::{End, Site};
use crate::support::{Outcome, World};

/// A profile `local`, logged in.
fn logged_in(sandbox: &Sandbox) -> World {
    let world = World::new();
    world.log_in(sandbox, "ada", "-p local");
    world
}

fn doctor(world: &World, more: &str) -> Vec<Value> {
    let outcome = world.run(&format!("doctor -o json {more}"));
    let rows = outcome.json().as_array().unwrap().clone();
    let broken = rows.iter().any(|row| row["status"] == "broken");
    assert_eq!(outcome.code, i32::from(broken), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    rows
}

/// The findings that are not as they should be, as `section/check: finding`. The ports belong to the whole
/// machine, and other tests use them.
fn complaints(rows: &[Value]) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .filter(|row| row["status"] == "warn" || row["status"] == "broken")
        .filter(|row| row["check"] != "callback ports")
        .map(|row| format!("{}/{}: {}", text(row, "section"), text(row, "check"), text(row, "finding")))
        .collect()
}

/// The one finding of that section and check.
#[track_caller]
fn finding<'r>(rows: &'r [Value], place: &str) -> &'r Value {
    let found: Vec<&Value> = rows
        .iter()
        .filter(|row| {
            format!("{}/{}", row["section"].as_str().unwrap(), row["check"].as_str().unwrap()) == place
        })
        .collect();
    assert_eq!(found.len(), 1, "{place} in {rows:#?}");
    found[0]
}

/// The trouble at `place` is found with these words and nothing else is; the command that is named, typed
/// into a shell as it is, mends it.
#[track_caller]
fn is_found_and_mended(world: &World, place: &str, words: &str, command: &str) {
    let rows = doctor(world, "");
    let found = finding(&rows, place);
    assert!(found["finding"].as_str().unwrap().contains(words), "{found:#}");
    assert_eq!(complaints(&rows).len(), 1, "{:#?}", complaints(&rows));
    let fix = found["fix"].as_str().unwrap();
    assert_eq!(fix.replace(&world.home().display().to_string(), "HOME"), command);
    types(world, fix);
    assert_eq!(complaints(&doctor(world, "")), [""; 0], "after {fix}");
}

/// A person types it.
#[track_caller]
fn types(world: &World, line: &str) {
    let folder = world.home().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("autocom");
    if !program.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_autocom"), &program).unwrap();
    }
    let own = world.command("");
    let path = own.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).env_clear().current_dir(world.home());
    shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", format!("{}:{}", folder.display(), path.to_str().unwrap()));
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
}

/// Every path below with its mode and what it holds.
fn snapshot(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    fn below(path: &Path, found: &mut BTreeMap<String, (u32, Vec<u8>)>) {
        let mode = fs::symlink_metadata(path).unwrap().permissions().mode();
        let bytes = if path.is_file() { fs::read(path).unwrap() } else { Vec::new() };
        found.insert(path.display().to_string(), (mode, bytes));
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| below(&entry.unwrap().path(), found));
        }
    }
    let mut found = BTreeMap::new();
    below(folder, &mut found);
    found
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_healthy_home_is_well_and_a_new_one_says_what_comes_first() {
    let _ports = CallbackPorts::take();
    let sandbox = sandbox();
    let world = logged_in(&sandbox);
    let rows = doctor(&world, "");
    assert_eq!(complaints(&rows), [""; 0]);
    assert!(
        finding(&rows, "credentials/local")["finding"].as_str().unwrap().contains("the platform takes it")
    );
    assert!(
        finding(&rows, "network/platform")["finding"]
            .as_str()
            .unwrap()
            .contains("answers as a platform does")
    );
    for section in ["files", "profiles", "store", "login", "network", "credentials"] {
        assert!(rows.iter().any(|row| row["section"] == section), "{section}");
    }
    world.run("doctor").ok().prints("SECTION\tCHECK\tSTATUS\tFINDING\tFIX\tFIXED\n");
    world.run("doctor -o yaml").ok().prints("- section: files");
    let asked = sandbox.requests().len();
    assert_eq!(finding(&doctor(&world, "--offline"), "network/platforms")["status"], "skipped");
    assert_eq!(sandbox.requests().len(), asked);

    let new = World::new();
    let rows = doctor(&new, "");
    assert_eq!(complaints(&rows).len(), 1, "{:#?}", complaints(&rows));
    let first = finding(&rows, "start/first login");
    assert_eq!(first["fix"], "autocom auth login --api-url https://api.example.test");
    assert!(!new.path("").exists(), "it makes nothing");
}

#[test]
fn modes_are_seen_as_they_are_and_the_command_sets_them() {
    let sandbox = sandbox();
    let world = logged_in(&sandbox);
    for (file, place, open, command) in [
        ("", "files/home", 0o755, "chmod 700 HOME/.autocom/"),
        ("config.toml", "files/config.toml", 0o644, "chmod 600 HOME/.autocom/config.toml"),
        ("logins.toml", "files/logins.toml", 0o640, "chmod 600 HOME/.autocom/logins.toml"),
        ("credentials", "files/credentials", 0o604, "chmod 600 HOME/.autocom/credentials"),
        ("locks", "files/locks", 0o777, "chmod 700 HOME/.autocom/locks"),
    ] {
        chmod(&world.path(file), open);
        is_found_and_mended(&world, place, &format!("mode {open:04o}"), command.trim_end_matches('/'));
    }
}

#[test]
fn what_is_no_file_is_moved_aside_and_what_a_variable_names_is_left_to_who_named_it() {
    let sandbox = sandbox();
    let mut world = logged_in(&sandbox);
    // A pipe that nobody writes to must not be waited for.
    fs::rename(world.path("logins.toml"), world.home().join("aside")).unwrap();
    types(&world, "mkfifo -m 600 .autocom/logins.toml");
    let rows = doctor(&world, "");
    let found = finding(&rows, "files/logins.toml");
    assert!(found["finding"].as_str().unwrap().contains("is not a regular file"), "{found:#}");
    types(&world, found["fix"].as_str().unwrap());
    fs::rename(world.home().join("aside"), world.path("logins.toml")).unwrap();
    assert_eq!(complaints(&doctor(&world, "")), [""; 0]);

    for file in ["config.toml", "credentials"] {
        fs::rename(world.path(file), world.home().join(file)).unwrap();
        chmod(&world.home().join(file), 0o644);
    }
    world.set("AUTOCOM_CONFIG", "config.toml").set("AUTOCOM_CREDENTIALS_FILE", "credentials");
    for more in ["", "--fix"] {
        let rows = doctor(&world, more);
        let config = finding(&rows, "files/config.toml");
        assert!(
            config["finding"].as_str().unwrap().ends_with("(mode 0644), named by AUTOCOM_CONFIG"),
            "{config:#}"
        );
        let open = finding(&rows, "files/credentials");
        assert!(open["status"] == "warn" && open["fixed"] == false, "{open:#}");
        assert_eq!(complaints(&rows).len(), 1, "{:#?}", complaints(&rows));
    }
    let rows = doctor(&world, "");
    types(&world, finding(&rows, "files/credentials")["fix"].as_str().unwrap());
    assert_eq!(complaints(&doctor(&world, "")), [""; 0]);
}

#[test]
fn what_can_not_be_read_or_written_or_is_somebody_elses_is_found() {
    let sandbox = sandbox();
    let mut world = logged_in(&sandbox);
    world.heed_modes();
    chmod(&world.path("config.toml"), 0o000);
    chmod(&world.path(""), 0o500);
    let rows = doctor(&world, "--offline");
    assert!(finding(&rows, "files/home")["finding"].as_str().unwrap().contains("nothing new is kept"));
    let config = finding(&rows, "files/config.toml");
    assert_eq!(config["fix"], format!("chmod 600 {}", world.path("config.toml").display()));
    assert_eq!(config["status"], "broken");
    chmod(&world.path(""), 0o700);
    chmod(&world.path("config.toml"), 0o600);
    if rustix::process::geteuid().is_root() {
        // Nobody runs it, and this is the user with number 1.
        std::os::unix::fs::chown(world.path("config.toml"), Some(1), None).unwrap();
        let rows = doctor(&world, "--offline");
        let config = finding(&rows, "files/config.toml");
        assert!(config["finding"].as_str().unwrap().contains("belongs to user 1"), "{config:#}");
    }
}

#[test]
fn chown_is_proposed_where_chmod_can_not_help() {
    let sandbox = sandbox();
    let mut world = logged_in(&sandbox);
    if !rustix::process::geteuid().is_root() {
        return; // only root can leave root's files
    }
    world.heed_modes();
    let give = |path: &Path, owner: u32| std::os::unix::fs::chown(path, Some(owner), None).unwrap();
    let fix_of = |place: &str| finding(&doctor(&world, "--offline"), place)["fix"].clone();
    let shown = |file: &str| world.path(file).display().to_string().trim_end_matches('/').to_owned();
    let nobody = 65_534;
    // As a command under sudo has left it: root's, and nobody can even look inside.
    give(&world.path(""), 0);
    for place in ["files/home", "files/config.toml", "files/credentials", "files/locks"] {
        assert_eq!(fix_of(place), format!("sudo chown -R \"$(id -u)\" {}", shown("")), "{place}");
    }
    give(&world.path(""), nobody);
    for file in ["config.toml", "logins.toml", "credentials"] {
        give(&world.path(file), 0);
        assert_eq!(fix_of(&format!("files/{file}")), format!("sudo chown \"$(id -u)\" {}", shown(file)));
        give(&world.path(file), nobody);
    }
    let lock = fs::read_dir(world.path("locks")).unwrap().next().unwrap().unwrap().path();
    give(&lock, 0);
    let rows = doctor(&world, "--offline");
    let found = rows.iter().find(|row| row["finding"].as_str().unwrap().contains("can't be locked"));
    assert_eq!(found.unwrap()["fix"], format!("sudo chown -R \"$(id -u)\" {}", shown("locks")));
    give(&lock, nobody);
    // In the home of whoever runs sudo it is another command altogether.
    world.set("SUDO_UID", nobody.to_string());
    assert!(complaints(&doctor(&world, "--offline")).is_empty());
    let mut as_root = world.shell(&format!("'{}' doctor --offline -o json", env!("CARGO_BIN_EXE_autocom")));
    let rows: Vec<Value> = serde_json::from_slice(&as_root.output().unwrap().stdout).unwrap();
    let fix = finding(&rows, "files/home")["fix"].as_str().unwrap().to_owned();
    assert!(fix.starts_with("sudo -u nobody autocom"), "{fix}");
}

#[test]
fn variables_that_name_no_place_are_found() {
    let mut world = World::new();
    world.set("AUTOCOM_HOME", "relative");
    let rows = doctor(&world, "--offline");
    let found = finding(&rows, "files/AUTOCOM_HOME");
    assert_eq!(found["fix"], format!("export AUTOCOM_HOME={}/relative", world.home().display()));
    world.set("AUTOCOM_HOME", "~/x").set("AUTOCOM_CONFIG", "typo.toml");
    // What an autocom has made that took it for a name.
    types(&world, "mkdir -p '~/x'");
    let rows = doctor(&world, "--offline");
    assert_eq!(finding(&rows, "files/config.toml")["fix"], "unset AUTOCOM_CONFIG");
    let old = finding(&rows, "leftovers/AUTOCOM_HOME")["fix"].as_str().unwrap().to_owned();
    types(&world, &old);
    assert!(!world.home().join("~/x").exists());
}

#[test]
fn what_config_toml_says_in_vain_is_found_and_the_command_takes_it_out() {
    let sandbox = sandbox();
    let world = logged_in(&sandbox);
    let good = world.read("config.toml");
    for (added, place, words, command) in [
        (
            "tennant = \"x\"\n",
            "profiles/unknown key",
            "did you mean `tenant`?",
            "autocom config unset tennant",
        ),
        ("credential = \"x\"\n", "profiles/unused key", "`credential`", "autocom config unset credential"),
        (
            "output = \"xml\"\n",
            "profiles/local",
            "must be one of table, json, yaml",
            "autocom config unset output",
        ),
        ("profile = \"lokal\"\n", "profiles/selected", "no profile `lokal`", "autocom profiles use local"),
    ] {
        let rest = good.lines().filter(|line| !line.starts_with("profile =")).collect::<Vec<_>>().join("\n");
        world.config(&format!("{added}{rest}\n"));
        is_found_and_mended(&world, place, words, command);
        world.config(&good);
    }
    world.config(&(good.clone() + "store = \"safe\"\n"));
    is_found_and_mended(
        &world,
        "profiles/local",
        "must be one of auto",
        "autocom config unset profiles.local.store",
    );

    let broken = good.clone() + "[profiles\n";
    world.config(&broken);
    let line = broken.lines().count();
    let rows = doctor(&world, "--fix");
    let found = finding(&rows, "profiles/config.toml");
    assert!(found["finding"].as_str().unwrap().contains(&format!("config.toml:{line}:")), "{found:#}");
    let path = world.path("config.toml");
    assert_eq!(found["fix"], format!("${{EDITOR:-vi}} +{line} {}", path.display()));
    assert_eq!(world.read("config.toml"), broken, "not even --fix writes it");
    world.run("whoami").code(2).says("hint: autocom config edit");
    // What a script expects doesn't keep anybody from looking.
    world.run("doctor --expect profile=local").code(1).prints(&format!("config.toml:{line}:"));
    // Whose credentials these are can't be known now: none is called nobody's.
    world.write("logins.toml", "");
    let rows = doctor(&world, "");
    assert_eq!(complaints(&rows).len(), 1, "{:#?}", complaints(&rows));
    world.config(&(good + "[profiles.loCal]\napi_url = \"https://a.test\"\n"));
    let rows = doctor(&world, "");
    let found = finding(&rows, "profiles/config.toml");
    assert!(found["finding"].as_str().unwrap().contains("can't coexist"), "{found:#}");
    types(&world, found["fix"].as_str().unwrap());
    assert!(complaints(&doctor(&world, "")).iter().all(|it| !it.contains("can't coexist")));
}

#[test]
fn variables_that_do_nothing_are_named_without_their_values() {
    let sandbox = sandbox();
    let mut world = logged_in(&sandbox);
    world.plant("hunter2");
    for (name, value, words, fix) in [
        (
            "AUTOCOM_TENNANT",
            "hunter2",
            "did you mean AUTOCOM_TENANT?",
            "export AUTOCOM_TENANT=\"$AUTOCOM_TENNANT\"; unset AUTOCOM_TENNANT",
        ),
        ("AUTOCOM_TENANT", " ", "empty", "unset AUTOCOM_TENANT"),
        ("AUTOCOM_TOKEN_LOKAL", "hunter2", "did you mean AUTOCOM_TOKEN_LOCAL?", "unset AUTOCOM_TOKEN_LOKAL"),
        ("AUTOCOM_WHATEVER", "hunter2", "no variable of autocom", "unset AUTOCOM_WHATEVER"),
    ] {
        world.set(name, value);
        let rows = doctor(&world, "--offline");
        let found = finding(&rows, &format!("variables/{name}"));
        assert!(found["finding"].as_str().unwrap().contains(words), "{found:#}");
        assert_eq!(found["fix"], fix);
        assert_eq!(complaints(&rows).len(), 1, "{:#?}", complaints(&rows));
        world.unset(name);
    }
    world.run("profiles set local tenant=acme").ok();
    world.set("AUTOCOM_TENANT", "globex");
    let rows = doctor(&world, "--offline");
    assert_eq!(finding(&rows, "variables/AUTOCOM_TENANT")["status"], "ok");
}

#[test]
fn the_state_of_each_credential_is_found_and_nothing_is_renewed() {
    let (sandbox, other) = (sandbox(), sandbox());
    let world = World::new();
    world.log_in_by_oauth(&sandbox);
    // Ended by its record: the next command would renew it.
    let record = world.read("credentials");
    let key = sandbox.api_url();
    let end = world.stored(&key, "expires_at");
    world.write("credentials", &record.replace(&end, "2020-01-01T00:00:00Z"));
    let rows = doctor(&world, "");
    let place =
        rows.iter().find(|row| row["section"] == "credentials" && row["check"] != "logins.toml").unwrap();
    assert!(place["finding"].as_str().unwrap().contains("the next command renews it"), "{place:#}");
    assert_eq!(refreshes(&sandbox), 0);
    world.write("credentials", &record);

    // Dead at the platform: it is rejected, not renewed.
    sandbox.revoke(&world.stored(&key, "access_token"));
    let rows = doctor(&world, "");
    let place = rows.iter().find(|row| row["section"] == "credentials").unwrap();
    assert_eq!(place["status"], "broken", "{place:#}");
    assert!(place["fix"].as_str().unwrap().starts_with("autocom auth login --profile "), "{place:#}");
    assert_eq!(refreshes(&sandbox), 0);
    assert_eq!(world.read("credentials"), record);

    // Turned to another origin, and of a newer version.
    let world = logged_in(&sandbox);
    let table =
        |key: &str| format!("[profiles.b]\napi_url = \"{}\"\ncredential = \"{key}\"\n", other.api_url());
    world.config(&(world.read("config.toml") + &table(&key)));
    let rows = doctor(&world, "");
    let found = finding(&rows, "credentials/b");
    assert!(
        found["status"] == "broken" && found["finding"].as_str().unwrap().contains("belongs to"),
        "{found:#}"
    );
    assert_eq!(found["fix"], "autocom auth login --profile b --token-stdin < token.txt");
    let world = logged_in(&sandbox);
    let record = world.read("credentials");
    world.write("credentials", &record.replacen("{\"version\":1,\"access", "{\"version\":2,\"access", 1));
    let rows = doctor(&world, "--fix");
    let found = finding(&rows, "credentials/local");
    assert!(
        found["status"] == "broken" && found["finding"].as_str().unwrap().contains("newer version"),
        "{found:#}"
    );
    assert!(world.read("credentials").contains("{\"version\":2,"), "it stays");
}

#[test]
fn the_way_to_each_platform_is_told_apart() {
    let json = |status: &str, head: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\n{head}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let no_tls = Site::answering("HTTP/1.1 400 x\r\n\r\n", End::Reset);
    let old = "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
    let unauthenticated = "{\"message\":\"Unauthenticated.\"}";
    for (url, place, status, words) in [
        (format!("http://127.0.0.1:{closed}"), "network/platform", "broken", "nothing accepts connections"),
        ("https://nowhere.invalid".to_owned(), "network/dns", "broken", "no address is known"),
        (no_tls.https(), "network/tls", "broken", "no trusted connection"),
        (
            Site::answering(json("200 OK", "", "<html>"), End::Closed).http(),
            "network/platform",
            "broken",
            "does not answer as an Autocom platform",
        ),
        (
            Site::answering(json("401 x", "", "<html>"), End::Closed).http(),
            "network/platform",
            "warn",
            "not in a platform's words",
        ),
        (
            Site::answering(json("503 x", "", "{}"), End::Closed).http(),
            "network/platform",
            "broken",
            "a problem of its own",
        ),
        (
            Site::answering(json("401 x", old, unauthenticated), End::Closed).http(),
            "network/clock",
            "warn",
            "ahead of",
        ),
        (
            Site::answering(json("401 x", "", unauthenticated), End::Closed).http(),
            "network/clock",
            "skipped",
            "does not tell the time",
        ),
    ] {
        let world = World::new();
        world.config(&format!("[profiles.a]\napi_url = \"{url}\"\n[profiles.b]\napi_url = \"{url}\"\n"));
        let rows = doctor(&world, "");
        let found = finding(&rows, place);
        assert_eq!(found["status"], status, "{found:#}");
        assert!(found["finding"].as_str().unwrap().contains(words), "{found:#}");
        assert!(found["fix"].is_string() || status == "skipped", "{found:#}");
    }
}

#[test]
fn a_platform_that_hangs_is_given_up_in_time_and_no_proxys_password_is_shown() {
    let sandbox = sandbox();
    let mut world = logged_in(&sandbox);
    sandbox.fault("/api/v1/profile", Fault::hang().times(2));
    let rows = doctor(&world, "--request-timeout 0.5");
    assert!(
        finding(&rows, "network/platform")["finding"]
            .as_str()
            .unwrap()
            .contains("did not answer within 0.5 s")
    );
    world.plant("hunter2");
    world.set("HTTPS_PROXY", "http://ada:hunter2@127.0.0.1:9");
    world.run("profiles set far api_url=https://far.test").ok();
    let rows = doctor(&world, "");
    assert!(finding(&rows, "network/proxy")["finding"].as_str().unwrap().contains("the proxy 127.0.0.1:9"));
}

#[test]
fn without_fix_nothing_changes_and_with_it_everything_that_is_safe_is_mended() {
    let sandbox = sandbox();
    let world = logged_in(&sandbox);
    world.log_in(&sandbox, "ada", "-p other --store file");
    let key = sandbox.api_url();
    chmod(&world.path(""), 0o755);
    chmod(&world.path("config.toml"), 0o644);
    chmod(&world.path("credentials"), 0o644);
    let entries = world.read("logins.toml");
    world.write("logins.toml", &entries.replace("Ada Lovelace", "Grace Hopper"));
    let litter = world.path(".autocom-Xy12Z");
    fs::write(&litter, "half").unwrap();
    let two_days = std::time::SystemTime::now() - Duration::from_secs(2 * 86_400);
    fs::File::options().write(true).open(&litter).unwrap().set_modified(two_days).unwrap();
    let fresh = world.path(".autocom-Ab34C");
    fs::write(&fresh, "being written").unwrap();
    world.write("credentials.old", "kept");
    fs::write(world.path("locks/key-gone-0000000000000000.lock"), "").unwrap();

    let before = snapshot(world.home());
    let rows = doctor(&world, "");
    doctor(&world, "--offline");
    assert_eq!(snapshot(world.home()), before, "looking changes nothing");
    let found = complaints(&rows).len();
    assert_eq!(found, 6, "{:#?}", complaints(&rows));
    assert!(rows.iter().all(|row| row["fixed"] == false));

    let config = world.read("config.toml");
    let rows = doctor(&world, "--fix");
    let fixed: Vec<&Value> = rows.iter().filter(|row| row["fixed"] == true).collect();
    assert_eq!(fixed.len(), 5, "{rows:#?}");
    for file in ["config.toml", "credentials"] {
        assert_eq!(mode(&world.path(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&world.path("")), 0o700);
    assert!(!litter.exists() && fresh.exists());
    assert_eq!(world.login_entry(&key)["user_name"].as_str(), Some("Ada Lovelace"));
    assert_eq!(world.read("config.toml"), config);
    // What may be the only copy of something is the user's to remove.
    let rows = doctor(&world, "");
    assert_eq!(complaints(&rows).len(), 1, "{:#?}", complaints(&rows));
    let kept = finding(&rows, "leftovers/kept file");
    types(&world, kept["fix"].as_str().unwrap());
    assert_eq!(complaints(&doctor(&world, "--fix")), [""; 0]);
}

#[test]
fn a_damaged_logins_toml_is_kept_and_rebuilt_from_the_records() {
    let sandbox = sandbox();
    let world = logged_in(&sandbox);
    let entry = world.login_entry(&sandbox.api_url());
    world.write("logins.toml", "fine = 1\nnot [ toml");
    let rows = doctor(&world, "");
    assert_eq!(complaints(&rows).len(), 1, "{:#?}", complaints(&rows));
    let found = finding(&rows, "files/logins.toml");
    assert_eq!(found["fix"], "autocom doctor --fix");
    assert!(found["finding"].as_str().unwrap().contains("logins.toml:2:5: "), "{found:#}");
    assert_eq!(world.read("logins.toml"), "fine = 1\nnot [ toml");
    types(&world, "autocom doctor --fix");
    assert_eq!(world.read("logins.toml.old"), "fine = 1\nnot [ toml");
    assert_eq!(world.login_entry(&sandbox.api_url()), entry);
    assert_eq!(complaints(&doctor(&world, "")), [""; 0]);

    world.write("logins.toml", "");
    is_found_and_mended(
        &world,
        "credentials/logins.toml",
        "does not know of the login",
        "autocom doctor --fix",
    );
    assert_eq!(world.login_entry(&sandbox.api_url()), entry);
}

#[test]
fn a_record_that_nobody_knows_stays_and_can_be_logged_out_or_given_a_profile() {
    let sandbox = sandbox();
    let world = World::new();
    world.log_in(&sandbox, "ada", "-p mine");
    world.config("");
    world.write("logins.toml", "");
    let rows = doctor(&world, "--fix");
    let found = finding(&rows, "leftovers/record");
    assert!(world.read("credentials").contains("access_token"), "--fix leaves the only copy");
    let fix = found["fix"].as_str().unwrap();
    assert_eq!(fix, format!("autocom auth logout --api-url {}", sandbox.api_url()));
    types(&world, fix);
    assert!(!world.read("credentials").contains("access_token"));
    assert_eq!(complaints(&doctor(&world, "")), [""; 0]);

    let table = format!("[profiles.mine]\napi_url = \"{}\"\ncredential = \"mine\"\n", sandbox.api_url());
    world.config(&table);
    world.log_in(&sandbox, "ada", "-p mine");
    world.config("");
    world.write("logins.toml", "");
    let rows = doctor(&world, "");
    types(&world, finding(&rows, "leftovers/record")["fix"].as_str().unwrap());
    types(&world, "autocom doctor --fix");
    world.run("whoami -p mine").ok().prints("ada@example.test");
}

#[test]
fn ports_that_are_taken_are_named() {
    let _ports = CallbackPorts::take();
    let world = World::new();
    let mut taken: Vec<TcpListener> =
        (8765..=8768).map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap()).collect();
    let rows = doctor(&world, "");
    assert_eq!(finding(&rows, "login/callback ports")["status"], "ok");
    taken.push(TcpListener::bind("127.0.0.1:8769").unwrap());
    let outcome: Outcome = world.run("doctor -o json").code(1);
    let rows = outcome.json().as_array().unwrap().clone();
    let found = finding(&rows, "login/callback ports");
    assert_eq!(found["fix"], "autocom auth login --no-browser");
    assert_eq!(found["finding"], "all are taken: 8765, 8766, 8767, 8768, 8769");
}

#[test]
fn without_a_browser_and_over_ssh_the_way_round_is_named() {
    let mut world = World::new();
    world.unset("BROWSER").set("PATH", "/nonexistent");
    let rows = doctor(&world, "");
    assert_eq!(finding(&rows, "login/browser")["fix"], "autocom auth login --no-browser");
    world.set("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22").set("USER", "ada");
    let rows = doctor(&world, "");
    assert_eq!(finding(&rows, "login/browser")["fix"], "ssh -L 8765:127.0.0.1:8765 ada@192.0.2.1");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_of_any_width_shows_commands_whole() {
    let _ports = CallbackPorts::take();
    let sandbox = sandbox();
    let world = logged_in(&sandbox);
    chmod(&world.path("config.toml"), 0o644);
    let command = format!("→ chmod 600 {}", world.path("config.toml").display());
    for columns in [60, 80, 120] {
        let screen = world.run_in_terminal("doctor --color never", columns).ok().stdout;
        assert!(screen.lines().any(|line| line.trim() == command), "{columns}:\n{screen}");
        assert!(screen.contains("1 to look at, nothing broken"), "{screen}");
        for line in screen.lines().filter(|line| !line.contains('→') && !line.contains('/')) {
            assert!(line.chars().count() <= columns, "{columns}: {line:?}");
        }
    }
}

#[cfg(target_os = "linux")]
fn on_keychain(service: &SecretService) -> World {
    let mut world = World::new();
    let bus = service.env().into_iter().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS").unwrap().1;
    world.set("DBUS_SESSION_BUS_ADDRESS", bus.to_str().unwrap()).unset("AUTOCOM_STORE");
    world
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn the_keychain_is_proven_by_a_probe_that_does_not_stay() {
    let (sandbox, service) = (sandbox(), SecretService::start());
    let world = on_keychain(&service);
    world.log_in(&sandbox, "ada", "-p local");
    let rows = doctor(&world, "");
    assert_eq!(finding(&rows, "store/keychain")["finding"], "wrote, read and deleted a probe");
    assert_eq!(complaints(&rows), [""; 0]);
    assert_eq!(service.accounts(), [sandbox.api_url()]);

    // An older copy in the file.
    let file = World::new();
    file.log_in(&sandbox, "ada", "-p local");
    let copy = file.read("credentials");
    let written = file.stored(&sandbox.api_url(), "written_at");
    world.write("credentials", &copy.replace(&written, "2020-01-01T00:00:00Z"));
    is_found_and_mended(
        &world,
        "credentials/shadow copy",
        "the copy in the file is the older one",
        "autocom doctor --fix",
    );
    assert!(!world.read("credentials").contains("access_token"));
    // A newer one: then the keychain's goes.
    let later: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    world.write("credentials", &copy.replace(&written, &later.to_string()));
    is_found_and_mended(
        &world,
        "credentials/shadow copy",
        "the copy in the keychain is the older one",
        "autocom doctor --fix",
    );
    assert!(service.accounts().is_empty());
    assert_eq!(world.login_entry(&sandbox.api_url())["store"].as_str(), Some("file"));
    world.run("whoami --check").ok();
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs gnome-keyring and dbus; run by tests/run"]
fn a_keychain_that_is_locked_hangs_or_is_gone_ends_in_time() {
    let (sandbox, mut service) = (sandbox(), SecretService::start());
    let mut world = on_keychain(&service);
    world.log_in(&sandbox, "ada", "-p local");
    let before = world.files();
    for case in ["locked", "gave no answer", "no Secret Service"] {
        match case {
            "locked" => service.lock(),
            "gave no answer" => {
                service.unlock();
                service.freeze();
            }
            _ => {
                service.thaw();
                service.kill();
            }
        }
        let mut watch = (case == "gave no answer").then(|| service.watch());
        let rows = doctor(&world, "");
        assert_eq!(watch.as_mut().map_or(1, Watch::calls), 1, "{case}: it is waited for once");
        drop(watch);
        let found = finding(&rows, "store/keychain");
        assert!(
            found["status"] == "broken" && found["finding"].as_str().unwrap().contains(case),
            "{found:#}"
        );
        assert_eq!(found["fix"], "autocom auth login --store file");
        assert_eq!(finding(&rows, "credentials/local")["status"], "broken", "{case}");
        assert_eq!(world.files(), before);
    }
    world.set("AUTOCOM_STORE", "file");
    world.write("logins.toml", "");
    let rows = doctor(&world, "");
    assert_eq!(finding(&rows, "store/keychain")["finding"], "not touched: store = file");
}
