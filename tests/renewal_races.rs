//! Renewing while others do the same, and while processes die: the platform sees one refresh, and no
//! login is lost that could have been kept. On the sandbox and on a third party's server, both of which
//! end a whole login when a refresh token is used twice.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::Signal;

use crate::platform::{Fault, Gate, Knobs, Options, Sandbox, fingerprint};
use crate::support::World;
use crate::support::driver::callback_address;
use crate::support::real_server::RealServer;
use crate::support::world::{DEADLINE, has_open, until};

/// A login's token is due at once (a token counts as expired 30 seconds before its end), a refreshed one is not.
const DUE: i64 = 20;
const FRESH: i64 = 3600;

enum Issuer {
    Sandbox(Sandbox),
    Django(RealServer),
}

impl Issuer {
    fn sandbox() -> Issuer {
        Issuer::Sandbox(sandbox())
    }

    fn django() -> Issuer {
        let (due, fresh) = (DUE.to_string(), FRESH.to_string());
        Issuer::Django(RealServer::with(&[("STANDIN_ACCESS_TTL", &due), ("STANDIN_REFRESHED_TTL", &fresh)]))
    }

    fn api_url(&self) -> String {
        match self {
            Issuer::Sandbox(sandbox) => sandbox.api_url(),
            Issuer::Django(server) => server.api_url(),
        }
    }

    fn log_in(&self, world: &World) {
        match self {
            Issuer::Sandbox(sandbox) => world.log_in_by_oauth(sandbox),
            Issuer::Django(server) => {
                world.log_in_by_paste(&server.api_url(), |url| callback_address(url, "ada"));
            }
        }
    }

    /// Every refresh so far: the refresh token's fingerprint, and the status of the answer.
    fn refreshes(&self) -> Vec<(String, Option<u16>)> {
        match self {
            Issuer::Sandbox(sandbox) => {
                let requests = sandbox.requests().into_iter();
                requests.filter_map(|r| Some((r.form_field("refresh_token")?.to_owned(), r.status))).collect()
            }
            Issuer::Django(server) => {
                let requests = server.requests().into_iter();
                requests
                    .filter_map(|r| Some((r.form.get("refresh_token")?.clone(), Some(r.status))))
                    .collect()
            }
        }
    }

    /// Every call of the API so far: the access token's fingerprint, and the status of the answer.
    fn calls(&self) -> Vec<(String, Option<u16>)> {
        match self {
            Issuer::Sandbox(sandbox) => {
                let requests = sandbox.requests().into_iter();
                requests.filter_map(|r| Some((r.authorization?, r.status))).collect()
            }
            Issuer::Django(server) => {
                let requests = server.requests().into_iter();
                requests.filter_map(|r| Some((r.auth?.cred, Some(r.status)))).collect()
            }
        }
    }

    /// Whether the platform has rotated this refresh token, or does within the deadline: what a killed
    /// process asked for may still be at work.
    fn has_rotated(&self, refresh_token: &str) -> bool {
        let rotated = (fingerprint(refresh_token), Some(200));
        until(|| self.refreshes().contains(&rotated))
    }
}

fn sandbox() -> Sandbox {
    let knobs = Knobs {
        access_ttl_seconds: DUE,
        refreshed_ttl_seconds: Some(FRESH),
        reuse_kills_login: true,
        ..Knobs::default()
    };
    Sandbox::start(Options { knobs, ..Options::default() }).unwrap()
}

/// The lock file of the only credential.
fn key_lock(world: &World) -> PathBuf {
    let files = std::fs::read_dir(world.path("locks")).unwrap().map(|entry| entry.unwrap());
    let ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("key-");
    files.into_iter().find(|file| ours(&file.file_name())).unwrap().path()
}

fn hold(path: &PathBuf) -> File {
    let file = File::options().write(true).open(path).unwrap();
    file.lock().unwrap();
    file
}

