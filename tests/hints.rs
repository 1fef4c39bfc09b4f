//! What a hint says is typed as it stands: it must lead to where the command was, and to nothing else.

use std::fs;
use std::path::Path;

use autocom::cli::Cli;
use clap::CommandFactory;
use serde_json::json;

use crate::platform::{CLIENT_ID, Fault, Sandbox};
use crate::support::World;
use crate::support::commands::commands_and_groups;
use crate::support::platform::sandbox;

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
        (
            &format!("-p prod --tenant {0} --client-id {0} --token-stdin", "hunter2".repeat(20)),
            "",
            4,
            "--profile prod --tenant VALUE --client-id VALUE --token-stdin < token.txt",
        ),
        ("-p a.b --token-stdin", "", 4, "--profile NAME --token-stdin < token.txt"),
        ("--api-url x --token-stdin", "", 4, "--api-url URL --token-stdin < token.txt"),
        (
            "-p prod --expect profile=prod --token-stdin",
            "",
            4,
            "--profile prod --expect profile=prod --token-stdin < token.txt",
        ),
    ] {
        // The placeholder of a hint is left alone.
        let own = |text: &str| {
            let text = text.replace("--client-id ID", &format!("--client-id {CLIENT_ID}"));
            if line.contains("URL") { text.replace("URL", &url) } else { text }
        };
        let outcome = world.run_with_input(&format!("auth login {} -o json", own(line)), input).code(code);
        let command = own(command);
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
         --expect user=ada@example.test --token-stdin < token.txt"
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
    let (of_prod, typed) = ("autocom config get api_url --profile prod", url.as_str());
    for (line, place) in [
        ("api orders/1 -p prod".to_owned(), of_prod),
        (format!("api orders/1 --api-url {url}"), typed),
        (format!("login --api-url {url} --with-token {token}"), typed),
        (format!("login -p new --api-url {url} --with-token {token}"), typed),
        (format!("login -p prod --with-token {token}"), of_prod),
    ] {
        for path in ["/api/v1/orders/1", "/api/v1/profile"] {
            prod.fault(path, Fault::status(302).header("location", "https://elsewhere.test/"));
        }
        let error = world.run(&format!("{line} -o json")).code(1).error();
        let check = format!("or check the address: {place}");
        assert!(error["hint"].as_str().unwrap().ends_with(&check), "{line}: {error}");
    }
    world.run(of_prod.strip_prefix("autocom ").unwrap()).ok().prints(&url);
}

#[test]
fn what_is_no_value_comes_with_the_command_that_takes_another() {
    let (mut world, ..) = two();
    for (words, hint) in [
        (vec!["whoami", "-p", ""], "autocom profiles list"),
        (vec!["whoami", "--tenant", "a b"], "name it in full: --tenant SLUG"),
        (vec!["whoami", "--api-url", "x"], "name it in full: --api-url https://api.example.test"),
        (vec!["config", "set", "ring", "beta"], "autocom config set ring stable"),
        (
            vec!["config", "set", "tenant", "a b", "-p", "prod"],
            "autocom config set tenant SLUG --profile prod",
        ),
        (vec!["profiles", "set", "prod", "store=vault"], "autocom profiles set prod store=auto"),
        (vec!["profiles", "set", "prod", "profile=prod"], "autocom config set profile NAME"),
        (vec!["profiles", "rename", "prod", "a b"], "autocom profiles rename prod NEW-NAME"),
        (vec!["profiles", "export", "pr*"], "autocom profiles list"),
        (vec!["config", "get", "profiles.a b.tenant"], "autocom profiles list"),
        (vec!["profiles", "import", "nonexist.toml"], "ls"),
        (vec!["profiles", "import", "no where/x.toml"], "ls 'no where'"),
        (vec!["profiles", "show", "--explain", "frob"], "autocom profiles show --explain"),
        (
            vec!["profiles", "unlock", "prod", "--for", "1h"],
            "autocom profiles unlock prod --for 1h --reason TEXT",
        ),
        (vec!["profiles", "rename", "prod"], "autocom profiles rename prod NEW_NAME"),
        (vec!["profiles", "set", "prod"], "autocom profiles set prod KEY=VALUE"),
    ] {
        let words = [words, vec!["-o", "json"]].concat();
        let hint = match hint.split_once(" --reason TEXT").or_else(|| hint.split_once(" NEW_NAME")) {
            Some((typed, _)) => format!("{typed} -o json{}", &hint[typed.len()..]),
            None => hint.replace(" KEY=VALUE", " -o json KEY=VALUE"),
        };
        assert_eq!(world.run_words(&words).code(2).error()["hint"], *hint, "{words:?}");
    }
    let folder = world.home().join("bare");
    std::fs::create_dir(&folder).unwrap();
    let hint = world.run("profiles pin --accept bare -o json").code(2).error()["hint"].clone();
    let hint = hint.as_str().unwrap().to_owned();
    assert!(
        hint.starts_with("to bind it instead: autocom profiles pin NAME ") && hint.ends_with("/bare"),
        "{hint}"
    );
    let error = world.run("profiles show --explain tokn -o json").code(2).error();
    assert_eq!(error["message"], "unknown key `tokn`: did you mean `token`?");
    let error = world.run("profiles show --explain zzz -o json").code(2).error();
    assert!(error["message"].as_str().unwrap().ends_with(", no_telemetry, token"), "{error}");

    world.config("tenant = \"a b\"\n[profiles.prod]\napi_url = \"prod\"\n");
    for (line, hint) in [
        ("profiles show prod", "autocom config edit"),
        ("whoami -p prod", "autocom config edit"),
        ("profiles list", "autocom profiles set prod api_url=URL"),
    ] {
        assert_eq!(world.run(&format!("{line} -o json")).code(2).error()["hint"], hint, "{line}");
    }
    // What the profile's own table does not say is not mended in it.
    world.config("tenant = \"a b\"\napi_url = \"https://prod.test\"\n[profiles.prod]\nring = \"edge\"\n");
    let error = world.run("profiles list -o json").code(2).error();
    assert!(error["message"].as_str().unwrap().contains("config.toml:1"), "{error}");
    assert_eq!(error["hint"], "autocom profiles set default tenant=SLUG", "{error}");
    world.set("AUTOCOM_OUTPUT", "xml");
    world.run("whoami").code(2).says("hint: unset AUTOCOM_OUTPUT, or export AUTOCOM_OUTPUT=table");
}

