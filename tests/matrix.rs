//! Every request that autocom makes, against every answer that is not the platform's usual one: exit code and words.

use serde_json::json;

use crate::platform::{CLIENT_ID, Fault, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::platform::device_sandbox;
use crate::support::world::Running;
use crate::support::{Outcome, World};

const PAGE: &str = "<!DOCTYPE html><html><body>Sign in to the guest network</body></html>";
const OTHER_SERVICE: &str = r#"{"status":"ok","version":"7.2"}"#;

/// What is answered, by name; `usual` is the platform's own answer to the request.
fn answers(usual: &str) -> Vec<(&'static str, Fault)> {
    let html = |status| Fault::status(status).body("text/html", PAGE);
    let message = |status, text| {
        Fault::status(status).body("application/json", &json!({ "message": text }).to_string())
    };
    vec![
        ("HTML 200", html(200)),
        ("HTML 401 Basic", html(401).header("WWW-Authenticate", "Basic realm=\"proxy\"")),
        ("HTML 511", html(511)),
        ("empty 200", Fault::status(200).body("application/json", "")),
        ("other JSON", Fault::status(200).body("application/json", OTHER_SERVICE)),
        ("BOM", Fault::status(200).body("application/json", &format!("\u{feff}{usual}"))),
        ("text/html", Fault::status(200).body("text/html", usual)),
        ("other origin", Fault::status(302).header("Location", "https://login.example.test/start")),
        ("403", message(403, "Your email address is not verified.")),
        ("404", message(404, "No query results for this model.")),
        ("419", message(419, "CSRF token mismatch.")),
        ("422", message(422, "The given data was invalid.")),
        ("429", message(429, "Too Many Attempts.").header("Retry-After", "1")),
        ("HTML 502", html(502)),
    ]
}

/// A line for each answer: its name, the exit code and what was printed.
fn matrix(usual: impl Fn(&Sandbox) -> String, cell: impl Fn(&World, &Sandbox, Fault) -> Outcome) -> String {
    let names: Vec<_> = answers("").into_iter().map(|(name, _)| name).collect();
    let mut lines = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let (world, sandbox) = (World::new(), device_sandbox());
        let fault = answers(&usual(&sandbox)).remove(index).1;
        let outcome = cell(&world, &sandbox, fault.times(9));
        lines.push(format!("{name}: {}", shown(&outcome, &world, &sandbox)));
    }
    lines.join("\n")
}

fn shown(outcome: &Outcome, world: &World, sandbox: &Sandbox) -> String {
    let mut words = format!("{}", outcome.code);
    let lines = outcome.stdout.lines().map(|line| ("> ", line));
    for (mark, line) in
        lines.chain(outcome.stderr.lines().map(|line| ("", line))).filter(|(_, l)| !l.is_empty())
    {
        let line = line.replace(&sandbox.origin(), "BASE").replace(CLIENT_ID, "CLIENT");
        let line = line.replace(&world.home().display().to_string(), "HOME");
        words += &format!("\n    {mark}{}", steady(&line));
    }
    words
}

/// Without times and ids of requests.
fn steady(line: &str) -> String {
    let line = line.split(" (request ").next().unwrap().chars().take(200).collect::<String>();
    let words =
        line.split('\t').map(|word| if word.len() == 20 && word.ends_with('Z') { "TIME" } else { word });
    words.collect::<Vec<_>>().join("\t")
}

/// A command of somebody who is logged in. Whatever is answered, the login stays, and no token is asked for.
fn logged_in(path: &'static str, line: &'static str) -> impl Fn(&World, &Sandbox, Fault) -> Outcome {
    move |world, sandbox, fault| {
        world.log_in_by_oauth(sandbox);
        let (before, record) = (sandbox.requests().len(), world.record(&sandbox.api_url()));
        sandbox.fault(path, fault);
        let outcome = world.run(line);
        let later = sandbox.requests().split_off(before);
        assert!(
            path == "/oauth/token" || later.iter().all(|request| request.path != "/oauth/token"),
            "{later:?}"
        );
        if outcome.code != 0 {
            assert_eq!(world.record(&sandbox.api_url()), record, "a failure changed the login");
        }
        outcome
    }
}

