//! Login through the browser: what arrives, what is kept, and how each failure ends.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::platform::{Fault, Sandbox, Visited, Visitor, fingerprint, visit_blocking};
use crate::support::http::get;
use crate::support::platform::sandbox;
use crate::support::ports::CallbackPorts;
use crate::support::world::DEADLINE;
use crate::support::{Outcome, World};

/// The parameters of a URL.
fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[test]
fn a_login_ends_in_a_record_a_profile_and_a_page() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let (outcome, visited) = world.browse(&sandbox, Visitor::approving("ada"), "--profile staging");
    let outcome = outcome.ok().says("Logged in as Ada Lovelace <ada@example.test>, tenant acme.");
    assert_eq!(outcome.stdout, "");
    let Visited::Delivered { status: 200, page } = visited else { panic!("{visited:?}") };
    for text in ["Logged in", "return to your terminal", "Ada Lovelace", "acme", "staging"] {
        assert!(page.contains(text), "{text} is not on the page:\n{page}");
    }
    for fetched in ["<script", "src=", "url(", "<link rel=\"stylesheet"] {
        assert!(!page.contains(fetched), "the page fetches something: {fetched}");
    }

    let url = sandbox.api_url();
    let record = world.record(&url);
    for (key, value) in [
        ("kind", "oauth"),
        ("user_name", "Ada Lovelace"),
        ("user_email", "ada@example.test"),
        ("tenant", "acme"),
        ("api_url", url.as_str()),
        ("client_id", crate::platform::CLIENT_ID),
    ] {
        assert_eq!(record[key], value, "{key}");
    }
    assert!(sandbox.accepts(record["access_token"].as_str().unwrap()));
    assert!(sandbox.accepts(record["refresh_token"].as_str().unwrap()));
    let login = world.login_entry(&url);
    assert_eq!(login["user_email"].as_str(), Some("ada@example.test"));
    assert_eq!(login["store"].as_str(), Some("file"));
    assert_eq!(login["expires_at"].as_str(), record["expires_at"].as_str());
    let config = format!("profile = \"staging\"\n\n[profiles.staging]\napi_url = \"{url}\"\n");
    assert_eq!(world.read("config.toml"), config, "the tenant and the client id were captured, not written");
}

#[test]
fn the_platform_sees_pkce_and_is_asked_for_json() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let mut login = world.login(&sandbox.api_url(), "-vvv");
    let url = login.login_url();
    assert_eq!(parameter(&url, "response_type"), "code");
    assert_eq!(parameter(&url, "code_challenge_method"), "S256");
    assert_eq!(parameter(&url, "code_challenge").len(), 43);
    assert!(parameter(&url, "state").len() >= 22, "128 bits at least");
    assert_eq!(parameter(&url, "redirect_uri"), "http://127.0.0.1:8765/callback");
    // On the way, so that the code can be watched for.
    let walk = visit_blocking(&url, Visitor::approving("ada").without_delivery()).unwrap();
    let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
    world.plant(&parameter(&callback, "code"));
    assert_eq!(get(&callback).0, 200);
    login.finish().ok();

    let requests = sandbox.requests();
    let exchange = requests.iter().find(|request| request.path == "/oauth/token").unwrap();
    assert_eq!(exchange.form_field("grant_type"), Some("authorization_code"));
    assert_eq!(exchange.form_field("client_id"), Some(crate::platform::CLIENT_ID));
    assert_eq!(exchange.form_field("redirect_uri"), Some("http://127.0.0.1:8765/callback"));
    assert!(exchange.form_field("code_verifier").is_some() && exchange.form_field("client_secret").is_none());
    let ours = requests.iter().filter(|request| request.path.starts_with("/api/") || *request == exchange);
    assert!(ours.clone().count() >= 2);
    assert!(ours.into_iter().all(|request| request.accept.as_deref() == Some("application/json")));
}

