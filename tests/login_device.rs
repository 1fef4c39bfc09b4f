//! Login with a code that is entered on another device (RFC 8628): `auth login --device`.

use std::time::{Duration, Instant};

use crate::platform::{CLIENT_ID, Fault, Gate, Options, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::World;
use crate::support::platform::device_sandbox;
use crate::support::world::{DEADLINE, Running};

/// A login that has shown its code, and the page that has the code already.
fn begun(world: &World, sandbox: &Sandbox, more: &str) -> (Running, String) {
    let mut login = world.login(&sandbox.api_url(), &format!("--device {more}"));
    let page = login.line_with("To log in, open this page").split(": ").last().unwrap().to_owned();
    assert_eq!(page, format!("{}/oauth/device", sandbox.origin()));
    let code = login.line_with("enter the code: ").split(": ").last().unwrap().to_owned();
    assert_eq!(code.len(), 8, "{code}");
    let complete = login.line_with("Or open: ").split(": ").last().unwrap().to_owned();
    assert_eq!(complete, format!("{page}?user_code={code}"));
    (login, complete)
}

fn polls(sandbox: &Sandbox) -> usize {
    sandbox.requests().iter().filter(|request| request.path == "/oauth/token").count()
}

#[test]
fn a_code_that_is_approved_elsewhere_logs_in_and_the_login_renews_itself() {
    let (world, sandbox) = (World::new(), device_sandbox());
    let (login, page) = begun(&world, &sandbox, "--profile box");
    sandbox.wait_for_request(|request| request.path == "/oauth/token", DEADLINE).unwrap();
    let Visited::Stopped { page, .. } = visit_blocking(&page, Visitor::approving("ada")).unwrap() else {
        panic!("the device's page leads somewhere");
    };
    assert!(page.contains("Return to your terminal"), "{page}");
    login.finish().ok().says("Logged in as Ada Lovelace <ada@example.test>, tenant acme.");
    let record = world.record(&sandbox.api_url());
    assert!(sandbox.accepts(record["access_token"].as_str().unwrap()));
    assert_eq!((record["kind"].as_str(), record["client_id"].as_str()), (Some("oauth"), Some(CLIENT_ID)));
    world.run("auth refresh").ok();
}

#[test]
fn no_port_is_needed_and_no_browser_opened() {
    let (mut world, sandbox) = (World::new(), device_sandbox());
    world.set("BROWSER", "touch opened");
    let (login, page) = begun(&world, &sandbox, "");
    visit_blocking(&page, Visitor::approving("ada")).unwrap();
    login.finish().ok();
    assert!(!world.home().join("opened").exists());
    assert!(sandbox.requests().iter().all(|request| request.path != "/oauth/authorize"));
}

#[test]
fn slow_down_is_obeyed_and_trouble_on_the_way_is_waited_out() {
    let (world, sandbox) = (World::new(), device_sandbox());
    sandbox.fault("/oauth/token", Fault::status(429).header("Retry-After", "4"));
    sandbox.fault("/oauth/token", Fault::status(503));
    sandbox.fault("/oauth/token", Fault::status(400).body("application/json", r#"{"error":"slow_down"}"#));
    let started = Instant::now();
    let (login, page) = begun(&world, &sandbox, "");
    visit_blocking(&page, Visitor::approving("ada")).unwrap();
    login.finish().ok();
    assert_eq!(polls(&sandbox), 4);
    // One second between polls, as long as `Retry-After` says, two after a failure, and five more from a `slow_down` on.
    assert!(started.elapsed() > Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn denied_expired_and_forgotten_codes_end_the_wait_and_leave_nothing() {
    type Act<'a> = &'a dyn Fn(&Sandbox, &str);
    let denied = |sandbox: &Sandbox, page: &str| {
        visit_blocking(page, Visitor::denying("ada")).unwrap();
        drop(sandbox.wait_for_request(|request| request.path.ends_with("/device/authorize"), DEADLINE));
    };
    let nobody = |_: &Sandbox, _: &str| {};
    let early = |sandbox: &Sandbox, _: &str| {
        let expired = r#"{"error":"expired_token"}"#;
        sandbox.fault("/oauth/token", Fault::status(400).body("application/json", expired));
    };
    let cases: [(&str, &str, Act<'_>, &str); 4] = [
        ("early", "", &early, "the device code expired before it was entered"),
        (
            "denied",
            "",
            &denied,
            "the login was denied: The resource owner or authorization server denied the request.",
        ),
        ("forgotten", "--timeout 1", &nobody, "timed out after 1 second waiting for the code to be entered"),
        ("expired", "", &nobody, "timed out after 2 seconds waiting for the code to be entered"),
    ];
    for (case, more, act, words) in cases {
        let (world, sandbox) = (World::new(), device_sandbox());
        if case == "expired" {
            sandbox.knobs(|knobs| knobs.device_ttl_seconds = 2);
        }
        let (login, page) = begun(&world, &sandbox, more);
        act(&sandbox, &page);
        login.finish().code(4).says(words).says("autocom auth login");
        assert_eq!(world.files(), <[String; 3]>::default(), "{case}");
    }
}

#[test]
fn a_platform_without_it_says_so_with_what_else_there_is() {
    let (world, without) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let outcome = world.login(&without.api_url(), "--device").finish().code(4);
    outcome.says("offers no login with a device code").says("--no-browser").says("--token-stdin");
    // Whatever is active here, the way out leads to where this login was to go.
    let flags = format!("--profile neu --api-url {} --client-id {CLIENT_ID}", without.api_url());
    let outcome = world.run(&format!("auth login {flags} --device")).code(4);
    outcome.says(&format!("hint: autocom auth login {flags} --no-browser, or"));
    let refusing = device_sandbox();
    let body = r#"{"error":"unauthorized_client","error_description":"Not for this client."}"#;
    refusing.fault("/oauth/device/code", Fault::status(400).body("application/json", body));
    world.login(&refusing.api_url(), "--device").finish().code(4).says("Not for this client.");
    // A wrong client id is another matter.
    let line = format!("auth login --api-url {} --client-id wrong --device", refusing.api_url());
    world.run(&line).code(4).says("invalid_client").says("config get client_id");
    for nonsense in [
        "{}",
        r#"{"device_code":"d","user_code":" ","verification_uri":"https://h.test","expires_in":9}"#,
        r#"{"device_code":"d","user_code":"A","verification_uri":"javascript:alert(1)","expires_in":9}"#,
    ] {
        refusing.fault("/oauth/device/code", Fault::status(200).body("application/json", nonsense));
        world
            .login(&refusing.api_url(), "--device")
            .finish()
            .code(1)
            .says("is this address an Autocom platform's?");
    }
    assert_eq!(world.files(), <[String; 3]>::default());
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_the_code_in_a_box_and_ctrl_c_gives_up() {
    let (world, sandbox) = (World::new(), device_sandbox());
    let line = format!("auth login --api-url {} --client-id {CLIENT_ID} --device", sandbox.api_url());
    let mut login = world.start_in_terminal(&line);
    login.line_with("/oauth/device");
    login.line_with("┌───");
    login.line_with("│   ");
    sandbox.wait_for_request(|request| request.path == "/oauth/token", DEADLINE).unwrap();
    login.types("\u{3}");
    login.finish().code(130);
    assert_eq!(world.files(), <[String; 3]>::default());
}

#[cfg(unix)]
#[test]
fn ctrl_c_over_the_poll_that_is_granted_revokes_what_it_granted() {
    let (world, sandbox) = (World::new(), device_sandbox());
    let (mut login, page) = begun(&world, &sandbox, "");
    sandbox.wait_for_request(|request| request.path == "/oauth/token", DEADLINE).unwrap();
    let gate = Gate::shut();
    sandbox.fault("/oauth/token", Fault::late().behind(&gate));
    visit_blocking(&page, Visitor::approving("ada")).unwrap();
    let on_its_way =
        |request: &crate::platform::Request| request.path == "/oauth/token" && request.status.is_none();
    sandbox.wait_for_request(on_its_way, DEADLINE).unwrap();
    login.interrupt();
    login.line_with("Hearing the platform out");
    gate.open();
    login.finish().code(130);
    assert!(!sandbox.has_live_tokens("ada"));
    assert_eq!(world.files(), <[String; 3]>::default());
}
