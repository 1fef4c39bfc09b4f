//! What is expected of a profile stops a command before the platform has seen a request: `--expect`,
//! `AUTOCOM_EXPECT`, and `expect_user`.

use crate::platform::{CLIENT_ID, Options, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::commands::{arguments, commands};
use crate::support::platform::device_sandbox;
use crate::support::ports::CallbackPorts;
use crate::support::{Outcome, World};

/// Ada in the active profile `one`, and in `two`.
fn world() -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), device_sandbox());
    world.log_in(&sandbox, "ada", "--profile one");
    world.run(&format!("profiles set two api_url={}", sandbox.api_url())).ok();
    (world, sandbox)
}

/// All that is in the home's files.
fn files(world: &World) -> Vec<String> {
    ["config.toml", "logins.toml", "credentials"].map(|file| world.read(file)).to_vec()
}

#[test]
fn what_differs_stops_every_command_before_its_first_request() {
    let (mut world, sandbox) = world();
    let (before, seen) = (files(&world), sandbox.requests().len());
    // These resolve no profile, or never fail.
    let exempt = ["version", "config path", "config edit", "completions", "man", "prompt"];
    let is_login = |command: &str| command == "login" || command == "auth login";
    let arguments = arguments();
    let port = sandbox.origin().rsplit_once(':').unwrap().1.to_owned();
    let host = format!("127.0.0.1:{}", port.parse::<u16>().unwrap() ^ 1);
    let differing = [
        ("profile=three", "expected profile three"),
        ("tenant=globex", "expected tenant globex (from BY), but it is acme"),
        ("user=mary@example.test", "expected user mary@example.test (from BY), but it is ada@example.test"),
        (&format!("host={host}"), "but it is 127.0.0.1:"),
        ("api_url=https://api.example.test", "expected api_url https://api.example.test/api/v1"),
        ("tenant=acme,profile=one,profile=three", "expected profile "),
    ];
    let mut ran = 0;
    for command in commands().iter().filter(|command| !exempt.contains(&command.as_str())) {
        for more in arguments.get(command.as_str()).unwrap_or(&vec![""]) {
            for (expected, says) in differing {
                // Who logs in, and in which tenant, is not known before.
                if is_login(command) && (expected.starts_with("user") || expected.starts_with("tenant=g")) {
                    continue;
                }
                for by in ["--expect", "AUTOCOM_EXPECT"] {
                    let flag = if by == "--expect" { format!("--expect {expected}") } else { String::new() };
                    world.set("AUTOCOM_EXPECT", if flag.is_empty() { expected } else { "" });
                    let words = match more.split_once("-- ") {
                        Some((options, child)) => format!("{command} {options} {flag} -- {child}"),
                        None => format!("{command} {more} {flag}"),
                    };
                    let outcome = world.run_with_input(&words, "hunter2");
                    assert_eq!(outcome.code, 2, "`{words}` ({by} {expected}): {outcome:?}");
                    // Without what it needs a command says so first.
                    let usage = more.is_empty() || more.contains("https://x.test");
                    let says = says.replace("BY", by);
                    assert!(
                        outcome.stderr.contains(&says) || usage || is_login(command),
                        "`{words}` ({by}): {outcome:?}"
                    );
                    ran += 1;
                }
            }
        }
    }
    assert!(ran > 300, "{ran}");
    assert_eq!(sandbox.requests().len(), seen, "the platform was asked");
    assert_eq!(files(&world), before, "something was written");
}

