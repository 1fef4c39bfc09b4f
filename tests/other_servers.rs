//! The habits of authorization servers other than Passport: what they issue, refuse and revoke in ways of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use url::Url;

use crate::platform::{
    CLIENT_ID, DefaultScope, Fault, Knobs, Options, Passport, Request, Sandbox, Visited, Visitor,
    visit_blocking,
};
use crate::support::platform::refreshes;
use crate::support::server::{ADA, Server, answer};
use crate::support::{Outcome, World};

const PROFILE: &str = "GET /api/v1/profile";
const TOKEN: &str = "POST /oauth/token";
/// A time at which any token has expired.
const PAST: &str = "2026-01-01T01:00:00Z";

fn sandbox(knobs: Knobs) -> Sandbox {
    Sandbox::start(Options { knobs, ..Options::default() }).unwrap()
}

/// Logs in by paste, with ada in the browser, and answers also with the address of the login page.
fn log_in(world: &World, sandbox: &Sandbox, more: &str) -> (Outcome, Url) {
    let line =
        format!("auth login --no-browser --api-url {} --client-id {CLIENT_ID} {more}", sandbox.api_url());
    let mut login = world.start_open(&line);
    let url = login.login_url();
    match visit_blocking(&url, Visitor::approving("ada").without_delivery()).unwrap() {
        Visited::Callback(callback) => login.input(&callback),
        other => panic!("{other:?}"),
    }
    (login.finish(), url.parse().unwrap())
}

fn scope(url: &Url) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == "scope").map(|(_, value)| value.into_owned())
}

#[test]
fn a_refused_login_leaves_a_stored_token_alone_that_it_was_given_again() {
    let (world, sandbox) = (World::new(), sandbox(Knobs { reuse_tokens: true, ..Knobs::default() }));
    log_in(&world, &sandbox, "").0.ok();
    let token = world.stored(&sandbox.api_url(), "access_token");
    log_in(&world, &sandbox, "--expect user=grace@example.test").0.code(2);
    log_in(&world, &sandbox, "--tenant initech").0.code(5);
    assert!(sandbox.accepts(&token));
    world.run("auth status --check").ok();
    // A token that is stored nowhere is revoked as ever.
    let other = World::new();
    sandbox.knobs(|knobs| knobs.reuse_tokens = false);
    log_in(&other, &sandbox, "--tenant initech").0.code(5);
    let revoked = |request: &Request| request.path == "/api/v1/auth/logout" && request.status == Some(200);
    assert_eq!(sandbox.requests().iter().filter(|request| revoked(request)).count(), 1);
}

#[test]
fn a_logout_leaves_a_token_alone_that_another_credential_has_too() {
    let (world, sandbox) = (World::new(), sandbox(Knobs { reuse_tokens: true, ..Knobs::default() }));
    let api_url = sandbox.api_url();
    world.config(&format!(
        "[profiles.one]\napi_url = \"{api_url}\"\ncredential = \"one\"\n\
         [profiles.two]\napi_url = \"{api_url}\"\ncredential = \"two\"\n"
    ));
    for profile in ["one", "two"] {
        log_in(&world, &sandbox, &format!("--profile {profile}")).0.ok();
    }
    let logout = world.run("auth logout -p two -o json").ok();
    assert_eq!(
        (&logout.json()[0]["revoked"], &logout.json()[0]["reason"]),
        (&false.into(), &"the credential `one` has the same token".into())
    );
    world.run("auth status -p one --check").ok();
    world.run("auth logout -p one").ok().says("is revoked at the platform");
}