/// The words of `start`, a login that is given the callback of its browser.
fn pasted(mut login: Running) -> Outcome {
    let url = login.login_url();
    let walk = visit_blocking(&url, Visitor::approving("ada").without_delivery()).unwrap();
    let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
    login.input(&callback);
    let mut outcome = login.finish();
    let question = outcome.stderr.rfind("paste it here.\n").unwrap() + "paste it here.\n".len();
    outcome.stderr = outcome.stderr.split_off(question);
    outcome
}

fn token_reply(sandbox: &Sandbox) -> String {
    let token = sandbox.mint_pat("ada", Some(3600));
    json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": token, "refresh_token": "r".repeat(40) })
        .to_string()
}

const PROFILE: &str = r#"{"id":1,"name":"Ada Lovelace","email":"ada@example.test","tenants_count":2}"#;

#[test]
fn of_the_profile() {
    insta::assert_snapshot!(matrix(|_| PROFILE.into(), logged_in("/api/v1/profile", "whoami --check")), @r"
    HTML 200: 1
        error: the answer came from something between here and the platform (HTML, status 200)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 401 Basic: 1
        error: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 511: 1
        error: the answer came from something between here and the platform (network authentication required, status 511)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    empty 200: 1
        error: the answer is empty
    other JSON: 1
        error: the answer is a profile with neither name nor e-mail; is this address an Autocom platform's?
        hint: check the address: autocom config get api_url
    BOM: 0
        > NAME	EMAIL	PROFILE	API URL	TENANT	EXPIRES
        > Ada Lovelace	ada@example.test	local	BASE/api/v1	acme	TIME
    text/html: 0
        > NAME	EMAIL	PROFILE	API URL	TENANT	EXPIRES
        > Ada Lovelace	ada@example.test	local	BASE/api/v1	acme	TIME
    other origin: 1
        error: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    403: 5
        error: not permitted: Your email address is not verified.
    404: 5
        error: not found: No query results for this model.
    419: 1
        error: the platform refused with status 419: CSRF token mismatch.
    422: 1
        error: the platform found the request invalid: The given data was invalid.
        hint: change what is named above, then try again
    429: 1
        error: too many requests; the platform asks to wait 1 s
        hint: wait 1 s, then try again
    HTML 502: 1
        error: the answer came from something between here and the platform (HTML, status 502)
        hint: try again later; or check the address: autocom config get api_url
    ");
}

#[test]
fn of_the_tenants() {
    let usual = r#"{"tenants":[{"id":"acme","name":"Acme","role":"owner"}]}"#;
    insta::assert_snapshot!(matrix(|_| usual.into(), logged_in("/api/v1/auth/tenants", "tenants list")), @r"
    HTML 200: 1
        error: the answer came from something between here and the platform (HTML, status 200)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 401 Basic: 1
        error: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 511: 1
        error: the answer came from something between here and the platform (network authentication required, status 511)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    empty 200: 1
        error: the answer is empty
    other JSON: 1
        error: the answer is JSON without a list of tenants; is this address an Autocom platform's?
        hint: check the address: autocom config get api_url
    BOM: 0
        > TENANT	NAME	ROLE	CURRENT
        > acme	Acme	owner	true
    text/html: 0
        > TENANT	NAME	ROLE	CURRENT
        > acme	Acme	owner	true
    other origin: 1
        error: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    403: 5
        error: not permitted: Your email address is not verified.
    404: 5
        error: not found: No query results for this model.
    419: 1
        error: the platform refused with status 419: CSRF token mismatch.
    422: 1
        error: the platform found the request invalid: The given data was invalid.
        hint: change what is named above, then try again
    429: 1
        error: too many requests; the platform asks to wait 1 s
        hint: wait 1 s, then try again
    HTML 502: 1
        error: the answer came from something between here and the platform (HTML, status 502)
        hint: try again later; or check the address: autocom config get api_url
    ");
}

#[test]
fn of_the_orders() {
    let usual = r#"{"data":{"orders":[]}}"#;
    insta::assert_snapshot!(matrix(|_| usual.into(), logged_in("/api/v1/graphql", "orders list")), @r"
    HTML 200: 1
        error: the answer came from something between here and the platform (HTML, status 200)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 401 Basic: 1
        error: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 511: 1
        error: the answer came from something between here and the platform (network authentication required, status 511)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    empty 200: 1
        error: the answer is empty
    other JSON: 1
        error: the answer is JSON without a list of orders; is this address an Autocom platform's?
        hint: check the address: autocom config get api_url
    BOM: 0
        > ORDER	STATUS	TOTAL	CURRENCY	CREATED
    text/html: 0
        > ORDER	STATUS	TOTAL	CURRENCY	CREATED
    other origin: 1
        error: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    403: 5
        error: not permitted: Your email address is not verified.
    404: 5
        error: not found: No query results for this model.
    419: 1
        error: the platform refused with status 419: CSRF token mismatch.
    422: 1
        error: the platform found the request invalid: The given data was invalid.
        hint: change what is named above, then try again
    429: 1
        error: too many requests; the platform asks to wait 1 s
        hint: wait 1 s, then try again
    HTML 502: 1
        error: the answer came from something between here and the platform (HTML, status 502)
        hint: try again later; or check the address: autocom config get api_url
    ");
}

#[test]
fn of_any_endpoint() {
    let usual = r#"{"orders":[]}"#;
    insta::assert_snapshot!(matrix(|_| usual.into(), logged_in("/api/v1/orders", "api orders")), @r#"
    HTML 200: 0
        > <!DOCTYPE html><html><body>Sign in to the guest network</body></html>
    HTML 401 Basic: 1
        > <!DOCTYPE html><html><body>Sign in to the guest network</body></html>
        error: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 511: 1
        > <!DOCTYPE html><html><body>Sign in to the guest network</body></html>
        error: the answer came from something between here and the platform (network authentication required, status 511)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    empty 200: 0
    other JSON: 0
        > {"status":"ok","version":"7.2"}
    BOM: 0
        > ﻿{"orders":[]}
    text/html: 0
        > {"orders":[]}
    other origin: 1
        error: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    403: 5
        > {"message":"Your email address is not verified."}
        error: not permitted: Your email address is not verified.
    404: 5
        > {"message":"No query results for this model."}
        error: not found: No query results for this model.
    419: 1
        > {"message":"CSRF token mismatch."}
        error: the platform refused with status 419: CSRF token mismatch.
    422: 1
        > {"message":"The given data was invalid."}
        error: the platform found the request invalid: The given data was invalid.
        hint: change what is named above, then try again
    429: 1
        > {"message":"Too Many Attempts."}
        error: too many requests; the platform asks to wait 1 s
        hint: wait 1 s, then try again
    HTML 502: 1
        > <!DOCTYPE html><html><body>Sign in to the guest network</body></html>
        error: the answer came from something between here and the platform (HTML, status 502)
        hint: try again later; or check the address: autocom config get api_url
    "#);
}

#[test]
fn of_a_refresh() {
    insta::assert_snapshot!(matrix(token_reply, logged_in("/oauth/token", "auth refresh")), @r"
    HTML 200: 1
        error: the token could not be renewed: the answer came from something between here and the platform (HTML, status 200)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 401 Basic: 1
        error: the token could not be renewed: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    HTML 511: 1
        error: the token could not be renewed: the answer came from something between here and the platform (network authentication required, status 511)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    empty 200: 1
        error: the token could not be renewed: the token endpoint's answer is empty (status 200)
    other JSON: 1
        error: the token could not be renewed: the token endpoint's reply (status 200) is not OAuth's; is this address an Autocom platform's?
        hint: check the address: autocom config get api_url
    BOM: 0
        The token of profile local is renewed; it ends in 1 h.
    text/html: 0
        The token of profile local is renewed; it ends in 1 h.
    other origin: 1
        error: the token could not be renewed: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302)
        hint: log in to the network or gateway in a browser, then try again; or check the address: autocom config get api_url
    403: 5
        error: the token could not be renewed: the platform refused with status 403: Your email address is not verified.
    404: 1
        error: the token could not be renewed: /oauth/token answered with status 404 (No query results for this model.); is this address an Autocom platform's?
        hint: check the address: autocom config get api_url
    419: 1
        error: the token could not be renewed: the platform refused with status 419: CSRF token mismatch.
    422: 1
        error: the token could not be renewed: the platform refused with status 422: The given data was invalid.
    429: 1
        error: the token could not be renewed: too many requests; the platform asks to wait 1 s
        hint: wait 1 s, then try again
    HTML 502: 1
        error: the token could not be renewed: the answer came from something between here and the platform (HTML, status 502)
        hint: try again later; or check the address: autocom config get api_url
    ");
}

#[test]
fn of_the_token_of_a_login() {
    let cell = |world: &World, sandbox: &Sandbox, fault| {
        sandbox.fault("/oauth/token", fault);
        let line = format!("auth login --api-url {} --client-id {CLIENT_ID} --no-browser", sandbox.api_url());
        let outcome = pasted(world.start_open(&line));
        assert!(outcome.code == 0 || world.record(&sandbox.api_url()).is_null(), "half a login is stored");
        outcome
    };
    insta::assert_snapshot!(matrix(token_reply, cell), @r"
    HTML 200: 1
        error: the answer came from something between here and the platform (HTML, status 200)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    HTML 401 Basic: 1
        error: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    HTML 511: 1
        error: the answer came from something between here and the platform (network authentication required, status 511)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    empty 200: 1
        error: the token endpoint's answer is empty (status 200)
    other JSON: 1
        error: the token endpoint's reply (status 200) is not OAuth's; is this address an Autocom platform's?
        hint: check the address: BASE/api/v1
    BOM: 0
        Logged in as Ada Lovelace <ada@example.test>, tenant acme.
        Profile local (new, active now); its token is in the file and ends in 1 h (renewable).
    text/html: 0
        Logged in as Ada Lovelace <ada@example.test>, tenant acme.
        Profile local (new, active now); its token is in the file and ends in 1 h (renewable).
    other origin: 1
        error: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    403: 5
        error: the platform refused with status 403: Your email address is not verified.
    404: 1
        error: /oauth/token answered with status 404 (No query results for this model.); is this address an Autocom platform's?
        hint: check the address: BASE/api/v1
    419: 1
        error: the platform refused with status 419: CSRF token mismatch.
    422: 1
        error: the platform refused with status 422: The given data was invalid.
    429: 0
        Logged in as Ada Lovelace <ada@example.test>, tenant acme.
        Profile local (new, active now); its token is in the file and ends in 1 h (renewable).
    HTML 502: 1
        error: the answer came from something between here and the platform (HTML, status 502)
        hint: try again later; or check the address: BASE/api/v1
    ");
}

#[test]
fn of_a_device_code() {
    let usual = |sandbox: &Sandbox| {
        let page = format!("{}/oauth/device", sandbox.origin());
        json!({ "device_code": "d", "user_code": "BCDFGHJK", "verification_uri": page, "expires_in": 60, "interval": 1 })
            .to_string()
    };
    let cell = |world: &World, sandbox: &Sandbox, fault| {
        sandbox.fault("/oauth/device/code", fault);
        let denied = Fault::status(400).body("application/json", r#"{"error":"access_denied"}"#);
        sandbox.fault("/oauth/token", denied);
        world.login(&sandbox.api_url(), "--device").finish()
    };
    insta::assert_snapshot!(matrix(usual, cell), @r"
    HTML 200: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the answer came from something between here and the platform (HTML, status 200)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    HTML 401 Basic: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    HTML 511: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the answer came from something between here and the platform (network authentication required, status 511)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    empty 200: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the token endpoint's answer is empty (status 200)
    other JSON: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the token endpoint's reply (status 200) is not OAuth's; is this address an Autocom platform's?
        hint: check the address: BASE/api/v1
    BOM: 4
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        To log in, open this page on any device: BASE/oauth/device
        and enter the code: BCDFGHJK
        error: the login was denied: you refused access
        hint: autocom auth login --api-url BASE/api/v1 --client-id CLIENT --device, and approve it on the platform's page
    text/html: 4
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        To log in, open this page on any device: BASE/oauth/device
        and enter the code: BCDFGHJK
        error: the login was denied: you refused access
        hint: autocom auth login --api-url BASE/api/v1 --client-id CLIENT --device, and approve it on the platform's page
    other origin: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302)
        hint: log in to the network or gateway in a browser, then try again; or check the address: BASE/api/v1
    403: 5
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the platform refused with status 403: Your email address is not verified.
    404: 4
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: this platform offers no login with a device code: it answers with status 404
        hint: autocom auth login --api-url BASE/api/v1 --client-id CLIENT --no-browser, or with a personal access token: autocom auth login --api-url BASE/api/v1 --client-id CLIENT --token-stdin
    419: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the platform refused with status 419: CSRF token mismatch.
    422: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the platform refused with status 422: The given data was invalid.
    429: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: too many requests; the platform asks to wait 1 s
        hint: wait 1 s, then try again
    HTML 502: 1
        the credential will be stored in plain text in HOME/.autocom/credentials (store = file)
        error: the answer came from something between here and the platform (HTML, status 502)
        hint: try again later; or check the address: BASE/api/v1
    ");
}

#[test]
fn of_a_logout() {
    let usual = |_: &Sandbox| r#"{"message":"Successfully logged out"}"#.to_owned();
    let cell = |world: &World, sandbox: &Sandbox, fault: Fault| {
        world.log_in_by_oauth(sandbox);
        let confirms = fault.body.contains("Successfully");
        sandbox.fault("/api/v1/auth/logout", if confirms { fault.after_work() } else { fault });
        let outcome = world.run("auth logout");
        assert!(world.record(&sandbox.api_url()).is_null(), "it is deleted here in any case");
        outcome
    };
    insta::assert_snapshot!(matrix(usual, cell), @r"
    HTML 200: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the platform still accepts it; it and its refresh token may still work
    HTML 401 Basic: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the answer came from something between here and the platform (WWW-Authenticate: Basic, status 401); it and its refresh token may still work
    HTML 511: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the answer came from something between here and the platform (network authentication required, status 511); it and its refresh token may still wo
    empty 200: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the platform still accepts it; it and its refresh token may still work
    other JSON: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the platform still accepts it; it and its refresh token may still work
    BOM: 0
        Logged out profile local (ada@example.test); deleted from the file.
        The token is revoked at the platform.
    text/html: 0
        Logged out profile local (ada@example.test); deleted from the file.
        The token is revoked at the platform.
    other origin: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the answer came from something between here and the platform (redirect to https://login.example.test/start, status 302); it and its refresh token
    403: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: not permitted: Your email address is not verified.
    404: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: not found: No query results for this model.
    419: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the platform refused with status 419: CSRF token mismatch.
    422: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the platform found the request invalid: The given data was invalid.
    429: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: too many requests; the platform asks to wait 1 s
    HTML 502: 0
        Logged out profile local (ada@example.test); deleted from the file.
        warning: could not confirm that the token was revoked: the answer came from something between here and the platform (HTML, status 502); it and its refresh token may still work
    ");
}