fn forty_processes_renew_once(issuer: &Issuer) {
    let (world, key) = (World::new(), issuer.api_url());
    issuer.log_in(&world);
    let (old_access, old_refresh) = (world.stored(&key, "access_token"), world.stored(&key, "refresh_token"));
    // None of them may renew it before all have seen the old token and stand at the lock.
    let lock = key_lock(&world);
    let held = hold(&lock);
    let commands: Vec<_> = (0..40).map(|_| world.start("auth status --check")).collect();
    for command in &commands {
        assert!(until(|| has_open(command.id(), &lock)), "a process does not come to the lock");
    }
    drop(held);
    for command in commands {
        command.finish().ok().prints("ok ");
    }
    assert_eq!(issuer.refreshes(), [(fingerprint(&old_refresh), Some(200))], "exactly one refresh");
    let (old, winner) = (fingerprint(&old_access), fingerprint(&world.stored(&key, "access_token")));
    let calls: Vec<_> = issuer.calls().into_iter().filter(|(token, _)| *token != old).collect();
    assert_eq!(calls, vec![(winner, Some(200)); 40], "all use the winner's token, and it is good");
}

#[test]
fn forty_processes_with_one_due_token_renew_it_once() {
    forty_processes_renew_once(&Issuer::sandbox());
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn forty_processes_with_one_due_token_of_django_oauth_toolkit_renew_it_once() {
    forty_processes_renew_once(&Issuer::django());
}

/// Rounds of processes that renew at once and are killed at random moments. After each round the next
/// command works, unless the platform had rotated and the process that knew of it is dead.
fn killed_at_random_moments(issuer: &Issuer, rounds: u32, seed: u64) {
    let (world, key) = (World::new(), issuer.api_url());
    issuer.log_in(&world);
    let started = Instant::now();
    world.run("auth refresh").ok();
    // The moments are spread over what a whole renewal takes here, and a little beyond.
    let whole = started.elapsed().mul_f64(1.2);
    let mut random = StdRng::seed_from_u64(seed);
    let (mut killed, mut survived, mut lost) = (0, 0, 0);
    for round in 0..rounds {
        if let Issuer::Sandbox(sandbox) = issuer {
            let delay = Duration::from_millis(random.random_range(0..20));
            sandbox.knobs(|knobs| (knobs.token_delay, knobs.throttle) = (delay, false));
        }
        let commands: Vec<_> = (0..random.random_range(1..=3)).map(|_| world.start("auth refresh")).collect();
        let mut codes = Vec::new();
        for command in commands {
            // At the lock, in the request, between its reply and the store: whatever it is just doing.
            std::thread::sleep(whole.mul_f64(random.random_range(0.0..1.0)));
            if random.random_bool(0.2) {
                codes.push(command.finish().code);
            } else if command.kill() {
                killed += 1;
            }
        }
        // Whole files, and who is logged in there.
        for field in ["access_token", "user_email", "tenant"] {
            world.stored(&key, field);
        }
        let token = world.stored(&key, "refresh_token");
        let next = world.run("auth refresh");
        survived += codes.len();
        codes.push(next.code);
        assert!(codes.iter().all(|code| matches!(code, 0 | 4)), "round {round}: {codes:?}\n{}", next.stderr);
        // Dead is only what the platform had rotated without anybody's living to tell.
        if codes.contains(&4) {
            assert_eq!(next.code, 4, "round {round}: a login came back to life");
            assert!(issuer.has_rotated(&token), "round {round}: a good login was given up\n{}", next.stderr);
            next.says("credentials expired").says("hint: autocom auth login --profile local");
            assert_eq!(world.stored(&key, "user_email"), "ada@example.test");
            assert_eq!(world.stored(&key, "tenant"), "acme");
            issuer.log_in(&world);
            lost += 1;
        }
    }
    println!("{rounds} rounds: {killed} killed, {survived} survived, {lost} rotations whose reply died");
    assert!(killed > 0 && lost < rounds, "{killed} killed and {lost} lost in {rounds} rounds");
    world.run("auth status --check").ok();
}

#[test]
fn processes_killed_at_random_moments_lose_no_login_that_could_be_kept() {
    killed_at_random_moments(&Issuer::sandbox(), 40, 0xA0C0);
}

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn processes_killed_at_random_moments_lose_no_login_of_django_oauth_toolkit() {
    killed_at_random_moments(&Issuer::django(), 15, 0xA0C1);
}

#[test]
fn a_process_killed_before_the_platform_rotated_costs_nothing_and_leaves_no_lock() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in_by_oauth(&sandbox);
    let before = world.files();
    sandbox.fault("/oauth/token", Fault::hang());
    let renewal = world.start("auth refresh");
    sandbox.wait_for_request(|request| request.form_field("refresh_token").is_some(), DEADLINE).unwrap();
    assert!(renewal.kill());
    assert_eq!(world.files(), before);
    // Where the lock was left this would be busy, half a minute later.
    world.run("auth token").ok();
}

