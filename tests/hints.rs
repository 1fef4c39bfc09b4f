//! What a hint says is typed as it stands: it must lead to where the command was, and to nothing else.

use crate::platform::{CLIENT_ID, Fault, Options, Sandbox};
use crate::support::World;

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

/// `staging` is active, and `prod` is what the commands are about.
fn two() -> (World, Sandbox, Sandbox) {
    let (world, staging, prod) = (World::new(), sandbox(), sandbox());
    world.config(&format!(
        "profile = \"staging\"\n[profiles.staging]\napi_url = \"{}\"\n[profiles.prod]\napi_url = \"{}\"\n",
        staging.api_url(),
        prod.api_url()
    ));
    (world, staging, prod)
}

/// The command in a hint, from `autocom` to the end.
fn command_in(error: &serde_json::Value) -> String {
    let hint = error["hint"].as_str().unwrap_or_else(|| panic!("no hint: {error}"));
    hint[hint.rfind("autocom ").unwrap_or_else(|| panic!("no command: {error}"))..].to_owned()
}

#[test]
fn the_hint_of_a_failed_login_begins_that_login_again() {
    let (mut world, _staging, prod) = two();
    let url = prod.api_url();
    world.plant("hunter2");
    for (line, input, code, command) in [
        ("--profile prod --token-stdin", "", 4, "--profile prod --token-stdin < token.txt"),
        ("-p prod --token-stdin", "hunter2 x", 4, "--profile prod --token-stdin < token.txt"),
        ("-p prod --with-token hun\u{7}ter2", "", 4, "--profile prod --token-stdin < token.txt"),
        ("-p prod --with-token hunter2", "", 4, "--profile prod --token-stdin < token.txt"),
        ("--api-url URL --token-stdin", "", 4, "--api-url URL --token-stdin < token.txt"),
        (
            "-p eu --api-url URL --tenant acme --use --lock-user --token-stdin",
            "",
            4,
            "--profile eu --api-url URL --tenant acme --use --lock-user --token-stdin < token.txt",
        ),
        // Which is active may have changed by the time that it is typed.
        ("--token-stdin", "", 4, "--profile staging --token-stdin < token.txt"),
        ("-p prod --no-browser --client-id ID", "?", 4, "--profile prod --client-id ID --no-browser"),
        (
            "-p prod --no-browser --client-id ID --timeout 9",
            "?",
            4,
            "--profile prod --client-id ID --timeout 9 --no-browser",
        ),
        ("-p prod", "", 2, "--profile prod --token-stdin < token.txt"),
        ("-p eu --token-stdin", "hunter2", 2, "--profile eu --api-url URL --token-stdin < token.txt"),
        ("-p a.b --token-stdin", "", 4, "--profile NAME --token-stdin < token.txt"),
        ("--api-url x --token-stdin", "", 4, "--api-url URL --token-stdin < token.txt"),
        (
            "-p prod --expect profile=prod --token-stdin",
            "",
            4,
            "--profile prod --expect 'profile=prod' --token-stdin < token.txt",
        ),
    ] {
        // The placeholder of a hint is left alone.
        let own = |text: &str| if line.contains("URL") { text.replace("URL", &url) } else { text.to_owned() };
        let outcome = world.run_with_input(&format!("auth login {} -o json", own(line)), input).code(code);
        let command = own(command).replace("ID", CLIENT_ID);
        let found =
            command_in(&outcome.error()).replace("--client-id ID", &format!("--client-id {CLIENT_ID}"));
        assert_eq!(found, format!("autocom auth login {command}"), "{line}");
    }
    // Without a bus there is no keychain.
    world.unset("AUTOCOM_STORE");
    for (line, command) in [
        ("-p prod --store keychain --token-stdin", "--profile prod --store file --token-stdin < token.txt"),
        (
            "--api-url URL --store keychain --with-token hunter2",
            "--api-url URL --store file --token-stdin < token.txt",
        ),
    ] {
        let outcome =
            world.run_with_input(&format!("login {} -o json", line.replace("URL", &url)), "hunter2");
        let command = format!("autocom auth login {}", command.replace("URL", &url));
        assert_eq!(command_in(&outcome.code(6).error()), command, "{line}");
    }
}

