//! Variables only, a read-only home, no home at all: what needs no write still works.

use crate::platform::{Options, Sandbox};
use crate::support::World;

/// Everything that needs no write, with a token in a variable.
fn works_from_variables(world: &mut World, sandbox: &Sandbox) {
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    world
        .set("AUTOCOM_API_URL", sandbox.api_url())
        .set("AUTOCOM_TOKEN", &token)
        .set("AUTOCOM_TENANT", "globex");
    let whoami = world.run("whoami -o json").ok().json();
    assert_eq!((&whoami["email"], &whoami["tenant"]), (&"ada@example.test".into(), &"globex".into()));
    assert_eq!(world.run("auth status -o json").ok().json()["token"], "env");
    assert_eq!(world.run("profiles list -o json").ok().json()[0]["token"], "env");
    for line in ["config list", "config get tenant", "profiles show", "version", "--help"] {
        assert_eq!(world.run(line).ok().stderr, "", "{line}");
    }
    world.run("profiles current").code(2).says("AUTOCOM_API_URL");
    world.set("AUTOCOM_PROFILE", "ci");
    assert_eq!(world.run("profiles current").ok().stdout, "ci\n");
    assert_eq!(world.run("whoami -o json").ok().json()["profile"], "ci");
    world.unset("AUTOCOM_PROFILE").unset("AUTOCOM_TOKEN");
    world.run("whoami").code(4).says("not logged in");
    world.run("auth logout").ok().says("logged out already");
    world.run("auth logout --all").ok().says("Nobody was logged in");
    world.set("AUTOCOM_TOKEN", &token);
}

#[test]
fn without_a_home_the_variables_are_enough() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.unset("HOME");
    works_from_variables(&mut world, &sandbox);
    let hint = "set HOME or AUTOCOM_HOME";
    world.run("config set tenant acme").code(2).says(hint);
    world.run("config path").code(2).says(hint);
    world.run_with_input("login --token-stdin", "x").code(6).says(hint);
    assert_eq!(std::fs::read_dir(world.home()).unwrap().count(), 0);
}

#[test]
fn a_home_that_is_no_folder_is_as_good_as_none() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.set("HOME", "/dev/null");
    works_from_variables(&mut world, &sandbox);
    world.run("config set tenant acme").code(1).says("/dev/null/.autocom");
    world.run_with_input("login --token-stdin", "x").code(6).says("/dev/null/.autocom");
}

#[cfg(unix)]
#[test]
fn a_read_only_home_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile one");
    world.heed_modes();
    let chmod = |world: &World, mode: u32| {
        for folder in ["", "locks"] {
            std::fs::set_permissions(world.path(folder), std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    chmod(&world, 0o500);
    let before = world.files();
    assert_eq!(world.run("whoami").ok().stderr, "");
    assert_eq!(world.run("auth status -o json").ok().json()["token"], "valid");
    assert_eq!(world.tokens(), [("one".to_owned(), "valid".to_owned())]);
    // Also where there is something to mend.
    let logins = world.read("logins.toml");
    chmod(&world, 0o700);
    let stale = logins.replace("ada@", "eve@").replace("expires_at = ", "# ");
    world.write("logins.toml", &stale);
    world.heed_modes();
    chmod(&world, 0o500);
    assert_eq!(world.run("auth status -o json").ok().json()["email"], "ada@example.test");
    let expires = world.run("whoami -o json").ok().json()["expires_at"].clone();
    assert!(expires.is_null(), "{expires}");
    let checked = world.run("whoami --check -o json").ok().json()["expires_at"].clone();
    assert!(checked.is_string(), "as the record has it: {checked}");
    let outcome = world.run("config set tenant acme").code(1);
    outcome.says("could not").says("config");
    world.run("auth logout").code(6);
    assert_eq!(world.run("auth logout --api-url https://b.test").ok().stdout, "");
    assert_eq!(
        (world.read("config.toml"), world.read("credentials")),
        (before[0].clone(), before[2].clone())
    );
    works_from_variables_beside(&mut world, &sandbox);
    chmod(&world, 0o700);
}

/// The variables speak of another environment than the files.
#[cfg(unix)]
fn works_from_variables_beside(world: &mut World, sandbox: &Sandbox) {
    let other = Sandbox::start(Options::default()).unwrap();
    let token = other.mint_pat("grace", None);
    world.plant(&token);
    world.set("AUTOCOM_API_URL", other.api_url()).set("AUTOCOM_TOKEN", &token);
    world.run("whoami").ok().prints("grace@example.test");
    assert_eq!(world.run("profiles list -o json").ok().json()[1]["active"], true);
    let before = sandbox.requests().len();
    world.run("whoami --profile one").ok().prints("Ada Lovelace");
    assert_eq!(sandbox.requests().len(), before);
}

/// What a CI job does whose home is not its own, or can't be read.
#[cfg(unix)]
#[test]
fn a_home_that_can_not_be_read_stops_nothing_that_needs_no_file() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let is_root = rustix::process::geteuid().is_root();
    world.heed_modes();
    let home = |name: &str| {
        let folder = world.home().join(name);
        std::fs::create_dir_all(folder.join(".autocom")).unwrap();
        std::fs::write(folder.join(".autocom/config.toml"), "api_url = \"https://other.test\"\n").unwrap();
        folder
    };
    let shut = |folder: &std::path::Path| {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o000)).unwrap();
    };
    let (closed, inside, foreign) = (home("closed"), home("inside"), home("foreign"));
    shut(&closed);
    shut(&inside.join(".autocom"));
    let mut homes = vec![closed, inside];
    if is_root {
        // As with a root that is squashed: root's, for nobody else to enter; and quite another's.
        chown(foreign.join(".autocom"), Some(12_345), None).unwrap();
        chown(foreign.join(".autocom/config.toml"), Some(12_345), None).unwrap();
        homes.push(foreign);
    }
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    for home in homes {
        world.set("HOME", home.display().to_string());
        let shown = home.display().to_string();
        for line in ["whoami", "profiles list", "profiles use x", "-p default whoami", "auth logout --all"] {
            world.run(line).code(1).says(&shown);
        }
        world.set("AUTOCOM_API_URL", sandbox.api_url()).set("AUTOCOM_TOKEN", &token);
        world.set("AUTOCOM_TENANT", "globex");
        for (line, prints) in [
            ("whoami", "ada@example.test"),
            ("auth status", "env"),
            ("profiles list", "env"),
            ("api profile", "ada@example.test"),
            ("tenants list", "globex"),
            ("exec -- echo ran", "ran"),
        ] {
            let outcome = world.run(line).ok().prints(prints).says("continuing without it");
            assert_eq!(outcome.stderr.matches("warning:").count(), 1, "{outcome:?}");
        }
        world.unset("AUTOCOM_API_URL").unset("AUTOCOM_TOKEN").unset("AUTOCOM_TENANT");
        for folder in [home.clone(), home.join(".autocom")] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
    }
}
