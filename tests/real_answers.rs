//! What becomes of the answers that real Passport gives when something is wrong.

use crate::platform::{
    CLIENT_ID, Fault, Knobs, Options, Passport, Sandbox, Visited, Visitor, visit_blocking,
};
use crate::support::{Outcome, World};

const HABITS: [Passport; 2] = [Passport::V12, Passport::V13];

fn sandbox(passport: Passport) -> Sandbox {
    Sandbox::start(Options { knobs: Knobs { passport, ..Knobs::default() }, ..Options::default() }).unwrap()
}

fn paste(world: &World, sandbox: &Sandbox, pasted: impl FnOnce(&str) -> String) -> Outcome {
    let line = format!("auth login --no-browser --api-url {} --client-id {CLIENT_ID}", sandbox.api_url());
    let mut login = world.start_open(&line);
    let url = login.login_url();
    let walk = visit_blocking(&url, Visitor::approving("ada").without_delivery()).unwrap();
    let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
    login.input(&pasted(&callback));
    login.finish()
}

#[test]
fn a_code_that_is_cut_off_or_expired_says_so_and_blames_no_client_id() {
    for passport in HABITS {
        let (world, sandbox) = (World::new(), sandbox(passport));
        let cut = |callback: &str| callback.replace("&state", "x&state");
        let outcome = paste(&world, &sandbox, cut).code(4);
        let reason = match passport {
            Passport::V12 => "Cannot decrypt the authorization code",
            Passport::V13 => "Cannot validate the provided authorization code",
        };
        let outcome = outcome.says(reason).says("hint: autocom auth login");
        assert!(!outcome.stderr.contains("client_id is") && !outcome.stderr.contains("config get client_id"));
        sandbox.knobs(|knobs| knobs.code_ttl_seconds = -1);
        let outcome = paste(&world, &sandbox, str::to_owned).code(4);
        outcome.says("Authorization code has expired").says("hint: autocom auth login");
    }
}

#[test]
fn a_scope_that_is_gone_needs_a_login() {
    for passport in HABITS {
        let (world, sandbox) = (World::new(), sandbox(passport));
        world.log_in_by_oauth(&sandbox);
        let gone = r#"{"error":"invalid_scope","error_description":"The requested scope is invalid, unknown, or malformed","hint":"Check the `orders` scope"}"#;
        sandbox.fault("/oauth/token", Fault::status(400).body("application/json", gone));
        let outcome = world.run("auth refresh").code(4);
        let outcome = outcome.says("Check the `orders` scope").says("hint: autocom auth login");
        assert!(!outcome.stderr.contains("client id"), "{}", outcome.stderr);
    }
}

#[test]
fn a_client_or_address_that_is_not_registered_is_told_before_anybody_waits() {
    let (world, sandbox) = (World::new(), sandbox(Passport::V12));
    let line = format!("auth login --no-browser --api-url {} --client-id wrong", sandbox.api_url());
    let outcome = world.start_open(&line).finish();
    let outcome = outcome.code(4).says("invalid_client");
    outcome.says("check that the client wrong exists and that http://127.0.0.1:8765/callback is one of its");
    // What the browser shows may be pasted.
    let mut login = world.start_open(&format!(
        "auth login --no-browser --api-url {} --client-id {CLIENT_ID}",
        sandbox.api_url()
    ));
    login.login_url();
    login.input("{\"error\":\"invalid_client\",\"error_description\":\"Client authentication failed\"}\n");
    login.finish().code(4).says("invalid_client").says("is one of its redirect addresses");
}

#[test]
fn a_platform_in_maintenance_has_failed_and_was_reached() {
    let (world, sandbox) = (World::new(), sandbox(Passport::V12));
    world.log_in(&sandbox, "ada", "--profile shop");
    let down = Fault::status(503).body("application/json", r#"{"message":"Service Unavailable"}"#);
    sandbox.fault("/api/v1/profile", down.header("Retry-After", "1").times(20));
    let outcome = world.run("profiles list --check --request-timeout 2 -o json").code(1);
    let check = outcome.json()[0]["check"].clone();
    assert_eq!(check["status"], "failed", "{check}");
    assert!(check["reason"].as_str().unwrap().contains("503: Service Unavailable"), "{check}");
    let outcome = world.run("whoami --check --request-timeout 2");
    outcome.code(1).says("the platform failed with status 503: Service Unavailable");
}

#[cfg(target_os = "linux")]
#[test]
fn a_wait_that_the_platform_asks_for_is_shown_in_a_terminal() {
    let (world, sandbox) = (World::new(), sandbox(Passport::V12));
    world.log_in(&sandbox, "ada", "--profile shop");
    let busy = Fault::status(429).header("Retry-After", "2");
    sandbox.fault("/api/v1/profile", busy.clone());
    let told = format!(
        "waiting 2 s before trying again: {} answered with status 429",
        sandbox.origin().replace("http://", "")
    );
    world.run_in_terminal("whoami --check", 100).ok().prints(&told);
    sandbox.fault("/api/v1/profile", busy);
    assert_eq!(world.run("whoami --check").ok().stderr, "");
}

#[test]
fn a_personal_access_token_that_ended_leads_to_another_one() {
    let (world, sandbox) = (World::new(), sandbox(Passport::V12));
    let token = world.log_in(&sandbox, "ada", "--profile shop");
    sandbox.revoke(&token);
    world.run("whoami --check").code(4).says("hint: autocom auth login --profile shop --token-stdin");
    world.run("api profile").code(4).says("--token-stdin");
}

#[test]
fn a_refusal_for_another_reason_keeps_its_words() {
    let (world, sandbox) = (World::new(), sandbox(Passport::V12));
    world.log_in(&sandbox, "ada", "--profile shop");
    let refusal = || {
        Fault::status(403).body("application/json", r#"{"message":"Your email address is not verified."}"#)
    };
    for line in ["whoami --check", "tenants use globex", "auth status --check"] {
        sandbox.fault("/api/v1/profile", refusal());
        let outcome = world.run(line).code(5);
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(told.contains("Your email address is not verified."), "{line}: {told}");
        assert!(
            !told.contains("available") && !told.contains("hint: autocom tenants use globex"),
            "{line}: {told}"
        );
    }
    // A tenant that is none of the user's has the list of those that are.
    world.run("tenants use initech").code(5).says("acme, globex");
}

#[test]
fn without_a_tenant_the_platform_s_refusal_lists_those_to_choose_from() {
    let (mut world, sandbox) = (World::new(), sandbox(Passport::V12));
    let token = sandbox.mint_pat("mary", None);
    world.plant(&token);
    world.set("AUTOCOM_API_URL", sandbox.api_url()).set("AUTOCOM_TOKEN", token);
    for line in ["orders list", "api orders"] {
        let outcome = world.run(line).code(1).says("The X-Tenant header is required.");
        outcome.says("acme, globex, initech").says("--tenant").says("AUTOCOM_TENANT");
    }
}