#[test]
fn what_is_as_expected_stops_nothing() {
    let (mut world, sandbox) = world();
    let host = sandbox.origin().split_once("//").unwrap().1.to_owned();
    let all =
        format!("profile=one,tenant=acme,user=ADA@example.test,host={host},api_url={}", sandbox.api_url());
    world.set("AUTOCOM_EXPECT", &all);
    for line in [
        "whoami",
        "whoami --check",
        "orders list --limit 1",
        "api profile",
        "auth token",
        "exec -- true",
        "profiles list",
        "profiles show",
        "config list",
        "auth status",
        "auth refresh --expect host=127.0.0.1",
    ] {
        let outcome = world.run(line);
        assert!(
            outcome.code == 0 || line.starts_with("auth refresh") && outcome.code == 4,
            "{line}: {outcome:?}"
        );
    }
    world.set("AUTOCOM_EXPECT", "");
    world.run("whoami --expect profile=one --expect tenant=acme").ok();
    for (bad, says) in [
        ("--expect tennant=acme", "did you mean `tenant`?"),
        ("--expect acme", "--expect `acme` is not KEY=VALUE"),
        ("--expect ,", "--expect says nothing"),
    ] {
        world.run(&format!("whoami {bad}")).code(2).says(says);
    }
    world.set("AUTOCOM_EXPECT", "host=x/y");
    world.run("orders list").code(2).says("AUTOCOM_EXPECT its `host` must be a host");
    world.run("version").ok();
}

#[test]
fn the_origin_of_the_wrong_value_and_the_way_out_are_named() {
    let (mut world, _sandbox) = world();
    world.set("AUTOCOM_TENANT", "globex").set("AUTOCOM_PROFILE", "two");
    let error = world.run("whoami --expect tenant=acme -o json").code(2).error();
    assert_eq!(
        error["message"],
        "expected tenant acme (from --expect), but it is globex (from AUTOCOM_TENANT)"
    );
    assert_eq!(error["hint"], "unset AUTOCOM_TENANT");
    world
        .run("whoami --expect profile=one")
        .code(2)
        .says("but it is two (from AUTOCOM_PROFILE)")
        .says("unset AUTOCOM_PROFILE");
    world.unset("AUTOCOM_TENANT").unset("AUTOCOM_PROFILE");
    world.run("whoami --expect profile=two").code(2).says("config.toml:1").says("--profile two");
}

#[test]
fn over_several_profiles_nothing_is_sent_to_any_if_one_differs() {
    let (world, sandbox) = world();
    world.run("profiles set two credential=two").ok();
    world
        .login_with_token(&sandbox.api_url(), &sandbox.mint_pat("mary", None), "--profile two --tenant acme")
        .ok();
    let seen = sandbox.requests().len();
    for line in [
        "whoami --all-profiles",
        "orders list --all-profiles",
        "api profile --all-profiles",
        "tenants list --all-profiles",
    ] {
        world
            .run(&format!("{line} --expect user=ada@example.test"))
            .code(2)
            .says("but it is mary@example.test");
        world.run(&format!("{line} --expect profile=one")).code(2).says("but it is two");
    }
    assert_eq!(sandbox.requests().len(), seen);
    world.run("whoami --profiles one --expect user=ada@example.test,profile=one").ok();
}

#[test]
fn of_a_variable_s_token_the_platform_is_asked_once_whose_it_is() {
    let (mut world, sandbox) = world();
    let token = sandbox.mint_pat("mary", None);
    world.plant(&token);
    world.set("AUTOCOM_TOKEN_ONE", &token);
    let asked = |world: &World, line: &str, code: i32| {
        let before = sandbox.requests().len();
        let outcome = world.run(line);
        assert_eq!(outcome.code, code, "{line}: {outcome:?}");
        sandbox.requests()[before..].iter().map(|request| request.path.clone()).collect::<Vec<_>>()
    };
    for (line, kind) in [("--expect user=ada@example.test", 2), ("", 4)] {
        if kind == 4 {
            world.run("profiles set one expect_user=ada@example.test").ok();
        }
        for command in
            ["whoami", "auth token", "exec -- true", "orders list --tenant acme", "api PATCH orders/1"]
        {
            let (options, child) = command.split_once("-- ").map_or((command, ""), |(a, _)| (a, "-- true"));
            let paths = asked(&world, &format!("{options} {line} {child}"), kind);
            assert_eq!(paths, ["/api/v1/profile"], "{command}");
        }
    }
    assert_eq!(asked(&world, "profiles list --expect user=ada@example.test", 2), ["/api/v1/profile"]);
    world.run("profiles set one expect_user=mary@example.test").ok();
    assert_eq!(asked(&world, "whoami", 0), ["/api/v1/profile"], "its own question is the same");
    assert_eq!(asked(&world, "api orders --tenant acme", 0), ["/api/v1/profile", "/api/v1/orders"]);
    world.run("profiles set one expect_user=").ok();
    assert_eq!(asked(&world, "api orders --tenant acme", 0), ["/api/v1/orders"]);
}