#[test]
fn a_process_killed_after_the_platform_rotated_leaves_a_record_and_the_next_says_to_log_in() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in_by_oauth(&sandbox);
    let kept = ["user_email", "tenant", "refresh_token"];
    let stored = || kept.map(|field| world.stored(&sandbox.api_url(), field));
    let (before, token) = (stored(), world.stored(&sandbox.api_url(), "refresh_token"));
    sandbox.fault("/oauth/token", Fault::hang().after_work());
    let renewal = world.start("auth refresh");
    assert!(until(|| !sandbox.accepts(&token)), "the platform rotates");
    assert!(renewal.kill());
    world
        .run("auth token")
        .code(4)
        .says("credentials expired")
        .says("hint: autocom auth login --profile local");
    assert_eq!(stored(), before, "user and tenant stay");
    world.log_in_by_oauth(&sandbox);
    world.run("auth token").ok();
}

#[test]
fn processes_with_homes_of_their_own_that_share_a_credential_file_renew_once() {
    let sandbox = sandbox();
    sandbox.knobs(|knobs| {
        (knobs.access_ttl_seconds, knobs.refreshed_ttl_seconds) = (10, Some(3600));
        knobs.reuse_kills_login = true;
        knobs.token_delay = Duration::from_millis(400);
    });
    let mut world = World::new();
    world.log_in_by_oauth(&sandbox);
    world.set("AUTOCOM_CREDENTIALS_FILE", world.path("credentials").display().to_string());
    world.set("AUTOCOM_API_URL", sandbox.api_url());
    let running: Vec<_> = (0..8)
        .map(|n| {
            if n == 7 {
                // One that knows the file by its default path.
                world.unset("AUTOCOM_HOME").unset("AUTOCOM_CREDENTIALS_FILE");
                return world.start("whoami --check");
            }
            let home = world.home().join(format!("home-{}", n % 4));
            world.set("AUTOCOM_HOME", home.display().to_string());
            world.start("whoami --check")
        })
        .collect();
    running.into_iter().for_each(|one| drop(one.finish().ok()));
    let renewals = sandbox.requests().iter().filter(|it| it.form_field("refresh_token").is_some()).count();
    assert_eq!(renewals, 1);
}

#[test]
fn ctrl_c_ends_a_wait_for_the_lock() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in_by_oauth(&sandbox);
    let held = hold(&key_lock(&world));
    let mut waiting = world.start_in_terminal("auth refresh");
    waiting.line_with("waiting for another autocom process that renews the token");
    waiting.types("\x03");
    waiting.finish().code(130).says("interrupted");
    drop(held);
    assert!(sandbox.requests().iter().all(|request| request.form_field("refresh_token").is_none()));
    world.run("auth refresh").ok();
}

#[test]
fn a_signal_does_not_lose_a_token_that_is_on_its_way() {
    // Longer than a login's undoing may take: a renewal is waited for as long as a request may take.
    for (signal, code, delay) in [(Signal::INT, 130, 5500), (Signal::TERM, 143, 0), (Signal::HUP, 129, 0)] {
        let (world, sandbox) = (World::new(), sandbox());
        world.log_in_by_oauth(&sandbox);
        let old = world.stored(&sandbox.api_url(), "refresh_token");
        let gate = Gate::shut();
        sandbox.fault("/oauth/token", Fault::late().delay(Duration::from_millis(delay)).behind(&gate));
        let mut renewal = world.start("auth refresh");
        sandbox.wait_for_request(|request| request.form_field("refresh_token").is_some(), DEADLINE).unwrap();
        renewal.signal(signal);
        renewal.line_with("Storing the renewed token first");
        gate.open();
        renewal.finish().code(code);
        let new = world.stored(&sandbox.api_url(), "refresh_token");
        assert!(new != old && sandbox.accepts(&new), "the new token is stored");
    }
}

#[test]
fn a_second_ctrl_c_gives_up_and_says_what_that_may_mean() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in_by_oauth(&sandbox);
    sandbox.fault("/oauth/token", Fault::hang());
    let mut renewal = world.start("auth refresh");
    sandbox.wait_for_request(|request| request.form_field("refresh_token").is_some(), DEADLINE).unwrap();
    renewal.interrupt();
    renewal.line_with("Ctrl-C again to stop at once");
    renewal.interrupt();
    renewal.finish().code(130).says("Storing the renewed token was not finished").says("auth status --check");
}
