//! A repository that was cloned, and whose `.autocom.toml` means harm: whatever it is, nothing gets selected by
//! it, nobody's token goes where it points, and nothing hangs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use autocom::domain::Key;

use crate::platform::{Options, Sandbox};
use crate::support::World;

/// Somebody who works with staging and is logged in to prod, too; `evil` is a clone.
struct Victim {
    world: World,
    prod: Sandbox,
    _staging: Sandbox,
    /// How many requests prod had seen before.
    seen: usize,
}

const FILE: &str = "evil/.autocom.toml";

impl Victim {
    fn new() -> Victim {
        let [prod, staging] = [(), ()].map(|()| Sandbox::start(Options::default()).unwrap());
        let world = World::new();
        world.log_in(&prod, "ada", "--profile prod");
        world.log_in(&staging, "ada", "--profile staging --use");
        world.run(&format!("profiles set other api_url={}", staging.api_url())).ok();
        fs::create_dir_all(world.home().join("evil/src")).unwrap();
        let seen = prod.requests().len();
        Victim { world, prod, _staging: staging, seen }
    }

    fn file(&self) -> std::path::PathBuf {
        self.world.home().join(FILE)
    }

    fn holds(&self, text: impl AsRef<[u8]>) {
        self.clear();
        fs::write(self.file(), text).unwrap();
    }

    fn clear(&self) {
        match self.file().symlink_metadata() {
            Ok(it) if it.is_dir() => fs::remove_dir(self.file()).unwrap(),
            Ok(_) => fs::remove_file(self.file()).unwrap(),
            Err(_) => {}
        }
    }

    /// Commands of all kinds go to staging, in the repository and below it.
    #[track_caller]
    fn is_unmoved(&self, what: &str) {
        for folder in ["evil", "evil/src"] {
            let current = self.world.run_in(folder, "profiles current");
            assert_eq!((current.stdout.as_str(), current.code), ("staging\n", 0), "{what}: {current:?}");
        }
        for line in ["whoami --check", "api profile", "exec -- true"] {
            let outcome = self.world.run_in("evil", line);
            assert_eq!(outcome.code, 0, "{what}: {line}: {outcome:?}");
        }
        assert_eq!(self.prod.requests().len(), self.seen, "{what}: prod was asked");
    }

    /// It can't be accepted either.
    #[track_caller]
    fn is_refused(&self, what: &str, why: &str) {
        let outcome = self.world.run_in("evil", "profiles pin --accept");
        assert!(outcome.code == 2 && outcome.stderr.contains(why), "{what}: {why:?}: {outcome:?}");
        assert!(!outcome.stderr.contains('\x1b'), "{what}: {outcome:?}");
        assert!(!self.world.path("pins.toml").exists() || !self.world.read("pins.toml").contains("accepted"));
        self.is_unmoved(what);
    }
}

#[test]
fn a_file_that_nobody_accepted_selects_nothing_and_says_so_in_a_terminal() {
    let victim = Victim::new();
    victim.holds("profile = \"prod\"\n");
    victim.is_unmoved("naming prod");
    assert_eq!(victim.world.run_in("evil", "profiles current").stderr, "", "a script is not told");
    #[cfg(target_os = "linux")]
    {
        let said = victim.world.run_in_terminal_in("evil/src", "whoami").ok().stderr;
        let hint = format!("profiles pin --accept {}", fs::canonicalize(victim.file()).unwrap().display());
        assert_eq!(said.matches(&hint).count(), 1, "{said}");
        assert!(said.contains("asks for profile prod and is ignored"), "{said}");
    }
}

