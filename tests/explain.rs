//! `profiles show --explain` and `profiles diff`: why a value is what it is, and what differs.

use serde_json::Value;

use crate::platform::{Options, Sandbox};
use crate::support::World;

const CONFIG: &str = r#"profile = "staging"
api_url = "https://prod.example.test"
tenant = "acme"
client_id = "prod-client"
expect_user = "grace@example.test"
[profiles.staging]
api_url = "https://staging.example.test"
[profiles.twin]
tenant = "globex"
"#;

fn world() -> World {
    let world = World::new();
    world.config(CONFIG);
    world
}

/// The row of a key: value and origin of the winner, then of each loser with the reason.
fn row(world: &World, line: &str, key: &str) -> Vec<String> {
    let answer = world.run(&format!("profiles show {line} --explain -o json")).ok().json();
    let rows = answer["settings"].as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == key).unwrap();
    let config = world.path("").display().to_string();
    let text = |value: &Value| value.as_str().unwrap_or("-").replace(&config, "");
    let mut all = vec![format!("{} < {}", text(&row["value"]), text(&row["origin"]))];
    for loser in row["losers"].as_array().unwrap() {
        all.push(format!("{} < {}: {}", text(&loser["value"]), text(&loser["origin"]), text(&loser["why"])));
    }
    all
}

#[test]
fn every_loser_is_told_with_its_origin_and_why_it_lost() {
    let mut world = world();
    assert_eq!(
        row(&world, "", "tenant"),
        ["acme < config.toml:3"],
        "the top level's serves where nothing else does"
    );
    assert_eq!(
        row(&world, "", "client_id"),
        ["- < -", "prod-client < config.toml:4: the top level's client_id belongs to another environment"]
    );
    assert_eq!(
        row(&world, "", "expect_user")[1],
        "grace@example.test < config.toml:5: `expect_user` is never taken from the top level: it is part of an identity"
    );
    assert_eq!(
        row(&world, "twin", "tenant"),
        [
            "globex < config.toml:9",
            "acme < config.toml:3: the profile's own table comes before the top level",
        ]
    );
    world.set("AUTOCOM_TENANT", "initech").set("AUTOCOM_PROFILE", "twin").set("AUTOCOM_CLIENT_ID", "");
    assert_eq!(
        row(&world, "", "tenant"),
        [
            "initech < AUTOCOM_TENANT",
            "globex < config.toml:9: a variable comes before the profile's own table",
            "acme < config.toml:3: a variable comes before the top level",
        ]
    );
    assert_eq!(
        row(&world, "--profile twin --tenant hooli", "tenant")[..2],
        ["hooli < --tenant", "globex < config.toml:9: a flag comes before the profile's own table"]
    );
    assert_eq!(
        row(&world, "twin", "tenant")[2],
        "initech < AUTOCOM_TENANT: the profile's own table comes before a variable beside --profile"
    );
    assert_eq!(
        row(&world, "", "profile"),
        [
            "twin < AUTOCOM_PROFILE",
            "staging < config.toml:1: AUTOCOM_PROFILE comes first",
            "default < built-in default: AUTOCOM_PROFILE comes first",
        ]
    );
    assert!(
        row(&world, "", "client_id")
            .contains(&" < AUTOCOM_CLIENT_ID: it is empty, which counts as unset".to_owned())
    );
}

#[test]
fn the_winner_is_the_one_that_resolving_finds_and_one_key_can_be_asked_for() {
    let mut world = world();
    world
        .set("AUTOCOM_TENANT", "initech")
        .set("AUTOCOM_TOKEN", "hunter2")
        .set("AUTOCOM_TOKEN_TWIN", "hunter2");
    world.plant("hunter2");
    for line in ["", "twin", "default", "--profile twin --tenant hooli"] {
        let shown = world.run(&format!("profiles show {line} -o json")).ok().json();
        let explained = world.run(&format!("profiles show {line} --explain -o json")).ok().json();
        for row in shown["settings"].as_array().unwrap() {
            let other = explained["settings"].as_array().unwrap().iter().find(|it| it["key"] == row["key"]);
            let other = other.unwrap();
            assert_eq!((&other["value"], &other["origin"]), (&row["value"], &row["origin"]), "{line} {row}");
        }
    }
    let token = row(&world, "twin", "token");
    assert_eq!(
        token,
        ["(set) < AUTOCOM_TOKEN_TWIN", "(set) < AUTOCOM_TOKEN: AUTOCOM_TOKEN_TWIN is the profile's own"]
    );
    let one = world.run("profiles show twin --explain tenant").ok().stdout;
    let lines: Vec<&str> = one.lines().collect();
    assert_eq!(lines.len(), 4, "{one}");
    assert!(
        lines[0].starts_with("KEY\tVALUE\tORIGIN\tWHY NOT") && lines[1].starts_with("tenant\tglobex\t"),
        "{one}"
    );
    assert!(lines[2..].iter().all(|line| line.starts_with("tenant\t")), "{one}");
    world.run("profiles show --explain tenat").code(2).says("did you mean `tenant`?");
    world.run("profiles show --explain twin").code(2).says("hint: autocom profiles show twin --explain");
    world.set("NO_COLOR", "1");
    #[cfg(target_os = "linux")]
    for line in world.run_in_terminal("profiles show twin --explain", 60).stdout.lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
}

