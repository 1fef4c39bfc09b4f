//! Protected profiles: what may change something is confirmed first, by whatever way it comes, and written
//! down before it is sent.

use std::collections::BTreeSet;
use std::fs;

use autocom::platform::{Call, GRAPHQL};
use graphql_parser::query::{Definition, OperationDefinition, parse_query};
use http::HeaderValue;
use proptest::prelude::*;
use serde_json::Value;

use crate::platform::{Fault, Gate, Options, Sandbox};
use crate::support::World;
use crate::support::commands::{arguments, commands};
use crate::support::world::until;

/// Ada in the protected profile `prod`, and the id of an order there.
fn prod() -> (World, Sandbox, String) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile prod");
    let order = world.run("api orders").ok().json()["orders"][0]["id"].as_str().unwrap().to_owned();
    world.run("profiles set prod protected=true").ok();
    (world, sandbox, order)
}

/// What reached the sandbox and may have changed something: no reading, and nothing that ends or renews a
/// token.
fn changes(sandbox: &Sandbox) -> Vec<String> {
    let may_change = |request: &crate::platform::Request| {
        let reads = request.method == "GET"
            || request.operation.as_deref().is_some_and(|operation| operation.starts_with("query"));
        let ends =
            ["/oauth/token", "/oauth/device/code", "/api/v1/auth/logout"].contains(&request.path.as_str());
        !reads && !ends
    };
    let said = |request: crate::platform::Request| {
        format!("{} {} {}", request.method, request.path, request.operation.unwrap_or_default())
    };
    sandbox.requests().into_iter().filter(may_change).map(said).collect()
}

fn journal(world: &World) -> Vec<Value> {
    world.run("journal --all -o json").ok().json().as_array().unwrap().clone()
}

#[test]
fn nothing_that_changes_something_gets_through_by_any_way() {
    let (mut world, sandbox, order) = prod();
    let api_url = sandbox.api_url();
    let cancel = format!("mutation Cancel {{ cancelOrder(id: \"{order}\") {{ id }} }}");
    world.write("mutation.json", &serde_json::json!({ "query": cancel }).to_string());
    world.write(
        "batch.json",
        &serde_json::json!([{ "query": "{ orders { id } }" }, { "query": cancel }]).to_string(),
    );
    let named = serde_json::json!({
        "query": format!("query Look {{ orders {{ id }} }} {cancel}"), "operationName": "Cancel"
    });
    world.write("named.json", &named.to_string());
    world.write("twice.json", "{\"query\":\"{ orders { id } }\",\"query\":\"mutation { a }\"}");
    world.write("query.json", "{\"query\":\"{ orders { id } }\"}");
    world.write("stored.json", "{\"query\":\"{ orders { id } }\",\"extensions\":{\"persistedQuery\":{}}}");
    let home = world.home().join(".autocom").display().to_string();
    let requests = [
        format!("PATCH orders/{order} -f status=shipped"),
        format!("orders/{order} -f status=shipped"),
        format!("DELETE orders/{order}"),
        format!("PUT orders/{order} --input {home}/query.json"),
        format!("POST {api_url}/orders/{order}"),
        "POST auth/other".to_owned(),
        // Only a logout of autocom's own ends a token unasked.
        "POST auth/logout".to_owned(),
        "POST auth/logout -f all=true".to_owned(),
        "POST auth/logout?_method=DELETE".to_owned(),
        format!("graphql --input {home}/mutation.json"),
        format!("graphql --input {home}/batch.json"),
        format!("graphql --input {home}/named.json"),
        format!("graphql --input {home}/twice.json"),
        format!("graphql --input {home}/stored.json"),
        format!("graphql --input {home}/query.json -H Content-Type:application/x-www-form-urlencoded"),
        format!("graphql --input {home}/query.json -H X-HTTP-Method-Override:DELETE"),
        format!("POST graphql?query=mutation{{a}} --input {home}/query.json"),
        "GET %67raphql?query=mutation{a}".to_owned(),
        format!("GET orders/{order}?_method=DELETE"),
        format!("GET orders/{order}?.METHOD[]=DELETE"),
        format!("GET orders/{order} -H X_Original_Method:DELETE"),
        format!("GET orders/{order} -H X-Override-Method:DELETE"),
    ];
    // By every name that leads there.
    let elsewhere = Sandbox::start(Options::default()).unwrap();
    world.run(&format!("profiles set other api_url={}", elsewhere.api_url())).ok();
    world.run(&format!("profiles set sibling api_url={api_url}")).ok();
    let respelled = api_url.replace("127.0.0.1", "localhost");
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    type Ways<'a> = [(&'a str, &'a [(&'a str, &'a str)]); 8];
    let ways: Ways<'_> = [
        ("-p prod", &[]),
        ("-p sibling", &[]),
        (&format!("--api-url {respelled}"), &[("AUTOCOM_TOKEN", &token)]),
        ("", &[]),
        (&format!("--api-url {api_url}"), &[]),
        (&format!("--api-url {api_url} -p other"), &[("AUTOCOM_TOKEN", &token)]),
        (&format!("--api-url {}/api --no-input", sandbox.origin()), &[("AUTOCOM_TOKEN", &token)]),
        ("", &[("AUTOCOM_PROFILE", "other"), ("AUTOCOM_API_URL", &api_url), ("AUTOCOM_TOKEN", &token)]),
    ];
    for (way, variables) in ways {
        for (name, value) in variables {
            world.set(name, *value);
        }
        for request in &requests {
            // A whole address is not below every one of these.
            let is_foreign =
                (way.contains("/api --no-input") || way.contains("localhost")) && request.contains("://");
            let outcome = world.run(&format!("api {request} {way}")).code(2);
            if !is_foreign {
                outcome.says("profile prod is protected").says("--confirm prod").says("nothing was sent");
            }
        }
        for name in ["AUTOCOM_TOKEN", "AUTOCOM_PROFILE", "AUTOCOM_API_URL"] {
            world.unset(name);
        }
    }
    // Over several, nothing is sent to the unprotected ones either.
    world.login_with_token(&elsewhere.api_url(), &elsewhere.mint_pat("ada", None), "--profile other").ok();
    world.run(&format!("api PATCH orders/{order} -f status=shipped --all-profiles")).code(2);
    world.run(&format!("api PATCH orders/{order} -f status=shipped -p prod --confirm other")).code(2);
    assert_eq!(changes(&sandbox), [""; 0]);
    assert_eq!(changes(&elsewhere), [""; 0]);
    assert!(journal(&world).is_empty(), "what was not sent is not in the journal");
}