#[test]
fn nothing_but_a_profile_can_stand_in_it() {
    let victim = Victim::new();
    let url = victim.prod.api_url();
    for key in Key::ALL.into_iter().filter(|key| *key != Key::Profile) {
        let value = match key {
            Key::ApiUrl => format!("{url:?}"),
            _ if key.is_bool() => "true".to_owned(),
            _ => "\"prod\"".to_owned(),
        };
        let says = format!("`{key}`");
        victim.holds(format!("{key} = {value}\n"));
        victim.is_refused(key.as_str(), &says);
        victim.holds(format!("profile = \"prod\"\n{key} = {value}\n"));
        victim.is_refused(key.as_str(), &says);
    }
    for (text, says) in [
        ("token = \"x\"", "`token`"),
        ("profile = \"prod\"\nPROFILE = \"prod\"", "`PROFILE`"),
        ("profile = \"prod\"\n\"profile \" = \"prod\"", "`profile`"),
        ("profile = \"prod\"\n[profiles.prod]\napi_url = \"https://evil.test\"", "`profiles`"),
        ("profiles.staging.api_url = \"https://evil.test\"", "`profiles`"),
        ("profile.name = \"prod\"", "must be a string"),
        ("[profile]\nname = \"prod\"", "must be a string"),
        ("profile = [\"prod\"]", "must be a string"),
        ("profile = { name = \"prod\" }", "must be a string"),
        ("profile = true", "must be a string"),
        ("[[profile]]\nname = \"prod\"", "must be a string"),
        ("profile = \"staging\"\nprofile = \"prod\"", "is not TOML"),
        ("profile = prod", "is not TOML"),
        ("profile = \"\"", "its `profile` must be 1 to 64"),
        ("profile = \"../prod\"", "its `profile` must be 1 to 64"),
        ("profile = \"prod\\u001b[2J\"", "its `profile` must be 1 to 64"),
        ("profile = \"prod\x1b[2J\"", "is not TOML"),
        ("\"\\u001b]0;pwned\\u0007\\u009b\" = 1", "only `profile` may stand in it"),
        ("", "names no profile"),
        ("# profile = \"prod\"", "names no profile"),
        ("profile = \"prdo\"", "there is no profile `prdo`"),
    ] {
        victim.holds(text);
        victim.is_refused(text, says);
    }
    let near = victim.world.run_in("evil", "profiles pin --accept").code(2);
    near.says("there is no profile `prdo` (named by ").says(".autocom.toml:1)").says("did you mean prod?");
}