#[test]
fn a_usage_error_of_a_login_keeps_whom_it_was_for() {
    let world = World::new();
    world.plant("hunter2");
    for (line, hint) in [
        ("login hunter2 --profile prod", "autocom auth login --profile prod --token-stdin < token.txt"),
        ("auth login --api-url https://a.test --with-tokens hunter2 x", "autocom auth login --help"),
        (
            "auth login --api-url=https://A.test x.hunter2",
            "autocom auth login --api-url https://a.test/api/v1 --token-stdin < token.txt",
        ),
        (
            "login --api-url https://hunter2@a.test -p x.hunter2 hunter2",
            "autocom auth login --profile NAME --api-url URL --token-stdin < token.txt",
        ),
        ("auth -p staging statis", "autocom auth status --profile staging"),
    ] {
        let error = world.run(&format!("{line} -o json")).code(2).error();
        assert_eq!(command_in(&error), hint, "{line}");
    }
}

#[test]
fn who_logged_in_as_a_stranger_is_led_back_to_the_profile_once() {
    let (world, staging, _) = two();
    let mary = staging.mint_pat("mary", None);
    let line = "auth login -p staging --tenant acme --token-stdin -o json";
    let expected =
        world.run_with_input(&format!("{line} --expect user=ada@example.test"), &mary).code(2).error();
    assert_eq!(
        expected["hint"],
        "log in as ada@example.test: autocom auth login --profile staging --tenant acme \
         --expect 'user=ada@example.test' --token-stdin < token.txt"
    );
    world.run("profiles set staging expect_user=ada@example.test").ok();
    let again = "log in as ada@example.test: autocom auth login --profile staging --tenant acme \
                 --token-stdin < token.txt";
    let error = world.run_with_input(line, &mary).code(4).error();
    assert_eq!(error["hint"], again);
    let line = format!("login --api-url {} --tenant acme --token-stdin -o json", staging.api_url());
    let error = world.run_with_input(&line, &mary).code(4).error();
    assert_eq!(
        error["hint"],
        again.replace("--profile staging", &format!("--api-url {}", staging.api_url()))
    );
}

#[test]
fn what_a_hint_looks_at_is_what_the_command_was_about() {
    let (world, _staging, prod) = two();
    let nowhere = "http://127.0.0.1:1/api/v1";
    for line in ["auth login --api-url http://127.0.0.1:1", "auth login -p eu --api-url http://127.0.0.1:1"] {
        let error = world.run_with_input(&format!("{line} --token-stdin -o json"), "x").code(3).error();
        assert_eq!(error["hint"], format!("check the address: {nowhere}"), "{line}");
    }
    let token = prod.mint_pat("ada", None);
    let url = prod.api_url();
    world.login_with_token(&url, &token, "--profile prod").ok();
    world.plant(&token);
    for (line, options) in [
        ("api orders/1 -p prod".to_owned(), "--profile prod".to_owned()),
        (format!("api orders/1 --api-url {url}"), format!("--api-url {url}")),
        (format!("login --api-url {url} --with-token {token}"), format!("--api-url {url}")),
        (format!("login -p new --api-url {url} --with-token {token}"), format!("--api-url {url}")),
        (format!("login -p prod --with-token {token}"), "--profile prod".to_owned()),
    ] {
        for path in ["/api/v1/orders/1", "/api/v1/profile"] {
            prod.fault(path, Fault::status(404));
        }
        let error = world.run(&format!("{line} -o json")).code(5).error();
        let command = command_in(&error);
        assert_eq!(command, format!("autocom config list {options}"), "{line}");
        world.run(command.strip_prefix("autocom ").unwrap()).ok().prints(&url);
    }
}
