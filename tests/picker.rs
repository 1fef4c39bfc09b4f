//! `profiles use` without a name, and what a signal that comes during a question leaves of the terminal.

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

use crate::platform::{Options, Sandbox};
use crate::support::World;
use crate::support::world::{Running, until};

const AUTOCOM: &str = env!("CARGO_BIN_EXE_autocom");

/// `one`, which is protected, `two`, which is active, and `three`, each with a tenant of its own.
fn world() -> World {
    let world = World::new();
    let table = |name: &str, tenant: &str, more: &str| {
        format!("[profiles.{name}]\napi_url = \"https://{name}.test\"\ntenant = \"{tenant}\"\n{more}")
    };
    let tables = [
        table("one", "acme", "protected = true\n"),
        table("two", "globex", ""),
        table("three", "initech", ""),
    ];
    world.config(&format!("profile = \"two\"\n{}", tables.concat()));
    world
}

fn current(world: &World) -> String {
    world.run("-o table profiles current").ok().stdout.trim_end().to_owned()
}

/// A line of shell in a terminal of that many columns, once the question is there.
fn asked(world: &World, columns: usize, script: &str, question: &str) -> Running {
    let mut running = world.start_script_in_terminal(&format!("stty rows 24 cols {columns}; {script}"));
    running.line_with(question);
    running
}

fn pick(world: &World, columns: usize, flags: &str) -> Running {
    asked(world, columns, &format!("exec '{AUTOCOM}' profiles use {flags}"), "Which profile?")
}

#[test]
fn letters_of_name_host_tenant_or_user_find_a_profile_and_enter_switches_to_it() {
    let world = world();
    for (typed, profile) in [("thr", "three"), ("acme", "one"), ("gbx", "two"), ("test ree", "three")] {
        let mut picker = pick(&world, 200, "");
        picker.types(&format!("{typed}\r"));
        let screen = picker.finish().ok().stderr;
        assert!(screen.contains(&format!("active profile: {profile}")), "{typed}: {screen}");
        assert_eq!(current(&world), profile);
    }
    // The last switch was from `two`.
    world.run("profiles use -").ok();
    assert_eq!(current(&world), "two");
    // That is where the cursor begins; nothing typed, nothing changed.
    let before = world.files();
    let mut picker = pick(&world, 200, "");
    picker.types("\r");
    picker.finish().ok();
    assert_eq!(world.files(), before);
}

#[test]
fn it_is_as_wide_as_the_terminal_and_as_colourful_as_it_may_be() {
    let world = world();
    let drawn = |columns, flags: &str| {
        let mut picker = pick(&world, columns, flags);
        picker.types("\r");
        picker.finish().ok().stderr
    };
    let wide = drawn(200, "--color never");
    let lines: Vec<&str> = wide.lines().map(str::trim_end).collect();
    let list = [
        "    one (protected)  one.test    acme     -  unknown",
        "> * two              two.test    globex   -  unknown",
        "    three            three.test  initech  -  unknown",
    ];
    assert!(lines.windows(3).any(|lines| lines == list), "{wide}");
    let narrow = drawn(30, "--color never");
    assert!(narrow.contains("> * two              unknown") && !narrow.contains("type to"), "{narrow}");
    let coloured = |screen: &str| screen.contains("\u{1b}[38;5;") || screen.contains("\u{1b}[1m");
    assert!(coloured(&drawn(200, "")) && !coloured(&wide), "{wide}");
    let mut world = world;
    world.set("NO_COLOR", "1");
    let mut picker = pick(&world, 200, "");
    picker.types("\r");
    assert!(!coloured(&picker.finish().ok().stderr));
}