#[test]
fn no_command_but_a_confirmed_one_changes_anything_in_a_protected_profile() {
    let (world, sandbox, _) = prod();
    world.run(&format!("profiles set one api_url={} protected=true", sandbox.api_url())).ok();
    let arguments = arguments();
    let (last, first): (Vec<_>, Vec<_>) = commands().into_iter().partition(|line| line.ends_with("logout"));
    let mut ran = BTreeSet::new();
    for command in first.iter().chain(&last) {
        for more in arguments.get(command.as_str()).unwrap_or(&vec![""]) {
            // Whatever it comes to: the sandbox has the last word.
            world.run_with_input(&format!("{command} {more} --request-timeout 5"), "");
            ran.insert(command);
        }
    }
    assert!(ran.len() > 25, "{ran:?}");
    assert_eq!(changes(&sandbox), [""; 0]);
    assert!(sandbox.requests().len() > 5, "they did reach it");
    // Among them are some that would have.
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "");
    for more in &arguments["api"] {
        world.run_with_input(&format!("api {more}"), "{}");
    }
    assert!(!changes(&sandbox).is_empty());
}

#[test]
fn what_reads_needs_no_confirmation() {
    let (world, sandbox, order) = prod();
    world.write("named.json", &serde_json::json!({
        "query": "query Look { orders(first: 1) { id } } mutation Cancel { cancelOrder(id: \"1\") { id } }",
        "operationName": "Look"
    }).to_string());
    let named = world.home().join(".autocom/named.json");
    let before = sandbox.requests().len();
    for line in [
        "orders list --limit 1".to_owned(),
        "tenants list".to_owned(),
        "whoami --check".to_owned(),
        format!("api orders/{order}"),
        "api HEAD profile".to_owned(),
        "api graphql -f query={orders{id}}".to_owned(),
        format!("api graphql --input {}", named.display()),
        "exec -- true".to_owned(),
        "auth token".to_owned(),
    ] {
        world.run(&line).ok();
    }
    assert!(sandbox.requests().len() >= before + 7);
    world.run("auth logout --revoke").ok().says("revoked");
}