/// Mary's attempt at the profile that is Ada's, in one of the ways to log in.
fn strangers(world: &World, sandbox: &Sandbox) -> Vec<(&'static str, Outcome)> {
    let more = "--profile one --client-id";
    let pat = sandbox.mint_pat("mary", None);
    let by_token = world.login_with_token(&sandbox.api_url(), &pat, "--profile one");
    assert!(sandbox.accepts(&pat), "a stranger's own token is theirs to end");
    let _ports = CallbackPorts::take();
    let (by_browser, visited) = world.browse(sandbox, Visitor::approving("mary"), "--profile one");
    let Visited::Delivered { page, .. } = visited else { panic!("{visited:?}") };
    assert!(page.contains("for Ada@example.test only"), "{page}");
    let mut login = world.start_open(&format!("auth login {more} {CLIENT_ID} --no-browser"));
    let Visited::Callback(address) =
        visit_blocking(&login.login_url(), Visitor::approving("mary").without_delivery()).unwrap()
    else {
        panic!("no callback")
    };
    login.input(&address);
    let by_paste = login.finish();
    let mut login = world.start(&format!("auth login {more} {CLIENT_ID} --device"));
    let page = login.line_with("Or open: ").split(": ").last().unwrap().to_owned();
    visit_blocking(&page, Visitor::approving("mary")).unwrap();
    vec![("token", by_token), ("browser", by_browser), ("paste", by_paste), ("device", login.finish())]
}

#[test]
fn a_stranger_can_not_log_in_to_a_profile_that_is_somebody_s() {
    let (world, sandbox) = world();
    world.run("profiles set one expect_user=Ada@example.test").ok();
    let before = files(&world);
    for (way, outcome) in strangers(&world, &sandbox) {
        let outcome = outcome.code(4);
        for text in [
            "profile one is for Ada@example.test only",
            "config.toml:",
            "mary@example.test's",
            "nothing was stored",
        ] {
            assert!(outcome.stderr.contains(text), "{way}: {}", outcome.stderr);
        }
        assert_eq!(files(&world), before, "{way}");
    }
    assert!(!sandbox.has_live_tokens("mary"), "what a stranger was granted is revoked");
    world.run("whoami --check").ok().prints("ada@example.test");
    world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "--profile one").ok();
    // Expected by the command alone, it is a mistake in what was typed.
    let mary = sandbox.mint_pat("mary", None);
    let before = files(&world);
    world
        .login_with_token(&sandbox.api_url(), &mary, "--profile two --expect user=ada@example.test")
        .code(2)
        .says("but it is mary@example.test");
    world
        .login_with_token(&sandbox.api_url(), &mary, "--profile two --tenant acme --expect tenant=initech")
        .code(2)
        .says("expected tenant initech");
    assert_eq!(files(&world), before);
}

#[test]
fn a_stranger_s_stored_credential_is_neither_sent_nor_handed_on() {
    let (world, sandbox) = world();
    world
        .login_with_token(&sandbox.api_url(), &sandbox.mint_pat("mary", None), "--profile one --tenant acme")
        .ok();
    world.run("profiles set one expect_user=ada@example.test").ok();
    let seen = sandbox.requests().len();
    for line in [
        "whoami",
        "whoami --check",
        "auth token",
        "auth refresh",
        "exec -- true",
        "orders list",
        "api profile",
        "tenants list",
        "tenants use globex",
        "auth status --check",
        "orders list --profiles one",
    ] {
        let outcome = world.run(line).code(4);
        assert!(
            outcome.stderr.contains("mary@example.test") || line.contains("--check"),
            "{line}: {outcome:?}"
        );
    }
    assert_eq!(sandbox.requests().len(), seen);
    world.run("auth logout --profile one").ok();
    world.run("whoami").code(4).says("not logged in");
}

