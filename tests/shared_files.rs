//! Files that several homes, users or paths share: a lock belongs to the file, a write keeps its owner, and a
//! file that can't be renamed over is written in place or not at all.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use crate::platform::{Fault, Gate, Knobs, Options, Request, Sandbox};
use crate::support::World;
use crate::support::platform::refreshes;
use crate::support::world::{DEADLINE, Running, has_open, until};

/// Holds the file's lock until processes of two homes have come to it, then waits for all. Within a home they
/// queue up before that.
fn meet_at(file: &Path, commands: impl Iterator<Item = Running>) {
    let held = File::open(file).unwrap();
    held.lock().unwrap();
    let commands: Vec<_> = commands.collect();
    let waiting = || commands.iter().filter(|command| has_open(command.id(), file)).count();
    assert!(until(|| waiting() == 2), "the homes do not meet at the file");
    drop(held);
    commands.into_iter().for_each(|command| drop(command.finish().ok()));
}

/// A home of its own for each process, and the names that one file has.
fn named(world: &mut World, n: usize, variables: &[(&str, &str)]) {
    world.set("AUTOCOM_HOME", world.home().join(format!("home-{}", n % 2)).display().to_string());
    for (variable, file) in variables {
        let path = world.home().join(file);
        let link = world.home().join(format!("link-to-{file}"));
        if link.symlink_metadata().is_err() {
            symlink(file, &link).unwrap();
        }
        let name = match n % 3 {
            0 => path.display().to_string(),
            1 => link.display().to_string(),
            _ => format!("./{file}"),
        };
        world.set(variable, name);
    }
}

#[test]
fn writers_of_one_config_from_several_homes_and_by_several_names_lose_nothing() {
    let mut world = World::new();
    let config = world.home().join("shared.toml");
    fs::write(&config, "# kept\n").unwrap();
    let start = |n| {
        named(&mut world, n, &[("AUTOCOM_CONFIG", "shared.toml")]);
        world.start(&format!("profiles set p{n} api_url=https://h{n}.test"))
    };
    meet_at(&config, (0..24).map(start));
    let text = fs::read_to_string(&config).unwrap();
    assert!((0..24).all(|n| text.contains(&format!("https://h{n}.test"))), "{text}");
    assert!(text.starts_with("# kept\n"));
}

#[test]
fn users_who_log_in_from_several_homes_into_shared_files_keep_their_own_logins() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let config = world.home().join("shared.toml");
    fs::write(&config, "").unwrap();
    let users = ["ada", "grace", "mary"];
    let start = |(n, user): (usize, &&str)| {
        let token = sandbox.mint_pat(user, None);
        world.plant(&token);
        named(&mut world, n, &[("AUTOCOM_CONFIG", "shared.toml"), ("AUTOCOM_CREDENTIALS_FILE", "tokens")]);
        let tenant = if *user == "mary" { "--tenant globex" } else { "" };
        let line = format!("auth login -p {user} --api-url {} --token-stdin {tenant}", sandbox.api_url());
        let mut login = world.start_open(&line);
        login.input(&token);
        login
    };
    meet_at(&config, users.iter().enumerate().map(start));
    for user in users {
        let answer = world.run(&format!("whoami -p {user} -o json")).ok().json();
        assert_eq!(answer["email"], format!("{user}@example.test"));
    }
}

#[test]
fn a_lock_that_can_not_be_had_is_named_and_nothing_is_written() {
    let mut world = World::new();
    let config = world.home().join("theirs/config.toml");
    fs::create_dir(config.parent().unwrap()).unwrap();
    fs::write(&config, "output = \"json\"\n").unwrap();
    world.set("AUTOCOM_CONFIG", config.display().to_string());
    world.heed_modes();
    fs::set_permissions(&config, PermissionsExt::from_mode(0o000)).unwrap();
    world.run("config set output yaml").code(1).says("theirs/config.toml");
    fs::set_permissions(&config, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(fs::read_to_string(&config).unwrap(), "output = \"json\"\n");
    let left: Vec<_> = fs::read_dir(config.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing beside it");
}

#[test]
fn root_leaves_a_file_to_its_owner_and_group() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: needs root");
    }
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let [config, tokens] = ["shared.toml", "tokens"].map(|file| world.home().join(file));
    fs::write(&config, "# kept\n").unwrap();
    fs::write(&tokens, "").unwrap();
    fs::set_permissions(&config, PermissionsExt::from_mode(0o640)).unwrap();
    fs::set_permissions(&tokens, PermissionsExt::from_mode(0o600)).unwrap();
    chown(&config, Some(0), Some(33)).unwrap();
    chown(&tokens, Some(0), Some(33)).unwrap();
    world.set("AUTOCOM_CONFIG", config.display().to_string());
    world.set("AUTOCOM_CREDENTIALS_FILE", tokens.display().to_string());
    world.log_in(&sandbox, "ada", "-p dev");
    chown(&config, Some(65534), Some(65534)).unwrap();
    world.run("config set output json").ok();
    let owner = |path: &Path| fs::metadata(path).map(|it| (it.uid(), it.gid(), it.mode() & 0o777)).unwrap();
    assert_eq!(owner(&config), (65534, 65534, 0o640));
    assert_eq!(owner(&tokens), (0, 33, 0o600));
}