#[test]
fn a_confirmed_change_is_sent_once_and_written_down_first() {
    let (world, sandbox, order) = prod();
    let line = format!("api PATCH orders/{order}?note=hunter2 -f status=cancelled -p prod --confirm prod");
    world.run(&line).ok();
    assert_eq!(changes(&sandbox), [format!("PATCH /api/v1/orders/{order} ")]);
    sandbox.fault("/api/v1/graphql", Fault::status(503));
    let cancel = format!("mutation{{cancelOrder(id:\"{order}\"){{id}}}}");
    world.run(&format!("api graphql -f query={cancel} --confirm other --confirm prod")).code(1);
    let journal = journal(&world);
    let [patch, mutation] = journal.as_slice() else { panic!("{journal:?}") };
    assert_eq!(patch["path"], format!("/orders/{order}"), "the query may hold a secret");
    let said = |entry: &Value| {
        ["profile", "tenant", "user", "method", "operation", "permit", "status"]
            .map(|key| entry[key].as_str().map_or_else(|| entry[key].to_string(), str::to_owned))
            .join(" ")
    };
    assert_eq!(said(patch), "prod acme ada@example.test PATCH null flag 200");
    assert_eq!(said(mutation), "prod acme ada@example.test POST mutation cancelOrder flag 503");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(world.path("journal.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // A list is cut at its beginning, and a profile has its own.
    assert_eq!(world.run("journal --limit 1 -o json").ok().json().as_array().unwrap().len(), 1);
    assert_eq!(world.run("journal -p gone -o json").ok().json(), serde_json::json!([]));
    insta::assert_snapshot!(
        world.run("journal").ok().shown(&[(patch["at"].as_str().unwrap(), "TIME"), (mutation["at"].as_str().unwrap(), "TIME"), (&order, "ID"), ("\t", " | ")]),
        @r"
    exit 0
    --- stdout
    TIME | PROFILE | USER | TENANT | WHAT | PERMIT | STATUS
    TIME | prod | ada@example.test | acme | PATCH /orders/ID | --confirm | 200
    TIME | prod | ada@example.test | acme | POST /graphql mutation cancelOrder | --confirm | 503
    "
    );
}

#[test]
#[cfg(unix)]
fn what_can_not_be_written_down_is_not_sent_and_a_killed_command_leaves_its_trace() {
    let (world, sandbox, order) = prod();
    let line = format!("api PATCH orders/{order} -f status=shipped --confirm prod");
    fs::create_dir(world.path("journal.jsonl")).unwrap();
    world.run(&line).code(1).says("nothing was sent").says("journal.jsonl");
    assert_eq!(changes(&sandbox), [""; 0]);
    fs::remove_dir(world.path("journal.jsonl")).unwrap();

    sandbox.fault(&format!("/api/v1/orders/{order}"), Fault::hang());
    let running = world.start(&line);
    assert!(until(|| !changes(&sandbox).is_empty()));
    assert!(running.kill());
    // What a crash has cut short is no reason to lose the rest.
    let text = world.read("journal.jsonl");
    world.write("journal.jsonl", &format!("{text}{{\"at\":\"20"));
    world.run(&line).ok();
    let outcome = world.run("journal -o json").ok().says("a line can't be read (1)");
    let entries = outcome.json();
    let status: Vec<_> = entries.as_array().unwrap().iter().map(|entry| entry["status"].clone()).collect();
    assert_eq!(status, [Value::Null, 200.into()]);
    world.run("journal").ok().prints("unknown");
}

#[test]
fn a_reading_request_is_not_led_on_to_a_change_nor_a_change_taken_on_by_another_user() {
    let (world, sandbox, order) = prod();
    sandbox
        .fault("/api/v1/orders", Fault::status(302).header("Location", "/api/v1/graphql?query=mutation{a}"));
    world.run("api orders").code(1).says("which may change something: not followed");
    assert!(sandbox.requests().iter().all(|request| request.path != "/api/v1/graphql"));

    world.run("profiles unlock prod --reason x --confirm prod").ok();
    sandbox.revoke(&world.stored(&sandbox.api_url(), "access_token"));
    let path = format!("/api/v1/orders/{order}");
    let gate = Gate::shut();
    sandbox.fault(&path, Fault::status(401).behind(&gate));
    let patch = world.start(&format!("api PATCH orders/{order} -f status=shipped"));
    assert!(until(|| sandbox.requests().iter().any(|request| request.path == path)));
    let mary = sandbox.mint_pat("mary", None);
    world.login_with_token(&sandbox.api_url(), &mary, "--profile prod --tenant acme").ok();
    gate.open();
    patch.finish().code(4).says("mary@example.test has logged in in place of ada@example.test");
    let tokens: std::collections::BTreeSet<_> = sandbox
        .requests()
        .into_iter()
        .filter(|request| request.path == path && request.method == "PATCH")
        .map(|request| request.authorization)
        .collect();
    assert_eq!(tokens.len(), 1, "only ada's was sent");
}

#[test]
fn no_value_that_is_taken_for_a_secret_tears_the_journal() {
    let (world, _sandbox, order) = prod();
    for value in [r#""event":"sent","id":""#, r#"","request_id":null}"#] {
        let words = [
            "api",
            "PATCH",
            &*format!("orders/{order}"),
            "-f",
            &*format!("password={value}"),
            "--confirm",
            "prod",
        ];
        let _ = world.run_words(&words);
        world.run("profiles set other api_url=https://other.test").ok();
        let newest = journal(&world).pop().unwrap();
        assert_eq!(newest["path"], format!("/orders/{order}"), "{value}");
        assert!(newest["status"].is_number(), "{value}: {newest}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn in_a_terminal_the_name_is_asked_for() {
    let (world, sandbox, order) = prod();
    let change = format!("api PATCH orders/{order} -f status=cancelled");
    let ask = |typed: &str| {
        let mut running = world.start_in_terminal(&change);
        running.line_with(&format!("PATCH /orders/{order}"));
        running.types(typed);
        running.finish()
    };
    let wrong = ask("prd\r").code(2);
    assert!(wrong.stderr.contains("that is not prod: nothing was sent"), "{}", wrong.stderr);
    ask("\u{3}").code(130);
    world.run_in_terminal(&format!("{change} --no-input"), 100).code(2);
    assert_eq!(changes(&sandbox), [""; 0]);
    ask("prod\r").code(0);
    assert_eq!(changes(&sandbox).len(), 1);
    assert_eq!(journal(&world)[0]["permit"], "typed");
}

/// What takes protection from `prod`, which is protected at the sandbox's address, or opens its host.
fn loosening(world: &World, url: &str) -> Vec<String> {
    let file = |name: &str, lines: &str| {
        world.write(name, &format!("[profiles.{lines}"));
        format!("profiles import {} --force", world.path(name).display())
    };
    vec![
        "profiles set prod protected=false".to_owned(),
        "profiles set prod protected=".to_owned(),
        "profiles set prod api_url=https://other.test".to_owned(),
        "config set profiles.prod.protected false".to_owned(),
        "config set protected false -p prod".to_owned(),
        "config unset profiles.prod.protected".to_owned(),
        "config unset profiles.prod.api_url".to_owned(),
        "profiles remove prod --use other".to_owned(),
        "config edit".to_owned(),
        format!("profiles set writer api_url={url} protected=false"),
        "profiles set sibling protected=false".to_owned(),
        format!("profiles set open api_url={url}"),
        file("unprotect.toml", &format!("prod]\napi_url = \"{url}\"\nprotected = false\n")),
        file("open.toml", &format!("writer]\napi_url = \"{url}\"\nprotected = false\n")),
    ]
}

/// Whether the lines of the journal say that protection was loosened, and who or what let it through.
fn loosened(world: &World) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = journal(world).into_iter().filter(|entry| entry["event"] == "loosened");
    entries.map(|entry| (text(&entry["profile"]), text(&entry["permit"]))).collect()
}

fn guarded_world() -> (World, Sandbox, String) {
    let (mut world, sandbox, _) = prod();
    let url = sandbox.api_url();
    world.set("EDITOR", "sed -i 's/protected = true/protected = false/'");
    world.run("profiles set other api_url=https://other.test").ok();
    world.run("profiles set open api_url=https://open.test protected=false").ok();
    world.run(&format!("profiles set sibling api_url={url}")).ok();
    (world, sandbox, url)
}

#[test]
fn protection_comes_off_only_confirmed_and_with_a_line_in_the_journal() {
    let (world, sandbox, url) = guarded_world();
    let (config, credentials) = (world.read("config.toml"), world.read("credentials"));
    let seen = sandbox.requests().len();
    let lines = loosening(&world, &url);
    for line in &lines {
        let refused = world.run(line).code(2).says("profile prod is protected").says("nothing was written");
        refused.says("the same command with --confirm prod");
        world.run(&format!("{line} --confirm other")).code(2);
        assert_eq!(
            (world.read("config.toml"), world.read("credentials")),
            (config.clone(), credentials.clone())
        );
    }
    world.run("profiles unlock prod --reason x").code(2).says("--confirm prod");
    assert_eq!(sandbox.requests().len(), seen, "a removal has revoked nothing");
    assert!(journal(&world).is_empty());
    for (done, line) in lines.iter().enumerate() {
        world.run(&format!("{line} --confirm prod")).ok();
        assert_ne!(world.read("config.toml"), config, "{line}");
        let journal = loosened(&world);
        assert_eq!(journal.len(), done + 1, "{line}");
        assert_eq!(journal[done], ("prod".to_owned(), "flag".to_owned()), "{line}");
        world.config(&config);
        world.write("credentials", &credentials);
    }
    // What keeps or raises it needs nothing, nor does a profile that is open already.
    for line in [
        "profiles set prod protected=true tenant=globex",
        "profiles rename prod production",
        "profiles set sibling protected=true",
        "profiles set other protected=true",
        "config set protected true",
        "profiles set open tenant=acme",
        "profiles remove open",
    ] {
        world.run(line).ok();
    }
    assert_eq!(loosened(&world).len(), lines.len());
    // Above all profiles, too.
    world.config(&format!("protected = true\n[profiles.a]\napi_url = \"{url}\"\n"));
    for line in
        ["config set protected false", "config unset protected", "config set api_url https://top.test"]
    {
        world.run(line).code(2).says("profile a is protected");
        world.run(&format!("{line} --confirm a")).ok();
        world.config(&format!("protected = true\n[profiles.a]\napi_url = \"{url}\"\n"));
    }
    #[cfg(unix)]
    {
        fs::remove_file(world.path("journal.jsonl")).unwrap();
        fs::create_dir(world.path("journal.jsonl")).unwrap();
        let refused = world.run("config set protected false --confirm a").code(1);
        refused.says("nothing was written").says("journal.jsonl");
        assert!(world.read("config.toml").contains("protected = true"));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn in_a_terminal_the_name_is_asked_for_before_protection_comes_off_and_nobody_waits_for_it() {
    let (world, _sandbox, url) = guarded_world();
    let (config, credentials) = (world.read("config.toml"), world.read("credentials"));
    let asked = |line: &str, between: &str, typed: &str| {
        let mut running = world.start_in_terminal(line);
        running.line_with("prod is protected, and this would ");
        if !between.is_empty() {
            world.run(between).ok();
        }
        running.types(typed);
        running.finish()
    };
    let lines = loosening(&world, &url);
    for line in &lines {
        asked(line, "", "prd\r").code(2);
        assert_eq!(
            (world.read("config.toml"), world.read("credentials")),
            (config.clone(), credentials.clone())
        );
    }
    asked(&lines[0], "", "\u{3}").code(130);
    // Another command writes while the person thinks: what the question was about is not so any more.
    for line in [&lines[0], &lines[3], &lines[8]] {
        let outcome = asked(line, "profiles set prod tenant=initech", "prod\r").code(2);
        assert!(outcome.stderr.contains("nothing was written"), "{outcome:?}");
        assert!(world.read("config.toml").contains("initech"));
        world.config(&config);
    }
    assert!(loosened(&world).is_empty());
    for line in &lines {
        asked(line, "", "prod\r").code(0);
        assert_ne!(world.read("config.toml"), config, "{line}");
        world.config(&config);
        world.write("credentials", &credentials);
    }
    asked("profiles unlock prod --reason x", "", "prod\r").code(0);
    let entries = journal(&world);
    assert!(entries.iter().all(|entry| entry["permit"] == "typed"), "{entries:?}");
    assert_eq!(entries.len(), lines.len() + 1);
}

#[test]
fn a_lease_opens_one_profile_to_one_user_and_ends_by_itself() {
    let (mut world, sandbox, order) = prod();
    let change = format!("api PATCH orders/{order} -f status=shipped");
    world.run("profiles unlock prod").code(2).says("--reason");
    world.run("profiles unlock prod --reason x --for 9h").code(2).says("8 h at most");
    world.run("profiles unlock default --reason x").code(2).says("is not protected");
    let lease =
        world.run("profiles unlock prod --for 15m --reason doubled -o json --confirm prod").ok().json();
    assert_eq!((lease["user"].as_str(), lease["profile"].as_str()), (Some("ada@example.test"), Some("prod")));
    world.run(&change).ok();
    let row = &world.run("profiles list -o json").ok().json()[0];
    assert_eq!((&row["protected"], &row["unlocked_until"]), (&Value::Bool(true), &lease["until"]));
    let events: Vec<_> =
        journal(&world).iter().map(|entry| (entry["event"].clone(), entry["reason"].clone())).collect();
    assert_eq!(events, [("unlocked".into(), "doubled".into()), ("request".into(), "doubled".into())]);

    // A variable's token is somebody's too: the platform says whose.
    world.plant(&sandbox.mint_pat("mary", None));
    for (user, code) in [("ada", 0), ("mary", 2)] {
        world.set("AUTOCOM_TOKEN_PROD", sandbox.mint_pat(user, None));
        world.run(&format!("{change} --tenant acme")).code(code);
    }
    world.unset("AUTOCOM_TOKEN_PROD");

    let text = world.read("unlocked.json");
    let stale = |change: &dyn Fn(&mut Value)| {
        let mut file: Value = serde_json::from_str(&text).unwrap();
        change(&mut file["leases"][0]);
        file.to_string()
    };
    for (why, text) in [
        ("it is over", stale(&|lease| lease["until"] = lease["since"].clone())),
        ("the clock was set back", stale(&|lease| lease["since"] = lease["until"].clone())),
        ("another user's", stale(&|lease| lease["user"] = "mary@example.test".into())),
        ("another address", stale(&|lease| lease["api_url"] = "https://other.test/api/v1".into())),
        ("another profile", stale(&|lease| lease["profile"] = "staging".into())),
        ("a newer format", text.replace("\"version\": 1", "\"version\": 2")),
        ("nonsense", "{".to_owned()),
    ] {
        world.write("unlocked.json", &text);
        let outcome = world.run(&change);
        assert_eq!(outcome.code, 2, "{why}: {outcome:?}");
    }
    world.write("unlocked.json", &text);
    world.run(&change).ok();
    // It goes with the name, the address and the protection that it was given for, whatever writes config.toml.
    let url = sandbox.api_url();
    let at = |name: &str, url: &str| world.write(name, &format!("[profiles.prod]\napi_url = \"{url}\"\n"));
    at("away.toml", "https://other.test/api/v1");
    at("back.toml", &url);
    let import = |name: &str| format!("profiles import {} --force", world.path(name).display());
    let ways = [
        ("profiles rename prod production", "profiles rename production prod".to_owned()),
        ("profiles set prod protected=false", "profiles set prod protected=true".to_owned()),
        ("config set profiles.prod.protected false", "config set profiles.prod.protected true".to_owned()),
        ("config set -p prod protected false", "config set -p prod protected true".to_owned()),
        ("config unset profiles.prod.protected", "config set profiles.prod.protected true".to_owned()),
        ("profiles set prod api_url=https://other.test", format!("profiles set prod api_url={url}")),
        (&import("away.toml"), import("back.toml")),
        (
            "profiles remove prod --use default --keep-credential",
            format!("profiles set prod protected=true api_url={url}"),
        ),
    ];
    for (away, back) in ways {
        world.run(&format!("{away} --confirm prod")).ok().says("is not unlocked any more");
        world.run(&format!("{back} --confirm prod")).ok();
        world.run(&format!("{change} -p prod")).code(2).says("prod is protected");
        assert!(!world.read("unlocked.json").contains("prod"), "{away}");
        world.write("unlocked.json", &text);
    }
    let config = world.read("config.toml");
    for (from, to) in [("protected = true", "protected = false"), ("protected = false", "protected = true")] {
        world.set("EDITOR", format!("sed -i 's/{from}/{to}/'"));
        world.run("config edit --confirm prod").ok();
    }
    world.unset("EDITOR");
    assert_eq!(world.read("config.toml"), config);
    world.run(&format!("{change} -p prod")).code(2).says("prod is protected");
    world.write("unlocked.json", &text);
    // What was taken away past autocom is gone at its next write. Other writes leave the lease alone.
    world.config(&config.replace("protected = true", "protected = false"));
    world.run("config set output json").ok().says("is not unlocked any more");
    world.config(&config);
    world.run(&format!("{change} -p prod")).code(2).says("prod is protected");
    world.write("unlocked.json", &text);
    world.run("profiles set prod protected=true ring=edge").ok();
    world.run("config unset profiles.prod.ring").ok();
    world.run("profiles use prod").ok();
    world.run(&change).ok();
    world.run("profiles lock prod").ok().says("is locked");
    world.run("profiles lock prod").ok().says("was not unlocked");
    world.run(&change).code(2);

    // To anybody else it looks as locked as it is.
    world.write("unlocked.json", &text);
    let shown = |user: &str| {
        world.login_with_token(&url, &sandbox.mint_pat(user, None), "--profile prod --tenant acme").ok();
        let until = world.run("profiles list -o json").ok().json()[0]["unlocked_until"].clone();
        (world.run("prompt --format {mark}").ok().stdout.trim().to_owned(), until)
    };
    assert_eq!(shown("mary"), ("#".to_owned(), Value::Null));
    world.run(&change).code(2).says("prod is unlocked for ada@example.test only");
    assert_eq!(shown("ada"), ("~".to_owned(), lease["until"].clone()));
}

#[test]
fn a_protected_profile_stands_out_for_people_and_is_plain_for_programs() {
    let (mut world, ..) = prod();
    world.set("NO_COLOR", "1");
    #[cfg(target_os = "linux")]
    {
        let table = world.run_in_terminal("profiles list", 140).ok().stdout;
        assert!(table.contains("* prod (protected)"), "{table}");
        world.run("profiles unlock prod --reason x --for 1h --confirm prod").ok();
        let table = world.run_in_terminal("profiles list", 140).ok().stdout;
        assert!(table.contains("* prod (unlocked, 1 h left)"), "{table}");
        let whoami = world.run_in_terminal("whoami", 100).ok().stdout;
        assert!(whoami.contains("prod (unlocked"), "{whoami}");
    }
    world.run("profiles use prod").ok().says("active profile: prod (");
    world.run("profiles list").ok().prints("\nprod\t");
    assert_eq!(world.run("profiles list -o json").ok().json()[0]["protected"], true);
}

#[test]
fn protection_is_the_environment_s_and_a_mistake_in_it_opens_nothing() {
    let (mut world, sandbox, order) = prod();
    let change = format!("api PATCH orders/{order} -f status=shipped");
    let url = sandbox.api_url();
    // At the top level it is inherited by those of the same environment, unless they say otherwise.
    world.config(&format!(
        "api_url = \"{url}\"\nprotected = true\n[profiles.same]\n[profiles.writer]\nprotected = false\n"
    ));
    world.run(&format!("{change} -p same")).code(2).says("profile same is protected");
    world.run(&format!("{change} -p writer")).ok();
    world.config(&format!("[profiles.prod]\napi_url = \"{url}\"\nprotected = \"yes\"\n"));
    world.run(&format!("{change} -p prod")).code(2).says("`protected` must be true or false");
    world.plant(&sandbox.mint_pat("ada", None));
    world.set("AUTOCOM_TOKEN", sandbox.mint_pat("ada", None));
    world.run(&format!("{change} --api-url {}/api", sandbox.origin())).code(2).says("must be true or false");
    assert_eq!(changes(&sandbox).len(), 1);
}

#[test]
fn a_protected_profile_that_leads_nobody_knows_where_stops_changes_everywhere_and_no_reading() {
    let (mut world, sandbox, order) = prod();
    let (url, origin) = (sandbox.api_url(), sandbox.origin());
    let change = format!("api PATCH orders/{order} -f status=shipped");
    world.set("AUTOCOM_TOKEN_COPY", sandbox.mint_pat("ada", None));
    world.set("AUTOCOM_TOKEN_WRITER", sandbox.mint_pat("ada", None));
    let config = |table: &str| {
        let copy = format!("[profiles.copy]\napi_url = \"{url}\"\ntenant = \"acme\"\n");
        format!("{copy}[profiles.writer]\napi_url = \"{url}\"\nprotected = false\n{table}\n")
    };
    let without_scheme = origin.replace("http://", "");
    for address in [
        format!("\"{url}?x\""),
        format!("\"{url}#f\""),
        format!("\"{url}/graphql\""),
        format!("\"{}\"", url.replace("http://", "http://u:hunter2@")),
        format!("\"{without_scheme}\""),
        "5".to_owned(),
    ] {
        world.config(&config(&format!("[profiles.prod]\nprotected = true\napi_url = {address}")));
        let refused = world.run(&format!("{change} -p copy --confirm prod --confirm copy")).code(2);
        let place = format!("config.toml:{}", world.read("config.toml").lines().count());
        let refused = refused.says("profile prod").says("`api_url`").says(&place).says("nothing was sent");
        assert!(refused.stderr.ends_with("hint: autocom profiles set prod api_url=URL\n"), "{refused:?}");
        assert!(!refused.stderr.contains("hunter2"));
        world.run("api orders -p copy").ok();
        let rows = world.run("profiles list -o json").json();
        assert_eq!(rows[0]["protected"], Value::Null, "{rows}");
        assert_eq!(world.run("prompt -p copy").ok().stdout, "copy:acme#\n");
    }
    assert_eq!(changes(&sandbox), [""; 0]);
    // The top level's, which others inherit.
    world.config(&config("[profiles.heir]\nprotected = true").replacen(
        "[profiles.copy]",
        &format!("api_url = \"{url}?x\"\n[profiles.copy]"),
        1,
    ));
    let outcome = world.run(&format!("{change} -p copy")).code(2).says("profile heir");
    assert!(outcome.stderr.ends_with("hint: autocom config set api_url URL\n"), "{outcome:?}");
    // What says of itself that it is open is so, and one that protects nothing is nobody's trouble.
    world.run(&format!("{change} -p writer --tenant acme")).ok();
    world.config(&config(&format!("[profiles.prod]\nprotected = false\napi_url = \"{url}?x\"")));
    world.run(&format!("{change} -p copy")).ok();
    // The exact command that was named mends it.
    world.config(&config(&format!("[profiles.prod]\nprotected = true\napi_url = \"{url}?x\"")));
    world.run(&format!("profiles set prod api_url={url}")).ok();
    world.run(&format!("{change} -p copy")).code(2).says("profile prod is protected");
    world.run(&format!("{change} -p copy --confirm prod")).ok();
}

#[test]
fn a_protected_profile_that_can_not_be_used_still_protects_its_host() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile dev");
    let good = world.read("config.toml");
    let bad = format!("api_url = \"{}\"\nprotected = true\n", sandbox.api_url());
    for header in ["[profiles.\"x y\"]\n", "[profiles.default]\n", "[profiles.Default]\n"] {
        world.config(&format!("{good}{header}{bad}"));
        let outcome = world.run("-p dev api POST orders -f reference=1").code(2);
        outcome.says("can't be read").says("autocom profiles rename ");
        world.run("-p dev api orders").ok();
    }
    assert_eq!(changes(&sandbox), [""; 0]);
}

#[test]
fn over_several_one_without_a_usable_credential_does_not_stop_the_others() {
    let (world, sandbox, order) = prod();
    let other = Sandbox::start(Options::default()).unwrap();
    world.login_with_token(&other.api_url(), &other.mint_pat("ada", None), "--profile other").ok();
    // Its credential is another origin's from here on.
    let elsewhere = Sandbox::start(Options::default()).unwrap();
    world.run("config set profiles.other.credential other").ok();
    world.login_with_token(&other.api_url(), &other.mint_pat("ada", None), "--profile other").ok();
    world.run(&format!("profiles set other api_url={} protected=true", elsewhere.api_url())).ok();
    let change = format!("api PATCH orders/{order} -f status=shipped --all-profiles --confirm prod");
    let outcome = world.run(&format!("{change} --confirm other")).code(4);
    assert!(outcome.stderr.contains(&other.origin()), "{outcome:?}");
    assert_eq!(changes(&sandbox).len(), 1);
    assert_eq!((changes(&other).len(), changes(&elsewhere).len()), (0, 0));
}

/// Whether a second reader of GraphQL (the sandbox's) would run something else than a query.
fn would_change(document: &str, name: Option<&str>) -> bool {
    let Ok(document) = parse_query::<String>(document) else { return false };
    let operations = document.definitions.into_iter().filter_map(|definition| match definition {
        Definition::Operation(operation) => Some(operation),
        Definition::Fragment(_) => None,
    });
    let of_name = |operation: OperationDefinition<'_, String>| match operation {
        OperationDefinition::SelectionSet(_) => (None, false),
        OperationDefinition::Query(query) => (query.name, false),
        OperationDefinition::Mutation(mutation) => (mutation.name, true),
        OperationDefinition::Subscription(subscription) => (subscription.name, true),
    };
    operations.map(of_name).any(|(own, changes)| changes && (name.is_none() || own.as_deref() == name))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_reader_of_graphql_finds_no_change_where_none_was_seen(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "query", "mutation", "subscription", "fragment", "on", "{", "}", "{ a }", "{ b(x: \"}\") }", "(", ")", "A", "B",
            "query A { a }", "mutation B { b }", "mutation { b }", "{ a }", "fragment F on A { a }", "($x: Int)", "@d", "...F",
            "\"", "\"\"\"", "\\\"\"\"", "\\\"", "\\", "#", "\n", "\r", ",", "\u{feff}", "\t", ":", "$", "!", "\u{a0}", "\u{2028}",
        ]), 1..9),
        name in prop::sample::select(vec![None, Some("A"), Some("B")]),
    ) {
        let document = pieces.join(" ");
        let body = serde_json::json!({ "query": document, "operationName": name }).to_string();
        let call = Call::post(GRAPHQL).body(HeaderValue::from_static("application/json"), body);
        if call.change().is_none() {
            prop_assert!(!would_change(&document, name), "{document:?} {name:?}");
        }
    }
}