#[test]
fn a_login_offers_to_keep_the_profile_to_its_user() {
    let (world, sandbox) = (World::new(), device_sandbox());
    let pat = sandbox.mint_pat("ada", None);
    let login = |more: &str| world.login_with_token(&sandbox.api_url(), &pat, more);
    login("--profile one --lock-user").ok();
    assert!(world.read("config.toml").contains("expect_user = \"ada@example.test\""));
    login("--profile two").ok();
    assert_eq!(world.read("config.toml").matches("expect_user").count(), 1);
    #[cfg(target_os = "linux")]
    {
        world.run("profiles set two protected=true").ok();
        for (answer, count) in [("n", 1), ("", 2)] {
            world.write("token", &pat);
            let token = world.path("token");
            let line = format!(
                "'{}' login --profile two --with-token \"$(cat {})\"",
                env!("CARGO_BIN_EXE_autocom"),
                token.display()
            );
            let mut login = world.start_script_in_terminal(&line);
            login.line_with("Profile two");
            login.types(&format!("{answer}\r"));
            login.finish().ok();
            assert_eq!(world.read("config.toml").matches("expect_user").count(), count, "{answer:?}");
        }
    }
}

#[test]
fn a_name_that_is_turned_to_another_address_is_not_what_was_expected() {
    let (mut world, sandbox) = world();
    let other = Sandbox::start(Options::default()).unwrap();
    world.log_in(&other, "ada", "--profile other");
    let seen = (sandbox.requests().len(), other.requests().len());
    world.set("AUTOCOM_PROFILE", "one").set("AUTOCOM_API_URL", other.api_url());
    for line in ["api profile", "whoami --check", "auth token", "exec -- true"] {
        let (options, child) = line.split_once("-- ").map_or((line, ""), |(a, _)| (a, "-- true"));
        world
            .run(&format!("{options} --expect profile=one {child}"))
            .code(2)
            .says("but it is one turned to")
            .says("unset AUTOCOM_API_URL");
    }
    assert!(
        world
            .run("prompt")
            .ok()
            .stdout
            .starts_with(&format!("one@{}", other.origin().split_once("//").unwrap().1))
    );
    assert_eq!((sandbox.requests().len(), other.requests().len()), seen);
    // A child of `exec` is held to the same.
    world.unset("AUTOCOM_PROFILE").unset("AUTOCOM_API_URL");
    let program = env!("CARGO_BIN_EXE_autocom");
    world.run(&format!("exec --expect tenant=acme -- env AUTOCOM_TENANT=globex {program} whoami")).code(2);
}

#[test]
fn no_command_turns_what_is_selected_to_something_else_than_was_expected() {
    let (world, sandbox) = world();
    let other = Sandbox::start(Options::default()).unwrap();
    world.log_in(&other, "ada", "--profile other");
    let before = (world.files(), world.path("pins.toml").exists());
    std::fs::write(world.home().join(".autocom.toml"), "profile = \"other\"\n").unwrap();
    for line in
        ["use other", "use other --shell bash", "pin other", "pin --accept", "rename other x", "remove other"]
    {
        world.run(&format!("profiles {line} --expect profile=one")).code(2).says("but it is other");
    }
    for line in ["set profile other", "set profiles.other.tenant globex", "unset profiles.other.api_url"] {
        world.run(&format!("config {line} --expect profile=one")).code(2).says("but it is other");
    }
    world.run("config unset profile --expect profile=one").code(2).says("but it is default");
    let text = "[profiles.other]\napi_url = \"https://x.example.test\"\n";
    let import = "profiles import - --force --expect profile=one";
    world.run_with_input(import, text).code(2).says("but it is other");
    let seen = sandbox.requests().len();
    world.run("tenants use globex --expect tenant=acme").code(2).says("but it is globex");
    assert_eq!(sandbox.requests().len(), seen);
    assert_eq!((world.files(), world.path("pins.toml").exists()), before);
}
