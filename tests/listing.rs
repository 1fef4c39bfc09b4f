//! `profiles list`, `auth status` and `whoami`: what is known of every token, without asking anybody.

use serde_json::{Value, json};

use crate::platform::{Options, Sandbox};
use crate::support::World;
use crate::support::time::from_now;

/// An entry of `logins.toml` for `https://NAME.test`.
fn login(name: &str, more: &str) -> String {
    format!(
        "[\"https://{name}.test/api/v1\"]\napi_url = \"https://{name}.test/api/v1\"\ntenant = \"acme\"\n\
         user_name = \"Ada\"\nuser_email = \"ada@{name}.test\"\nkind = \"oauth\"\nstore = \"file\"\n{more}\n"
    )
}

fn profile(name: &str) -> String {
    format!("[profiles.{name}]\napi_url = \"https://{name}.test/api/v1\"\n")
}

/// A profile in every state.
fn zoo() -> World {
    let mut world = World::new();
    let (late, soon, past) = ("2099-01-01T00:00:00Z", from_now(200), "2020-01-01T00:00:00Z");
    let end = |time: &str| format!("expires_at = \"{time}\"\n");
    let states = [
        ("valid", end(late)),
        ("endless", String::new()),
        ("expiring", end(&soon)),
        ("soon", end(&soon) + "renewable = true\n"),
        ("expired", end(past)),
        ("refreshable", end(past) + "renewable = true\n"),
        ("out", end(late) + "logged_out_at = \"2026-01-01T00:00:00Z\"\n"),
    ];
    let mut logins: String = states.iter().map(|(name, more)| login(name, more)).collect();
    logins += &login("elsewhere", &end(late)).replace("[\"https://elsewhere.test/api/v1\"]", "[moved]");
    let mut config = "profile = \"expired\"\n".to_owned();
    config.extend(states.iter().map(|(name, _)| profile(name)));
    config += &(profile("foreign") + "credential = \"moved\"\n" + &profile("unknown") + &profile("env"));
    world.write("logins.toml", &logins);
    world.config(&config);
    world.set("AUTOCOM_TOKEN_ENV", "hunter2");
    world.plant("hunter2");
    world
}

#[test]
fn every_state_of_a_token_has_its_word() {
    let states: Vec<_> = zoo().tokens().into_iter().collect();
    let states: Vec<_> = states.iter().map(|(name, token)| (name.as_str(), token.as_str())).collect();
    assert_eq!(
        states,
        [
            ("valid", "valid"),
            ("endless", "valid"),
            ("expiring", "expiring"),
            ("soon", "valid"),
            ("expired", "expired"),
            ("refreshable", "refreshable"),
            ("out", "logged_out"),
            ("foreign", "foreign"),
            ("unknown", "unknown"),
            ("env", "env"),
        ]
    );
}

#[test]
fn a_pipe_gets_tab_separated_values_with_a_header_and_no_colour() {
    let world = zoo();
    let outcome = world.run("profiles list").ok();
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "PROFILE\tAPI URL\tTENANT\tUSER\tTOKEN\tEXPIRES\tSTORE\tACTIVE");
    assert_eq!(
        lines[1],
        "valid\thttps://valid.test/api/v1\tacme\tada@valid.test\tvalid\t2099-01-01T00:00:00Z\tfile\tfalse"
    );
    assert_eq!(
        lines[5],
        "expired\thttps://expired.test/api/v1\tacme\tada@expired.test\texpired\t2020-01-01T00:00:00Z\tfile\ttrue"
    );
    assert_eq!(lines[7], "out\thttps://out.test/api/v1\tacme\t\tlogged out\t\t\tfalse");
    assert_eq!(lines[9], "unknown\thttps://unknown.test/api/v1\t\t\tunknown\t\t\tfalse");
    assert_eq!(lines[10], "env\thttps://env.test/api/v1\t\t\tenv\t\tAUTOCOM_TOKEN_ENV\tfalse");
    assert_eq!(lines.len(), 11);
    assert!(lines.iter().all(|line| line.matches('\t').count() == 7 && !line.contains('\u{1b}')));
    assert_eq!(outcome.stderr, "");
    let coloured = world.run("profiles ls --color always").ok();
    assert_eq!(coloured.stdout, outcome.stdout, "TSV is for programs");
}

