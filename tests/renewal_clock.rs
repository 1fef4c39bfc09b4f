//! When a token is renewed, by a clock that is turned and not waited for: sessions in this process on
//! the sandbox. Last a few with the real binary and tokens that really end.

use std::fs::File;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use autocom::error::{Kind, Result};
use autocom::session::Context;
use autocom::session::call::bearer;
use autocom::session::profile::selected;
use autocom::system::clock::ManualClock;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::platform::{Knobs, Options, Sandbox};
use crate::support::World;
use crate::support::in_process::session;
use crate::support::world::until;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// One call of the platform by a command of its own.
fn call(world: &World, clock: &Arc<ManualClock>) -> Result<()> {
    call_by(&session(world, clock))
}

fn call_by(session: &Context) -> Result<()> {
    bearer::call(session, &selected::profile(session)?, async |platform| platform.profile().await.map(drop))
}

/// Somebody logged in to a platform whose tokens last an hour.
fn logged_in() -> (World, Sandbox) {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let world = World::new();
    world.log_in_by_oauth(&sandbox);
    (world, sandbox)
}

fn end(world: &World, sandbox: &Sandbox) -> Timestamp {
    world.stored(&sandbox.api_url(), "expires_at").parse().unwrap()
}

fn at(time: Timestamp) -> Arc<ManualClock> {
    Arc::new(ManualClock::at(time))
}

fn granted(sandbox: &Sandbox, grant_type: &str) -> usize {
    let requests = sandbox.requests();
    requests.iter().filter(|request| request.form_field("grant_type") == Some(grant_type)).count()
}

fn refreshes(sandbox: &Sandbox) -> usize {
    granted(sandbox, "refresh_token")
}

#[test]
fn a_token_is_renewed_when_less_than_thirty_seconds_are_left_and_not_before() {
    let (world, sandbox) = logged_in();
    let first = end(&world, &sandbox);
    let seconds = SignedDuration::from_secs;
    let nearly = SignedDuration::from_millis(29_999);
    for (left, due) in [(seconds(3600), 0), (seconds(31), 0), (seconds(30), 0), (nearly, 1)] {
        call(&world, &at(first - left)).unwrap();
        assert_eq!(refreshes(&sandbox), due, "{left:#} before its end");
    }
    // The next one lasts an hour from then on, and is renewed in its turn.
    let second = end(&world, &sandbox);
    assert_eq!(second, first - nearly + seconds(3600));
    call(&world, &at(second - seconds(30))).unwrap();
    assert_eq!(refreshes(&sandbox), 1);
    // Also long after its end, on both clocks.
    sandbox.turn_clock(30 * DAY);
    call(&world, &at(second + seconds(30 * 86_400))).unwrap();
    assert_eq!(refreshes(&sandbox), 2);
}

#[test]
fn a_token_without_a_known_end_is_used_until_the_platform_rejects_it() {
    let (world, sandbox) = logged_in();
    let clock = at(end(&world, &sandbox) + SignedDuration::from_hours(24 * 365));
    let mut file: serde_json::Value = serde_json::from_str(&world.read("credentials")).unwrap();
    let record = &mut file["credentials"][sandbox.api_url()];
    assert!(record.as_object_mut().unwrap().remove("expires_at").is_some());
    world.write("credentials", &file.to_string());

    call(&world, &clock).unwrap();
    assert_eq!(refreshes(&sandbox), 0);
    sandbox.turn_clock(365 * DAY + 2 * HOUR);
    for _ in 0..2 {
        call(&world, &clock).unwrap();
        assert_eq!(refreshes(&sandbox), 1);
    }
}

#[test]
fn a_clock_that_was_set_back_costs_a_refresh_and_no_login() {
    let (world, sandbox) = logged_in();
    let first = end(&world, &sandbox);
    let written = || -> Timestamp { world.stored(&sandbox.api_url(), "written_at").parse().unwrap() };
    let logged_in = written();
    // A day back: here the token has long to live, at the platform it has ended.
    let clock = at(first - SignedDuration::from_hours(24));
    sandbox.turn_clock(2 * HOUR);
    for _ in 0..2 {
        call(&world, &clock).unwrap();
        assert_eq!(refreshes(&sandbox), 1);
    }
    assert!(written() >= logged_in, "of two copies the later written wins");
    // Set right again.
    let clock = at(first + SignedDuration::from_hours(1));
    for _ in 0..2 {
        call(&world, &clock).unwrap();
        assert_eq!(refreshes(&sandbox), 2);
    }
}

#[test]
fn a_lock_that_is_not_had_in_time_leaves_the_last_seconds_of_a_token_and_then_is_busy() {
    let (world, sandbox) = logged_in();
    let end = end(&world, &sandbox);
    let locks = std::fs::read_dir(world.path("locks")).unwrap().map(|entry| entry.unwrap().path());
    let of_a_key = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().starts_with("key-");
    let lock = File::open(locks.into_iter().find(|path| of_a_key(path)).unwrap()).unwrap();
    lock.lock().unwrap();
    let patient = |left: i64| {
        let clock = at(end - SignedDuration::from_secs(left));
        session(&world, &clock).lock_patience(Duration::from_millis(50))
    };
    call_by(&patient(20)).unwrap();
    call_by(&patient(1)).unwrap();
    for left in [0, -20] {
        let error = call_by(&patient(left)).unwrap_err();
        // Linux tells who holds it.
        let us = format!("process {} has held the lock on ", std::process::id());
        assert!(!cfg!(target_os = "linux") || error.message.starts_with(&us), "{}", error.message);
        assert!(
            error.message.ends_with(" for 0 seconds"),
            "its patience is a part of a second: {}",
            error.message
        );
        assert_eq!((error.kind, error.kind.exit_code()), (Kind::Failed, 1));
    }
    // A token that is to be given away has to last for longer.
    let (session, minute) = (patient(20), SignedDuration::from_secs(60));
    let error = bearer::bearer(&session, &selected::profile(&session).unwrap(), Some(minute)).err().unwrap();
    assert_eq!(error.kind, Kind::Failed);
    assert_eq!(refreshes(&sandbox), 0, "nothing is renewed without the lock");
    drop(lock);
    call_by(&patient(-20)).unwrap();
    assert_eq!(refreshes(&sandbox), 1);
}