#[test]
fn each_login_has_a_state_and_a_challenge_of_its_own() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let urls = [0, 1].map(|_| {
        let mut login = world.login(&sandbox.api_url(), "");
        let url = login.login_url();
        login.interrupt();
        login.finish().code(130);
        url
    });
    for name in ["state", "code_challenge"] {
        assert_ne!(parameter(&urls[0], name), parameter(&urls[1], name), "{name}");
    }
}

#[test]
fn the_browser_variable_gets_the_url() {
    let _ports = CallbackPorts::take();
    let (mut world, sandbox) = (World::new(), sandbox());
    let fifo = world.home().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    world.set("BROWSER", format!("/no/such/browser:sh -c 'echo \"$1\" > {}' sh %s", fifo.display()));
    let mut login = world.login(&sandbox.api_url(), "");
    let opened = std::fs::read_to_string(&fifo).unwrap();
    assert_eq!(opened.trim(), login.login_url());
    login.interrupt();
    login.finish().code(130);
}

#[test]
fn a_denial_is_told_in_the_servers_words() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let (outcome, visited) = world.browse(&sandbox, Visitor::denying("ada"), "");
    outcome.code(4).says("the login was denied: The resource owner or authorization server denied");
    let Visited::Delivered { page, .. } = visited else { panic!("{visited:?}") };
    assert!(page.contains("Login failed") && page.contains("denied the request"), "{page}");
    assert_eq!(world.files(), ["", "", ""]);
}

#[test]
fn a_wrong_state_gets_a_400_and_the_wait_goes_on() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let mut login = world.login(&sandbox.api_url(), "");
    let url = login.login_url();
    let callback = "http://127.0.0.1:8765/callback";
    for query in ["?code=x&state=wrong", "?code=x", "?error=access_denied&state=wrong", ""] {
        assert_eq!(get(&format!("{callback}{query}")).0, 400, "{query}");
    }
    assert_eq!(get("http://127.0.0.1:8765/favicon.ico").0, 404);
    let rebound = get(&callback.replace("127.0.0.1", "localhost"));
    assert_eq!(rebound.0, 400, "a name that leads here is not the address that was asked for");
    visit_blocking(&url, Visitor::approving("ada")).unwrap();
    login.finish().ok();
}

#[test]
fn slow_and_huge_requests_do_not_hold_up_the_real_one() {
    use std::io::Write;
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let mut login = world.login(&sandbox.api_url(), "");
    let url = login.login_url();
    let mut others: Vec<_> = (0..70).map(|_| TcpStream::connect("127.0.0.1:8765").unwrap()).collect();
    others[0].write_all(b"GET /callback HTTP/1.1\r\nx: ").unwrap();
    let _ = others[1].write_all(&[b'x'; 1 << 20]); // it may be cut off before its end
    let visited = visit_blocking(&url, Visitor::approving("ada")).unwrap();
    assert!(matches!(visited, Visited::Delivered { status: 200, .. }), "{visited:?}");
    login.finish().ok();
}

#[test]
fn an_error_without_state_is_shown_and_the_wait_goes_on() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    sandbox.knobs(|knobs| knobs.deny_without_state = true);
    let mut login = world.login(&sandbox.api_url(), "");
    let url = login.login_url();
    visit_blocking(&url, Visitor::denying("ada")).unwrap();
    login.line_with("access_denied: The resource owner or authorization server denied the request");
    visit_blocking(&url, Visitor::approving("ada")).unwrap();
    login.finish().ok();
}

#[test]
fn an_answer_of_another_issuer_is_refused_and_both_are_named() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    sandbox.knobs(|knobs| knobs.iss = Some("https://evil.test".into()));
    let (outcome, _) = world.browse(&sandbox, Visitor::approving("ada"), "");
    outcome.code(4).says("https://evil.test").says(&sandbox.origin());
    assert!(sandbox.requests().iter().all(|request| request.path != "/oauth/token"), "no code was sent");
    sandbox.knobs(|knobs| knobs.iss = Some(sandbox.origin()));
    world.browse(&sandbox, Visitor::approving("ada"), "").0.ok();
}

