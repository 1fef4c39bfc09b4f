//! `config edit`: an editor that breaks, mends, leaves and fails.

use std::path::PathBuf;

use crate::support::World;

const CONFIG: &str = "\
# Ours.
profile = \"staging\"

[profiles.staging]   # the one
api_url = \"https://staging.example.test/api/v1\"
tenant  = \"acme\"
";

/// A world whose editor is this line of shell; the file is `$1`.
fn world(editor: &str) -> World {
    let mut world = World::new();
    world.config(CONFIG);
    world.set("EDITOR", script(&world, "editor", editor).display().to_string());
    world
}

fn script(world: &World, name: &str, body: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = world.home().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// The copies that lie about.
fn copies(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("config-")).collect()
}

#[test]
fn what_the_editor_makes_of_a_copy_replaces_the_file_as_it_is() {
    let world = world("stat -c '%a %n' \"$1\" >&2; sed -i 's/acme/globex/' \"$1\"");
    let outcome = world.run("config edit").ok().says("changed ");
    assert!(outcome.stderr.contains("600 ") && outcome.stderr.contains("/.autocom/config-"), "{outcome:?}");
    assert!(outcome.stderr.lines().next().unwrap().ends_with(".toml"), "{outcome:?}");
    assert_eq!(world.read("config.toml"), CONFIG.replace("acme", "globex"));
    assert!(copies(&world).is_empty());
}

#[test]
fn a_variable_may_have_arguments_and_visual_comes_first() {
    let mut world = world("exit 7");
    world.set("VISUAL", "sed -i -e 's/acme/hooli of/;s/ of//'");
    world.run("config edit").ok();
    assert!(world.read("config.toml").contains("hooli"));
    // No shell reads it, and a program's path may hold blanks.
    world.set("VISUAL", "sed -i s/hooli/$HOME/");
    world.run("config edit").code(0);
    assert!(world.read("config.toml").contains("$HOME"));
    let spaced = script(&world, "my editor", "sed -i 's/tenant .*/tenant = \"two\"/' \"$1\"");
    world.set("VISUAL", spaced.display().to_string());
    world.run("config edit").ok();
    assert!(world.read("config.toml").contains("tenant = \"two\""));
}

#[test]
fn an_editor_that_changes_nothing_or_fails_leaves_no_trace() {
    for (editor, code, says) in [
        ("true", 0, "nothing was changed"),
        (": > \"$1\"", 0, "the copy was left empty: nothing was changed"),
        ("rm \"$1\"", 0, "nothing was changed"),
        ("exit 3", 1, "failed (exit status: 3)"),
        ("kill -9 $$", 1, "signal: 9"),
    ] {
        let world = world(editor);
        world.run("config edit").code(code).says(says);
        assert_eq!(world.read("config.toml"), CONFIG, "{editor}");
        assert!(copies(&world).is_empty(), "{editor}");
    }
    // What was written before it failed is not lost, and not taken over either.
    let mut world = world("echo '# more' >> \"$1\"; exit 3");
    let outcome = world.run("config edit").code(1).says("config.toml is as it was");
    assert_eq!(world.read("config.toml"), CONFIG);
    let [kept] = copies(&world).try_into().unwrap();
    assert!(outcome.stderr.contains(&*kept.to_string_lossy()), "{outcome:?}");
    assert!(std::fs::read_to_string(kept).unwrap().ends_with("# more\n"));
    world.set("EDITOR", "/no/such/editor -w").run("config edit").code(2).says("export EDITOR=nano");
    world.set("EDITOR", "'open").run("config edit").code(2).says("EDITOR is no command line");
    world.unset("EDITOR").run("config edit").code(2).says("needs a terminal");
}

#[test]
fn what_is_not_sound_is_never_taken_over() {
    for (change, says) in [
        ("sed -i 's/^tenant.*/tenant = /' \"$1\"", &[".toml:6:10: "][..]),
        ("sed -i 's/https/http/' \"$1\"", &[".toml:5:1: `api_url` must use https"]),
        (
            "sed -i 's/acme/a b/; s/profile = .*/profile = \"stagign\"/' \"$1\"",
            &[
                ".toml:2:1: `profile` names no profile of this file; did you mean staging?",
                ".toml:6:1: `tenant` must be one word",
            ],
        ),
        ("echo '[profiles.default]' >> \"$1\"", &[".toml:7:11: `[profiles.default]` can't be"]),
        ("echo '[profiles.STAGING]' >> \"$1\"", &["AUTOCOM_TOKEN_STAGING"]),
        ("printf '# caf\\351\\n' >> \"$1\"", &[".toml:7:6: is not UTF-8 text"]),
    ] {
        let world = world(change);
        let mut outcome = world.run("config edit").code(2);
        for text in says {
            outcome = outcome.says(text);
        }
        assert_eq!(world.read("config.toml"), CONFIG, "{change}");
        let [kept] = copies(&world).try_into().unwrap();
        outcome.says(&format!("cp {} ", kept.display()));
    }
    // An unknown key is no reason.
    let world = world("echo 'tennant = \"x\"' >> \"$1\"");
    world
        .run("config edit")
        .ok()
        .says("line 7: unknown key `profiles.staging.tennant` (did you mean `tenant`?)");
    assert!(world.read("config.toml").ends_with("tennant = \"x\"\n"));
}

