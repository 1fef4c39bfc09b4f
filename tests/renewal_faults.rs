//! What a renewal makes of a platform, a network or a store in trouble. The login outlives all of it
//! that it can outlive, and where it is dead the next command says how to get another.

use std::time::{Duration, Instant};

use crate::platform::{Fault, Gate, Knobs, Options, Passport, Request, Sandbox, fingerprint};
use crate::support::World;
use crate::support::world::{DEADLINE, until};

/// Within the 30 seconds that count as expired: due at once, and good until it is renewed.
const DUE: i64 = 20;
const FRESH: i64 = 3600;

/// Somebody logged in whose token is that many seconds from its end.
fn logged_in(seconds: i64) -> (World, Sandbox) {
    let knobs = Knobs {
        access_ttl_seconds: seconds,
        refreshed_ttl_seconds: Some(FRESH),
        reuse_kills_login: true,
        ..Knobs::default()
    };
    let sandbox = Sandbox::start(Options { knobs, ..Options::default() }).unwrap();
    let world = World::new();
    world.log_in_by_oauth(&sandbox);
    (world, sandbox)
}

fn is_refresh(request: &Request) -> bool {
    request.form_field("grant_type") == Some("refresh_token")
}

fn refreshes(sandbox: &Sandbox) -> usize {
    sandbox.requests().iter().filter(|request| is_refresh(request)).count()
}

/// What a login is known by, whatever becomes of its tokens.
fn identity(world: &World, sandbox: &Sandbox) -> [String; 2] {
    ["user_email", "tenant"].map(|field| world.stored(&sandbox.api_url(), field))
}

fn ada_at_acme() -> [String; 2] {
    ["ada@example.test", "acme"].map(str::to_owned)
}

/// The record is still there, `whoami` still knows it, and the next command renews it.
#[track_caller]
fn recovers(world: &World, sandbox: &Sandbox) {
    assert_eq!(identity(world, sandbox), ada_at_acme());
    world.run("whoami").ok().prints("ada@example.test");
    let token = world.run("auth token").ok().stdout;
    assert!(sandbox.accepts(token.trim()), "a token that the platform does not know");
}

/// The record is still there, but the next command can only say what to do.
#[track_caller]
fn is_dead(world: &World, sandbox: &Sandbox) {
    assert_eq!(identity(world, sandbox), ada_at_acme());
    world.run("whoami").ok().prints("ada@example.test");
    let next = world.run("auth token -o json").code(4);
    assert_eq!(next.error()["hint"], "autocom auth login --profile local");
    world.log_in_by_oauth(sandbox);
    world.run("auth token").ok();
}

