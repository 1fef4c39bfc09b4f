//! The real binary against a third party's OAuth server (Django and django-oauth-toolkit), partly in
//! a real Chromium. What a login writes and says in detail is tested on the sandbox; here it is that
//! none of it rests on a habit of our own server.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::platform::{CLIENT_ID, Options, Sandbox};
use crate::support::driver::{Browser, Driver, callback_address, enter_code};
use crate::support::ports::CallbackPorts;
use crate::support::real_server::RealServer;
use crate::support::{Outcome, World};

/// A field of the stored record of `api_url`.
fn stored(world: &World, api_url: &str, field: &str) -> String {
    let file: Value = serde_json::from_str(&world.read("credentials")).unwrap();
    file["credentials"][api_url][field].as_str().unwrap_or_default().to_owned()
}

/// What a failed login must leave as it was.
fn files(world: &World) -> [String; 3] {
    ["config.toml", "logins.toml", "credentials"].map(|file| world.read(file))
}

const NO_FILES: [&str; 3] = ["", "", ""];

/// A whole login in that browser; answers also with the page that it ended on.
fn browse(
    world: &mut World,
    api_url: &str,
    browser: Browser,
    user: &str,
    action: &str,
    more: &str,
) -> (Outcome, String) {
    let _turn = CallbackPorts::take();
    let driver = Driver::install(world, browser, user, action);
    let outcome = world.login(api_url, more).finish();
    (outcome, driver.last_page())
}

/// `auth login --no-browser`, into which what `answer` makes of the printed URL is pasted.
fn paste(world: &World, api_url: &str, answer: impl FnOnce(&str) -> String) -> Outcome {
    let line = format!("auth login --api-url {api_url} --client-id {CLIENT_ID} --no-browser");
    let mut child = world
        .command(&line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    let url = loop {
        let start = stderr.len();
        assert!(output.read_line(&mut stderr).unwrap() > 0, "no URL to log in at:\n{stderr}");
        if stderr[start..].contains("/oauth/authorize?") {
            break stderr[start..].trim().to_owned();
        }
    };
    child.stdin.take().unwrap().write_all(answer(&url).as_bytes()).unwrap();
    output.read_to_string(&mut stderr).unwrap();
    let output = child.wait_with_output().unwrap();
    Outcome {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr,
        code: output.status.code().unwrap_or(-1),
    }
}

fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

#[test]
#[ignore = "needs Chromium and the Django server; run by tests/run"]
fn a_login_in_chromium_ends_on_a_page_that_says_who_is_logged_in_where() {
    let (server, mut world) = (RealServer::shared(), World::new());
    let api_url = server.api_url();
    let (outcome, page) = browse(&mut world, &api_url, Browser::Chromium, "ada", "approve", "");
    outcome.ok().says("Logged in as Ada Lovelace <ada@example.test>, tenant acme");

    let environment = server.origin().trim_start_matches("http://");
    for seen in [
        "Logged in",
        "Close this tab and return to your terminal.",
        "Ada Lovelace",
        "ada@example.test",
        "acme",
        "local",
        environment,
    ] {
        assert!(page.contains(seen), "the person did not see {seen:?} but:\n{page}");
    }
    let shot = std::fs::read(world.home().join("page.png")).unwrap();
    assert!(shot.starts_with(b"\x89PNG") && shot.len() > 4000, "a picture of it, of {} bytes", shot.len());

    let (token, refresh) =
        (stored(&world, &api_url, "access_token"), stored(&world, &api_url, "refresh_token"));
    assert!(server.accepts(&token) && !refresh.is_empty());
    world.run("whoami").ok().prints("Ada Lovelace").prints("acme");
    let rows = world.run("profiles list -o json").ok().json();
    assert_eq!(rows[0]["token"], "valid", "{rows}");
    let mode = world.path("credentials").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Logged out, both tokens are dead where they came from.
    world.run("auth logout").ok().says("The token is revoked at the platform");
    assert!(!server.accepts(&token));
    assert_eq!(server.requests_with(&token).last().unwrap(), "GET /api/v1/profile 401");
    world.run("whoami").code(4);
}

#[test]
#[ignore = "needs Chromium; run by tests/run"]
fn the_sandbox_looks_the_same_in_chromium() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let mut world = World::new();
    let (outcome, page) = browse(&mut world, &sandbox.api_url(), Browser::Chromium, "grace", "approve", "");
    outcome.ok().says("Logged in as Grace Hopper <grace@example.test>, tenant initech");
    assert!(page.contains("Logged in") && page.contains("Grace Hopper"), "{page}");
    let token = stored(&world, &sandbox.api_url(), "access_token");
    assert!(sandbox.accepts(&token));
    world.run("auth logout").ok();
    assert!(!sandbox.accepts(&token));
}

