//! Switching: for every shell and back, for a directory, for one shell; and what stands in its way.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use crate::platform::{Options, Sandbox};
use crate::support::World;

/// Profiles `one`, `two` and `three`, the first active; folders `shop/api`.
fn world() -> World {
    let world = World::new();
    let table = |name: &str| {
        format!("[profiles.{name}]\napi_url = \"https://{name}.test/api/v1\"\ntenant = \"acme\"\n")
    };
    world.config(&format!("profile = \"one\"\n{}{}{}", table("one"), table("two"), table("three")));
    fs::create_dir_all(world.home().join("shop/api")).unwrap();
    world
}

#[track_caller]
fn current(world: &World, folder: &str) -> String {
    world.run_in(folder, "-o table profiles current").ok().stdout.trim_end().to_owned()
}

#[test]
fn the_longest_directory_that_is_bound_wins_by_whatever_name_it_is_reached() {
    let world = world();
    symlink("shop", world.home().join("alias")).unwrap();
    world.run("profiles pin two alias/../shop/api/..").ok().says("shop to profile two");
    world.run_in("alias/api", "profiles pin three").ok();
    let seen = ["", "shop", "alias", "shop/api", "alias/api"].map(|folder| current(&world, folder));
    assert_eq!(seen, ["one", "two", "two", "three", "three"]);
    let mode = fs::metadata(world.path("pins.toml")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let listed = world.run_in("shop", "profiles pin -o json").ok().json();
    let path = |folder: &str| fs::canonicalize(world.home().join(folder)).unwrap().display().to_string();
    let row = |folder: &str, profile: &str, active: bool| json!({"path": path(folder), "profile": profile, "kind": "directory", "state": "ok", "active": active});
    assert_eq!(listed, json!([row("shop", "two", true), row("shop/api", "three", false)]));

    world.run_in("shop/api", "profiles unpin").ok().says("is pinned to profile two, which holds below it");
    assert_eq!(current(&world, "shop/api"), "two");
    world.run_in("shop/api", "profiles unpin").ok().says("was not pinned");
    world.run("profiles unpin shop").ok();
    assert_eq!(current(&world, "shop/api"), "one");
}

#[test]
fn what_can_not_be_bound_is_said_and_binds_nothing() {
    let world = world();
    fs::write(world.home().join("file"), "").unwrap();
    world.run("profiles pin two nowhere").code(2).says("nowhere does not exist");
    world.run("profiles pin two file").code(2).says("file is not a directory");
    world.run("profiles pin twoo").code(2).says("there is no profile `twoo`").says("did you mean two?");
    world.run("profiles pin two --accept").code(2);
    world.run("profiles pin --accept").code(2).says("there is no .autocom.toml here or in a directory above");
    world.run("profiles pin --accept file").code(2).says("is not named .autocom.toml");
    assert!(!world.path("pins.toml").exists());
}

#[test]
fn pins_follow_a_rename_and_end_with_their_profile() {
    let world = world();
    world.run("profiles pin two shop").ok();
    fs::write(world.home().join("shop/api/.autocom.toml"), "profile = \"two\"\n").unwrap();
    world.run("profiles pin --accept shop/api").ok();
    world
        .run("profiles rename two zwei")
        .ok()
        .says("directory that is pinned to it follows")
        .says("still names two");
    assert_eq!(current(&world, "shop"), "zwei");
    world.run("profiles unpin shop").ok();
    // Never a profile that nobody meant.
    let gone = world.run_in("shop/api", "profiles current").code(2);
    gone.says("there is no profile `two`").says("shop/api/.autocom.toml").says("profiles unpin --file");
    world.run("profiles rename zwei two").ok();
    world.run("profiles pin two shop").ok();
    let removed = world.run("profiles remove two").ok();
    removed
        .says("shop is not pinned to it any more")
        .says(".autocom.toml, which names it, is not accepted any more");
    assert_eq!(current(&world, "shop/api"), "one");
    assert_eq!(world.run("profiles pin").ok().stdout.lines().count(), 1, "the header is left");
}

#[test]
fn a_pin_whose_profile_is_gone_is_an_error_that_names_it() {
    let world = world();
    world.run("profiles pin two shop").ok();
    world.config(&world.read("config.toml").replace("[profiles.two]", "[profiles.zwei]"));
    let gone = world.run_in("shop", "whoami").code(2);
    gone.says("there is no profile `two` (named by pin of ").says("autocom profiles unpin ");
    assert_eq!(world.run_in("shop", "-p one profiles current").ok().stdout, "one\n");
}

#[test]
fn who_can_not_read_the_pins_does_not_guess() {
    let mut world = world();
    world.run("profiles pin two shop").ok();
    world.run("profiles use three").ok();
    for damage in ["[directories", "\n[directory]\n", "\u{0}", "previous = 3\n"] {
        let text = format!("{damage}{}", world.read("pins.toml"));
        world.write("pins.toml", &text);
        for folder in ["", "shop"] {
            let outcome = world.run_in(folder, "profiles current").code(2);
            outcome.says("can't tell which profile is pinned here").says("pins.toml:").says("--profile NAME");
        }
        assert_eq!(world.run("-p one profiles current").ok().stdout, "one\n");
        for line in [
            "profiles pin one",
            "profiles unpin",
            "profiles pin",
            "profiles use -",
            "profiles rename one eins",
        ] {
            world.run(line).code(2).says("pins.toml:").says("hint: mend");
        }
        world.run("profiles use one").ok().says("`profiles use -` will not lead back to three");
        world.run("profiles use three").ok();
        world.run("doctor --offline").code(1).prints("pins.toml:");
        assert_eq!(world.read("pins.toml"), text, "nothing is written over");
        world.write("pins.toml", text.strip_prefix(damage).unwrap());
    }
    assert_eq!(current(&world, "shop"), "two");
    world.heed_modes();
    fs::set_permissions(world.path("pins.toml"), fs::Permissions::from_mode(0o000)).unwrap();
    world.run("profiles current").code(2).says("could not read ").says("pins.toml");
}

#[test]
fn use_goes_back_to_the_profile_before_and_forth_again() {
    let world = world();
    world.run("profiles use -").code(2).says("nothing to go back to");
    world.run("profiles use one").ok();
    world.run("profiles use -").code(2);
    world.run("profiles use two").ok();
    for expected in ["one", "two", "one"] {
        world.run("profiles use -").ok().says(&format!("active profile: {expected}"));
        assert_eq!(current(&world, ""), expected);
    }
    world.run("profiles rename two zwei").ok();
    world.run("profiles use -").ok().says("active profile: zwei");
    world.run("config set profile three").ok();
    world.run("profiles use -").ok().says("active profile: zwei");
    world.run("profiles use one").ok();
    world.run("profiles use zwei").ok();
    world.run("profiles remove one").ok();
    world.run("profiles use -").code(2).says("nothing to go back to");
    world.run("profiles remove zwei --use three").ok();
    world.run("profiles use -").code(2);
}

#[test]
fn a_login_that_switches_and_a_removal_that_does_can_be_gone_back_from() {
    let (world, sandbox) = (world(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "");
    assert_eq!(current(&world, ""), "local");
    world.run("profiles use -").ok().says("active profile: one");
    world.run("profiles remove three --use two").ok();
    world.run("profiles use -").ok().says("active profile: one");
}

#[test]
fn a_command_that_names_a_profile_twice_names_one() {
    let world = world();
    let before = world.files();
    for line in [
        "profiles use two",
        "profiles use two --shell bash",
        "profiles set two tenant=acme",
        "profiles remove two",
        "profiles rename two zwei",
        "profiles pin two",
        "profiles show two",
        "profiles lock two",
        "config set profiles.two.tenant acme",
    ] {
        world.run(&format!("{line} -p one")).code(2).says("`two` and --profile one name two profiles");
    }
    assert_eq!(world.files(), before);
    world.run("profiles use two -p two").ok();
}

#[test]
fn what_goes_before_a_switch_is_named() {
    let mut world = world();
    world.run("profiles pin two shop").ok();
    world
        .run_in("shop", "profiles use three")
        .ok()
        .says("the pin of ")
        .says("shop selects two here all the same");
    assert!(!world.run_in("shop", "profiles use two").ok().stderr.contains("all the same"));
    world.run_in("shop/api", "profiles pin three").ok();
    world.run_in("shop/api", "profiles pin one ..").ok().says("shop/api selects three here all the same");
    assert!(!world.run("profiles pin two shop").ok().stderr.contains("all the same"), "we are not in it");
    fs::write(world.home().join("shop/.autocom.toml"), "profile = \"one\"\n").unwrap();
    world.run_in("shop", "profiles pin --accept").ok().says("the pin of ").says("selects two here");
    world.run("profiles unpin shop").ok();
    world.run_in("shop", "profiles use two").ok().says("shop/.autocom.toml selects one here all the same");
    world.set("AUTOCOM_PROFILE", "three");
    world
        .run_in("shop", "profiles pin two")
        .ok()
        .says("AUTOCOM_PROFILE selects three in this shell all the same");
}

#[test]
fn doctor_finds_what_is_bound_to_nothing() {
    let world = world();
    let file = |folder: &str| world.home().join(folder).join(".autocom.toml");
    for folder in ["shop/gone", "shop/changed", "shop/vanished"] {
        fs::create_dir(world.home().join(folder)).unwrap();
        fs::write(file(folder), "profile = \"one\"\n").unwrap();
    }
    for line in
        ["pin one shop/gone", "pin two shop", "pin --accept shop/changed", "pin --accept shop/vanished"]
    {
        world.run(&format!("profiles {line}")).ok();
    }
    let findings = || {
        let all = world.run("doctor --offline -o json").json();
        let of_pins =
            |it: &&serde_json::Value| matches!(it["check"].as_str(), Some("pin" | "accepted file" | "pins"));
        all.as_array().unwrap().iter().filter(of_pins).cloned().collect::<Vec<_>>()
    };
    assert_eq!(findings().iter().map(|it| it["status"].clone()).collect::<Vec<_>>(), ["ok"]);

    fs::remove_dir_all(world.home().join("shop/gone")).unwrap();
    fs::write(file("shop/changed"), "profile = \"three\"\n").unwrap();
    fs::remove_file(file("shop/vanished")).unwrap();
    world.config(&world.read("config.toml").replace("[profiles.two]", "[profiles.zwei]"));
    let found = findings();
    let words: Vec<_> = found.iter().map(|it| it["finding"].as_str().unwrap()).collect();
    for (says, command) in [
        ("shop is bound to profile two, which does not exist", "profiles unpin "),
        ("shop/gone is bound to profile one, but is not there any more", "profiles unpin "),
        ("shop/changed/.autocom.toml has changed since it was accepted", "profiles pin --accept "),
        ("shop/vanished/.autocom.toml is bound to profile one, but is not there", "profiles unpin --file "),
    ] {
        let one = found.iter().find(|it| it["finding"].as_str().unwrap().contains(says));
        let one = one.unwrap_or_else(|| panic!("no {says:?} in {words:?}"));
        assert_eq!(one["status"], "warn");
        let fix = one["fix"].as_str().unwrap();
        assert!(fix.contains(command), "{fix}");
        world.run(fix.strip_prefix("autocom ").unwrap()).ok();
    }
    assert_eq!(findings().iter().map(|it| it["status"].clone()).collect::<Vec<_>>(), ["ok"], "all is mended");
}

#[test]
fn processes_that_pin_at_once_lose_nothing() {
    let world = world();
    let folders: Vec<String> = (0..8).map(|n| format!("shop/{n}")).collect();
    folders.iter().for_each(|folder| fs::create_dir(world.home().join(folder)).unwrap());
    let all: Vec<_> =
        folders.iter().map(|folder| world.start(&format!("profiles pin two {folder}"))).collect();
    all.into_iter().for_each(|one| drop(one.finish().ok()));
    assert_eq!(world.run("profiles pin").ok().stdout.lines().count(), 9);
}

#[test]
fn the_folder_that_a_variable_names_has_the_pins_too() {
    let mut world = world();
    let moved = world.home().join("elsewhere").display().to_string();
    world.set("AUTOCOM_HOME", &moved);
    fs::create_dir(&moved).unwrap();
    fs::copy(world.path("config.toml"), format!("{moved}/config.toml")).unwrap();
    world.run("profiles pin two shop").ok();
    assert!(fs::exists(format!("{moved}/pins.toml")).unwrap() && !world.path("pins.toml").exists());
    assert_eq!(current(&world, "shop"), "two");
    world.unset("AUTOCOM_HOME");
    assert_eq!(current(&world, "shop"), "one");
}

/// What a person types in a shell, and what `profiles current` prints after each line.
fn in_shell(world: &World, shell: &str, named: &str) {
    let program = env!("CARGO_BIN_EXE_autocom");
    let switch = |to: &str| match shell {
        "fish" => format!("{program} profiles use {to} --shell {named} 2>/dev/null | source"),
        _ => format!("eval \"$({program} profiles use {to} --shell {named} 2>/dev/null)\""),
    };
    let show = format!("{program} -o table profiles current");
    let mut script = String::new();
    // Twice the same is once: there is no way back to what one is in.
    for to in ["two", "three", "three", "-", "-", "one", "-"] {
        script += &format!("{}\n{show}\n", switch(to));
    }
    let mut back = world.shell(&format!("exec {shell} -c \"$0\""));
    let output = back.arg(&script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        said.split_whitespace().collect::<Vec<_>>(),
        ["two", "three", "three", "two", "three", "one", "three"],
        "{output:?}"
    );

    // Back to none of its own, and forth.
    let script = format!(
        "{}\n{}\n{show}\nprintenv AUTOCOM_PROFILE\n{}\n{show}\n",
        switch("two"),
        switch("-"),
        switch("-")
    );
    let output = world.shell(&format!("exec {shell} -c \"$0\"")).arg(&script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.split_whitespace().collect::<Vec<_>>(), ["one", "two"], "{shell}: {output:?}");
    assert_eq!(current(world, ""), "one", "the active profile is what it was");

    // Nothing goes on in the profile that was to be left.
    let script =
        format!("{} && echo went on; {} && echo went on", switch("nope"), switch("two --expect profile=x"));
    let output = world.shell(&format!("exec {shell} -c \"$0\"")).arg(&script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{shell}: {output:?}");
}

#[test]
fn one_shell_switches_and_goes_back_without_the_others() {
    let mut world = world();
    world.set("SHELL", "/bin/sh");
    in_shell(&world, "sh", "");
    in_shell(&world, "sh", "bash");
    // The code is for a shell, whatever answers look like.
    for format in ["json", "yaml"] {
        world.set("AUTOCOM_OUTPUT", format);
        in_shell(&world, "sh", "");
    }
}

#[test]
#[ignore = "needs bash, zsh and fish; run by tests/run"]
fn bash_zsh_and_fish_switch_and_go_back() {
    let mut world = world();
    for shell in ["bash", "zsh", "fish"] {
        in_shell(&world, shell, shell);
        world.set("SHELL", format!("/usr/bin/{shell}"));
        in_shell(&world, shell, "");
    }
}

#[test]
fn what_can_not_be_switched_in_a_shell_is_said() {
    let mut world = world();
    world
        .run("profiles use two --shell")
        .code(2)
        .says("SHELL is not set")
        .says("--shell bash, zsh, fish or powershell");
    world.set("SHELL", "/usr/bin/nu");
    world.run("profiles use two --shell").code(2).says("SHELL names nu");
    world.run("profiles use twoo --shell bash").code(2).says("did you mean two?");
    let nothing = world.run("profiles use - --shell bash").code(2);
    nothing.says("this shell has nothing to go back to");
    world.set("AUTOCOM_PREVIOUS_PROFILE", "x'; touch pwned; '");
    world.run("profiles use - --shell bash").code(2).says("named by AUTOCOM_PREVIOUS_PROFILE");
    world.set("AUTOCOM_PROFILE", "x'; touch pwned; '");
    let outcome = world.run("profiles use two --shell bash").ok();
    assert_eq!(outcome.stdout, "export AUTOCOM_PREVIOUS_PROFILE='-';\nexport AUTOCOM_PROFILE='two';\n");
    world.unset("AUTOCOM_PROFILE");

    world.set("AUTOCOM_TENANT", "globex").set("AUTOCOM_API_URL", "https://two.test");
    let warned = world.run("profiles use two --shell fish").ok();
    assert!(!warned.stderr.contains("AUTOCOM_API_URL"), "it is two's own: {}", warned.stderr);
    warned
        .says("AUTOCOM_TENANT is set and goes before the tenant of profile two")
        .says("unset AUTOCOM_TENANT");
    world
        .run("profiles use one --shell fish")
        .ok()
        .says("AUTOCOM_API_URL is set and goes before the api_url");
    let power = world.run("profiles use two --shell powershell").ok();
    assert_eq!(power.stdout, "$env:AUTOCOM_PREVIOUS_PROFILE = '-'\n$env:AUTOCOM_PROFILE = 'two'\n");
    assert!(!world.path("pins.toml").exists(), "nothing is written");
}

#[test]
#[cfg(target_os = "linux")]
fn in_a_directory_that_is_gone_no_profile_is_guessed() {
    let world = World::new();
    world.config("profile = \"prod\"\n[profiles.prod]\napi_url = \"https://prod.test\"\n[profiles.dev]\napi_url = \"https://dev.test\"\n");
    let program = env!("CARGO_BIN_EXE_autocom");
    let gone = |line: &str| {
        let script =
            format!("mkdir -p repo/build && cd repo/build && rm -r ../build && exec '{program}' {line}");
        world.shell(&script).output().unwrap()
    };
    assert!(gone("profiles current").status.success(), "nothing is pinned: nothing is in doubt");
    std::fs::create_dir_all(world.home().join("repo")).unwrap();
    world.run("profiles pin dev repo").ok();
    let output = gone("profiles current");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the working directory is gone"));
    assert!(gone("profiles current -p prod").status.success());
}