#[test]
fn two_profiles_are_compared_by_what_is_known_here() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile one");
    let asked = sandbox.requests().len();
    world.run(&format!("profiles set two api_url={} tenant=globex credential=two", sandbox.api_url())).ok();
    let answer = world.run("profiles diff one two -o json").ok().json();
    let keys: Vec<&str> =
        answer["settings"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["tenant", "credential", "user", "token", "kept_in"]);
    let tenant = &answer["settings"][0];
    assert_eq!((&tenant["left"]["value"], &tenant["right"]["value"]), (&"acme".into(), &"globex".into()));
    assert!(tenant["left"]["origin"].as_str().unwrap().starts_with("login of "));
    assert_eq!(answer["settings"][2]["left"]["value"], "ada@example.test");
    let all = world.run("profiles diff one two --all -o json").ok().json();
    assert!(
        all["settings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["key"] == "api_url" && row["differs"] == false)
    );
    world.run("profiles diff one two --exit-code").code(1);
    let same = world.run("profiles diff one one --exit-code").code(0).says("one and one do not differ");
    assert_eq!(same.stdout.lines().count(), 2, "{same:?}");
    world.run("profiles diff one twu").code(2).says("did you mean two?");
    assert_eq!(sandbox.requests().len(), asked);
}

#[test]
fn what_is_no_value_may_hold_a_password_and_is_not_shown() {
    let mut world = World::new();
    world.plant("secretpw");
    world.config(
        "api_url = \"https://ada:secretpw@top.test\"\nproxy = \"http://ada:secretpw@proxy.test\"\n\
         [profiles.p]\napi_url = \"https://p.test\"\nproxy = \"none\"\n",
    );
    world.set("AUTOCOM_API_URL", "https://ada:secretpw@variable.test?token=secretpw");
    for format in ["", "-o json", "-o yaml"] {
        // `World` looks for it.
        world.run(&format!("profiles show -p p --explain {format}")).ok().prints("(no valid value)");
    }
}

#[test]
fn pins_and_files_further_up_are_losers_too() {
    let world = world();
    std::fs::create_dir_all(world.home().join("shop/api/src")).unwrap();
    for (folder, profile) in [("shop", "staging"), ("shop/api", "twin")] {
        world.run_in(folder, &format!("profiles pin {profile}")).ok();
        std::fs::write(world.home().join(folder).join(".autocom.toml"), format!("profile = \"{profile}\"\n"))
            .unwrap();
        world.run_in(folder, "profiles pin --accept").ok();
    }
    let answer = world.run_in("shop/api/src", "profiles show --explain profile -o json").ok().json();
    let home = world.home().canonicalize().unwrap().display().to_string();
    let losers = answer["settings"][0]["losers"].as_array().unwrap().iter().map(|loser| {
        format!("{}: {}", loser["origin"].as_str().unwrap(), loser["why"].as_str().unwrap())
            .replace(&home, "~")
    });
    assert_eq!(
        losers.collect::<Vec<_>>(),
        [
            "pin of ~/shop: pin of ~/shop/api is nearer",
            "~/shop/api/.autocom.toml: pin of ~/shop/api comes first",
            "~/shop/.autocom.toml: pin of ~/shop/api comes first",
            "~/.autocom/config.toml:1: pin of ~/shop/api comes first",
            "built-in default: pin of ~/shop/api comes first",
        ]
    );
}
