//! One command over several environments: the live state of each, whoever fails, and one exit code.

use serde_json::Value;

use crate::platform::{Fault, Gate, Knobs, Options, Sandbox, Visitor};
use crate::support::World;
use crate::support::platform::{answer, order, sandbox};
use crate::support::ports::CallbackPorts;
use crate::support::world::until;

fn asked(sandbox: &Sandbox) -> usize {
    sandbox.requests().iter().filter(|request| request.path == "/api/v1/profile").count()
}

/// The field of each row by the profile's name.
fn by_name(rows: &Value, field: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(&row["name"]), text(&row[field]))).collect()
}

/// `ok`, `rejected`, `forbidden`, `unreachable`, `missing` and `broken`, each in a state of its own name.
fn in_every_state(sandboxes: &[Sandbox; 4]) -> World {
    let world = World::new();
    let [good, rejecting, forbidding, gone] = sandboxes;
    for (name, sandbox) in [("ok", good), ("rejected", rejecting), ("unreachable", gone)] {
        world.log_in(sandbox, "ada", &format!("-p {name}"));
    }
    world.log_in(forbidding, "ada", "-p forbidden --tenant globex");
    world.run("profiles set forbidden tenant=initech").ok();
    rejecting.revoke(world.record(&rejecting.api_url())["access_token"].as_str().unwrap());
    gone.fault("/api/v1/profile", Fault::hang().times(9));
    world.run("profiles set missing api_url=https://missing.example.test").ok();
    world
}

#[test]
fn every_state_of_an_environment_is_told_apart_and_the_gravest_is_the_exit_code() {
    let sandboxes = [(); 4].map(|()| sandbox());
    let world = in_every_state(&sandboxes);
    let outcome = world.run("profiles list --check -o json --request-timeout 1").code(4);
    let rows = outcome.json();
    let statuses: Vec<(&str, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["check"]["status"].as_str().unwrap()))
        .collect();
    assert!(statuses.iter().all(|(name, status)| name == status), "{statuses:?}");
    assert_eq!(statuses.len(), 5);
    for row in rows.as_array().unwrap() {
        let check = &row["check"];
        assert_eq!(check["ms"].is_u64(), row["name"] != "missing", "{row}");
        assert_eq!(check["reason"].is_null(), row["name"] == "ok", "{row}");
    }
    let error = outcome.error();
    assert_eq!(error["kind"], "authentication");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("3 of 5 profiles did not pass: rejected (rejected), "), "{message}");
    assert_eq!(error["hint"], "autocom auth status --check --profile rejected");

    // Without what is gravest the next one counts; that nobody is logged in never does.
    for (gone, code) in [("rejected", 5), ("forbidden", 3), ("unreachable", 0)] {
        world.run(&format!("profiles remove {gone} --keep-credential --use ok")).ok();
        world.run("profiles list --check --request-timeout 1").code(code);
    }
    let text = world.run("profiles list --check").ok().stdout;
    assert!(
        text.starts_with("PROFILE\tAPI URL\tTENANT\tUSER\tTOKEN\tEXPIRES\tSTORE\tCHECK\tACTIVE\n"),
        "{text}"
    );
    assert!(text.lines().any(|line| line.starts_with("ok\t") && line.ends_with(" ms\ttrue")), "{text}");
}

#[test]
fn profiles_on_one_credential_share_its_check_and_its_renewal() {
    let knobs = Knobs { access_ttl_seconds: 10, refreshed_ttl_seconds: Some(3600), ..Knobs::default() };
    let sandbox = Sandbox::start(Options { knobs, ..Options::default() }).unwrap();
    let world = World::new();
    {
        let _ports = CallbackPorts::take();
        world.browse(&sandbox, Visitor::approving("ada"), "-p one").0.ok();
    }
    for name in ["two", "three", "elsewhere"] {
        world.run(&format!("profiles set {name} api_url={}", sandbox.api_url())).ok();
    }
    world.run("profiles set elsewhere tenant=globex").ok();
    let before = asked(&sandbox);
    let rows = world.run("profiles list --check -o json").ok().json();
    assert!(rows.as_array().unwrap().iter().all(|row| row["check"]["status"] == "ok"), "{rows}");
    // What was renewed on the way is listed as it is now.
    assert!(by_name(&rows, "token").iter().all(|(_, token)| token == "valid"), "{rows}");
    assert_eq!(asked(&sandbox) - before, 2, "once for each tenant");
    let refreshes =
        |request: &crate::platform::Request| request.form_field("grant_type") == Some("refresh_token");
    assert_eq!(sandbox.requests().iter().filter(|request| refreshes(request)).count(), 1);
}