#[test]
fn json_and_yaml_have_every_key_in_every_row() {
    let world = zoo();
    let rows = world.run("profiles list -o json").ok();
    assert!(
        rows.stdout.starts_with("[\n  {\n    \"name\": \"valid\",\n    \"active\": false,\n"),
        "{}",
        rows.stdout
    );
    let rows = rows.json();
    assert_eq!(
        rows[4],
        json!({
            "name": "expired", "active": true, "api_url": "https://expired.test/api/v1", "tenant": "acme",
            "user": "ada@expired.test", "token": "expired", "expires_at": "2020-01-01T00:00:00Z",
            "store": "file", "credential": "https://expired.test/api/v1", "protected": false,
            "unlocked_until": null,
        })
    );
    assert_eq!(
        rows[8],
        json!({
            "name": "unknown", "active": false, "api_url": "https://unknown.test/api/v1", "tenant": null,
            "user": null, "token": "unknown", "expires_at": null, "store": null,
            "credential": "https://unknown.test/api/v1", "protected": false, "unlocked_until": null,
        })
    );
    assert_eq!(rows[7]["credential"], "moved");
    assert_eq!(rows.as_array().unwrap().iter().filter(|row| row["active"] == true).count(), 1);
    let yaml = world.run("profiles list -o yaml").ok().stdout;
    assert!(
        yaml.starts_with("---\n- name: valid\n  active: false\n  api_url: https://valid.test/api/v1\n"),
        "{yaml}"
    );
    assert!(yaml.contains(
        "\n- name: unknown\n  active: false\n  api_url: https://unknown.test/api/v1\n  tenant: null\n"
    ));
}

#[test]
fn nothing_is_an_empty_array_and_a_lone_header() {
    let world = World::new();
    assert_eq!(world.run("profiles list -o json").ok().stdout, "[]\n");
    assert_eq!(world.run("profiles list -o yaml").ok().stdout, "---\n[]\n");
    assert_eq!(
        world.run("profiles list").ok().stdout,
        "PROFILE\tAPI URL\tTENANT\tUSER\tTOKEN\tEXPIRES\tSTORE\tACTIVE\n"
    );
    assert!(!world.path("").exists(), "listing writes nothing");
}

#[test]
fn listing_needs_no_network_and_no_credential() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "");
    let before = sandbox.requests().len();
    world.write("credentials", "this would be a complaint if it were read");
    assert_eq!(world.run("profiles list").ok().stderr, "");
    assert_eq!(world.run("whoami").ok().stderr, "");
    assert_eq!(sandbox.requests().len(), before);
}

/// Which rows say `env`.
fn env_rows(world: &World) -> Vec<String> {
    world.tokens().into_iter().filter(|(_, token)| token == "env").map(|(name, _)| name).collect()
}

#[test]
fn a_token_from_a_variable_belongs_to_one_environment() {
    let mut world = World::new();
    let config = format!("profile = \"a\"\n{}{}{}", profile("a"), profile("b"), profile("c"));
    world.config(&config.replace("https://c.test", "https://b.test"));
    world.plant("hunter2");
    world.set("AUTOCOM_TOKEN", "hunter2");
    assert_eq!(env_rows(&world), ["a"], "the one that this command resolves");
    world.set("AUTOCOM_PROFILE", "b");
    assert_eq!(env_rows(&world), ["b", "c"], "the environment of AUTOCOM_PROFILE");
    world.unset("AUTOCOM_PROFILE").set("AUTOCOM_API_URL", "https://b.test");
    assert_eq!(world.run("profiles list -o json").json()[0]["token"], "unknown");
    let outcome = world.run("whoami --profile a").code(4);
    assert_eq!(outcome.stderr.matches("AUTOCOM_TOKEN belongs to another environment").count(), 1);
    world.unset("AUTOCOM_TOKEN").unset("AUTOCOM_API_URL");
    world.set("AUTOCOM_TOKEN_B", "hunter2");
    assert_eq!(env_rows(&world), ["b"], "not the other profile of that environment");
    world.run("whoami --profile b --api-url https://a.test").code(4);
}

