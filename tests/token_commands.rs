//! `auth token`, `auth refresh` and `auth status`: what they print, when they renew, and what they say
//! when something is wrong.

use autocom::domain::time::rfc3339;
use serde_json::{Value, json};

use crate::platform::{Fault, Sandbox};
use crate::support::platform::{refreshes, renewable, sandbox};
use crate::support::schemas::is_valid;
use crate::support::{Outcome, World};

fn stored(world: &World, sandbox: &Sandbox) -> String {
    world.record(&sandbox.api_url())["access_token"].as_str().unwrap().to_owned()
}

/// The end of the stored token as answers have it.
fn end(world: &World, sandbox: &Sandbox) -> String {
    rfc3339(world.record(&sandbox.api_url())["expires_at"].as_str().unwrap().parse().unwrap())
}

#[test]
fn the_token_is_all_that_is_printed_and_is_renewed_where_it_would_end_too_soon() {
    let (world, sandbox) = renewable(50, 90);
    let first = stored(&world, &sandbox);
    // 50 s would do for a call, but not for what is given away.
    assert_eq!(world.run("auth token --min-ttl 30").ok().stdout, format!("{first}\n"));
    assert_eq!(refreshes(&sandbox), 0);
    let outcome = world.run("auth token").ok();
    assert_eq!((outcome.stdout, &*outcome.stderr), (format!("{}\n", stored(&world, &sandbox)), ""));
    assert_ne!(stored(&world, &sandbox), first);
    world.run("auth token").ok();
    assert_eq!(refreshes(&sandbox), 1);
    // The platform's tokens are shorter than that: it is not asked for one after the other.
    for _ in 0..2 {
        let outcome = world.run("auth token --min-ttl 600").code(4).says("to be good for 600 s at least");
        assert_eq!(outcome.stdout, "");
        outcome.says("hint: the platform gives tokens of 90 s here: ask for less with --min-ttl");
    }
    assert_eq!(refreshes(&sandbox), 1);
}

#[test]
fn a_token_that_can_not_renew_itself_is_given_while_it_lasts() {
    let (world, sandbox) = (World::new(), sandbox());
    let token = sandbox.mint_pat("ada", Some(600));
    world.login_with_token(&sandbox.api_url(), &token, "--profile one").ok();
    assert_eq!(world.run("auth token").ok().stdout, format!("{token}\n"));
    let outcome = world.run("auth token --min-ttl 900").code(4).says("the token of profile one ends in");
    outcome.says("hint: autocom auth login --profile one");
    world.run("auth logout").ok();
    world.run("auth token").code(4).says("profile one is not logged in");
}

#[test]
fn json_has_the_end_and_where_it_is_for_and_never_the_refresh_token() {
    let (mut world, sandbox) = renewable(3600, 3600);
    let answer = world.run("auth token -o json").ok().json();
    is_valid("auth-token", &answer);
    let record = world.record(&sandbox.api_url());
    assert_eq!(
        answer,
        json!({
            "access_token": record["access_token"], "token_type": "Bearer", "profile": "one", "tenant": "acme",
            "expires_at": end(&world, &sandbox), "api_url": sandbox.api_url(),
        })
    );
    let refresh_token = record["refresh_token"].as_str().unwrap();
    for line in ["auth token", "auth token -o yaml", "auth token -vvv -o json", "auth refresh -vvv -o json"] {
        let outcome = world.run(line).ok();
        assert!(!(outcome.stdout + &outcome.stderr).contains(refresh_token), "{line}");
    }
    // A variable's: its own end, and not the tenant of the login beside it.
    let token = sandbox.mint_pat("grace", None);
    world.set("AUTOCOM_TOKEN", &token);
    let answer = world.run("auth token -o json").ok().json();
    is_valid("auth-token", &answer);
    assert_eq!((&answer["access_token"], &answer["tenant"]), (&json!(token), &Value::Null));
    assert!(answer["expires_at"].as_str().unwrap() > &*end(&world, &sandbox));
}

#[test]
fn a_refresh_is_forced_also_where_none_is_due() {
    let (world, sandbox) = renewable(3600, 3600);
    let before = stored(&world, &sandbox);
    world.run("auth refresh").ok().says("The token of profile one is renewed; it ends in");
    assert_ne!(stored(&world, &sandbox), before);
    let answer = world.run("auth refresh -o json").ok().json();
    is_valid("auth-refresh", &answer);
    assert_eq!(answer["expires_at"], end(&world, &sandbox));
    assert_eq!(refreshes(&sandbox), 2);
    sandbox.fault("/oauth/token", Fault::status(503).times(9));
    let kept = world.files();
    world.run("auth refresh").code(1).says("the token could not be renewed");
    assert_eq!(world.files(), kept);
}

#[test]
fn a_refresh_without_a_refresh_token_says_how_to_log_in() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "--profile one");
    let outcome = world.run("auth refresh").code(4).says("the login of profile one has no refresh token");
    outcome.says("hint: autocom auth login --profile one");
    world.run("auth logout").ok();
    world.run("auth refresh").code(4).says("profile one is not logged in");
}

