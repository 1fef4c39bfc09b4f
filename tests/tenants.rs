//! `tenants list` and `tenants use`: the platform decides who is in which tenant.

use crate::platform::{Fault, Options, Sandbox};
use crate::support::World;

/// A profile `shop` of ada, who is in acme and globex.
fn logged_in() -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile shop");
    (world, sandbox)
}

fn current(world: &World, line: &str) -> Vec<String> {
    let rows = world.run(line).ok().json();
    let current = rows.as_array().unwrap().iter().filter(|row| row["current"] == true);
    current.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_has_a_star_at_the_tenant_that_calls_go_to() {
    let (world, _sandbox) = logged_in();
    insta::assert_snapshot!(world.run("tenants list").ok().stdout, @r"
    TENANT	NAME	ROLE	CURRENT
    acme	Acme Corp	owner	true
    globex	Globex Corporation	manager	false
    ");
    insta::assert_snapshot!(world.run("tenant ls -o json --tenant globex").ok().stdout, @r#"
    [
      {
        "id": "acme",
        "name": "Acme Corp",
        "role": "owner",
        "current": false
      },
      {
        "id": "globex",
        "name": "Globex Corporation",
        "role": "manager",
        "current": true
      }
    ]
    "#);
    insta::assert_snapshot!(world.run("tenants list -o yaml --tenant globex").ok().stdout, @r"
    ---
    - id: acme
      name: Acme Corp
      role: owner
      current: false
    - id: globex
      name: Globex Corporation
      role: manager
      current: true
    ");
}

#[test]
fn what_is_current_is_the_platforms_word_where_the_list_does_not_say() {
    let (world, sandbox) = logged_in();
    // An alias stands in no list: it is acme.
    assert_eq!(current(&world, "tenants list -o json --tenant acme-corp"), ["acme"]);
    // Nobody chose one for a token from a variable.
    let mut other = World::new();
    other.set("AUTOCOM_TOKEN", sandbox.mint_pat("ada", None)).set("AUTOCOM_API_URL", sandbox.api_url());
    assert_eq!(current(&other, "tenants list -o json"), ["acme"]);
    // Who is in that tenant no more still sees which theirs are.
    assert_eq!(current(&world, "tenants list -o json --tenant initech"), [""; 0]);
}

#[test]
fn nobody_s_list_is_empty_in_every_format() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.set("AUTOCOM_TOKEN", sandbox.mint_pat("nobody", None)).set("AUTOCOM_API_URL", sandbox.api_url());
    assert_eq!(world.run("tenants list -o json").ok().stdout, "[]\n");
    assert_eq!(world.run("tenants list").ok().stdout, "TENANT\tNAME\tROLE\tCURRENT\n");
}

#[test]
fn use_writes_to_the_profile_and_leaves_the_rest_of_the_file_alone() {
    let (world, sandbox) = logged_in();
    let before = format!(
        "profile = \"shop\" # mine\n\n# The shop.\n[profiles.shop]\napi_url = \"{}\"\ntenant = \"acme\" # or globex\n",
        sandbox.api_url()
    );
    world.config(&before);
    world.run("tenants use globex").ok().says("profile shop works in tenant globex");
    assert_eq!(world.read("config.toml"), before.replace("tenant = \"acme\"", "tenant = \"globex\""));
    let asked = sandbox.requests().into_iter().rfind(|request| request.path == "/api/v1/profile").unwrap();
    assert_eq!(asked.tenant.as_deref(), Some("globex"));
    // An alias is in no list; the platform takes it all the same.
    world.run("tenants use acme-corp").ok();
    assert!(world.read("config.toml").contains("tenant = \"acme-corp\" # or globex\n"));
    assert_eq!(current(&world, "tenants list -o json"), ["acme"]);
}

#[test]
fn a_tenant_that_is_not_yours_is_exit_5_with_the_list_of_yours() {
    let (world, sandbox) = logged_in();
    let before = world.read("config.toml");
    for status in [403, 404] {
        sandbox.fault("/api/v1/profile", Fault::status(status));
        world
            .run("tenants use initech")
            .code(5)
            .says("error: this user is not in the tenant `initech`")
            .says("hint: available tenants: acme, globex; choose one: autocom tenants use acme");
    }
    world.run("tenants use initech").code(5);
    sandbox.fault("/api/v1/profile", Fault::status(500));
    world.run("tenants use globex").code(1);
    assert_eq!(world.read("config.toml"), before);
    let asked = sandbox.requests().len();
    world.run("tenants use initech --no-check").ok();
    assert!(world.read("config.toml").contains("tenant = \"initech\""));
    assert_eq!(sandbox.requests().len(), asked, "--no-check asks nobody");
}

#[test]
fn what_can_not_be_written_or_does_not_count_is_said() {
    let (mut world, sandbox) = logged_in();
    world.run("tenants use").code(2);
    world.run_words(&["tenants", "use", "a b"]).code(2).says("the tenant `a b`");
    let url = "https://elsewhere.test/api/v1";
    world
        .run(&format!("--api-url {url} tenants use acme --no-check"))
        .code(2)
        .says(&format!("hint: autocom profiles set NAME api_url={url} tenant=acme"));
    world.set("AUTOCOM_TENANT", "acme");
    world
        .run("tenants use globex")
        .ok()
        .says("tenant of profile shop comes from AUTOCOM_TENANT all the same");
    drop(sandbox);
    world.run("tenants use acme").code(3);
}

#[test]
fn a_tenant_of_one_platform_is_not_written_to_the_profile_of_another() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile shop");
    let before = world.files();
    let outcome = world.run("tenants use globex -p shop --api-url https://other.example.test").code(2);
    outcome.says("is bound to").says("hint: autocom tenants use globex --profile shop");
    assert_eq!(world.files(), before);
}