#[test]
fn who_gives_up_changes_nothing() {
    let world = world();
    let before = world.files();
    for key in ["\u{1b}", "\u{3}", "thr\u{1b}"] {
        let mut picker = pick(&world, 80, "");
        picker.types(key);
        let screen = picker.finish().code(130).stderr;
        assert!(screen.contains("no profile was chosen: nothing was changed"), "{screen}");
    }
    assert_eq!(world.files(), before);
    assert!(!world.path("pins.toml").exists());
}

#[test]
fn the_shell_that_evaluates_it_gets_the_one_that_is_chosen() {
    let world = world();
    let script = format!(
        "eval \"$('{AUTOCOM}' profiles use --shell bash)\"; echo \"now $AUTOCOM_PROFILE\"; \
         '{AUTOCOM}' -o table profiles current"
    );
    let mut shell = asked(&world, 80, &script, "Which profile?");
    shell.types("thr\r");
    let screen = shell.finish().ok().stderr;
    assert!(screen.contains("now three") && screen.trim_end().ends_with("three"), "{screen}");
    assert_eq!(current(&world), "two");
}

#[test]
fn where_nobody_can_be_asked_the_names_are_told() {
    let world = world();
    let hint = "autocom profiles use NAME, where NAME is one of: one, two, three";
    world.run("profiles use").code(2).says("no profile is named").says(hint);
    world.run_in_terminal("profiles use --no-input", 200).code(2).prints(hint);
    world.run("profiles use --shell fish").code(2).says("autocom profiles use NAME --shell fish, where");
    assert_eq!(current(&world), "two");
    let none = World::new();
    for outcome in [none.run("profiles use"), none.start_in_terminal("profiles use").finish()] {
        outcome.code(2).says("there is no profile yet").says("autocom auth login --api-url");
    }
}

fn takes_keys_one_by_one(terminal: &str) -> bool {
    let options = OFlags::RDONLY | OFlags::NOCTTY;
    let terminal = rustix::fs::open(terminal, options, Mode::empty()).unwrap();
    !tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ICANON)
}

#[test]
fn a_signal_during_a_question_leaves_the_terminal_as_it_was() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile shop");
    world.run("profiles set shop protected=true").ok();
    std::fs::write(world.home().join("new.toml"), "[profiles.new]\napi_url = \"https://new.test\"\n")
        .unwrap();
    let login = format!("login --token-stdin --api-url {}", sandbox.api_url());
    let questions = [
        ("profiles use", "Which profile?"),
        ("api PATCH orders/1 -f status=shipped", "Type the name of the profile"),
        ("profiles import new.toml", "Import them?"),
        (login.as_str(), "not shown"),
    ];
    let before = world.files();
    for (line, question) in questions {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
            let script =
                format!("sh -c 'echo \"pid $(tty) $$\"; exec {AUTOCOM} {line}'; echo \"ended $?\"; stty -a");
            let mut running = world.start_script_in_terminal(&format!("stty cols 200; {script}"));
            let (terminal, pid) = {
                let line = running.line_with("pid /dev/");
                let mut words = line.split_whitespace().skip(1).map(str::to_owned);
                (words.next().unwrap(), words.next().unwrap())
            };
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            assert!(until(|| takes_keys_one_by_one(&terminal)), "{line}: no question was asked");
            kill_process(pid, signal).unwrap();
            let screen = running.finish().stderr;
            assert!(screen.contains(question), "{line}: {screen}");
            let (asked, after) = screen.split_once("ended ").unwrap_or_else(|| panic!("{line}: {screen}"));
            assert!(after.starts_with(&code.to_string()), "{line}: {screen}");
            assert!(after.contains(" echo ") && after.contains(" icanon"), "{line}: {screen}");
            // Bracketed paste is off again, and the cursor is there.
            for (made, undone) in [("\u{1b}[?2004h", "\u{1b}[?2004l"), ("\u{1b}[?25l", "\u{1b}[?25h")] {
                assert!(asked.rfind(made) < asked.rfind(undone), "{line}: {asked:?}");
            }
        }
    }
    assert_eq!(world.files(), before);
}
