//! `exec`: the command gets the identity of one profile and nobody else's token, and takes autocom's place.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::platform::{refreshes, renewable, sandbox};
use crate::support::{Outcome, World};

const AUTOCOM: &str = env!("CARGO_BIN_EXE_autocom");

/// What `exec SELECTION -- sh -c SCRIPT` says.
fn shell(world: &World, selection: &str, script: &str) -> Outcome {
    let mut words: Vec<&str> = ["exec"].into_iter().chain(selection.split_whitespace()).collect();
    words.extend(["--", "sh", "-c", script]);
    world.run_words(&words)
}

#[test]
fn the_command_gets_one_identity_and_nobody_elses_token() {
    let (mut world, sandbox) = (World::new(), sandbox());
    let token = world.log_in(&sandbox, "ada", "--profile one --client-id mine");
    world.run("profiles set one store=file client_id=mine").ok();
    for (name, value) in [
        ("AUTOCOM_TOKEN", "hunter2"),
        ("AUTOCOM_TOKEN_TWO", "hunter2"),
        ("AUTOCOM_TOKEN_ONE_MORE", "hunter2"),
        ("AUTOCOM_API_URL", "https://other.test"),
        ("AUTOCOM_PROFILE", "other"),
        ("AUTOCOM_TENANT", "other"),
        ("AUTOCOM_CLIENT_ID", "other"),
        ("AUTOCOM_STORE", "keychain"),
        ("AUTOCOM_OUTPUT", "json"),
    ] {
        world.set(name, value);
    }
    let seen = shell(&world, "-p one", "env | grep ^AUTOCOM_ | sort").ok().stdout;
    let expected = format!(
        "AUTOCOM_API_URL={}\nAUTOCOM_OUTPUT=json\nAUTOCOM_PROFILE=one\nAUTOCOM_TENANT=acme\nAUTOCOM_TOKEN={token}\n",
        sandbox.api_url()
    );
    assert_eq!(seen, expected);
    // An environment that no profile is bound to: no name that is left over from outside contradicts it.
    world.unset("AUTOCOM_TOKEN").set("AUTOCOM_TOKEN", &token);
    let url = format!("{}/elsewhere", sandbox.origin());
    world.set("AUTOCOM_API_URL", &url);
    let seen = shell(&world, &format!("--api-url {url}"), "env | grep ^AUTOCOM_PROFILE").code(1);
    assert_eq!(seen.stdout, "");
}

#[test]
fn autocom_in_the_command_is_who_autocom_outside_is() {
    let (one, two) = (sandbox(), sandbox());
    let mut world = World::new();
    world.log_in(&one, "ada", "--profile one");
    world.log_in(&two, "mary", "--profile two --tenant globex");
    world.config(&format!(
        "profile = \"two\"\napi_url = \"{two}\"\n[profiles.one]\napi_url = \"{one}\"\ntenant = \"globex\"\n\
         [profiles.two]\napi_url = \"{two}\"\n",
        one = one.api_url(),
        two = two.api_url(),
    ));
    let pat = one.mint_pat("mary", None);
    world.plant(&pat);
    let (here, there) = (one.api_url(), two.api_url());
    let by_url = format!("--api-url {here}");
    let noise: &[(&str, &str)] =
        &[("AUTOCOM_API_URL", &there), ("AUTOCOM_TENANT", "acme"), ("AUTOCOM_PROFILE", "two")];
    let variables: &[(&str, &str)] =
        &[("AUTOCOM_API_URL", &here), ("AUTOCOM_PROFILE", "ci"), ("AUTOCOM_TOKEN_CI", &pat)];
    let named: &[(&str, &str)] = &[("AUTOCOM_TOKEN_ONE", &pat), ("AUTOCOM_TENANT", "acme")];
    for (selection, set) in [
        ("", &[][..]),
        ("-p default", &[]),
        ("-p one", &[]),
        ("-p one", noise),
        ("-p one --tenant acme", noise),
        (&by_url, &[]),
        (&by_url, noise),
        ("", noise),
        ("", variables),
        ("-p one", named),
        ("-p two", named),
    ] {
        set.iter().for_each(|(name, value)| {
            world.set(name, *value);
        });
        let outside = world.run(&format!("whoami -o json {selection}")).ok().json();
        let words = format!("exec {selection} -- {AUTOCOM} whoami -o json");
        assert_eq!(world.run(&words).ok().json(), outside, "{selection} {set:?}");
        for (name, _) in set {
            world.unset(name);
        }
    }
    // Each token was sent home only: the servers know no other.
    for sandbox in [&one, &two] {
        assert!(sandbox.requests().iter().all(|request| request.status == Some(200)));
    }
}

/// A command under `exec`, its output open.
fn start(world: &World, script: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = world.command("exec -- sh -c");
    let mut child = command
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn line(output: &mut impl BufRead) -> String {
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    text.trim_end().to_owned()
}

#[test]
fn autocom_becomes_the_command() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "--profile one");
    let (mut child, mut output) = start(&world, "echo $$; read line; exit 7");
    assert_eq!(line(&mut output), child.id().to_string());
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(7));
    let (mut child, _output) = start(&world, "kill -9 $$");
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    // Rust programs ignore SIGPIPE; what they become must not.
    let (mut child, _output) = start(&world, "kill -PIPE $$");
    assert_eq!(child.wait().unwrap().signal(), Some(13));
}