#[test]
fn a_variables_token_is_sent_to_its_own_environment_only() {
    let (mut world, one, two) = (
        World::new(),
        Sandbox::start(Options::default()).unwrap(),
        Sandbox::start(Options::default()).unwrap(),
    );
    world.config(&format!(
        "[profiles.one]\napi_url = \"{}\"\n[profiles.two]\napi_url = \"{}\"\n",
        one.api_url(),
        two.api_url()
    ));
    let token = one.mint_pat("ada", None);
    world.plant(&token);
    world.set("AUTOCOM_TOKEN_ONE", &token);
    world.run("whoami --profile one").ok().prints("ada@example.test");
    world.run(&format!("whoami --profile one --api-url {}", two.api_url())).code(4);
    world.unset("AUTOCOM_TOKEN_ONE").set("AUTOCOM_TOKEN", &token).set("AUTOCOM_API_URL", one.api_url());
    world.run("whoami").ok().prints("ada@example.test");
    world.run("whoami --profile two").code(4);
    world.run(&format!("whoami --api-url {}", two.api_url())).code(4);
    assert!(two.requests().is_empty());
    assert_eq!(world.read("credentials"), "", "used, never stored");
}

#[test]
fn a_profile_that_was_moved_is_foreign_and_its_token_stays_home() {
    let (world, one, two) = (
        World::new(),
        Sandbox::start(Options::default()).unwrap(),
        Sandbox::start(Options::default()).unwrap(),
    );
    world.log_in(&one, "ada", "--profile p");
    world.run("profiles set p credential=p").ok();
    world.log_in(&one, "ada", "--profile p");
    world.run(&format!("profiles set p api_url={}", two.api_url())).ok();
    assert_eq!(world.tokens(), [("p".to_owned(), "foreign".to_owned())]);
    for line in ["whoami", "auth status"] {
        world
            .run(line)
            .code(4)
            .says(&one.origin())
            .says(&two.origin())
            .says("hint: autocom auth login --profile p");
    }
    assert!(two.requests().is_empty());
}

#[test]
fn an_active_environment_without_a_profile_has_a_row() {
    let mut world = World::new();
    world.config(&profile("a"));
    world.set("AUTOCOM_API_URL", "https://b.test");
    let rows = world.run("profiles list -o json").ok().json();
    let row = |row: &Value| (row["name"].clone(), row["active"].clone(), row["api_url"].clone());
    assert_eq!(row(&rows[0]), (json!("a"), json!(false), json!("https://a.test/api/v1")));
    assert_eq!(row(&rows[1]), (json!(null), json!(true), json!("https://b.test/api/v1")));
    world.run("profiles list").ok().prints("\n(unnamed)\thttps://b.test/api/v1\t");
    // A name that exists only in variables.
    world.set("AUTOCOM_PROFILE", "ci").set("AUTOCOM_TOKEN_CI", "hunter2").plant("hunter2");
    let rows = world.run("profiles list -o json").ok().json();
    assert_eq!(row(&rows[1]), (json!("ci"), json!(true), json!("https://b.test/api/v1")));
    assert_eq!(rows[1]["token"], "env");
}

#[test]
fn a_broken_profile_does_not_hide_the_others() {
    let mut world = World::new();
    world.config(&format!(
        "{}[profiles.bad]\napi_url = \"http://prod.test\"\n{}",
        profile("a"),
        profile("b")
    ));
    let outcome = world.run("profiles list -o json").code(2);
    let names: Vec<_> = outcome.json().as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["a", "bad", "b"]);
    outcome.says("config.toml:4");
    // Nor does an active profile that does not exist, or variables that make no sense.
    world.config(&format!("profile = \"gone\"\n{}", profile("a")));
    world.run("profiles list").code(2).prints("a\thttps://a.test/api/v1").says("there is no profile `gone`");
    world.config(&profile("a"));
    world.set("AUTOCOM_PROFILE", "ci").set("AUTOCOM_API_URL", "http://prod.test");
    world.run("profiles list").code(2).prints("a\thttps://a.test/api/v1").says("AUTOCOM_API_URL");
}

