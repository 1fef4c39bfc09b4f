//! What `expect_user` and `--expect` stop beside the selected profile's own commands.

use std::sync::Arc;
use std::time::Duration;

use autocom::error::Kind;
use autocom::session::call::bearer;
use autocom::session::profile::selected;
use autocom::system::clock::ManualClock;
use jiff::Timestamp;
use serde_json::json;

use crate::platform::{Fault, Options, Sandbox};
use crate::support::World;
use crate::support::in_process::session;
use crate::support::site::{self, End, Site};

const ADA: &str = "ada@example.test";
const MARY: &str = "mary@example.test";

/// ada is logged in to `shop` by OAuth, and it is for `user` only.
fn locked(user: &str) -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.config(&format!("profile = \"shop\"\n[profiles.shop]\napi_url = \"{}\"\n", sandbox.api_url()));
    world.log_in_by_oauth(&sandbox);
    world.run(&format!("profiles set shop expect_user={user}")).ok();
    (world, sandbox)
}

/// What the sandbox was asked since, as `METHOD path`.
fn since(sandbox: &Sandbox, seen: usize) -> Vec<String> {
    sandbox.requests()[seen..].iter().map(|it| format!("{} {}", it.method, it.path)).collect()
}

#[test]
fn doctor_sends_no_stranger_s_token_and_says_whose_it_is() {
    let (mut world, sandbox) = locked(MARY);
    let seen = sandbox.requests().len();
    for line in ["doctor --offline", "doctor"] {
        let outcome = world.run(line);
        assert!(outcome.stdout.contains(ADA) && outcome.stdout.contains(MARY), "{outcome:?}");
    }
    // It asks the platform whether it is one, but with no token.
    assert!(sandbox.requests()[seen..].iter().all(|request| request.authorization.is_none()));
    world.set("AUTOCOM_TOKEN_SHOP", sandbox.mint_pat("ada", None));
    let outcome = world.run("doctor");
    assert!(outcome.stdout.contains("the token in AUTOCOM_TOKEN_SHOP is ada@example.test's"), "{outcome:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_stranger_is_seen_at_a_glance() {
    let (world, _sandbox) = locked(ADA);
    assert!(!world.run_in_terminal("profiles list", 160).ok().stdout.contains("stranger"));
    assert_eq!(world.run("prompt --format {mark}").ok().stdout.trim(), "");
    world.run(&format!("profiles set shop expect_user={MARY}")).ok();
    world.run_in_terminal("profiles list", 160).ok().prints(&format!("{ADA} (stranger)"));
    world.run("prompt --format {mark}").ok().prints("!");
    // For programs it is an address and nothing else.
    assert!(world.run("profiles list").ok().stdout.contains(&format!("\t{ADA}\t")));
}

#[test]
fn a_record_of_another_user_that_appears_meanwhile_is_refused() {
    let (world, sandbox) = locked(ADA);
    let hers = sandbox.mint_pat("mary", None);
    let ours = world.stored(&sandbox.api_url(), "access_token");
    let text = world.read("credentials").replace(ADA, MARY).replace(&ours, &hers);
    let seen = sandbox.requests().len();
    let session = session(&world, &Arc::new(ManualClock::at(Timestamp::now())));
    let outcome = bearer::call(&session, &selected::profile(&session).unwrap(), async |platform| {
        platform.profile().await?;
        // Another process logs somebody else in, and the token that this one holds dies.
        world.write("credentials", &text);
        sandbox.fault("/api/v1/profile", Fault::status(401).body("application/json", "{}"));
        platform.profile().await
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, Kind::Authentication);
    assert!(error.message.contains(ADA) && error.message.contains(MARY), "{error:?}");
    assert_eq!(since(&sandbox, seen), ["GET /api/v1/profile"; 2], "hers was not sent");
}

#[test]
fn who_is_not_even_in_the_tenant_is_a_stranger_first() {
    let (mut world, sandbox) = locked(ADA);
    let files = world.files();
    let token = sandbox.mint_pat("grace", None);
    let login = "auth login --profile shop --tenant acme --token-stdin";
    world.run_with_input(login, &token).code(4).says("grace@example.test").says(ADA);
    assert_eq!(world.files(), files);
    world.set("AUTOCOM_TOKEN", &token);
    world.run("api orders --tenant acme").code(4).says("the token in AUTOCOM_TOKEN is grace@example.test's");
}

#[test]
fn who_only_looks_like_the_expected_user_is_nobody() {
    let look_alikes = [
        json!({"email": "\u{202e}ada@example.test\0", "name": ADA}),
        json!({"email": "ada@example.test\u{3164}", "name": ADA}),
        json!({"email": " ada@example.test", "name": ADA}),
        json!({"name": ADA}),
    ];
    for mut user in look_alikes {
        user["current_tenant"] = "acme".into();
        let site = Site::answering(site::json(&user.to_string()), End::Closed);
        let (world, url) = (World::new(), site.http());
        let login =
            |more: &str| world.run_with_input(&format!("auth login --token-stdin {more}"), "any-token-0123");
        let profile = |lines: &str| {
            world.config(&format!("profile = \"shop\"\n[profiles.shop]\napi_url = \"{url}\"\n{lines}\n"));
        };
        profile(&format!("expect_user = \"{ADA}\""));
        login("").code(4).says(ADA).says("nothing was stored");
        login("--expect user=ada@example.test").code(2);
        profile("protected = true");
        login("--lock-user").code(4).says("cannot identify the user");
        assert_eq!(world.read("credentials"), "", "{user}");
        // Where nothing is compared, nobody is refused.
        login("").ok();
        login("").ok();
        assert!(!world.read("config.toml").contains("expect_user"));
        world.run("profiles unlock shop --reason x --confirm shop").code(4).says("cannot identify the user");
        let now = Timestamp::now();
        let lease = json!({"profile": "shop", "api_url": format!("{url}/api/v1"), "user": ADA, "reason": "x",
            "since": now.to_string(), "until": (now + Duration::from_secs(600)).to_string()});
        world.write("unlocked.json", &json!({"version": 1, "leases": [lease]}).to_string());
        let seen = site.requests().len();
        world.run("api DELETE orders/1").code(2).says("is unlocked for ada@example.test only");
        profile(&format!("expect_user = \"{ADA}\""));
        world.run("api orders").code(4).says(ADA);
        world.run("whoami").code(4).says(ADA);
        assert_eq!(site.requests().len(), seen, "{user}");
    }
}

#[test]
fn a_name_is_compared_as_it_came_and_only_without_an_address() {
    for (user, code) in [
        (json!({"name": "ada", "email": null}), 0),
        (json!({"name": "Ada", "email": ""}), 0),
        (json!({"name": "\u{202e}Ada\0"}), 4),
        (json!({"name": " Ada"}), 4),
        (json!({"name": "Ada", "email": "\u{a0}"}), 4),
        (json!({"name": "Ada", "email": {"x": 1}}), 4),
    ] {
        let site = Site::answering(site::json(&user.to_string()), End::Closed);
        let mut world = World::new();
        world.config(&format!(
            "profile = \"shop\"\n[profiles.shop]\napi_url = \"{}\"\ntenant = \"acme\"\nexpect_user = \"Ada\"\n",
            site.http()
        ));
        world.run_with_input("auth login --token-stdin", "any-token-0123").code(code);
        world.set("AUTOCOM_TOKEN", "any-token-4567").run("api orders --tenant acme").code(code);
    }
}

#[test]
fn a_variables_token_is_asked_about_once() {
    let (mut world, sandbox) = locked(ADA);
    world.set("AUTOCOM_TOKEN", sandbox.mint_pat("ada", None)).set("AUTOCOM_TENANT", "acme");
    for line in ["auth token", "whoami", "whoami --check", "auth status --check", "profiles list --check"] {
        let seen = sandbox.requests().len();
        world.run(line).ok();
        assert_eq!(since(&sandbox, seen), ["GET /api/v1/profile"], "{line}");
    }
}

#[test]
fn what_is_named_beside_the_selected_profile_must_be_as_expected_too() {
    let (mut world, sandbox) = locked(ADA);
    world.run("profiles set other api_url=https://other.example.test").ok();
    let (files, seen) = (world.files(), sandbox.requests().len());
    for expected in ["profile=shop", "host=127.0.0.1"] {
        for line in [
            "profiles remove other",
            "profiles rename other another",
            "profiles set other tenant=globex",
            "profiles unlock other --reason why",
            "profiles lock other",
        ] {
            let (key, _) = expected.split_once('=').unwrap();
            world.run(&format!("{line} --expect {expected}")).code(2).says(&format!("expected {key} "));
        }
    }
    world.run("logout --all --expect profile=shop").code(2).says("--all is about every login there is");
    // The credential that is deleted counts, not the variable's token.
    world.set("AUTOCOM_TOKEN", sandbox.mint_pat("mary", None));
    world.run("profiles set shop expect_user=").ok();
    let files = [world.read("config.toml"), files[1].clone(), files[2].clone()];
    world.run(&format!("logout --expect user={MARY}")).code(2).says("the stored credential");
    assert_eq!(world.files(), files);
    assert!(!since(&sandbox, seen).contains(&"POST /api/v1/auth/logout".to_owned()));
    world.unset("AUTOCOM_TOKEN");
    world.run(&format!("logout --expect user={ADA}")).ok();
}