#[test]
fn signals_are_the_commands_own_also_after_a_renewal() {
    let (world, sandbox) = renewable(20, 3600);
    // The first one renews, and has watched for Ctrl-C until then.
    for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15)] {
        let (mut child, mut output) = start(&world, "echo ready; exec cat");
        assert_eq!(line(&mut output), "ready");
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        let script = format!("trap 'echo caught; exit 41' {number}; echo ready; read line");
        let (mut child, mut output) = start(&world, &script);
        assert_eq!(line(&mut output), "ready");
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(line(&mut output), "caught");
        assert_eq!(child.wait().unwrap().code(), Some(41));
    }
    assert_eq!(refreshes(&sandbox), 1);
}

#[test]
fn a_renewed_token_is_stored_before_the_command_starts() {
    let (world, sandbox) = renewable(20, 3600);
    shell(&world, "", "grep -q \"$AUTOCOM_TOKEN\" \"$HOME/.autocom/credentials\"").ok();
    // Nothing of autocom's is left open: no lock, no file, no connection.
    #[cfg(target_os = "linux")]
    {
        let script = "ls /proc/$$/fd";
        let without = Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).output().unwrap();
        assert_eq!(shell(&world, "", script).ok().stdout, String::from_utf8_lossy(&without.stdout));
    }
    assert_eq!(refreshes(&sandbox), 1);
}

#[test]
fn a_command_gets_a_token_that_lasts_or_does_not_start() {
    let (world, sandbox) = renewable(3600, 9000);
    let first = shell(&world, "--min-ttl 1800", "echo $AUTOCOM_TOKEN").ok().stdout;
    let second = shell(&world, "--min-ttl 7200", "echo $AUTOCOM_TOKEN").ok().stdout;
    assert_ne!(first, second);
    assert_eq!(refreshes(&sandbox), 1);
    let touch = "touch \"$HOME/it-ran\"";
    shell(&world, "--min-ttl 10000", touch).code(4).says("but is to be good for 10000 s at least");
    world.run("auth logout").ok();
    shell(&world, "", touch).code(4).says("not logged in").says("hint: autocom auth login --profile one");
    assert!(!world.home().join("it-ran").exists());
}

#[test]
fn what_can_not_be_run_is_a_usage_error_with_a_hint() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "");
    std::fs::write(world.home().join("data"), "no program").unwrap();
    world
        .run("exec -- no-such-command")
        .code(2)
        .says("could not run no-such-command")
        .says("is no-such-command on PATH?");
    world.run("exec -- ./data").code(2).says("ermission denied").says("hint: ls -l ./data");
    assert_eq!(world.run("exec -o json -- no-such-command").code(2).error()["kind"], "usage");
    world.run("exec").code(2).says("COMMAND");
}

#[test]
fn arguments_and_input_reach_the_command_as_they_are() {
    let (world, sandbox) = (World::new(), sandbox());
    let token = world.log_in(&sandbox, "ada", "");
    let odd = OsStr::from_bytes(b"\xff\xfe");
    let given = ["two words", "", "-p", "--output=json", "--", "--help", "$HOME", "'\"\\"].map(OsStr::new);
    for form in ["exec -- printf %s|", "exec printf %s|"] {
        let mut command: Command = world.command(form);
        let output = command.args(given).arg(odd).output().unwrap();
        assert_eq!(output.stdout, b"two words||-p|--output=json|--|--help|$HOME|'\"\\|\xff\xfe|", "{form}");
    }
    assert_eq!(world.run_with_input("exec -- cat", "line\nlast").ok().stdout, "line\nlast");
    #[cfg(target_os = "linux")]
    {
        let words = shell(&world, "", "cat /proc/$$/cmdline").ok().stdout;
        assert_eq!(words, "sh\0-c\0cat /proc/$$/cmdline\0");
        assert!(!words.contains(&token));
    }
    let mut rest = Vec::new();
    let (mut child, mut output) = start(&world, "cat; echo end");
    drop(child.stdin.take());
    output.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"end\n");
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_stays_so_also_after_a_renewal() {
    let (world, sandbox) = (World::new(), sandbox());
    sandbox.knobs(|knobs| (knobs.access_ttl_seconds, knobs.refreshed_ttl_seconds) = (10, Some(3600)));
    world.log_in_by_oauth(&sandbox);
    let script = format!(
        "trap '' INT; exec '{}' exec -- grep SigIgn /proc/self/status",
        env!("CARGO_BIN_EXE_autocom")
    );
    let renewals = || sandbox.requests().iter().filter(|it| it.form_field("refresh_token").is_some()).count();
    for renewed in [1, 1] {
        let output = world.shell(&script).output().unwrap();
        let mask = String::from_utf8(output.stdout).unwrap();
        let mask = u64::from_str_radix(mask.trim_start_matches("SigIgn:").trim(), 16).unwrap();
        assert_eq!((mask & 2, renewals()), (2, renewed));
    }
}
