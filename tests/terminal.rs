//! What only a person at a terminal sees: a table, colour, notes, questions.

use crate::listing::from_now;
use crate::platform::{Options, Sandbox};
use crate::support::World;

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