/// What is counted in [`a_week_of_use_takes_one_login`].
const CALLS: usize = 10_000;
const A_SHORT_COMMAND: usize = 10;
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// The numbers: `cargo test --test suite a_week_of_use -- --nocapture`.
///
/// Two terminals take turns over a virtual week: in one a command runs all day and keeps its token in
/// memory, in the other short commands come and go. Each renews what the other then has to notice.
#[test]
fn a_week_of_use_takes_one_login() {
    let sandbox = Sandbox::start(Options {
        knobs: Knobs { access_ttl_seconds: 3600, reuse_kills_login: true, ..Knobs::default() },
        ..Options::default()
    })
    .unwrap();
    let world = World::new();
    world.log_in_by_oauth(&sandbox);
    let started = Instant::now();
    let clock = at(end(&world, &sandbox) - SignedDuration::from_secs(3600));
    let mut random = StdRng::seed_from_u64(0x3EE4);
    let mut time = Duration::ZERO;
    let mut pass = || {
        // On average a week for all of them.
        let step = WEEK.div_f64(CALLS as f64).mul_f64(random.random_range(0.0..2.0));
        time += step;
        clock.advance(step.try_into().unwrap());
        sandbox.turn_clock(time);
    };
    let (mut failures, mut made) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let (go, its_turn) = mpsc::channel();
        let (send, outcome) = mpsc::channel();
        let (world, clock) = (&world, &clock);
        scope.spawn(move || {
            // A week of seven commands, each of which begins where the one before has ended.
            let a_day = (CALLS / 2).div_ceil(7);
            let mut open = true;
            while open {
                let session = session(world, clock);
                let profile = selected::profile(&session).unwrap();
                let day = bearer::call(&session, &profile, async |platform| {
                    for _ in 0..a_day {
                        if its_turn.recv().is_err() {
                            open = false;
                            break;
                        }
                        send.send(platform.profile().await.map(drop)).unwrap();
                    }
                    Ok(())
                });
                day.unwrap();
            }
        });
        let mut short = session(world, clock);
        for n in 0..CALLS / 2 / A_SHORT_COMMAND {
            if n % 25 == 0 {
                // Building a client for each would cost more than all the rest.
                short = session(world, clock);
            }
            let command = bearer::call(&short, &selected::profile(&short).unwrap(), async |platform| {
                for _ in 0..A_SHORT_COMMAND {
                    pass();
                    go.send(()).unwrap();
                    failures.extend(outcome.recv().unwrap().err());
                    pass();
                    failures.extend(platform.profile().await.err());
                    made += 2;
                }
                Ok(())
            });
            command.unwrap();
        }
    });
    let failures: Vec<_> = failures.iter().map(|error| format!("{error:?}")).collect();
    let (logins, refreshes) = (granted(&sandbox, "authorization_code"), refreshes(&sandbox));
    println!(
        "a week of {:.1} days: {made} calls, {refreshes} refreshes, {logins} login, {} failures, in {:.1?}",
        time.as_secs_f64() / DAY.as_secs_f64(),
        failures.len(),
        started.elapsed()
    );
    assert_eq!((made, logins, failures), (CALLS, 1, Vec::new()));
    let hours = time.as_secs_f64() / HOUR.as_secs_f64();
    assert!((refreshes as f64 - hours).abs() < 5.0, "{refreshes} refreshes in {hours:.0} hours");
}

#[test]
fn a_token_that_really_ends_is_renewed_and_a_personal_one_is_not() {
    let (world, sandbox) = logged_in();
    sandbox.knobs(|knobs| knobs.access_ttl_seconds = 1);
    world.run("auth refresh").ok();
    sandbox.knobs(|knobs| knobs.access_ttl_seconds = 3600);
    let ended = world.stored(&sandbox.api_url(), "access_token");
    assert!(until(|| !sandbox.accepts(&ended)));
    world.run("whoami").ok().says("the next call renews it");
    for _ in 0..2 {
        world.run("auth status --check").ok().prints("ok ");
    }
    assert_eq!(refreshes(&sandbox), 2);

    let personal = sandbox.mint_pat("ada", Some(5));
    world.login_with_token(&sandbox.api_url(), &personal, "").ok();
    assert!(until(|| !sandbox.accepts(&personal)));
    world.run("whoami").ok().says("log in again: autocom auth login --profile local");
    for line in ["auth token", "auth status --check", "auth refresh"] {
        world.run(line).code(4).says("hint: autocom auth login --profile local");
    }
    assert_eq!(world.stored(&sandbox.api_url(), "access_token"), personal);
    assert_eq!(refreshes(&sandbox), 2);
}