#[test]
fn a_platform_in_trouble_costs_no_login_and_each_trouble_has_its_exit_code() {
    let slow_down = |status, seconds: &str| Fault::status(status).header("retry-after", seconds);
    let said = |status, body: &str| Fault::status(status).body("application/json", body);
    let invalid_client = said(401, r#"{"error":"invalid_client","error_description":"Unknown client"}"#);
    for (fault, code, says, requests) in [
        (Fault::status(503), 1, "the platform failed with status 503", 1),
        (slow_down(503, "0").times(4), 1, "the platform failed with status 503", 4),
        (slow_down(503, "11"), 1, "the platform asks to wait 11 s", 1),
        // Of these only a 503 says that nothing was done.
        (slow_down(500, "0"), 1, "the platform failed with status 500", 1),
        (Fault::status(429), 1, "too many requests", 1),
        (slow_down(429, "60"), 1, "too many requests; the platform asks to wait 60 s", 1),
        (Fault::hang(), 3, "did not answer within 1 s", 1),
        (Fault::stall(), 3, "did not answer within 1 s", 1),
        (Fault::close(), 3, "closed the connection before its answer was complete", 1),
        (Fault::status(200).body("text/html", "<h1>hotel</h1>"), 1, "(HTML, status 200)", 1),
        (said(200, r#"{"access_token":""}"#), 1, "the access token is empty", 1),
        (said(200, "{}"), 1, "is not OAuth's", 1),
        (Fault::status(302).header("location", "/login"), 1, "answered with status 302", 1),
        (invalid_client, 4, "invalid_client: Unknown client", 1),
    ] {
        println!("{fault:?}");
        let (world, sandbox) = logged_in(DUE);
        let before = world.files();
        sandbox.fault("/oauth/token", fault);
        let outcome = world.run("auth token --request-timeout 1").code(code);
        assert_eq!(outcome.stdout, "");
        outcome.says("error: the token could not be renewed").says(says);
        assert_eq!((refreshes(&sandbox), world.files()), (requests, before));
        recovers(&world, &sandbox);
    }
}

#[test]
fn a_platform_that_fails_three_times_is_asked_again_by_the_next_command() {
    let (world, sandbox) = logged_in(DUE);
    sandbox.fault("/oauth/token", Fault::status(503).times(3));
    for _ in 0..3 {
        world.run("auth status --check").code(1).says("the platform failed with status 503");
    }
    world.run("auth status --check").ok();
    assert_eq!(refreshes(&sandbox), 4);
    recovers(&world, &sandbox);
}

#[test]
fn a_short_retry_after_is_obeyed_within_the_command() {
    for (status, seconds, times) in [(503, 0, 3), (429, 1, 1)] {
        let (world, sandbox) = logged_in(DUE);
        let fault = Fault::status(status).header("retry-after", &seconds.to_string()).times(times);
        sandbox.fault("/oauth/token", fault);
        let started = Instant::now();
        world.run("auth token").ok();
        assert!(started.elapsed() >= Duration::from_secs(seconds), "{status} asks to wait");
        assert_eq!(refreshes(&sandbox), times as usize + 1);
        recovers(&world, &sandbox);
    }
}

fn tokens(world: &World, sandbox: &Sandbox) -> [String; 2] {
    ["access_token", "refresh_token"].map(|field| world.stored(&sandbox.api_url(), field))
}

#[test]
fn a_refusal_of_either_passport_is_final_and_the_record_stays() {
    for passport in [Passport::V12, Passport::V13] {
        let (world, sandbox) = logged_in(DUE);
        sandbox.knobs(|knobs| knobs.passport = passport);
        sandbox.revoke(&world.stored(&sandbox.api_url(), "refresh_token"));
        let before = tokens(&world, &sandbox);
        let outcome = world.run("auth token").code(4);
        outcome.says("error: credentials expired").says("the platform refused the grant");
        world.run("auth token").code(4);
        assert_eq!((refreshes(&sandbox), tokens(&world, &sandbox)), (1, before), "{passport:?}: asked once");
        world.run("profiles list").ok().prints("expired");
        world.run("auth refresh").code(4);
        assert_eq!(refreshes(&sandbox), 2, "a refresh that is typed asks again");
        is_dead(&world, &sandbox);
    }
}

#[test]
fn a_reply_that_was_lost_after_the_platform_rotated_is_the_end_of_that_login() {
    let (world, sandbox) = logged_in(DUE);
    sandbox.fault("/oauth/token", Fault::close().after_work());
    world.run("auth token").code(3).says("closed the connection");
    is_dead(&world, &sandbox);
}

#[test]
fn a_reply_without_a_new_refresh_token_keeps_the_old_one() {
    let (world, sandbox) = logged_in(DUE);
    sandbox.knobs(|knobs| knobs.rotate = false);
    let kept = world.stored(&sandbox.api_url(), "refresh_token");
    for _ in 0..2 {
        let before = world.stored(&sandbox.api_url(), "access_token");
        world.run("auth refresh").ok();
        assert_eq!(world.stored(&sandbox.api_url(), "refresh_token"), kept);
        assert_ne!(world.stored(&sandbox.api_url(), "access_token"), before);
    }
    recovers(&world, &sandbox);
}

/// The fingerprints of the tokens that the API was called with since login, with what came of it.
fn calls(sandbox: &Sandbox) -> Vec<(String, u16)> {
    let requests = sandbox.requests().into_iter().filter(|request| request.path == "/api/v1/profile");
    requests.skip(1).map(|request| (request.authorization.unwrap(), request.status.unwrap())).collect()
}

#[test]
fn a_call_that_is_rejected_because_somebody_has_just_renewed_uses_their_token() {
    let (world, sandbox) = logged_in(FRESH);
    let old = world.stored(&sandbox.api_url(), "access_token");
    // This one call is slow on its way to the platform, and its token ends before it arrives.
    let gate = Gate::shut();
    sandbox.fault("/api/v1/profile", Fault::late().behind(&gate));
    let slow = world.start("auth status --check");
    let is_slow = |request: &Request| request.path == "/api/v1/profile" && request.status.is_none();
    sandbox.wait_for_request(is_slow, DEADLINE).unwrap();
    world.run("auth refresh").ok();
    gate.open();
    slow.finish().ok();
    let new = world.stored(&sandbox.api_url(), "access_token");
    assert_eq!(calls(&sandbox), [(fingerprint(&old), 401), (fingerprint(&new), 200)]);
    assert_eq!(refreshes(&sandbox), 1, "that of the other command");
}

#[test]
fn a_call_whose_token_was_revoked_renews_it_once_and_is_made_again() {
    let (world, sandbox) = logged_in(FRESH);
    let old = world.stored(&sandbox.api_url(), "access_token");
    sandbox.revoke(&old);
    world.run("auth status --check").ok();
    let new = world.stored(&sandbox.api_url(), "access_token");
    assert_eq!(calls(&sandbox), [(fingerprint(&old), 401), (fingerprint(&new), 200)]);
    assert_eq!(refreshes(&sandbox), 1);
}

#[test]
fn a_call_that_is_rejected_twice_is_not_made_a_third_time() {
    let (world, sandbox) = logged_in(FRESH);
    sandbox.fault("/api/v1/profile", Fault::status(401).times(2));
    world.run("auth status --check").code(4).says("hint: autocom auth login --profile local");
    assert_eq!((calls(&sandbox).len(), refreshes(&sandbox)), (2, 1));
    recovers(&world, &sandbox);
}

#[test]
fn a_call_whose_login_is_revoked_altogether_says_so_and_keeps_the_record() {
    let (world, sandbox) = logged_in(FRESH);
    for field in ["access_token", "refresh_token"] {
        sandbox.revoke(&world.stored(&sandbox.api_url(), field));
    }
    let before = tokens(&world, &sandbox);
    world.run("auth status --check").code(4).says("hint: autocom auth login --profile local");
    // The second call confirms the rejection before it is remembered.
    assert_eq!((calls(&sandbox).len(), refreshes(&sandbox), tokens(&world, &sandbox)), (2, 1, before));
    world.run("profiles list").ok().prints("expired");
}

#[cfg(unix)]
fn may_write(world: &World, may: bool) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if may { 0o700 } else { 0o500 };
    std::fs::set_permissions(world.path(""), PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn nothing_is_renewed_that_could_not_be_stored() {
    let (mut world, sandbox) = logged_in(DUE);
    world.heed_modes();
    may_write(&world, false);
    // What is left of the token is used,
    world.run("auth status --check").ok();
    assert_eq!(calls(&sandbox), [(fingerprint(&world.stored(&sandbox.api_url(), "access_token")), 200)]);
    // but is too little to be given away.
    world.run("auth token").code(6).says("a new refresh token could not be kept: not renewed");
    assert_eq!(refreshes(&sandbox), 0);
    may_write(&world, true);
    recovers(&world, &sandbox);

    let (mut world, sandbox) = logged_in(1);
    world.heed_modes();
    let ended = world.stored(&sandbox.api_url(), "access_token");
    assert!(until(|| !sandbox.accepts(&ended)));
    may_write(&world, false);
    world.run("auth status --check").code(6).says("a new refresh token could not be kept: not renewed");
    assert_eq!((calls(&sandbox).len(), refreshes(&sandbox)), (0, 0));
    may_write(&world, true);
    recovers(&world, &sandbox);
}

#[cfg(unix)]
#[test]
fn nothing_is_renewed_where_there_is_no_room_for_what_comes_back() {
    let (world, sandbox) = logged_in(DUE);
    let before = world.files();
    // A limit on the size of files fails a write as a full disk does, and needs no file system of its
    // own: an empty file can still be made. Its signal is ignored, so that it is an error and no death.
    let script = format!("trap '' XFSZ; ulimit -f 1; exec '{}' auth token", env!("CARGO_BIN_EXE_autocom"));
    let output = world.shell(&script).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), refreshes(&sandbox)), (Some(6), 0), "{stderr}");
    assert!(stderr.contains("a new refresh token could not be kept: not renewed"), "{stderr}");
    assert_eq!(world.files(), before);
    let left = std::fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".autocom-")));
    recovers(&world, &sandbox);
}

#[cfg(unix)]
#[test]
fn a_renewed_token_that_can_not_be_stored_serves_the_command_and_is_made_much_of() {
    for quiet in ["", "--quiet"] {
        let (mut world, sandbox) = logged_in(DUE);
        world.heed_modes();
        let before = world.files();
        let gate = Gate::shut();
        sandbox.fault("/oauth/token", Fault::late().behind(&gate));
        let renewal = world.start(&format!("auth status --check {quiet}"));
        sandbox.wait_for_request(is_refresh, DEADLINE).unwrap();
        may_write(&world, false);
        gate.open();
        let outcome = renewal.finish().ok();
        outcome
            .says("warning: the platform has renewed the token, but the new one could not be stored")
            .says("the stored one is dead")
            .says("autocom auth login --profile local");
        let statuses: Vec<_> = calls(&sandbox).into_iter().map(|(_, status)| status).collect();
        assert_eq!((statuses, refreshes(&sandbox)), (vec![200], 1), "the call is made with the new token");
        may_write(&world, true);
        assert_eq!(world.files(), before);
        is_dead(&world, &sandbox);
    }
}