#[test]
#[ignore = "needs Chromium; run by tests/run"]
fn denied_on_the_sandbox_in_chromium_says_so_in_the_browser_and_the_terminal() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let mut world = World::new();
    let (outcome, page) = browse(&mut world, &sandbox.api_url(), Browser::Chromium, "ada", "deny", "");
    outcome.code(4).says("the login was denied");
    assert!(page.contains("Login failed") && page.contains("The login was denied"), "{page}");
    assert_eq!(files(&world), NO_FILES);
}

#[test]
#[ignore = "needs Chromium and the Django server; run by tests/run"]
fn denied_in_chromium_leaves_the_login_before_as_it_was() {
    let (server, mut world) = (RealServer::shared(), World::new());
    let before = server.mint("ada");
    world.login_with_token(&server.api_url(), &before, "").ok();
    let kept = files(&world);
    let (outcome, page) = browse(&mut world, &server.api_url(), Browser::Chromium, "ada", "deny", "");
    outcome.code(4).says("the login was denied").says("hint: autocom auth login");
    assert!(page.contains("Login failed") && page.contains("Return to your terminal"), "{page}");
    assert_eq!(files(&world), kept);
    assert!(server.accepts(&before));
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn a_login_sends_what_the_standards_ask_for_and_no_secret_in_a_url() {
    let (server, mut world) = (RealServer::shared(), World::new());
    let (outcome, page) = browse(&mut world, &server.api_url(), Browser::Forms, "grace", "approve", "");
    outcome.ok().says("Grace Hopper");
    assert!(page.contains("<h1>Logged in</h1>") && page.contains("grace@example.test"), "{page}");

    let token = stored(&world, &server.api_url(), "access_token");
    let calls = server.requests_with(&token);
    assert!(calls.iter().all(|call| call == "GET /api/v1/profile 200"), "{calls:?}");
    let requests = server.requests();
    let ours = |agent: &str| agent.starts_with("autocom/");
    let ours: Vec<_> =
        requests.iter().filter(|r| r.headers.get("User-Agent").is_some_and(|agent| ours(agent))).collect();
    let exchange = ours
        .iter()
        .find(|request| request.status == 200 && request.form.contains_key("code_verifier"))
        .unwrap();
    let fields: Vec<&str> = exchange.form.keys().map(String::as_str).collect();
    assert_eq!(fields, ["client_id", "code", "code_verifier", "grant_type", "redirect_uri"]);
    for request in ours {
        assert_eq!(request.headers["Accept"], "application/json", "{request:?}");
        // Whether the client is known is asked as a browser would ask, with a state and a challenge of its own.
        assert!(request.query_keys.is_empty() || request.path == "/oauth/authorize", "{request:?}");
        assert!(request.auth.as_ref().is_none_or(|auth| auth.scheme == "Bearer"), "{request:?}");
    }
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn the_address_that_a_browser_elsewhere_ended_on_is_pasted() {
    let server = RealServer::shared();
    let whole = World::new();
    paste(&whole, &server.api_url(), |url| callback_address(url, "ada") + "\n").ok().says("Ada Lovelace");
    assert!(server.accepts(&stored(&whole, &server.api_url(), "access_token")));

    let bare = World::new();
    paste(&bare, &server.api_url(), |url| parameter(&callback_address(url, "ada"), "code")).ok();
    assert!(server.accepts(&stored(&bare, &server.api_url(), "access_token")));
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn what_is_pasted_from_another_login_is_refused() {
    let (server, world) = (RealServer::shared(), World::new());
    let token = server.mint("ada");
    world.login_with_token(&server.api_url(), &token, "").ok();
    let before = files(&world);
    paste(&world, &server.api_url(), |url| {
        let address = callback_address(url, "ada");
        address.replace(&parameter(url, "state"), "of-another-login")
    })
    .code(4)
    .says("that address belongs to another login");
    // A code that was made for another challenge: its state isn't known, so the server has to refuse it.
    let mut code = String::new();
    paste(&World::new(), &server.api_url(), |url| {
        code = parameter(&callback_address(url, "ada"), "code");
        String::new()
    })
    .code(4);
    paste(&world, &server.api_url(), |_| code).code(4).says("the platform refused the grant");
    assert_eq!(files(&world), before);
    assert!(server.accepts(&token));
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn a_personal_access_token_is_taken_if_the_platform_takes_it() {
    let (server, world) = (RealServer::shared(), World::new());
    let (good, dead) = (server.mint("ada"), server.mint("ada"));
    server.revoke(&dead);
    for bad in [dead.as_str(), "pat_nobody_ever_made"] {
        world
            .login_with_token(&server.api_url(), bad, "")
            .code(4)
            .says("the platform rejected the token")
            .says("hint: ");
        assert_eq!(files(&world), NO_FILES);
    }
    world.login_with_token(&server.api_url(), &format!("  {good}\n"), "").ok().says("Ada Lovelace");
    assert_eq!(stored(&world, &server.api_url(), "access_token"), good);

    // It is that one that a token which is refused later leaves in place.
    world.login_with_token(&server.api_url(), &dead, "").code(4);
    assert_eq!(stored(&world, &server.api_url(), "access_token"), good);

    world.run("auth logout --revoke").ok().says("is revoked at the platform");
    assert!(!server.accepts(&good));
    world.run("auth logout").ok().says("logged out already");
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn a_token_of_4000_characters_is_a_token() {
    let (server, world) = (RealServer::shared(), World::new());
    let token = server.mint_long("ada", 4000);
    assert_eq!(token.len(), 4000);
    world.login_with_token(&server.api_url(), &token, "").ok();
    assert_eq!(stored(&world, &server.api_url(), "access_token"), token);
    world.run("auth status").ok().prints("ada@example.test");
    world.run("auth logout --revoke").ok();
    assert!(!server.accepts(&token));
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn without_a_current_tenant_one_is_chosen() {
    let (server, world) = (RealServer::shared(), World::new());
    let token = server.mint("mary");
    world
        .login_with_token(&server.api_url(), &token, "")
        .code(2)
        .says("acme, globex, initech")
        .says("--tenant acme");
    assert_eq!(files(&world), NO_FILES);
    world.login_with_token(&server.api_url(), &token, "--tenant globex").ok().says("tenant globex");
    world.run("whoami").ok().prints("globex");
    assert!(server.accepts(&token), "a personal access token is its owner's: no failed login revokes it");
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn a_login_that_fails_after_the_browser_says_so_there_and_leaves_no_token_behind() {
    let (server, mut world) = (RealServer::shared(), World::new());
    let logouts = || {
        let requests = server.requests();
        let is_logout = |path: &str, status| path == "/api/v1/auth/logout" && status == 200;
        requests.iter().filter(|request| is_logout(&request.path, request.status)).count()
    };
    let before = logouts();
    let (outcome, page) = browse(&mut world, &server.api_url(), Browser::Forms, "mary", "approve", "");
    outcome.code(2).says("acme, globex, initech");
    assert!(page.contains("<h1>Login failed</h1>") && page.contains("acme, globex, initech"), "{page}");
    assert_eq!(files(&world), NO_FILES);
    assert!(logouts() > before, "the token was not revoked");
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn a_tenant_that_is_not_theirs_is_forbidden() {
    let (server, world) = (RealServer::shared(), World::new());
    world
        .login_with_token(&server.api_url(), &server.mint("ada"), "--tenant initech")
        .code(5)
        .says("initech")
        .says("acme, globex");
    world.login_with_token(&server.api_url(), &server.mint("nobody"), "").code(5).says("no tenant");
    assert_eq!(files(&world), NO_FILES);
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn two_environments_live_side_by_side_and_a_logout_ends_one() {
    let (one, two) = (RealServer::shared(), RealServer::shared_with_tls());
    let mut world = World::new();
    world.set("SSL_CERT_FILE", two.ca());
    let (outcome, _) =
        browse(&mut world, &two.api_url(), Browser::Forms, "grace", "approve", "--profile prod");
    outcome.ok().says("Grace Hopper");
    let token = one.mint("ada");
    world.login_with_token(&one.api_url(), &token, "--profile staging").ok();

    let rows = world.run("profiles list -o json").ok().json();
    let row = |name: &str| rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!(
        (row("staging")["token"].clone(), row("prod")["token"].clone()),
        ("valid".into(), "valid".into())
    );
    assert_eq!(row("staging")["user"], "ada@example.test");
    assert_eq!(row("prod")["user"], "grace@example.test");

    let other = stored(&world, &two.api_url(), "access_token");
    world.run("auth logout --profile staging --revoke").ok();
    assert!(!one.accepts(&token));
    assert!(two.accepts(&other));
    world.run("whoami --profile prod").ok().prints("Grace Hopper");
    world.run("whoami --profile staging").code(4);

    // Neither server ever saw what belongs to the other.
    assert!(one.requests_with(&other).is_empty() && two.requests_with(&token).is_empty());
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn a_private_certificate_authority_counts_if_the_machine_is_told_so() {
    let (server, mut world) = (RealServer::shared_with_tls(), World::new());
    let token = server.mint("ada");
    world.login_with_token(&server.api_url(), &token, "").code(3).says("certificate").says("hint: ");
    world.set("SSL_CERT_FILE", server.other_ca());
    world.login_with_token(&server.api_url(), &token, "").code(3).says("certificate");
    assert_eq!(files(&world), NO_FILES);
    assert_eq!(server.requests_with(&token), [""; 0], "the token went to a server that proved nothing");

    world.set("SSL_CERT_FILE", server.ca());
    world.login_with_token(&server.api_url(), &token, "").ok().says("Ada Lovelace");
    world.run("auth logout --revoke").ok().says("is revoked at the platform");
    assert!(!server.accepts(&token));
}

/// The client of the device grant, which has no other.
const DEVICE_CLIENT_ID: &str = "9d3f8a52-6c1e-4a7b-9f20-5b8e1c7d4a12";

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn a_device_code_is_a_login_there_too() {
    let server = RealServer::shared();
    let line = format!("auth login --api-url {} --client-id {DEVICE_CLIENT_ID} --device", server.api_url());
    for (action, code, words) in [
        ("approve", 0, "Logged in as Grace Hopper <grace@example.test>, tenant initech."),
        ("deny", 4, "denied"),
    ] {
        let world = World::new();
        let mut login = world.start(&line);
        let after = |line: String| line.split(": ").last().unwrap().to_owned();
        let page = after(login.line_with("To log in, open this page"));
        assert_eq!(page, format!("{}/oauth/device", server.origin()));
        let user_code = after(login.line_with("enter the code"));
        enter_code(&page, &user_code, "grace", action);
        login.finish().code(code).says(words);
        if code == 0 {
            assert!(server.accepts(&stored(&world, &server.api_url(), "access_token")));
            world.run("auth refresh").ok();
            world.run("auth logout").ok().says("revoked");
        } else {
            assert_eq!(files(&world), NO_FILES);
        }
    }
}
