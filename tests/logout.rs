//! Logout: revoked where that can be had, deleted here in any case, and said plainly.

use crate::platform::{Fault, Gate, Sandbox, Visitor};
use crate::support::World;
use crate::support::locks::ConfigLock;
use crate::support::platform::sandbox;
use crate::support::ports::CallbackPorts;
use crate::support::world::{DEADLINE, has_open, until};

/// Two sandboxes, logged in to as `one` (active) and `two`.
fn two() -> (World, [Sandbox; 2], [String; 2]) {
    let (world, sandboxes) = (World::new(), [sandbox(), sandbox()]);
    let tokens = [("one", "ada"), ("two", "grace")];
    let mut each = sandboxes
        .iter()
        .zip(tokens)
        .map(|(it, (name, user))| world.log_in(it, user, &format!("--profile {name}")));
    let tokens = [each.next().unwrap(), each.next().unwrap()];
    drop(each);
    (world, sandboxes, tokens)
}

fn states(world: &World) -> Vec<String> {
    world.tokens().into_iter().map(|(_, token)| token).collect()
}

#[test]
fn a_logout_revokes_deletes_and_leaves_the_config_and_other_logins() {
    let (world, [one, two], tokens) = two();
    let config = world.read("config.toml");
    let outcome = world.run("auth logout --profile two --revoke").ok();
    insta::assert_snapshot!(outcome.shown(&[]), @r"
    exit 0
    --- stderr
    Logged out profile two (grace@example.test); deleted from the file.
    The personal access token is revoked at the platform.
    ");
    assert!(!two.accepts(&tokens[1]) && one.accepts(&tokens[0]));
    assert_eq!(states(&world), ["valid", "logged_out"]);
    assert_eq!(world.read("config.toml"), config);
    assert!(world.record(&two.api_url()).is_null() && !world.record(&one.api_url()).is_null());
    let tombstone = world.login_entry(&two.api_url());
    assert!(tombstone.contains_key("logged_out_at"));
    assert_eq!(tombstone["tenant"].as_str(), Some("initech"), "what was captured serves the next login");
    world
        .run("whoami --profile two")
        .code(4)
        .says("profile two is not logged in")
        .says("auth login --profile two");
    world.run("whoami").ok().prints("ada@example.test");
}

/// Logged in by OAuth, with the record that is stored.
fn logged_in() -> (World, Sandbox, serde_json::Value) {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in_by_oauth(&sandbox);
    let record = world.record(&sandbox.api_url());
    (world, sandbox, record)
}

/// Revokes, and answers when the gate is opened.
fn late(gate: &Gate) -> Fault {
    Fault::status(200).body("application/json", "{}").after_work().behind(gate)
}

fn is_dead(sandbox: &Sandbox, record: &serde_json::Value) -> bool {
    ["access_token", "refresh_token"].iter().all(|token| !sandbox.accepts(record[token].as_str().unwrap()))
}

#[test]
fn an_oauth_login_is_refreshed_and_then_revoked_in_its_own_tenant() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    world.browse(&sandbox, Visitor::approving("ada"), "--tenant globex").0.ok();
    let (record, before) = (world.record(&sandbox.api_url()), sandbox.requests().len());
    world.run("logout").ok().says("The token is revoked at the platform.");
    let requests = sandbox.requests().split_off(before);
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    // The access tokens end first: the new one, and the old one, which the refresh has ended. Then the old refresh
    // token is tried.
    let logout = "/api/v1/auth/logout";
    assert_eq!(paths, ["/oauth/token", logout, "/api/v1/profile", logout, "/oauth/token"]);
    let answers: Vec<_> = requests.iter().filter_map(|request| request.status).collect();
    assert_eq!(answers, [200, 200, 401, 401, 401]);
    assert_eq!((requests[1].tenant.as_deref(), requests[1].status), (Some("globex"), Some(200)));
    assert!(is_dead(&sandbox, &record) && !sandbox.has_live_tokens("ada"));
}

