//! Several autocom processes at once: each login ends where it should, and nobody's credential is lost.

use std::fs::File;
use std::time::Duration;

use crate::platform::{Fault, Visitor, fingerprint, visit_blocking};
use crate::support::World;
use crate::support::platform::sandbox;
use crate::support::ports::CallbackPorts;
use crate::support::world::DEADLINE;

fn email(world: &World, profile: &str) -> String {
    world.run(&format!("whoami -p {profile} -o json")).ok().json()["email"].as_str().unwrap().to_owned()
}

#[test]
fn users_who_log_in_at_once_each_keep_their_own_login() {
    let (world, sandbox) = (World::new(), sandbox());
    let users = ["ada", "grace", "mary"];
    let tokens = users.map(|user| sandbox.mint_pat(user, None));
    let running: Vec<_> = users
        .iter()
        .zip(&tokens)
        .map(|(user, token)| {
            world.plant(token);
            let tenant = if *user == "mary" { "--tenant globex" } else { "" };
            let line = format!("auth login -p {user} --api-url {} --token-stdin {tenant}", sandbox.api_url());
            let mut running = world.start_open(&line);
            running.input(&format!("{token}\n"));
            running
        })
        .collect();
    for running in running {
        running.finish().ok();
    }
    for user in users {
        assert_eq!(email(&world, user), format!("{user}@example.test"));
    }
    assert!(tokens.iter().all(|token| sandbox.accepts(token)));
}

#[test]
fn a_login_that_was_overtaken_leaves_the_other_s_profile_alone() {
    let _ports = CallbackPorts::take();
    let (world, slow, fast) = (World::new(), sandbox(), sandbox());
    let mut first = world.login(&slow.api_url(), "");
    let url = first.login_url();
    world.log_in(&fast, "grace", "");
    visit_blocking(&url, Visitor::approving("ada")).unwrap();
    first.finish().ok().says("local-2");
    assert_eq!(
        (email(&world, "local").as_str(), email(&world, "local-2").as_str()),
        ("grace@example.test", "ada@example.test")
    );
}

#[test]
fn a_logout_does_not_take_a_login_made_meanwhile_with_it() {
    let (world, sandbox) = (World::new(), sandbox());
    let old = world.log_in(&sandbox, "ada", "");
    // Revoked at once, answered late: time enough for a login that does not wait its turn.
    let late = Fault::status(200).body("application/json", "{}").delay(Duration::from_millis(1500));
    sandbox.fault("/api/v1/auth/logout", late.after_work());
    let logout = world.start("auth logout --revoke");
    sandbox.wait_for_request(|request| request.path.ends_with("/auth/logout"), DEADLINE).unwrap();
    let new = world.log_in(&sandbox, "ada", "");
    logout.finish().ok();
    assert!(!sandbox.accepts(&old) && sandbox.accepts(&new));
    assert_eq!(world.record(&sandbox.api_url())["access_token"].as_str(), Some(&*new));
}

#[test]
fn ctrl_c_ends_a_login_that_waits_for_another_process() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "");
    let before = world.files();
    let held = File::options().write(true).open(world.path("locks/login.lock")).unwrap();
    held.lock().unwrap();
    let token = sandbox.mint_pat("ada", None);
    let mut login = world.start_open(&format!("auth login --api-url {} --token-stdin", sandbox.api_url()));
    login.input(&token);
    let asked = |fingerprint: &str| {
        let matches = |request: &crate::platform::Request| {
            request.status.is_some()
                && request.authorization.as_deref().is_some_and(|it| it.contains(fingerprint))
        };
        sandbox.wait_for_request(matches, DEADLINE)
    };
    asked(&fingerprint(&token)).unwrap();
    login.interrupt();
    login.finish().code(130);
    assert_eq!(world.files(), before);
}

#[test]
fn a_second_user_whose_own_key_can_not_be_written_down_is_told_so_and_keeps_the_login() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "-p one");
    world.run(&format!("profiles set two api_url={}", sandbox.api_url())).ok();
    let config = world.home().join("mounted/config.toml");
    std::fs::create_dir(config.parent().unwrap()).unwrap();
    std::fs::rename(world.path("config.toml"), &config).unwrap();
    world.set("AUTOCOM_CONFIG", config.display().to_string());
    world.heed_modes();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(config.parent().unwrap(), PermissionsExt::from_mode(0o555)).unwrap();
    let token = sandbox.mint_pat("grace", None);
    let line = format!("auth login -p two --api-url {} --token-stdin", sandbox.api_url());
    let outcome = world.run_with_input(&line, &token);
    std::fs::set_permissions(config.parent().unwrap(), PermissionsExt::from_mode(0o755)).unwrap();
    outcome.code(1).says("the login is stored under the key `two`");
    assert_eq!(world.record("two")["user_email"], "grace@example.test");
    assert_eq!(email(&world, "one"), "ada@example.test");
}

#[test]
fn a_new_path_of_the_same_origin_keeps_the_profile_s_own_key() {
    let (world, sandbox) = (World::new(), sandbox());
    world.run(&format!("profiles set p api_url={}/elsewhere credential=k", sandbox.origin())).ok();
    world.log_in(&sandbox, "ada", "-p p");
    assert_eq!(email(&world, "p"), "ada@example.test");
    assert!(world.record("k").is_object() && world.record(&sandbox.api_url()).is_null());
}
