//! Login with a personal access token.

use crate::platform::Fault;
use crate::support::World;
use crate::support::platform::sandbox;

#[test]
fn a_token_on_stdin_is_trimmed_and_its_end_is_shown() {
    let (world, sandbox) = (World::new(), sandbox());
    let (url, token) = (sandbox.api_url(), sandbox.mint_pat("ada", Some(3 * 86_400 + 60)));
    world.plant(&token);
    let line = format!("auth login --api-url {url} --token-stdin");
    let outcome = world.run_with_input(&line, &format!("\r\n  {token} \n\n")).ok();
    insta::assert_snapshot!(outcome.shown(&[(&world.home().display().to_string(), "~")]), @r"
    exit 0
    --- stderr
    the credential will be stored in plain text in ~/.autocom/credentials (store = file)
    Logged in as Ada Lovelace <ada@example.test>, tenant acme.
    Profile local (new, active now); its token is in the file and ends in 3 d.
    ");
    let record = world.record(&url);
    assert_eq!((record["access_token"].as_str(), record["kind"].as_str()), (Some(&*token), Some("pat")));
    assert!(record["expires_at"].is_string() && record["refresh_token"].is_null());
}

#[test]
fn a_token_as_an_argument_works_and_the_short_form_too() {
    let (world, sandbox) = (World::new(), sandbox());
    let token = sandbox.mint_pat("grace", None);
    world.plant(&token);
    world.run(&format!("login --api-url {} --with-token {token}", sandbox.api_url())).ok();
    let status = world.run("auth status -o json").ok().json();
    assert_eq!((&status["email"], &status["kind"]), (&"grace@example.test".into(), &"pat".into()));
}

#[test]
fn the_answer_of_a_login_is_an_object_without_a_token() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    let token = sandbox.mint_pat("ada", None);
    let outcome = world.login_with_token(&url, &token, "--profile prod -o json").ok();
    let answer = outcome.json();
    let known: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    for key in ["activated", "api_url", "created", "email", "kind", "profile", "store", "tenant"] {
        assert!(known.contains(&key), "{key} is not in {known:?}");
    }
    assert_eq!(answer["profile"], "prod");
    assert_eq!(answer["created"], true);
    assert_eq!(answer["api_url"], url.as_str());
}

#[test]
fn what_is_no_token_is_refused_without_being_repeated() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.plant("hunter2");
    for (input, why) in [
        ("", "the token is empty"),
        (" \r\n", "the token is empty"),
        ("hunter2 hunter2", "is not one word"),
        ("hunter2\u{7}", "is not one word"),
        ("hünter2", "is not one word"),
        (&"hunter2".repeat(10_000), "longer than 64 KiB"),
    ] {
        let line = format!("auth login --api-url {url} --token-stdin -vvv");
        world.run_with_input(&line, input).code(4).says(why).says("hint: ");
    }
    world
        .run_words(&["login", "--api-url", &url, "--with-token", "hunter2 x"])
        .code(4)
        .says("is not one word");
    assert_eq!(world.files(), ["", "", ""]);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn a_token_in_the_wrong_place_is_not_repeated() {
    let world = World::new();
    world.plant("hunter2");
    for line in [
        "auth login hunter2",
        "login hunter2",
        "auth login --token-stdin hunter2",
        "auth login --token-stdin=hunter2",
        "auth login --with-tokens hunter2",
        "auth login --with-tokens=hunter2",
        "auth login --with-token hunter2 --token-stdin",
        "auth login --with-token hunter2 --no-browser -o json",
        "auth login --with-token=hunter2 --with-token=hunter2",
    ] {
        world.run(line).code(2);
    }
}

#[test]
fn a_rejected_token_is_not_stored_and_the_credential_before_stays() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.login_with_token(&url, "hunter2", "").code(4).says("rejected").says("hint: ");
    assert_eq!(world.files(), ["", "", ""]);
    world.log_in(&sandbox, "ada", "");
    let before = world.files();
    world.login_with_token(&url, "hunter2", "").code(4);
    for (fault, code) in [
        (Fault::status(500), 1),
        (Fault::status(403), 5),
        (Fault::status(200).body("text/html", "<html>"), 1),
        (Fault::close(), 3),
    ] {
        sandbox.fault("/api/v1/profile", fault);
        world.login_with_token(&url, &sandbox.mint_pat("grace", None), "").code(code);
    }
    assert_eq!(world.files(), before);
    let revoked = sandbox.requests().into_iter().any(|request| request.path == "/api/v1/auth/logout");
    assert!(!revoked, "a token that a user made by hand is not ours to revoke");
}

#[test]
fn a_platform_that_is_down_is_exit_3() {
    let world = World::new();
    let outcome = world.login_with_token("http://127.0.0.1:1", "hunter2", "").code(3);
    outcome.says("nothing accepts connections at 127.0.0.1:1");
    assert_eq!(world.files(), ["", "", ""]);
}