/// A home with a login whose token is due, and its credential file outside of it.
fn due() -> (World, Sandbox) {
    let knobs = Knobs { access_ttl_seconds: 20, refreshed_ttl_seconds: Some(3600), ..Knobs::default() };
    let sandbox = Sandbox::start(Options { knobs, ..Options::default() }).unwrap();
    let world = World::new();
    world.log_in_by_oauth(&sandbox);
    (world, sandbox)
}

/// Runs a shell line in a mount namespace of its own; `None` where the machine has no mounts for us.
fn with_mounts(world: &World, script: &str) -> Option<std::process::Output> {
    let has_mounts = world.shell("unshare -m mount -t tmpfs none /mnt").output().unwrap().status.success();
    if !has_mounts {
        eprintln!("skipped: needs the right to mount");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_autocom");
    let script = format!("unshare -m sh -euc '{script}'").replace("AUTOCOM ", &format!("{program} "));
    Some(world.shell(&script).output().unwrap())
}

#[test]
fn a_refresh_into_a_mounted_credential_file_is_kept() {
    let (world, sandbox) = due();
    let outside = world.home().join("outside");
    fs::rename(world.path("credentials"), &outside).unwrap();
    let script = "touch .autocom/credentials; mount --bind outside .autocom/credentials; \
                  AUTOCOM api profile; AUTOCOM api profile";
    let Some(done) = with_mounts(&world, script) else { return };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(refreshes(&sandbox), 1);
    fs::rename(&outside, world.path("credentials")).unwrap();
    world.run("auth status --check").ok();
    assert_eq!(refreshes(&sandbox), 1);
    assert_eq!(fs::read_dir(world.path("copies")).unwrap().count(), 0, "no copy of a secret is left");
}

#[test]
fn a_mounted_file_without_a_place_for_its_copy_is_refused_before_anything_is_sent() {
    let (world, sandbox) = due();
    let outside = world.home().join("outside");
    fs::rename(world.path("credentials"), &outside).unwrap();
    let script = "touch .autocom/credentials; mount --bind outside .autocom/credentials; \
                  touch .autocom/copies; AUTOCOM auth refresh";
    let Some(done) = with_mounts(&world, script) else { return };
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("is a mount point"));
    assert_eq!(refreshes(&sandbox), 0);
}

#[test]
fn a_disk_that_fills_up_while_the_platform_answers_costs_no_login() {
    let (world, sandbox) = due();
    let gate = Gate::shut();
    let granted = r#"{"access_token":"granted-access","refresh_token":"granted-refresh","expires_in":3600}"#;
    sandbox.fault("/oauth/token", Fault::status(200).body("application/json", granted).behind(&gate));
    let script = "mkdir disk; mount -t tmpfs -o size=64k none disk; cp .autocom/credentials disk/tokens; \
                  export AUTOCOM_CREDENTIALS_FILE=$PWD/disk/tokens; AUTOCOM auth refresh & \
                  while ! [ -e asked ]; do sleep 0.01; done; \
                  dd if=/dev/zero of=disk/full bs=1k 2> /dev/null || touch full; \
                  wait $!; cp disk/tokens .autocom/credentials";
    let [asked, full] = ["asked", "full"].map(|file| world.home().join(file));
    let done = std::thread::scope(|threads| {
        threads.spawn(|| {
            let is_refresh = |request: &Request| request.form_field("refresh_token").is_some();
            if sandbox.wait_for_request(is_refresh, DEADLINE).is_some() {
                fs::write(asked, "").unwrap();
                until(|| full.exists());
            }
            gate.open();
        });
        with_mounts(&world, script).inspect(|_| gate.open())
    });
    let Some(done) = done else { return };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(full.exists());
    assert_eq!(world.stored(&sandbox.api_url(), "refresh_token"), "granted-refresh");
}

#[test]
fn a_credential_file_of_root_in_a_sticky_folder_is_not_refreshed_by_others() {
    let (mut world, sandbox) = due();
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: needs root");
    }
    let folder = world.home().join("sticky");
    fs::create_dir(&folder).unwrap();
    fs::rename(world.path("credentials"), folder.join("tokens")).unwrap();
    world.heed_modes();
    for path in [&folder, &folder.join("tokens")] {
        chown(path, Some(0), Some(0)).unwrap();
    }
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o1777)).unwrap();
    fs::set_permissions(folder.join("tokens"), PermissionsExt::from_mode(0o644)).unwrap();
    world.set("AUTOCOM_CREDENTIALS_FILE", folder.join("tokens").display().to_string());
    world.run("auth refresh").code(6).says("sticky/tokens");
    assert_eq!(refreshes(&sandbox), 0);
}

#[test]
fn doctor_mentions_hard_links_which_a_write_does_not_keep() {
    let world = World::new();
    world.config("output = \"json\"\n");
    fs::hard_link(world.path("config.toml"), world.home().join("other-name")).unwrap();
    world.run("doctor --offline").ok().prints("hard links");
    world.run("config set output table").ok();
    assert!(!world.run("doctor --offline").ok().stdout.contains("hard links"));
}