#[test]
fn a_busy_port_is_passed_over_and_five_of_them_end_the_login() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let mut taken = vec![TcpListener::bind("127.0.0.1:8765").unwrap()];
    let mut login = world.login(&sandbox.api_url(), "");
    assert_eq!(parameter(&login.login_url(), "redirect_uri"), "http://127.0.0.1:8766/callback");
    login.interrupt();
    login.finish().code(130);
    taken.extend((8766..=8769).map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap()));
    let outcome = world.login(&sandbox.api_url(), "").finish();
    outcome
        .code(4)
        .says("no callback port available")
        .says("8765, 8766, 8767, 8768, 8769")
        .says("--no-browser");
    assert_eq!(world.files(), ["", "", ""]);
}

#[test]
fn a_passed_deadline_suggests_what_may_be_wrong() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let outcome = world.login(&sandbox.api_url(), "--timeout 1").finish().code(4);
    outcome.says("nobody logged in within 1 second").says("client id").says("redirect");
    assert_eq!(world.files(), ["", "", ""]);
}

#[test]
fn ctrl_c_ends_the_wait_and_frees_the_port() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let mut login = world.login(&sandbox.api_url(), "");
    login.login_url();
    login.interrupt();
    login.finish().code(130).says("interrupted");
    TcpListener::bind("127.0.0.1:8765").unwrap();
    assert_eq!(world.files(), ["", "", ""]);
    let left: Vec<_> = std::fs::read_dir(world.path("")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["locks"], "no temporary file");
}

/// A login that fails on top of an older one, by another user, of the same profile.
fn failing(sandbox: &Sandbox, more: &str, break_it: impl FnOnce()) -> (Outcome, String) {
    let world = World::new();
    world.log_in(sandbox, "ada", "");
    let before = world.files();
    break_it();
    let (outcome, visited) = world.browse(sandbox, Visitor::approving("grace"), more);
    assert_eq!(world.files(), before, "the login before is untouched, byte for byte");
    let Visited::Delivered { page, .. } = visited else { panic!("{visited:?}") };
    assert!(page.contains("Login failed") && !page.contains("Logged in"), "{page}");
    (outcome, page)
}

/// The page says the same as the terminal, as a sentence: with a capital letter.
fn assert_page_says(page: &str, sentence: &str) {
    assert!(page.to_lowercase().contains(&sentence.to_lowercase()), "no {sentence:?} on the page:\n{page}");
}

#[test]
fn a_platform_that_is_busy_when_the_code_is_exchanged_is_asked_again() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    sandbox.fault("/oauth/token", Fault::status(429).header("Retry-After", "1"));
    let (outcome, visited) = world.browse(&sandbox, Visitor::approving("ada"), "");
    outcome.ok();
    let asked = sandbox.requests().into_iter().filter(|request| request.path == "/oauth/token");
    assert_eq!(asked.filter_map(|request| request.status).collect::<Vec<_>>(), [429, 200]);
    assert!(matches!(visited, Visited::Delivered { page, .. } if page.contains("Logged in")));
}