#[test]
fn what_is_no_small_text_file_is_not_read() {
    let victim = Victim::new();
    let target = |path: &Path| {
        victim.clear();
        symlink(path, victim.file()).unwrap();
    };
    let home = victim.world.home();
    fs::write(home.join("good.toml"), "profile = \"prod\"\n").unwrap();
    for path in [
        home.join("good.toml"),
        victim.world.path("config.toml"),
        victim.world.path("credentials"),
        "/dev/zero".into(),
        "/dev/stdin".into(),
        "/nonexistent".into(),
        ".autocom.toml".into(),
        ".".into(),
    ] {
        target(&path);
        victim.is_refused(&path.display().to_string(), "is a symbolic link");
    }

    victim.holds("profile = \"prod\"\n");
    fs::File::options().write(true).open(victim.file()).unwrap().set_len(100 << 20).unwrap();
    victim.is_refused("100 MB", "is larger than 4 KiB");
    victim.holds(format!("profile = \"prod\"\n#{}\n", "x".repeat(4096)));
    victim.is_refused("a little too large", "is larger than 4 KiB");
    victim.holds(b"profile = \"prod\" # \xff\xfe\n");
    victim.is_refused("no UTF-8", "is not UTF-8");
    victim.holds("profile = \"prod\"\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    victim.is_refused("UTF-16", "is not");

    victim.clear();
    assert!(Command::new("mkfifo").arg(victim.file()).status().unwrap().success());
    victim.is_refused("a pipe", "is not a regular file");
    victim.clear();
    let _socket = std::os::unix::net::UnixListener::bind(victim.file()).unwrap();
    victim.is_refused("a socket", "is not a regular file");
    victim.clear();
    fs::create_dir(victim.file()).unwrap();
    victim.is_refused("a folder", "is not a regular file");
}

#[test]
fn one_that_may_not_be_read_selects_nothing() {
    let mut victim = Victim::new();
    victim.holds("profile = \"prod\"\n");
    victim.world.heed_modes();
    fs::set_permissions(victim.file(), fs::Permissions::from_mode(0o000)).unwrap();
    victim.is_refused("unreadable", "could not read");
    // Nor does one that was accepted before.
    fs::set_permissions(victim.file(), fs::Permissions::from_mode(0o600)).unwrap();
    victim.holds("profile = \"other\"\n");
    std::os::unix::fs::chown(
        victim.file(),
        fs::metadata(victim.world.home()).ok().map(|it| owner(&it)),
        None,
    )
    .unwrap();
    victim.world.run_in("evil", "profiles pin --accept").ok();
    fs::set_permissions(victim.file(), fs::Permissions::from_mode(0o000)).unwrap();
    victim
        .world
        .run_in("evil", "profiles current")
        .ok()
        .says("has changed since it was accepted")
        .prints("staging");
}

fn owner(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}

#[test]
fn it_counts_with_the_content_and_at_the_path_that_were_accepted_and_not_otherwise() {
    let victim = Victim::new();
    let good = "# Work here goes to staging.\nprofile = \"other\"\n";
    let counts = |folder: &str| victim.world.run_in(folder, "profiles current").ok().stdout == "other\n";
    victim.holds(good);
    let accepted = victim.world.run_in("evil/src", "profiles pin --accept").ok();
    accepted.says(FILE).says("profile other");
    assert!(counts("evil") && counts("evil/src") && !counts(""));

    for changed in
        ["profile = \"prod\"\n", "profile = \"other\"\n", &good.replace("other", "prod"), &format!("{good}#")]
    {
        victim.holds(changed);
        victim.is_unmoved(changed);
        let said = victim.world.run_in("evil", "profiles current").ok();
        said.says("has changed since it was accepted").says("autocom profiles pin --accept ");
    }
    fs::write(victim.world.home().join("same.toml"), good).unwrap();
    victim.clear();
    symlink(victim.world.home().join("same.toml"), victim.file()).unwrap();
    victim.is_unmoved("a link to the very same content");
    victim.clear();
    victim.is_unmoved("gone");
    assert_eq!(victim.world.run_in("evil", "profiles current").stderr, "");
    victim.holds(good);
    assert!(counts("evil"), "it is what was accepted");

    // The clone moves, and another comes in its place.
    fs::rename(victim.world.home().join("evil"), victim.world.home().join("moved")).unwrap();
    fs::create_dir_all(victim.world.home().join("evil/src")).unwrap();
    assert!(!counts("moved") && !counts("moved/src") && !counts("evil"));
    // A folder that only leads there is the same one.
    fs::remove_dir_all(victim.world.home().join("evil")).unwrap();
    fs::rename(victim.world.home().join("moved"), victim.world.home().join("evil")).unwrap();
    symlink("evil", victim.world.home().join("alias")).unwrap();
    assert!(counts("alias/src"));

    victim.world.run_in("evil", "profiles unpin --file").ok().says("is not accepted any more");
    victim.is_unmoved("taken back");
}

#[test]
fn a_repository_in_an_accepted_one_does_not_count_by_that() {
    let victim = Victim::new();
    victim.holds("profile = \"other\"\n");
    victim.world.run_in("evil", "profiles pin --accept").ok();
    fs::write(victim.world.home().join("evil/src/.autocom.toml"), "profile = \"prod\"\n").unwrap();
    let current = victim.world.run_in("evil/src", "profiles current").ok();
    assert_eq!(current.stdout, "other\n", "the nearest that was accepted");
}

#[cfg(target_os = "linux")]
#[test]
fn its_names_do_not_steer_the_terminal() {
    let victim = Victim::new();
    let folder = "evil/\x1b[2J\x1b]0;pwned\x07\u{202e}";
    fs::create_dir(victim.world.home().join(folder)).unwrap();
    let file = victim.world.home().join(folder).join(".autocom.toml");
    for text in ["profile = \"prod\"\n", "\"\\u001b[31m\" = 1\n", "\x1b[2J"] {
        fs::write(&file, text).unwrap();
        for line in [
            "--color never profiles current",
            "--color never profiles pin --accept",
            "--color never profiles pin",
        ] {
            let outcome = victim.world.run_in_terminal_in(folder, line);
            let said = outcome.stderr + &outcome.stdout;
            assert!(!said.contains(['\x1b', '\x07', '\u{202e}']), "{text:?}: {line}: {said:?}");
        }
        victim.world.run_in(folder, "profiles unpin --file").ok();
    }
    assert_eq!(victim.prod.requests().len(), victim.seen);
}
