//! What only a person at a terminal sees: a table, colour, notes, questions.

use crate::platform::{Fault, Options, Sandbox};
use crate::support::World;
use crate::support::time::from_now;

fn world() -> World {
    let world = World::new();
    let end = from_now(3 * 86_400 + 3_600);
    world.write(
        "logins.toml",
        &format!(
            "[\"https://staging.example.test/api/v1\"]\napi_url = \"https://staging.example.test/api/v1\"\n\
             tenant = \"acme\"\nuser_email = \"ada@example.test\"\nexpires_at = \"{end}\"\nstore = \"file\"\n"
        ),
    );
    world.config(
        "profile = \"staging\"\ntennant = \"acme\"\n[profiles.staging]\napi_url = \"https://staging.example.test\"\n\
         [profiles.prod]\napi_url = \"https://prod.example.test\"\n",
    );
    world
}

/// The table alone.
fn table(text: &str) -> String {
    text.lines().filter(|line| !line.contains("note:")).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn a_terminal_gets_an_aligned_table_and_loses_columns_where_it_is_narrow() {
    let mut world = world();
    world.set("NO_COLOR", "1");
    let wide = table(&world.run_in_terminal("profiles list", 140).ok().stdout);
    insta::assert_snapshot!(wide, @r"
    PROFILE    API URL                              TENANT  USER              TOKEN    EXPIRES  STORE
    * staging  https://staging.example.test/api/v1  acme    ada@example.test  valid    in 3 d   file
      prod     https://prod.example.test/api/v1     -       -                 unknown  -        -
    ");
    let narrow = world.run_in_terminal("profiles list", 60).ok().stdout;
    assert!(narrow.contains("TOKEN") && !narrow.contains("STORE"), "{narrow}");
    assert!(table(&narrow).lines().all(|line| line.chars().count() <= 60), "{narrow}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let colours = |set: &[(&str, &str)], more: &str| {
        let mut world = world();
        for (name, value) in set {
            world.set(name, *value);
        }
        world.run_in_terminal(&format!("profiles list {more}"), 140).ok().stdout.contains("\u{1b}[")
    };
    assert!(colours(&[], ""));
    assert!(!colours(&[("NO_COLOR", "1")], ""));
    assert!(!colours(&[("TERM", "dumb")], ""));
    assert!(!colours(&[], "--color never"));
    assert!(colours(&[("NO_COLOR", "1")], "--color always"));
    let mut world = world();
    assert!(!world.run("whoami -p prod").stderr.contains('\u{1b}'));
    assert!(world.set("CLICOLOR_FORCE", "1").run("whoami -p prod").stderr.contains("\u{1b}["));
}

#[test]
fn an_unknown_key_is_mentioned_once_with_the_nearest_name() {
    let world = world();
    for line in ["profiles list", "config set ring edge", "whoami"] {
        let text = world.run_in_terminal(line, 200).stdout;
        assert_eq!(
            text.matches("config.toml:2: unknown key `tennant` (did you mean `tenant`?)").count(),
            1,
            "{text}"
        );
    }
    assert!(!world.run_in_terminal("profiles list --quiet", 200).stdout.contains("tennant"));
}

#[test]
fn a_variable_that_a_profile_flag_passes_over_is_mentioned() {
    let mut world = world();
    world.set("AUTOCOM_TENANT", "globex");
    let outcome = world.run_in_terminal("whoami --profile staging", 200);
    outcome
        .ok()
        .prints("AUTOCOM_TENANT is set but not used: --profile staging has its own tenant")
        .prints("acme");
}

#[test]
fn nobody_is_asked_with_no_input() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let token = sandbox.mint_pat("mary", None);
    world.plant(&token);
    let line = format!("login --api-url {} --with-token {token} --no-input", sandbox.api_url());
    world
        .run_in_terminal(&line, 200)
        .code(2)
        .prints("this user is in several tenants")
        .prints("--tenant acme");
    let line = format!("login --api-url {} --token-stdin --no-input", sandbox.api_url());
    world.run_in_terminal(&line, 200).code(2).prints("no token on standard input");
}

/// Text that would clear the screen, set the title, ring, and reorder what follows.
const EVIL: &str = r"E\u001b[2J\u001b]0;owned\u0007\u009b31m\u202eve\u2066\r\n";

#[test]
fn names_from_the_platform_steer_no_terminal_and_fill_no_screen() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let profile = format!(
        r#"{{"id":1,"name":"{EVIL}{}","email":"{EVIL}@x.test","current_tenant":"acme"}}"#,
        "a".repeat(100_000)
    );
    sandbox.fault("/api/v1/profile", Fault::status(200).body("application/json", &profile).times(9));
    let token = sandbox.mint_pat("ada", None);
    let login = world.login_with_token(&sandbox.api_url(), &token, "").ok();
    let outcomes = [
        login.says("Logged in as E [2J ]0;owned  31m ve   aaa"),
        world.run("whoami").ok().prints("E [2J ]0;owned  31m ve   @x.test"),
        world.run("whoami -o json").ok(),
        world.run("auth status").ok(),
        world.run("profiles list").ok(),
        world.run("logout").ok(),
    ];
    for text in outcomes.iter().flat_map(|it| [&it.stdout, &it.stderr]).chain(&world.files()) {
        let steers = |c: char| (c.is_control() && !"\n\t".contains(c)) || "\u{202e}\u{2066}".contains(c);
        assert!(!text.contains(steers), "{text:?}");
        // JSON has the whole address.
        assert!(text.starts_with('{') || !text.to_lowercase().contains(r"\u001b"), "{text:?}");
        assert!(text.len() < 2_000, "{} bytes", text.len());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_token_that_is_pasted_at_a_prompt_is_not_shown() {
    use std::io::{Read, Write};
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let token = sandbox.mint_pat("ada", None);
    let line =
        format!("{} login --token-stdin --api-url {}", env!("CARGO_BIN_EXE_autocom"), sandbox.api_url());
    let mut command = world.command("");
    let environment: Vec<_> = command
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_owned()))
        .collect();
    command = std::process::Command::new("script");
    command.args(["-qfec", &line, "/dev/null"]).env_clear().envs(environment);
    command.env("SHELL", "/bin/sh").env("TERM", "xterm").current_dir(world.home());
    let pipe = std::process::Stdio::piped;
    let mut child = command.stdin(pipe()).stdout(pipe()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take(), child.stdout.take().unwrap());
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let length = output.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        seen += &String::from_utf8_lossy(&buffer[..length]);
        // Not before: what is typed ahead is echoed by the terminal itself.
        if seen.contains("not shown")
            && let Some(mut input) = input.take()
        {
            input.write_all(format!("{token}\r").as_bytes()).unwrap();
        }
    }
    assert!(child.wait().unwrap().success() && seen.contains("Logged in as Ada Lovelace"), "{seen}");
    assert!(!seen.contains(&token), "{seen}");
}