#[test]
fn all_are_asked_at_once_and_one_that_hangs_holds_up_none() {
    let world = World::new();
    let sandboxes: Vec<Sandbox> = (0..12).map(|_| sandbox()).collect();
    let (gate, own_gate) = (Gate::shut(), Gate::shut());
    let mut seen = Vec::new();
    for (n, sandbox) in sandboxes.iter().enumerate() {
        world.log_in(sandbox, "ada", &format!("-p p{n}"));
        seen.push(sandbox.requests().len());
        let gate = if n == 5 { &own_gate } else { &gate };
        sandbox.fault("/api/v1/profile", Fault::late().behind(gate));
    }
    // All requests are on their way before any is answered.
    let check = world.start("profiles list --check -o json --request-timeout 600");
    let wait = |n: usize, is_answered: bool| {
        assert!(until(|| {
            let requests = sandboxes[n].requests();
            requests.len() > seen[n] && requests[seen[n]].status.is_some() == is_answered
        }));
    };
    (0..12).for_each(|n| wait(n, false));
    gate.open();
    (0..12).filter(|n| *n != 5).for_each(|n| wait(n, true));
    wait(5, false);
    own_gate.open();
    let rows = check.finish().ok().json();
    assert!(rows.as_array().unwrap().iter().all(|row| row["check"]["status"] == "ok"), "{rows}");

    sandboxes[5].fault("/api/v1/profile", Fault::hang().times(9));
    let rows = world.run("profiles list --check -o json --request-timeout 2").code(3).json();
    let ok = rows.as_array().unwrap().iter().filter(|row| row["check"]["status"] == "ok").count();
    assert_eq!(ok, 11);
    assert_eq!(rows[5]["check"]["status"], "unreachable");
    assert!(rows[5]["check"]["reason"].as_str().unwrap().contains("did not answer within 2 s"), "{rows}");
}

#[test]
fn a_command_over_several_profiles_puts_the_profile_first_and_goes_on_past_failures() {
    let (world, one, two) = (World::new(), sandbox(), sandbox());
    world.log_in(&one, "ada", "-p staging");
    world.log_in(&two, "grace", "-p prod-eu");
    world.run("profiles set prod-us api_url=https://us.example.test").ok();
    let outcome = world.run("whoami --all-profiles -o json").code(4);
    let rows = outcome.json();
    let seen: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["profile"], &row["email"])).collect();
    assert_eq!(
        seen,
        [
            (&Value::from("staging"), &Value::from("ada@example.test")),
            (&Value::from("prod-eu"), &Value::from("grace@example.test"))
        ]
    );
    assert!(outcome.stdout.starts_with("[\n  {\n    \"profile\": \"staging\","), "{}", outcome.stdout);
    assert_eq!(outcome.error()["message"], "profile prod-us is not logged in");
    assert_eq!(outcome.error()["hint"], "autocom auth login --profile prod-us");

    let text = world.run("whoami --profiles staging,prod-e*").ok().stdout;
    assert!(
        text.starts_with("PROFILE\tNAME\tEMAIL\tAPI URL\tTENANT\tEXPIRES\nstaging\tAda Lovelace\t"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3);
    world.run("whoami --profiles stagign").code(2).says("no profile is named `stagign`").says("staging, ");
    world.run("whoami --profiles [").code(2).says("no pattern");
    world.run("whoami --all-profiles -p staging").code(2);
    World::new()
        .run("whoami --all-profiles")
        .code(2)
        .says("there are no profiles")
        .says("autocom auth login");
}

#[test]
fn a_token_of_one_environment_goes_along_to_none_of_several() {
    let (mut world, one, two) = (World::new(), sandbox(), sandbox());
    let kept = world.log_in(&one, "ada", "-p one");
    world.log_in(&two, "ada", "-p two");
    let ambient = one.mint_pat("grace", None);
    world.plant(&ambient);
    // It names no environment, and there are several: it is nobody's.
    world.set("AUTOCOM_TOKEN", &ambient);
    let outcome =
        world.run("whoami --all-profiles -o json").ok().says("AUTOCOM_TOKEN belongs to another environment");
    assert!(
        by_name(&outcome.json(), "email")
            .iter()
            .all(|(_, email)| email == "ada@example.test" || email == "-")
    );
    let print = crate::platform::fingerprint(&ambient);
    let seen = |sandbox: &Sandbox| {
        sandbox.requests().iter().any(|request| request.authorization.as_deref() == Some(print.as_str()))
    };
    assert!(!seen(&one) && !seen(&two));
    // Now it does.
    world.set("AUTOCOM_API_URL", one.api_url());
    let rows = world.run("whoami --all-profiles -o json").ok().json();
    assert_eq!(
        (&rows[0]["email"], &rows[1]["email"]),
        (&"grace@example.test".into(), &"ada@example.test".into())
    );
    assert!(seen(&one) && !seen(&two) && one.accepts(&kept));
}