#[test]
fn an_ended_refresh_token_that_is_called_an_invalid_request_twice_has_ended() {
    // LemonLDAP::NG's answer.
    let server = Server::start(|_| answer("400 Bad Request", r#"{"error":"invalid_request"}"#));
    let world = server.logged_in(json!({ "expires_at": PAST }));
    for _ in 0..2 {
        let error = world.run("auth token -o json").code(4).error();
        assert_eq!(error["message"], "credentials expired");
        assert_eq!(error["hint"], "autocom auth login --profile local");
    }
    assert_eq!(server.asked(TOKEN).len(), 2, "the second command does not ask again");

    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer("400 Bad Request", r#"{"error":"invalid_request"}"#),
        _ => answer("200 OK", r#"{"access_token":"new-access","token_type":"Bearer","expires_in":3600}"#),
    });
    let world = server.logged_in(json!({ "expires_at": PAST }));
    assert_eq!(world.run("auth token").ok().stdout, "new-access\n");
}

#[test]
fn every_refusal_of_a_refresh_says_how_to_log_in() {
    for (status, error) in [
        ("400 Bad Request", "unsupported_grant_type"),
        ("400 Bad Request", "temporarily_unavailable"),
        ("400 Bad Request", "something_else"),
        ("401 Unauthorized", "access_denied"),
        ("401 Unauthorized", "unauthorized_client"),
        ("400 Bad Request", "invalid_client"),
    ] {
        let body = json!({ "error": error }).to_string();
        let server = Server::start(move |_| answer(status, &body));
        let world = server.logged_in(json!({ "expires_at": PAST }));
        for _ in 0..2 {
            let outcome = world.run("auth token").code(4);
            outcome
                .says(&format!("renewed: the platform answered {error}\n"))
                .says("autocom auth login --profile local");
        }
        assert_eq!(server.asked(TOKEN).len(), 2, "{error}: the refresh token may still work");
    }
}

#[test]
fn a_login_whose_client_the_platform_has_forgotten_is_renewed_for_the_client_that_is_set() {
    let server = Server::start(|asked| match asked.field("client_id") {
        Some("new") => {
            answer("200 OK", r#"{"access_token":"new-access","token_type":"Bearer","expires_in":3600}"#)
        }
        _ => answer("401 Unauthorized", r#"{"error":"invalid_client","error_description":"Unknown client"}"#),
    });
    let world = server.logged_in(json!({ "expires_at": PAST }));
    world
        .run("auth token")
        .code(4)
        .says("invalid_client: Unknown client")
        .says("this login belongs to the client `cli`")
        .says("autocom auth login --profile local --client-id ID");
    world.run("profiles set local client_id=new").ok();
    assert_eq!(world.run("auth token").ok().stdout, "new-access\n");
    assert_eq!(world.stored(&server.api_url(), "client_id"), "new");
}

#[test]
fn a_scope_is_asked_for_at_login_remembered_and_left_out_of_a_refresh() {
    let (mut world, sandbox) = (World::new(), sandbox(Knobs::default()));
    assert_eq!(scope(&log_in(&world, &sandbox, "").1), None);
    let (outcome, url) = log_in(&world, &sandbox, "--scope read");
    outcome.ok();
    assert_eq!(scope(&url).as_deref(), Some("read"));
    assert_eq!(scope(&log_in(&world, &sandbox, "").1).as_deref(), Some("read"), "captured");
    world.run("profiles show local --explain scope").ok().prints("read").prints("login of");
    world.run("auth refresh").ok();
    let asked = sandbox.requests();
    let refresh =
        asked.iter().find(|request| request.form_field("grant_type") == Some("refresh_token")).unwrap();
    assert_eq!(refresh.form_field("scope"), None);
    // As everywhere, a variable comes before the files, and these before what a login learned.
    world.run("profiles set local scope=write").ok();
    assert_eq!(scope(&log_in(&world, &sandbox, "").1).as_deref(), Some("write"));
    world.set("AUTOCOM_SCOPE", "write   read");
    assert_eq!(scope(&log_in(&world, &sandbox, "").1).as_deref(), Some("write read"));
    world.unset("AUTOCOM_SCOPE");
    // One from the file is not captured, so it goes when it is removed there.
    log_in(&world, &sandbox, "").0.ok();
    world.run("config unset profiles.local.scope").ok();
    assert_eq!(scope(&log_in(&world, &sandbox, "").1), None);
}

#[test]
fn a_device_asks_for_the_scope_too() {
    let knobs = Knobs { device_grant: true, default_scope: DefaultScope::Refused, ..Knobs::default() };
    let (world, sandbox) = (World::new(), sandbox(knobs));
    let refused = world.login(&sandbox.api_url(), "--device").finish().code(4);
    refused.says("invalid_scope").says("config get scope").says("--scope SCOPES --device");
    let mut login = world.login(&sandbox.api_url(), "--device --scope read");
    let page = login.line_with("Or open: ").split(": ").last().unwrap().to_owned();
    visit_blocking(&page, Visitor::approving("ada")).unwrap();
    login.finish().ok();
    assert_eq!(world.record(&sandbox.api_url())["scopes"], json!(["read"]));
}

#[test]
fn a_scope_that_is_refused_or_not_granted_is_named_with_its_key() {
    let (world, sandbox) = (World::new(), sandbox(Knobs { passport: Passport::V13, ..Knobs::default() }));
    let (outcome, _) = log_in(&world, &sandbox, "--scope nope");
    outcome
        .code(4)
        .says("the platform answered invalid_scope")
        .says("check the scope: autocom config get scope");
    sandbox.knobs(|knobs| knobs.default_scope = DefaultScope::Empty);
    let (outcome, _) = log_in(&world, &sandbox, "");
    outcome
        .ok()
        .says("the platform granted no scope; to ask for one: autocom auth login")
        .says("--scope SCOPES");
    let granted = r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"scope":"read"}"#;
    sandbox.fault("/oauth/token", Fault::status(200).body("application/json", granted));
    let (outcome, _) = log_in(&world, &sandbox, "--scope write");
    outcome.says("the platform did not grant the scope `write`");
}

/// It takes 20 s, like what it is about.
#[test]
fn a_login_page_that_sends_nobody_back_is_explained_while_the_login_waits() {
    let (world, sandbox) =
        (World::new(), sandbox(Knobs { default_scope: DefaultScope::Refused, ..Knobs::default() }));
    let line = format!("auth login --no-browser --api-url {} --client-id {CLIENT_ID}", sandbox.api_url());
    let mut login = world.start_open(&line);
    let visited = visit_blocking(&login.login_url(), Visitor::approving("ada").without_delivery()).unwrap();
    assert!(matches!(visited, Visited::Stopped { .. }), "{visited:?}");
    let said = login.line_with("still waiting: ");
    for doubt in [CLIENT_ID, "http://127.0.0.1:8765/callback", "it requires a scope (--scope SCOPES)"] {
        assert!(said.contains(doubt), "{said}");
    }
    login.kill();
}

#[test]
fn each_error_of_a_login_page_has_its_own_hint() {
    for (error, says, hint) in [
        (
            "access_denied",
            "the login was denied: you refused access",
            "and approve it on the platform's page",
        ),
        (
            "consent_required",
            "the login was denied: you refused access",
            "and approve it on the platform's page",
        ),
        ("invalid_scope", "answered invalid_scope", "check the scope: autocom config get scope"),
        (
            "temporarily_unavailable",
            "answered temporarily_unavailable",
            "the platform has a problem; try again later",
        ),
        (
            "unauthorized_client",
            "answered unauthorized_client",
            "check the client id: autocom config get client_id",
        ),
    ] {
        let (world, sandbox) = (World::new(), sandbox(Knobs::default()));
        let mut login = world.start_open(&format!(
            "auth login --no-browser --api-url {} --client-id {CLIENT_ID}",
            sandbox.api_url()
        ));
        let url: Url = login.login_url().parse().unwrap();
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        login.input(&format!("http://127.0.0.1:8765/callback?error={error}&state={state}\n"));
        let outcome = login.finish().code(4).says(says).says(hint);
        assert_eq!(
            outcome.stderr.contains("client id"),
            error == "unauthorized_client",
            "{}",
            outcome.stderr
        );
    }
}

/// The tokens of a login, and what its logout says.
fn logged_out(world: &World, sandbox: &Sandbox) -> ([String; 2], Outcome) {
    log_in(world, sandbox, "").0.ok();
    let tokens = ["access_token", "refresh_token"].map(|field| world.stored(&sandbox.api_url(), field));
    (tokens, world.run("auth logout -o json").ok())
}

#[test]
fn a_logout_revokes_a_refresh_token_that_a_refresh_does_not_end() {
    let unrotated = Knobs { rotate: false, ..Knobs::default() };
    let alone = Knobs { each_token_alone: true, ..Knobs::default() };
    for knobs in [unrotated, alone] {
        let (world, sandbox) = (World::new(), sandbox(knobs.clone()));
        let ([_, refresh_token], outcome) = logged_out(&world, &sandbox);
        let reason =
            "the refresh token may still work: the platform still accepts it and has no revocation endpoint";
        assert_eq!(outcome.json()[0]["reason"], reason);
        assert!(sandbox.accepts(&refresh_token));

        sandbox.knobs(|knobs| knobs.revocation_endpoint = true);
        let (tokens, outcome) = logged_out(&world, &sandbox);
        assert_eq!(
            (&outcome.json()[0]["revoked"], &outcome.json()[0]["reason"]),
            (&true.into(), &json!(null))
        );
        assert!(tokens.iter().all(|token| !sandbox.accepts(token)) && !sandbox.has_live_tokens("ada"));

        // Some answer 200 and do nothing, others refuse public clients: what counts is that the token is refused.
        for (fault, why) in [
            (Fault::status(200), ""),
            (Fault::status(401), " (the revocation endpoint answered with status 401)"),
        ] {
            let (world, sandbox) =
                (World::new(), self::sandbox(Knobs { revocation_endpoint: true, ..knobs.clone() }));
            sandbox.fault("/oauth/revoke", fault.times(9));
            let (_, outcome) = logged_out(&world, &sandbox);
            let reason = format!("the refresh token may still work: the platform still accepts it{why}");
            assert_eq!(outcome.json()[0]["reason"], reason);
        }
    }
}

#[test]
fn the_key_revocation_url_stands_in_for_discovery_on_the_platforms_own_origin_alone() {
    let (world, sandbox) =
        (World::new(), sandbox(Knobs { rotate: false, revocation_endpoint: true, ..Knobs::default() }));
    sandbox.fault("/.well-known/oauth-authorization-server", Fault::status(404).times(9));
    log_in(&world, &sandbox, "").0.ok();
    world.run(&format!("profiles set local revocation_url={}/oauth/revoke", sandbox.origin())).ok();
    let (tokens, outcome) = logged_out(&world, &sandbox);
    assert_eq!(outcome.json()[0]["revoked"], true);
    assert!(tokens.iter().all(|token| !sandbox.accepts(token)));
    let elsewhere = Server::start(|_| answer("200 OK", "{}"));
    world.run(&format!("profiles set local revocation_url={}/revoke", elsewhere.origin)).ok();
    let (_, outcome) = logged_out(&world, &sandbox);
    assert_eq!(outcome.json()[0]["revoked"], false);
    assert!(elsewhere.asked("POST /revoke").is_empty());
}

#[test]
fn a_rejected_token_without_an_end_is_shown_as_expired_until_the_platform_accepts_it() {
    let is_revoked = Arc::new(AtomicBool::new(false));
    let rejects = is_revoked.clone();
    let server =
        Server::start(move |asked| match (rejects.load(Ordering::SeqCst), asked.endpoint.as_str()) {
            (true, _) => answer("401 Unauthorized", r#"{"message":"Unauthenticated."}"#),
            (false, "GET /api/v1/nowhere") => {
                answer("401 Unauthorized", r#"{"message":"Not with this guard."}"#)
            }
            (false, _) => answer("200 OK", ADA),
        });
    let (world, api_url) = (World::new(), server.api_url());
    world.login_with_token(&api_url, "7|opaque-token", "").ok();
    // One endpoint's refusal is none of the token.
    world.run("api nowhere").code(4);
    assert_eq!(world.tokens(), [("local".to_owned(), "valid".to_owned())]);
    is_revoked.store(true, Ordering::SeqCst);
    world.run("auth status --check").code(4);
    assert_eq!(world.tokens(), [("local".to_owned(), "expired".to_owned())]);
    let asked = server.asked(PROFILE).len();
    world.run("auth token").code(4).says("credentials expired");
    assert_eq!(server.asked(PROFILE).len(), asked, "what is given away is not asked about");
    is_revoked.store(false, Ordering::SeqCst);
    world.run("auth status --check").ok();
    assert_eq!(world.tokens(), [("local".to_owned(), "valid".to_owned())]);
    assert_eq!(world.run("auth token").ok().stdout, "7|opaque-token\n");
}

#[test]
fn a_token_without_a_refresh_token_is_used_to_its_end_with_a_warning() {
    let (world, sandbox) = (World::new(), sandbox(Knobs::default()));
    let token = sandbox.mint_pat("ada", Some(27));
    world.login_with_token(&sandbox.api_url(), &token, "").ok();
    let warning = "the token of profile local expires in 2";
    assert_eq!(
        world.run("auth token").ok().says(warning).says("and cannot be refreshed").stdout.trim(),
        token
    );
    world.run("exec -- true").ok().says(warning);
    world.run("tenants list").ok().says(warning);
    world.run("auth token --min-ttl 60").code(4).says("hint: autocom auth login");
}

#[test]
fn a_server_without_device_login_that_answers_401_of_its_own_is_told_so() {
    for body in [
        r#"{"message":"Unauthorized"}"#,
        r#"{"error":"Unauthorized","message":"Missing token","statusCode":401}"#,
        r#"{"success":false,"token":null}"#,
        "{}",
        "",
    ] {
        let server = Server::start(move |_| answer("401 Unauthorized", body));
        let world = World::new();
        world
            .login(&server.api_url(), "--device")
            .finish()
            .code(4)
            .says("this platform offers no login with a device code")
            .says("--no-browser, or with a personal access token: ")
            .says("--token-stdin");
    }
}

#[test]
fn a_refresh_whose_answer_is_lost_is_left_to_the_next_command() {
    let (world, sandbox) = (World::new(), sandbox(Knobs { access_ttl_seconds: 20, ..Knobs::default() }));
    world.log_in_by_oauth(&sandbox);
    sandbox.fault("/oauth/token", Fault::close());
    let outcome =
        world.run("auth token").code(3).says("the platform may have renewed it, and its answer was lost");
    outcome.says("hint: try again: the next command tries the stored token once");
    assert_eq!(refreshes(&sandbox), 1);
    sandbox.knobs(|knobs| knobs.refreshed_ttl_seconds = Some(3600));
    world.run("auth token").ok();
    assert_eq!(refreshes(&sandbox), 2);
}