/// A screen of that many columns, without what differs from run to run.
#[cfg(target_os = "linux")]
fn screen(world: &World, sandbox: &Sandbox, line: &str, columns: usize) -> String {
    let shown = world.run_in_terminal(line, columns).stdout;
    let shown = shown.replace(&sandbox.api_url(), "http://127.0.0.1:8800/api/v1");
    let at = |word: &&str| word.parse::<jiff::Timestamp>().is_ok();
    let time = shown.split_whitespace().find(at).unwrap_or("no time");
    let lines = shown.lines().map(|line| line.split(" (request ").next().unwrap_or_default());
    lines.map(|line| line.replace(time, "2026-01-02T03:04:05Z") + "\n").collect()
}

#[test]
#[cfg(target_os = "linux")]
fn status_is_readable_in_terminals_wide_and_narrow() {
    let (mut world, sandbox) = renewable(3600, 3600);
    world.set("NO_COLOR", "1");
    let wide = screen(&world, &sandbox, "auth status", 80);
    insta::assert_snapshot!(wide, @r"
    profile  one
    api url  http://127.0.0.1:8800/api/v1
    tenant   acme
    user     Ada Lovelace <ada@example.test>
    token    valid
    kind     oauth
    expires  2026-01-02T03:04:05Z (in 1 h)
    renews   yes
    store    file (store = file from AUTOCOM_STORE)
    ");
    assert_eq!(screen(&world, &sandbox, "auth status", 60), wide);
    // What is wrong is said once.
    insta::assert_snapshot!(screen(&world, &sandbox, "auth status --check --tenant initech", 60), @r"
    profile  one
    api url  http://127.0.0.1:8800/api/v1
    tenant   initech
    user     Ada Lovelace <ada@example.test>
    token    valid
    kind     oauth
    expires  2026-01-02T03:04:05Z (in 1 h)
    renews   yes
    store    file (store = file from AUTOCOM_STORE)
    check    forbidden
    error: not permitted: You don't belong to this tenant.
    hint: autocom tenants list
    ");
    world.set("AUTOCOM_TOKEN_ONE", "hunter2");
    insta::assert_snapshot!(screen(&world, &sandbox, "auth status --check", 60), @r"
    profile  one
    api url  http://127.0.0.1:8800/api/v1
    tenant   -
    user     -
    token    env
    kind     -
    expires  -
    renews   no
    store    AUTOCOM_TOKEN_ONE
    check    rejected
    error: the platform rejected the token
    hint: unset or replace AUTOCOM_TOKEN_ONE
    ");
}

/// `auth status --check`: its outcome, its exit code and its reason.
fn check(world: &World, line: &str) -> (Value, i32, Outcome) {
    let outcome = world.run(&format!("auth status --check -o json {line}"));
    let answer = outcome.json();
    is_valid("auth-status", &answer);
    (answer["check"]["status"].clone(), outcome.code, outcome)
}

#[test]
fn a_check_tells_what_the_platform_says_of_the_token() {
    let (world, sandbox) = renewable(3600, 3600);
    let (status, code, outcome) = check(&world, "");
    assert_eq!((status, code, &*outcome.stderr), (json!("ok"), 0, ""));
    assert!(outcome.json()["check"]["ms"].is_u64());
    let (status, code, outcome) = check(&world, "--tenant initech");
    assert_eq!((status, code), (json!("forbidden"), 5));
    assert!(outcome.json()["check"]["reason"].as_str().unwrap().contains("You don't belong to this tenant"));
    sandbox.fault("/api/v1/profile", Fault::status(503).times(9));
    let (status, code, _) = check(&world, "");
    assert_eq!((status, code), (json!("failed"), 1));
}

#[test]
fn a_check_renews_what_was_revoked_and_tells_a_login_that_is_dead_from_none() {
    let (world, sandbox) = renewable(3600, 3600);
    sandbox.revoke(&stored(&world, &sandbox));
    let (status, code, outcome) = check(&world, "");
    assert_eq!((status, code, refreshes(&sandbox)), (json!("ok"), 0, 1));
    assert_eq!(outcome.json()["expires_at"], end(&world, &sandbox), "what it says is what is stored now");
    let record = world.record(&sandbox.api_url());
    for token in ["access_token", "refresh_token"] {
        sandbox.revoke(record[token].as_str().unwrap());
    }
    let (status, code, outcome) = check(&world, "");
    assert_eq!((status, code), (json!("rejected"), 4));
    assert_eq!(outcome.error()["hint"], "autocom auth login --profile one");
    world.run("auth logout").ok();
    let (status, code, outcome) = check(&world, "");
    assert_eq!((status, code, &outcome.json()["check"]["ms"]), (json!("missing"), 4, &Value::Null));
}

#[test]
fn a_check_tells_a_platform_that_is_gone_from_a_store_that_is_locked() {
    let (mut world, sandbox) = renewable(3600, 3600);
    drop(sandbox);
    let (status, code, outcome) = check(&world, "");
    assert_eq!((status, code), (json!("unreachable"), 3));
    assert_eq!(outcome.json()["email"], "ada@example.test", "what is known is shown all the same");
    // Nothing answers where logins.toml says that the credential is.
    world
        .write("logins.toml", &world.read("logins.toml").replace("store = \"file\"", "store = \"keychain\""));
    std::fs::remove_file(world.path("credentials")).unwrap();
    world.set("AUTOCOM_STORE", "keychain");
    let (status, code, _) = check(&world, "");
    assert_eq!((status, code), (json!("locked"), 6));
}