#[test]
fn a_failed_exchange_leaves_the_login_before_as_it_was() {
    let _ports = CallbackPorts::take();
    let html = "<!doctype html><title>Shop</title>";
    for (fault, more, code, sentence) in [
        (Fault::status(500), "", 1, "the platform failed with status 500"),
        (Fault::status(200).body("text/html", html), "", 1, "(HTML, status 200)"),
        (Fault::status(200).body("application/json", "{\"ok\":true}"), "", 1, "is not OAuth"),
        (Fault::status(404), "", 1, "/oauth/token answered with status 404"),
        (
            Fault::status(429).header("Retry-After", "777"),
            "",
            1,
            "too many requests; the platform asks to wait 777 s",
        ),
        (Fault::hang(), "--request-timeout 0.3", 3, "did not answer within 0.3 s"),
        (Fault::close(), "", 3, "closed the connection"),
        (
            Fault::status(400).body("application/json", r#"{"error":"invalid_grant","message":"Too old."}"#),
            "",
            4,
            "the platform refused the grant: Too old.",
        ),
        (
            Fault::status(401).body("application/json", r#"{"error":"invalid_client","message":"Who?"}"#),
            "",
            4,
            "the platform answered invalid_client: Who?",
        ),
    ] {
        let sandbox = sandbox();
        let (outcome, page) = failing(&sandbox, more, || sandbox.fault("/oauth/token", fault));
        outcome.code(code).says(sentence).says("hint: ");
        assert_page_says(&page, sentence);
    }
}

#[test]
fn a_failed_profile_call_leaves_the_login_before_as_it_was_and_the_new_token_is_revoked() {
    let _ports = CallbackPorts::take();
    for (fault, code, sentence) in [
        (Fault::status(401), 4, "token"),
        (Fault::status(403), 5, "The sandbox was told to fail."),
        (Fault::status(404), 5, "The sandbox was told to fail."),
        (Fault::status(500), 1, "the platform failed with status 500"),
        (Fault::status(200).body("text/html", "<!doctype html>"), 1, "(HTML, status 200)"),
        (Fault::status(302).header("location", "/login"), 4, "its login page"),
    ] {
        let sandbox = sandbox();
        let status = fault.status;
        let (outcome, page) = failing(&sandbox, "", || sandbox.fault("/api/v1/profile", fault));
        outcome.code(code).says(sentence);
        assert_page_says(&page, sentence);
        let revoked = sandbox
            .wait_for_request(|request| request.path == "/api/v1/auth/logout", Duration::ZERO)
            .unwrap_or_else(|| panic!("the token of the failed login ({status}) lives on"));
        let asked =
            sandbox.requests().into_iter().rfind(|request| request.path == "/api/v1/profile").unwrap();
        assert_eq!(revoked.authorization, asked.authorization);
        assert_eq!(revoked.status, Some(200));
    }
}

#[test]
fn a_profile_call_without_an_answer_is_unreachable() {
    let _ports = CallbackPorts::take();
    let sandbox = sandbox();
    let (outcome, _) = failing(&sandbox, "--request-timeout 0.3", || {
        sandbox.fault("/api/v1/profile", Fault::hang());
    });
    outcome.code(3).says("did not answer within 0.3 s");
}

#[test]
fn a_platform_that_is_down_is_noticed_after_the_browser() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let mut login = world.login(&sandbox.api_url(), "");
    let walk = visit_blocking(&login.login_url(), Visitor::approving("ada").without_delivery()).unwrap();
    let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
    drop(sandbox);
    let (_, page) = get(&callback);
    login.finish().code(3).says("nothing accepts connections at 127.0.0.1");
    assert!(page.contains("Login failed"));
}

#[test]
fn a_store_that_cannot_be_written_is_noticed_before_the_browser_opens() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.set("AUTOCOM_CREDENTIALS_FILE", "/dev/null/credentials");
    let outcome = world.login(&sandbox.api_url(), "").finish().code(6);
    assert!(!outcome.stderr.contains("/oauth/authorize"), "{}", outcome.stderr);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn a_second_login_replaces_the_first_ones_record_and_keeps_the_captured_client_id() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    world.browse(&sandbox, Visitor::approving("ada"), "").0.ok();
    let first = world.record(&sandbox.api_url());
    // No --client-id any more: it was captured.
    let mut login = world.start("auth login");
    visit_blocking(&login.login_url(), Visitor::approving("ada")).unwrap();
    login.finish().ok();
    let second = world.record(&sandbox.api_url());
    assert_ne!(first["access_token"], second["access_token"]);
    let seen = second["access_token"].as_str().map(fingerprint);
    let asked = |request: &crate::platform::Request| request.authorization == seen;
    assert!(sandbox.wait_for_request(asked, DEADLINE).is_some());
}