#[test]
fn whoami_is_offline_and_has_its_keys() {
    let world = zoo();
    let answer = world.run("whoami -p valid -o json").ok().json();
    assert_eq!(
        answer,
        json!({
            "name": "Ada", "email": "ada@valid.test", "profile": "valid", "tenant": "acme",
            "api_url": "https://valid.test/api/v1", "expires_at": "2099-01-01T00:00:00Z",
        })
    );
    let outcome = world.run("whoami -p expired").ok().says("warning: the token ended");
    assert_eq!(outcome.stdout.lines().next(), Some("NAME\tEMAIL\tPROFILE\tAPI URL\tTENANT\tEXPIRES"));
    world
        .run("whoami -p out")
        .code(4)
        .says("profile out is not logged in")
        .says("autocom auth login --profile out");
}

#[test]
fn status_reads_the_credential_and_mends_what_was_captured() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "");
    let logins = world.read("logins.toml");
    for wrong in [logins.replace("ada@", "eve@"), "not [ toml".to_owned(), String::new()] {
        world.write("logins.toml", &wrong);
        let status = world.run("auth status -o json").ok().json();
        assert_eq!(status["email"], "ada@example.test");
        assert_eq!(world.read("logins.toml"), logins);
    }
    world.write("credentials", "{\"version\":1,\"credentials\":{}}");
    assert_eq!(world.tokens()[0].1, "valid");
    world.run("auth status").code(4).says("not logged in");
    assert_eq!(world.tokens()[0].1, "logged_out");
}

#[test]
fn an_expired_credential_is_exit_4_with_the_command_to_type() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let token = sandbox.mint_pat("ada", Some(20));
    world.login_with_token(&sandbox.api_url(), &token, "").ok();
    world
        .run("auth status")
        .code(4)
        .says("credentials expired")
        .says("hint: autocom auth login --profile local");
}

#[test]
fn a_variables_token_does_not_go_to_the_tenant_of_somebody_elses_login() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile p");
    assert_eq!(world.run("whoami -o json").ok().json()["tenant"], "acme");
    let token = sandbox.mint_pat("grace", None);
    world.plant(&token);
    world.set("AUTOCOM_TOKEN", &token);
    let who = world.run("whoami -o json").ok().json();
    assert_eq!((&who["email"], &who["tenant"]), (&json!("grace@example.test"), &json!("initech")));
    assert_eq!(sandbox.requests().last().unwrap().tenant, None);
    assert_eq!(world.run("auth status -o json").ok().json()["tenant"], Value::Null);
    assert_eq!(world.run("profiles list -o json").ok().json()[0]["tenant"], Value::Null);
    world.set("AUTOCOM_TENANT", "initech");
    assert_eq!(world.run("whoami -o json").ok().json()["tenant"], "initech");
    assert_eq!(sandbox.requests().last().unwrap().tenant.as_deref(), Some("initech"));
}

#[test]
fn what_is_wrong_with_a_variables_token_names_the_variable() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile p");
    world.plant("hunter2");
    for variable in ["AUTOCOM_TOKEN", "AUTOCOM_TOKEN_P"] {
        world.set(variable, "hunter2");
        world.run("whoami").code(4).says(&format!("hint: unset or replace {variable}\n"));
        for text in ["hunter2 hunter2", "Bearer\thunter2", "hünter2"] {
            world.set(variable, text);
            for line in ["whoami", "auth status"] {
                let outcome = world.run(line).code(4);
                outcome.says(&format!("the token in {variable} is not one word of visible ASCII characters"));
            }
        }
        world.set(variable, " \t\n");
        world.run("whoami").ok().prints("ada@example.test");
        assert_eq!(world.tokens()[0].1, "valid");
        world.unset(variable);
    }
}
