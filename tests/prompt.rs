//! `autocom prompt`: what a shell shows before every command.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::World;
use crate::support::time::from_now;

fn world(end: &str, more: &str) -> World {
    let world = World::new();
    world.config(&format!(
        "profile = \"staging\"\n[profiles.staging]\napi_url = \"https://staging.example.test\"\n\
         tenant = \"acme\"\n{more}"
    ));
    world.write(
        "logins.toml",
        &format!(
            "[\"https://staging.example.test/api/v1\"]\napi_url = \"https://staging.example.test/api/v1\"\n\
             user_email = \"ada@example.test\"\nexpires_at = \"{end}\"\nstore = \"file\"\n"
        ),
    );
    world
}

#[test]
fn a_prompt_says_where_commands_go_and_what_to_mind_there() {
    let (later, before) = (from_now(86_400), from_now(-86_400));
    assert_eq!(world(&later, "").run("prompt").ok().stdout, "staging:acme\n");
    assert_eq!(world(&before, "").run("prompt").ok().stdout, "staging:acme!\n");
    assert_eq!(world(&later, "protected = true\n").run("prompt").ok().stdout, "staging:acme#\n");
    let world = world(&later, "output = \"json\"\n");
    assert_eq!(world.run("prompt --tenant globex").ok().stdout, "staging:globex\n");
    let line = world.run("prompt --format {user}{@host}{/status} --color always --shell zsh").ok().stdout;
    assert_eq!(line, "ada@example.test@staging.example.test/%{\u{1b}[32m%}valid%{\u{1b}[0m%}\n");
    world.run("prompt --format {tennant}").code(2).says("has no field `tennant`");
}

#[test]
fn a_prompt_never_shows_an_error_and_changes_nothing() {
    let mut world = World::new();
    assert_eq!((world.run("prompt").ok().stdout.as_str(), world.run("prompt").stderr.as_str()), ("", ""));
    world.config("profile = \n");
    let outcome = world.run("prompt").ok();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("autocom?\n", ""));
    world.config("tennant = \"x\"\napi_url = \"https://a.test\"\n");
    let file = world.path("config.toml");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    world.set("AUTOCOM_OUTPUT", "nonsense");
    let outcome = world.run("prompt").ok();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("default\n", ""));
    // Whoever runs a command next hears that it was open.
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    world.set("AUTOCOM_OUTPUT", "").run("profiles list").ok().says("was open to others");
    world.set("AUTOCOM_PROFILE", "typo");
    assert_eq!(world.run("prompt").ok().stdout, "autocom?\n");
}

#[test]
fn no_tenant_runs_a_command_in_a_shell_s_prompt() {
    let world = World::new();
    world.config("api_url = \"https://a.test\"\ntenant = '$(touch${IFS}owned)`touch${IFS}owned`\\$(id)%n'\n");
    let line = world.run("prompt").ok().stdout;
    let dir = tempfile::tempdir().unwrap();
    let script = r#"PS1=$SEGMENT; printf '%s' "${PS1@P}""#;
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).env("SEGMENT", line.trim_end()).current_dir(&dir);
    let shown = bash.output().unwrap();
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), line.trim_end());
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
}

#[test]
fn a_prompt_waits_for_nobody_who_writes_into_a_pipe() {
    let mut world = World::new();
    let pipe = world.home().join("config.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    world.set("AUTOCOM_CONFIG", pipe.display().to_string());
    assert_eq!(world.run("prompt").ok().stdout, "autocom?\n");
}

#[test]
#[ignore = "needs zsh and fish; run by tests/run"]
fn the_recipes_keep_what_else_is_in_a_prompt_and_are_silent_without_autocom() {
    let world = world(&from_now(86_400), "");
    let bin = world.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let recipes = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/prompt");
    let bash = r#"set -u; PS1='$ '; . "$1/bash.sh"; . "$1/bash.sh"; (exit 3); eval "$PROMPT_COMMAND"; echo $?
        PS1="(venv) $PS1"; eval "$PROMPT_COMMAND"; printf '%s' "${PS1@P}""#;
    let zsh = r#"set -u; PROMPT='> '; . "$1/zsh.zsh"; . "$1/zsh.zsh"; (exit 3); autocom_prompt; echo $?
        PROMPT="(venv) $PROMPT"; autocom_prompt; print -Pn -- "$PROMPT""#;
    let fish = r#"function fish_right_prompt; echo -n mine; end
        for i in 1 2; source $argv[1]/fish.fish; end; fish_right_prompt"#;
    let run = |shell: &str, options: &[&str], script: &str| {
        let mut command = world.shell(r#"exec "$@""#);
        command.args(["sh", shell]).args(options).args(["-c", script]);
        if shell != "fish" {
            command.arg("shell");
        }
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let shown = command.arg(&recipes).env("PATH", path).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&shown.stderr), "", "{shell}");
        let shown = String::from_utf8(shown.stdout).unwrap();
        let plain = |text: &str| {
            text.replace("\u{1b}[32m", "").replace("\u{1b}[0m", "").replace(['\u{1}', '\u{2}'], "")
        };
        plain(&shown)
    };
    for (segment, mine) in [("", ""), ("staging:acme ", "staging:acme")] {
        if !segment.is_empty() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_autocom"), bin.join("autocom")).unwrap();
        }
        assert_eq!(run("bash", &["--norc"], bash), format!("3\n(venv) {segment}$ "));
        assert_eq!(run("zsh", &["-f"], zsh), format!("3\n(venv) {segment}> "));
        assert_eq!(run("fish", &["-N"], fish), format!("{mine} mine"));
    }
}