#[test]
fn whoami_asks_the_platform_where_that_is_wanted() {
    let (world, sandbox) = (World::new(), sandbox());
    let token = world.log_in(&sandbox, "ada", "-p one");
    let before = asked(&sandbox);
    world.run("whoami").ok();
    assert_eq!(asked(&sandbox), before);
    world.run("whoami --check").ok().prints("ada@example.test").prints("acme");
    sandbox.revoke(&token);
    world.run("whoami --check").code(4).says("rejected the token").says("autocom auth login --profile one");
}

#[test]
fn tenants_orders_and_answers_of_several_environments_come_as_one_list() {
    let (world, one, two) = (World::new(), sandbox(), sandbox());
    world.log_in(&one, "ada", "-p one");
    world.log_in(&two, "ada", "-p two --tenant globex");
    world.run("profiles set gone api_url=http://127.0.0.1:1").ok();
    let lines = |line: &str, code: i32| {
        let outcome = world.run(line).code(code);
        outcome.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        lines("tenants list --profiles one,two", 0),
        [
            "PROFILE\tTENANT\tNAME\tROLE\tCURRENT",
            "one\tacme\tAcme Corp\towner\ttrue",
            "one\tglobex\tGlobex Corporation\tmanager\tfalse",
            "two\tacme\tAcme Corp\towner\tfalse",
            "two\tglobex\tGlobex Corporation\tmanager\ttrue"
        ]
    );
    let orders = lines("orders list --all-profiles --limit 2", 4);
    assert_eq!(orders[0], "PROFILE\tORDER\tSTATUS\tTOTAL\tCURRENCY\tCREATED");
    let profiles: Vec<&str> = orders[1..].iter().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(profiles, ["one", "one", "two", "two"]);
    // Each to its end, a page after the other, and none of them mixed into another.
    let all = lines("orders list --profiles one,two --all", 0);
    let of = |name: &str| all.iter().filter(|line| line.starts_with(&format!("{name}\t"))).count();
    assert_eq!((of("one"), of("two"), all.len()), (57, 12, 70));

    let outcome = world.run("api profile --all-profiles").code(4).says("profile gone is not logged in");
    assert!(
        outcome.stdout.starts_with("[\n  {\n    \"profile\": \"one\",\n    \"response\": {"),
        "{}",
        outcome.stdout
    );
    assert_eq!(outcome.json()[1]["response"]["current_tenant"]["id"], "globex");
    two.fault("/api/v1/orders", Fault::status(403));
    let outcome = world
        .run("api orders --profiles one,two -f per_page=1 --paginate")
        .code(5)
        .says("two: not permitted");
    assert_eq!(outcome.json().as_array().unwrap().len(), 57);
    assert!(outcome.stdout.contains("\"total\": 9007199254740993.01"), "digits are kept");
    world
        .run(&format!("api {}/profile --all-profiles", one.api_url()))
        .code(2)
        .says("belongs to one profile");
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_gone_is_a_quiet_end_also_beside_a_platform_that_hangs() {
    let (world, one, two) = (World::new(), sandbox(), sandbox());
    for (name, sandbox) in [("one", &one), ("two", &two)] {
        world.log_in(sandbox, "ada", &format!("-p {name}"));
        sandbox.knobs(|knobs| _ = knobs.orders_count.insert("acme".to_owned(), 100_000));
    }
    two.fault("/api/v1/graphql", Fault::hang().times(9));
    // The platform that hangs would hold the command for an hour.
    let script = format!(
        "'{}' orders list --all-profiles --all --request-timeout 3600 | head -n 1; echo",
        env!("CARGO_BIN_EXE_autocom")
    );
    let outcome = world.start_shell(&script).finish();
    assert_eq!(outcome.stderr, "");
    assert!(outcome.stdout.starts_with("PROFILE\t"), "{}", outcome.stdout);
}

#[test]
fn waiting_for_another_process_is_not_the_platform_s_fault() {
    let knobs = Knobs { access_ttl_seconds: 10, ..Knobs::default() };
    let sandbox = Sandbox::start(Options { knobs, ..Options::default() }).unwrap();
    let world = World::new();
    world.log_in_by_oauth(&sandbox);
    world.run("auth status --check").ok();
    let locks = std::fs::read_dir(world.path("locks")).unwrap().map(|entry| entry.unwrap());
    let key =
        locks.into_iter().find(|entry| entry.file_name().to_string_lossy().starts_with("key-")).unwrap();
    let held = std::fs::File::options().write(true).open(key.path()).unwrap();
    held.lock().unwrap();
    let before = sandbox.requests().len();
    for line in ["profiles list --check", "whoami --check", "auth status --check"] {
        world.run(&format!("{line} --request-timeout 1")).code(1);
    }
    let outcome = world.run("whoami --check --request-timeout 1").code(1);
    outcome.says("another autocom process has been renewing the token for 1 second").says("then try again");
    assert_eq!(sandbox.requests().len(), before);
}

#[test]
fn hints_lead_to_the_profile_that_was_asked_for() {
    let (world, one, two) = (World::new(), sandbox(), sandbox());
    world.log_in(&one, "ada", "-p one");
    world.log_in(&two, "ada", "-p two");
    one.fault("/api/v1/profile", Fault::status(200).body("text/html", "<html>"));
    world.run("whoami --check -p one").code(1).says("autocom config get api_url --profile one");
    let elsewhere = world.run("whoami -p one --api-url https://other.example.test --check").code(4);
    elsewhere
        .says("nobody is logged in at https://other.example.test/api/v1")
        .says("hint: autocom auth login --api-url https://other.example.test/api/v1");
}

/// Ada at two platforms, `one` and `in`.
fn two() -> (World, Sandbox, Sandbox) {
    let (world, one, other) = (World::new(), sandbox(), sandbox());
    world.log_in(&one, "ada", "--profile one");
    world.log_in(&other, "ada", "--profile in");
    (world, one, other)
}

#[test]
fn a_profile_that_is_named_and_several_contradict_each_other_wherever_the_flag_stands() {
    let (world, one, other) = two();
    let before = (one.requests().len(), other.requests().len());
    for (flag, said) in [("-p one", "--profile"), (&format!("--api-url {}", one.api_url()), "--api-url")] {
        for several in ["--all-profiles", "--profiles in"] {
            for command in ["api POST orders -f x=1", "whoami", "orders list", "tenants list"] {
                for line in [format!("{flag} {command} {several}"), format!("{command} {several} {flag}")] {
                    world.run(&line).code(2).says(&format!("{said} names one profile"));
                }
            }
        }
    }
    assert_eq!((one.requests().len(), other.requests().len()), before);
}

#[test]
fn whoever_fails_is_named_and_looked_at_by_the_hint_also_where_the_platform_says_a_word_like_it() {
    let (world, _one, other) = two();
    let body = r#"{"message":"not in stock"}"#;
    for (command, path) in [("api orders", "/api/v1/orders"), ("tenants list", "/api/v1/auth/tenants")] {
        other.fault(path, Fault::status(404).body("application/json", body));
        let outcome = world.run(&format!("{command} --all-profiles")).code(5);
        outcome.says("error: in: not found: not in stock");
    }
    world.run("-p in tenants use nope").code(5).says("choose one: autocom tenants use acme --profile in");
}

#[test]
fn a_profile_without_an_address_stops_nobody() {
    let (world, _one, _other) = two();
    world.config(&format!(
        "[profiles.empty]\ntenant = \"acme\"\n{}",
        world.read("config.toml").split_once('\n').unwrap().1
    ));
    let outcome = world.run("api profile --all-profiles").code(4).says("profile empty is not logged in");
    assert_eq!(outcome.json().as_array().unwrap().len(), 2);
    world.run("api profile --profiles empty").code(4).says("profile empty is not logged in");
    world.run("api orders?next=https://evil.test/ --all-profiles").code(4).prints("\"profile\": \"one\"");
    world
        .run("api //127.0.0.1/api/v1/profile --all-profiles")
        .code(2)
        .says("an address belongs to one profile");
}

#[test]
fn a_list_that_breaks_off_in_the_middle_is_not_closed_and_one_that_never_began_is() {
    let (world, one, long) = two();
    let page: Vec<Value> = (0..100).map(order).collect();
    long.fault("/api/v1/graphql", answer(&page));
    long.fault("/api/v1/graphql", Fault::status(500));
    let outcome = world.run("orders list --all -o json --profiles one,in").code(1);
    assert!(!outcome.stdout.trim_end().ends_with(']'), "{}", outcome.stdout);
    one.fault("/api/v1/graphql", Fault::status(500));
    let outcome = world.run("orders list --all -o json --profiles one,in").code(1);
    outcome.json();
}

#[test]
fn profiles_of_one_credential_with_networks_of_their_own_are_asked_over_each() {
    let (world, one, _) = two();
    world.run(&format!("profiles set bad api_url={} ca_bundle=/nonexistent.pem", one.api_url())).ok();
    let outcome = world.run("profiles list --check -o json");
    let rows = outcome.json();
    let status = |name: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
        row["check"]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!((status("one").as_str(), status("bad").as_str()), ("ok", "unreachable"));
}