#[test]
fn a_login_that_can_not_be_refreshed_is_revoked_as_far_as_that_goes() {
    let rejected = || Fault::status(400).body("application/json", r#"{"error":"invalid_grant"}"#);
    for (fault, why) in [(Fault::status(500), "status 500"), (rejected(), "invalid_grant")] {
        let (world, sandbox, record) = logged_in();
        sandbox.fault("/oauth/token", fault);
        let outcome = world
            .run("auth logout -o json -q")
            .ok()
            .says("The access token is revoked at the platform; the refresh token may still work")
            .says(why);
        let row = &outcome.json()[0];
        assert_eq!((&row["revoked"], &row["deleted_from"][0]), (&false.into(), &"file".into()));
        assert!(row["reason"].as_str().unwrap().contains("the refresh token may still work"));
        assert!(!sandbox.accepts(record["access_token"].as_str().unwrap()));
        assert!(world.record(&sandbox.api_url()).is_null());
    }
}

/// Nothing that a refresh granted is lost: a signal waits until it is revoked and deleted.
#[test]
fn a_signal_waits_for_a_logout_that_has_begun() {
    let (world, sandbox, record) = logged_in();
    let gate = Gate::shut();
    sandbox.fault("/api/v1/auth/logout", late(&gate));
    let mut logout = world.start("auth logout");
    sandbox.wait_for_request(|request| request.path.ends_with("/auth/logout"), DEADLINE).unwrap();
    logout.interrupt();
    logout.line_with("Logging out first (Ctrl-C again to stop at once)");
    gate.open();
    logout.finish().ok().says("The token is revoked at the platform.");
    assert!(is_dead(&sandbox, &record) && !sandbox.has_live_tokens("ada"));
    assert!(world.record(&sandbox.api_url()).is_null());
}

#[test]
fn a_personal_access_token_is_revoked_only_if_somebody_says_so() {
    for (line, answer, is_revoked) in [
        ("auth logout", Some("y\r"), true),
        ("auth logout", Some("\r"), false),
        ("auth logout --no-input", None, false),
        ("auth logout --all", Some("y\r"), true),
        ("profiles remove one --use two", None, false),
    ] {
        let (world, [one, two], tokens) = two();
        let mut logout = world.start_in_terminal(line);
        if let Some(answer) = answer {
            logout.line_with(&if line.ends_with("--all") { two.api_url() } else { one.api_url() });
            logout.types(answer);
        }
        let outcome = logout.finish().ok();
        outcome.says(if is_revoked { "is revoked at the platform" } else { "still works" });
        assert_eq!(one.accepts(&tokens[0]), !is_revoked, "{line}");
        assert_eq!(two.accepts(&tokens[1]), !(is_revoked && line.ends_with("--all")), "{line}");
        assert!(world.record(&one.api_url()).is_null(), "{line}");
    }
    let (world, [one, two], tokens) = two();
    let row = world.run("auth logout -o json").ok().says("still works").json()[0].clone();
    assert_eq!(row["reason"], "personal access tokens are revoked with --revoke only");
    assert!(row["revoked"] == false && one.accepts(&tokens[0]));
    // Who gives up at the question has not logged out.
    let mut logout = world.start_in_terminal("auth logout --profile two");
    logout.line_with(&two.api_url());
    logout.types("\u{3}");
    logout.finish().code(130);
    assert_eq!(states(&world), ["logged_out", "valid"]);
}

#[test]
fn a_url_selects_whom_to_log_out() {
    let (world, [_, two], tokens) = two();
    world.run(&format!("auth logout --revoke --api-url {}", two.origin())).ok().says("profile two");
    assert!(!two.accepts(&tokens[1]));
    assert_eq!(states(&world), ["valid", "logged_out"]);
}

#[test]
fn all_covers_profiles_what_was_captured_and_the_file() {
    let (world, [one, two], tokens) = two();
    // One is known to `logins.toml` and the file only, the other to the file only, and the active
    // profile does not even exist.
    world.config("profile = \"gone\"\n");
    world.write("logins.toml", "");
    let outcome = world.run("auth logout --all --revoke -o json").ok();
    let rows = outcome.json();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert!(
        rows.as_array().unwrap().iter().all(|row| row["revoked"] == true && row["deleted_from"][0] == "file")
    );
    assert!(!one.accepts(&tokens[0]) && !two.accepts(&tokens[1]));
    assert!(world.record(&one.api_url()).is_null() && world.record(&two.api_url()).is_null());
    world.run("auth logout --all").ok().says("Nobody was logged in.");
    assert_eq!(world.run("auth logout --all -o json").ok().stdout, "[]\n");
}

#[test]
fn all_goes_on_where_one_platform_is_down() {
    let (world, [one, two], tokens) = two();
    let down = one.api_url();
    drop(one);
    let outcome = world.run("auth logout --all --revoke").ok();
    outcome
        .says("could not confirm that the token was revoked: nothing accepts connections")
        .says("The personal access token is revoked at the platform");
    assert!(!two.accepts(&tokens[1]) && world.record(&down).is_null());
    assert_eq!(states(&world), ["logged_out", "logged_out"]);
}

#[test]
fn only_a_token_that_the_platform_rejects_counts_as_revoked() {
    let (login, revoked) = ("/api/v1/auth/logout", "is revoked at the platform");
    // The answer was lost on the way back.
    let (world, sandbox, _) = logged_in();
    sandbox.fault(login, Fault::status(502).body("text/html", "<html>").after_work());
    world.run("auth logout").ok().says(revoked);
    // A gateway that lets nobody through.
    let (world, sandbox, _) = logged_in();
    for path in [login, "/api/v1/profile"] {
        sandbox.fault(path, Fault::status(401).body("text/plain", "Unauthorized"));
    }
    world
        .run("auth logout")
        .ok()
        .says("could not confirm that the token was revoked: status 401, but without");
}

#[test]
fn local_only_asks_nobody() {
    let (world, [one, _], tokens) = two();
    let before = one.requests().len();
    let outcome = world.run("auth logout --local-only").ok();
    outcome.says("not revoked (--local-only: it still works at the platform)").says("deleted from the file");
    assert!(one.accepts(&tokens[0]) && one.requests().len() == before);
    assert_eq!(states(&world), ["logged_out", "valid"]);
}

#[test]
fn a_platform_that_fails_does_not_keep_the_credential_here() {
    for (fault, reason) in [
        (Fault::status(500), "the platform failed with status 500"),
        (Fault::status(401), "it no longer worked at the platform"),
        (Fault::status(200).body("text/html", "<html>").after_work(), ""),
        (Fault::close(), "closed the connection"),
    ] {
        let (world, [one, _], _tokens) = two();
        one.fault("/api/v1/auth/logout", fault);
        world.run("auth logout --profile one --revoke").ok().says(reason).says("deleted from the file");
        assert!(world.record(&one.api_url()).is_null(), "{reason}");
    }
}

#[test]
fn who_is_logged_out_already_stays_so_without_an_error() {
    let (world, [one, _], _tokens) = two();
    world.run("auth logout").ok();
    let before = (world.files(), one.requests().len());
    world.run("auth logout").ok().says("profile one was logged out already.");
    assert_eq!(world.run("auth logout -o json").ok().stdout, "[]\n");
    assert_eq!((world.files(), one.requests().len()), before);
    world.run("auth logout --api-url https://never.test").ok().says("logged out already");
}

#[test]
fn profiles_that_shared_the_credential_are_named() {
    let (world, sandbox) = (World::new(), sandbox());
    for name in ["one", "two", "three"] {
        world.log_in(&sandbox, "ada", &format!("--profile {name}"));
    }
    world.run("auth logout --profile two").ok().says("It was the credential of one, three too.");
    assert_eq!(states(&world), ["logged_out"; 3]);
}

#[test]
fn a_profile_at_another_address_is_not_logged_out_in_name_only() {
    let (mut world, [one, two], tokens) = two();
    let seen = (world.files(), one.requests().len(), two.requests().len());
    let outcome = world.run(&format!("auth logout --profile one --api-url {}", two.api_url())).code(2);
    outcome.says(&format!("profile one is bound to {}, not to {}", one.api_url(), two.api_url())).says(&format!(
        "hint: autocom auth logout --profile one; or whoever is logged in there: autocom auth logout --api-url {}",
        two.api_url()
    ));
    assert_eq!((world.files(), one.requests().len(), two.requests().len()), seen);
    // A variable doesn't bend what a flag names; what it bends is called by its address.
    world.set("AUTOCOM_API_URL", two.api_url()).set("AUTOCOM_PROFILE", "one");
    let outcome = world.run("auth logout --revoke").ok();
    outcome
        .says(&format!("Logged out {} (grace@example.test)", two.api_url()))
        .says("It was the credential of two.");
    assert!(one.accepts(&tokens[0]) && !two.accepts(&tokens[1]));
    world
        .run(&format!("auth logout --profile one --revoke --api-url {}", one.api_url()))
        .ok()
        .says("Logged out profile one");
    assert!(!one.accepts(&tokens[0]));
}

#[test]
fn nonsense_is_a_usage_error() {
    let (world, ..) = two();
    let before = world.files();
    world.run("auth logout --all --profile one").code(2);
    world.run("auth logout --all --api-url https://a.test").code(2);
    world.run("auth logout --profile three").code(2).says("there is no profile `three`");
    world.config("").run("auth logout").ok().says("was logged out already");
    assert_eq!(world.files()[1..], before[1..]);
}

#[test]
fn the_credential_of_another_origin_goes_to_its_own_platform_only() {
    let (world, [one, two], tokens) = two();
    let config = world.read("config.toml");
    world.config(&config.replace(&one.api_url(), &two.api_url()).replacen(
        "[profiles.one]\n",
        "[profiles.one]\ncredential = \"own\"\n",
        1,
    ));
    let file = world
        .read("credentials")
        .replace(&format!("\"{}\":{{\"version", one.api_url()), "\"own\":{\"version");
    world.write("credentials", &file);
    let before = two.requests().len();
    world.run("auth logout --profile one --revoke").ok().says("is revoked");
    assert_eq!(two.requests().len(), before, "nothing was sent to the other");
    assert!(!one.accepts(&tokens[0]));
}

#[test]
fn whoever_wants_to_refresh_during_a_logout_waits_and_finds_nobody_logged_in() {
    let (world, sandbox, record) = logged_in();
    let gate = Gate::shut();
    sandbox.fault("/api/v1/auth/logout", late(&gate));
    let logout = world.start("auth logout");
    sandbox.wait_for_request(|request| request.path.ends_with("/auth/logout"), DEADLINE).unwrap();
    let lock = std::fs::read_dir(world.path("locks")).unwrap().map(|entry| entry.unwrap().path());
    let lock = lock.into_iter().find(|path| path.to_string_lossy().contains("/key-")).unwrap();
    let refresh = world.start("auth refresh");
    assert!(until(|| has_open(refresh.id(), &lock)), "it does not wait");
    gate.open();
    logout.finish().ok();
    refresh.finish().code(4).says("is not logged in");
    assert!(is_dead(&sandbox, &record) && !sandbox.has_live_tokens("ada"));
}

#[test]
fn a_profile_that_is_logged_in_to_while_a_removal_logs_it_out_stays() {
    let (world, sandbox, record) = logged_in();
    let logins = world.read("logins.toml");
    let gate = Gate::shut();
    sandbox.fault("/api/v1/auth/logout", late(&gate));
    let removal = world.start("profiles remove local --use default");
    sandbox.wait_for_request(|request| request.path.ends_with("/auth/logout"), DEADLINE).unwrap();
    let lock = ConfigLock::hold(&world);
    gate.open();
    lock.awaited_by(&removal);
    world.write("logins.toml", &logins.replace("written_at = \"20", "written_at = \"21"));
    drop(lock);
    removal.finish().code(2).says("profile `local` has a new login; nothing was written");
    assert!(is_dead(&sandbox, &record) && world.read("config.toml").contains("[profiles.local]"));
    // What logins.toml says in vain does not keep it for ever.
    world.run("profiles remove local --use default").ok();
}

#[test]
fn a_logout_takes_what_a_killed_process_left_along() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "");
    for when in ["with a login", "without"] {
        world.write(".autocom-credentials-a1b2c3", "{\"version\":1,\"credentials\":{");
        world.run("auth logout").ok();
        assert!(!world.path(".autocom-credentials-a1b2c3").exists(), "{when}");
    }
}