#[test]
fn a_file_that_is_broken_can_be_mended_and_one_that_is_missing_begins_with_the_example() {
    let world = world("sed -i 's/^bad.*//' \"$1\"");
    world.config(&format!("bad [ toml\n{CONFIG}"));
    world.run("whoami").code(2);
    world.run("config edit").ok();
    assert_eq!(world.read("config.toml"), format!("\n{CONFIG}"));
    let editor = script(
        &world,
        "editor",
        "echo 'output = \"json\"' > \"$1.new\"; cat \"$1\" >> \"$1.new\"; mv \"$1.new\" \"$1\"",
    );
    for start in [None, Some(" \n")] {
        std::fs::remove_file(world.path("config.toml")).unwrap();
        start.into_iter().for_each(|text| world.write("config.toml", text));
        world.run("config edit").ok();
        let text = world.read("config.toml");
        assert!(
            text.starts_with("output = \"json\"\n# An annotated") && text.contains("\n#[profiles.staging]\n")
        );
        let settings = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(settings.collect::<Vec<_>>(), ["output = \"json\""]);
    }
    std::fs::remove_file(world.path("config.toml")).unwrap();
    script(&world, editor.file_name().unwrap().to_str().unwrap(), "true");
    world.run("config edit").ok().says("nothing was changed");
    assert!(!world.path("config.toml").exists());
}

#[test]
fn what_somebody_else_has_written_meanwhile_is_not_overwritten() {
    let program = env!("CARGO_BIN_EXE_autocom");
    let world = world(&format!("'{program}' config set ring edge; echo '# mine' >> \"$1\""));
    let outcome = world.run("config edit").code(2).says("config.toml changed; nothing was written");
    assert!(
        world.read("config.toml").contains("ring = \"edge\"") && !world.read("config.toml").contains("mine")
    );
    let [kept] = copies(&world).try_into().unwrap();
    outcome.says(&format!("hint: diff {} {}", world.path("config.toml").display(), kept.display()));
}

#[test]
fn a_token_in_a_variable_is_not_the_editors_business() {
    let mut world = world("env | grep -c AUTOCOM_TOKEN >&2; true");
    world.set("AUTOCOM_TOKEN", "hunter2").set("AUTOCOM_TOKEN_STAGING", "hunter2").plant("hunter2");
    world.run("config edit").ok().says("0\n");
}

#[test]
fn a_copy_that_a_killed_edit_has_left_is_removed_and_others_are_not() {
    let mut world = world("echo editing >&2; read line");
    let edit = |world: &World| {
        let mut edit = world.start_open("config edit");
        edit.line_with("editing");
        edit
    };
    let (killed, lives) = (edit(&world), edit(&world));
    let live = copies(&world);
    assert!(killed.kill());
    let report = world.run("doctor --offline -o json");
    assert_eq!(report.stdout.matches("the copy of an interrupted `config edit`").count(), 1, "{report:?}");
    world.run("doctor --offline --fix");
    let [draft, lock] = copies(&world).try_into().unwrap();
    assert!(live.contains(&draft) && live.contains(&lock));
    // An editor may put another file in the place of the one that it was given.
    let name = [&draft, &lock]
        .into_iter()
        .find(|path| path.ends_with(".toml") || path.extension().unwrap() == "toml");
    std::fs::remove_file(name.unwrap()).unwrap();
    std::fs::write(name.unwrap(), "tenant = \"a b\"\n").unwrap();
    assert!(edit(&world).kill());
    // The next one removes what the killed one has left; what is kept stays for good.
    world.set("EDITOR", script(&world, "breaks", "echo 'x y' >> \"$1\"").display().to_string());
    world.run("config edit").code(2);
    world.run("config edit").code(2);
    assert_eq!(copies(&world).len(), 4, "{:?}", copies(&world));
    drop(lives);
}

#[test]
fn in_a_terminal_a_mistake_can_be_mended_kept_or_discarded() {
    // Breaks it at first, and mends it the second time.
    let editor = "grep -q 'a b' \"$1\" && sed -i 's/a b/globex/' \"$1\" || sed -i 's/acme/a b/' \"$1\"";
    for (keys, code, tenant, left) in [
        ("edit\r", 0, "globex", 0),
        ("disc\r", 1, "acme", 0),
        ("keep\r", 2, "acme", 1),
        ("\u{1b}", 2, "acme", 1),
    ] {
        let world = world(editor);
        let mut edit = world.start_in_terminal("config edit");
        edit.line_with(".toml:6:1: `tenant` must be one word");
        edit.line_with("It can't be taken over as it is");
        edit.types(keys);
        let outcome = edit.finish().code(code);
        assert!(world.read("config.toml").contains(tenant), "{keys}: {outcome:?}");
        assert_eq!(copies(&world).len(), left, "{keys}: {outcome:?}");
    }
}

#[test]
fn a_mistake_that_stays_is_told_each_time() {
    let world = world("grep -q 'a b' \"$1\" || sed -i 's/acme/a b/' \"$1\"; echo '#' >> \"$1\"");
    let mut edit = world.start_in_terminal("config edit");
    for _ in 0..3 {
        edit.line_with(".toml:6:1: `tenant` must be one word");
        edit.line_with("It can't be taken over as it is");
        edit.types("edit\r");
    }
    edit.line_with(".toml:6:1: `tenant` must be one word");
    edit.types("disc\r");
    edit.finish().code(1);
}

#[test]
fn ctrl_c_in_the_editor_is_the_editors() {
    // As nano and ed do, it takes Ctrl-C for something of its own.
    let world = world("trap 'sed -i s/acme/globex/ \"$1\"; exit 0' INT; echo editing; read line; exit 9");
    let mut edit = world.start_in_terminal("config edit");
    edit.line_with("editing");
    edit.types("\u{3}");
    let outcome = edit.finish().code(0);
    assert!(world.read("config.toml").contains("globex"), "{outcome:?}");
}