#[test]
fn a_token_variable_that_stays_is_not_said_to_change() {
    let (world, ..) = two();
    let outcome = world.run("profiles rename prod Prod").ok().says("renamed prod to Prod");
    assert!(!outcome.stderr.contains("AUTOCOM_TOKEN"), "{}", outcome.stderr);
    world
        .run("profiles rename Prod prod-eu")
        .ok()
        .says("AUTOCOM_TOKEN_PROD_EU now, no longer AUTOCOM_TOKEN_PROD");
}

#[test]
fn an_import_that_clashes_is_mended_in_its_file() {
    let (world, ..) = two();
    let file = world.home().join("their.toml");
    std::fs::write(&file, "[profiles.PROD]\napi_url = \"https://p.test\"\n").unwrap();
    let before = world.files();
    let error = world.run("profiles import their.toml -o json").code(2).error();
    assert!(error["message"].as_str().unwrap().contains("can't coexist"), "{error}");
    assert_eq!(
        error["hint"],
        "give PROD another name in their.toml, then import it again; nothing was written"
    );
    assert_eq!(world.files(), before);
}

/// The words of each command that a hint in `src/` begins with, and where that is.
fn commands_of_hints() -> Vec<(String, String)> {
    fn below(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let place = path.display().to_string();
            found.extend(
                code.split("autocom(\"")
                    .skip(1)
                    .filter_map(|rest| Some((rest.split_once("\")")?.0.to_owned(), place.clone()))),
            );
        }
    }
    let mut found = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

#[test]
fn every_command_of_a_hint_exists_with_its_options() {
    let (known, hints) = (commands_and_groups(), commands_of_hints());
    assert!(hints.len() > 100, "src/ was not found as a whole");
    for (words, place) in hints {
        let fits = |name: &&String| words == **name || words.starts_with(&format!("{name} "));
        let name = known.iter().filter(|name| !name.is_empty()).filter(fits).max_by_key(|name| name.len());
        let name = name.unwrap_or_else(|| panic!("{place}: there is no command `{words}`"));
        let mut command = Cli::command();
        command.build();
        for part in name.split(' ') {
            command = command.find_subcommand(part).unwrap().clone();
        }
        for flag in
            words.split(' ').filter_map(|word| word.strip_prefix("--")).filter(|flag| !flag.is_empty())
        {
            let has_it = command.get_arguments().any(|argument| argument.get_long() == Some(flag));
            assert!(has_it || flag == "help", "{place}: `{name}` has no option --{flag}");
        }
    }
}

#[test]
fn the_next_commands_of_an_error_are_arguments_and_grant_nothing() {
    let (world, _staging, prod) = two();
    world.log_in(&prod, "ada", "--profile prod");
    world.run("profiles set prod protected=true").ok();
    let next = |line: &str| world.run(&format!("{line} -o json")).error()["next"].clone();
    // What was typed goes along.
    let tenant = next("tenants use nope --profile prod");
    assert_eq!(tenant, json!([["autocom", "tenants", "use", "acme", "--profile", "prod"]]));
    let words: Vec<_> = tenant[0].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    world.run_words(&words[1..]).ok();
    let login = next("auth login -p eu --device");
    let url = json!({ "placeholder": "URL" });
    assert_eq!(login, json!([["autocom", "auth", "login", "--profile", "eu", "--api-url", url, "--device"]]));
    let set = next("profiles set eu tenant=acme");
    let url = json!({ "placeholder": "URL", "prefix": "api_url=" });
    assert_eq!(set, json!([["autocom", "profiles", "set", "eu", url]]));
    for line in ["-p prod profile rm", "profiles rm --confirm prod", "profiles unlock prod"] {
        assert_eq!(next(line), json!([]), "{line}");
    }
    assert_eq!(
        next("-p prod profiles show --explain nonsense"),
        json!([["autocom", "profiles", "show", "--explain"]])
    );
    // The text has the way round a protection, for a person.
    for line in ["api -p prod -X POST orders", "profiles remove prod", "config set -p prod protected false"] {
        let error = world.run(&format!("{line} -o json")).error();
        assert!(error["hint"].as_str().unwrap().contains("--confirm prod"), "{error}");
        assert_eq!(error["next"], json!([]), "{line}");
    }
}
