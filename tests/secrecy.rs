//! No secret in any output: every command that there is, at every verbosity, in worlds full of
//! planted secrets. `World` itself looks at every output of the whole suite; here is the rest.

use crate::platform::{Fault, Options, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::World;
use crate::support::commands::{arguments, commands};
use crate::support::http::get;
use crate::support::ports::CallbackPorts;

/// Runs every command with every verbosity and format; `World` looks for the secrets.
fn run_everything(mut world: World) {
    world.set("RUST_LOG", "trace").set("RUST_BACKTRACE", "full");
    let (last, first): (Vec<_>, Vec<_>) = commands().into_iter().partition(|line| line.ends_with("logout"));
    let arguments = arguments();
    let mut ran = 0;
    for command in first.iter().chain(&last) {
        for more in arguments.get(command.as_str()).unwrap_or(&vec![""]) {
            for noise in ["", "-vvv", "-vvv -o json", "-vv -o yaml", "AUTOCOM_LOG"] {
                let (noise, log) = if noise == "AUTOCOM_LOG" {
                    ("", "trace,hyper=trace,h2=trace,reqwest=trace")
                } else {
                    (noise, "")
                };
                world.set("AUTOCOM_LOG", log);
                let outcome = world.run_with_input(
                    &format!("{command} {more} {noise} --request-timeout 5"),
                    "hunter2 hunter2",
                );
                assert!((0..=6).contains(&outcome.code), "`{command} {more} {noise}`: {outcome:?}");
                ran += 1;
            }
        }
    }
    assert!(ran > 60, "{ran}");
}

#[test]
fn the_list_of_commands_is_whole() {
    let commands = commands();
    for command in ["auth login", "login", "auth status", "whoami", "profiles list", "config path"] {
        assert!(commands.iter().any(|known| known == command), "{command} is not in {commands:?}");
    }
    for command in arguments().keys() {
        assert!(commands.iter().any(|known| known == command), "`{command}` is no command any more");
    }
}

#[test]
fn stored_tokens_appear_nowhere() {
    let (mut world, one, two) = (
        World::new(),
        Sandbox::start(Options::default()).unwrap(),
        Sandbox::start(Options::default()).unwrap(),
    );
    let _ports = CallbackPorts::take();
    world.browse(&one, Visitor::approving("ada"), "--profile one").0.ok();
    let record = world.record(&one.api_url());
    for token in ["access_token", "refresh_token"] {
        world.plant(record[token].as_str().unwrap());
    }
    world.log_in(&two, "grace", "--profile two");
    world.set("BROWSER", "true").plant("hunter2");
    run_everything(world);
}

#[test]
fn tokens_in_variables_and_in_the_wrong_places_appear_nowhere() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    world.plant("hunter2");
    world.config(&format!("api_url = \"{}\"\ntoken = \"hunter2\"\n[profiles.one]\napi_url = \"https://one.invalid\"\npassword = \"hunter2\"\n", sandbox.api_url()));
    world.set("AUTOCOM_TOKEN", &token).set("AUTOCOM_TOKEN_ONE", "hunter2");
    run_everything(world);
}

#[test]
fn a_damaged_credential_file_is_not_quoted() {
    let world = World::new();
    world.plant("hunter2");
    world.config("api_url = \"https://a.invalid\"\n");
    for text in [
        "hunter2",
        "{\"access_token\":\"hunter2\"}",
        "{\"version\":1,\"credentials\":{\"https://a.invalid/api/v1\":{\"version\":1,\"access_token\":\"hunter2\",\"kind\":3}}}",
        "{\"version\":1,\"credentials\":{\"https://a.invalid/api/v1\":[\"hunter2\"]}}",
        "{\"version\":9,\"credentials\":\"hunter2\"}",
    ] {
        world.write("credentials", text);
        for line in ["auth status -vvv", "whoami -vvv -o json", "logout -vvv"] {
            let outcome = world.run(line);
            assert!(matches!(outcome.code, 0 | 4 | 6), "{outcome:?}");
        }
        assert_eq!(world.read("credentials"), text, "it is not ours to change");
    }
}

/// A browser login at full noise: code, verifier, and what the platform answers.
#[test]
fn the_secrets_of_a_login_appear_nowhere() {
    let _ports = CallbackPorts::take();
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let leaky =
        r#"{"access_token":["hunter2"],"refresh_token":"hunter2","error":7,"message":{"token":"hunter2"}}"#;
    for fault in [
        None,
        Some(("/oauth/token", Fault::status(200).body("application/json", leaky))),
        Some(("/oauth/token", Fault::status(400).body("application/json", leaky))),
        Some(("/oauth/token", Fault::status(500).body("text/html", "hunter2"))),
        Some(("/api/v1/profile", Fault::status(200).body("application/json", leaky))),
        Some(("/api/v1/profile", Fault::status(302).header("location", "https://x.test/?token=hunter2"))),
        Some(("/api/v1/auth/tenants", Fault::status(500).body("text/html", "hunter2"))),
    ] {
        if let Some((path, fault)) = fault {
            sandbox.fault(path, fault);
        }
        let mut world = World::new();
        world.plant("hunter2");
        world.set("AUTOCOM_LOG", "trace");
        let mut login = world.login(&sandbox.api_url(), "-vvv -o json");
        let walk = visit_blocking(&login.login_url(), Visitor::approving("ada").without_delivery()).unwrap();
        let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
        let url = url::Url::parse(&callback).unwrap();
        world.plant(&url.query_pairs().find(|(name, _)| name == "code").unwrap().1);
        let (_, page) = get(&callback);
        assert!(!page.contains("hunter2"), "{page}");
        login.finish();
        for file in ["config.toml", "logins.toml"] {
            let text = world.read(file);
            assert!(!text.contains("hunter2") && !text.contains("token"), "{file}:\n{text}");
        }
    }
}

#[test]
fn a_child_process_gets_no_token() {
    let _ports = CallbackPorts::take();
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let fifo = world.home().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    world.plant("hunter2");
    world.set("AUTOCOM_TOKEN", "hunter2").set("AUTOCOM_TOKEN_LOCAL", "hunter2");
    world.set("BROWSER", format!("sh -c 'env > {}'", fifo.display()));
    let mut login = world.login(&sandbox.api_url(), "");
    let environment = std::fs::read_to_string(&fifo).unwrap();
    assert!(environment.contains("HOME=") && !environment.contains("hunter2"), "{environment}");
    login.login_url();
    login.interrupt();
    login.finish().code(130);
}

#[test]
fn a_token_in_the_wrong_place_of_a_command_line_is_not_repeated() {
    let world = World::new();
    world.plant("hunter2");
    for (line, says) in [
        ("auth login --store hunter2", "the value of `--store <STORE>` must be one of auto, keychain, file"),
        ("auth login --timeout hunter2", "must be a number of seconds, more than 0 and at most 86400"),
        ("auth hunter2", "a subcommand that `autocom auth` does not know"),
        ("auth login hunter2", "hint: autocom auth login --help"),
        ("-p config login hunter2", "an argument that `autocom login` does not know"),
        ("login --token-stdin=hunter2", "`--token-stdin` takes no value"),
        ("login --no-browser --with-token hunter2", "cannot be used with"),
        ("login --frob=hunter2", "`autocom login` has no option `--frob`"),
        ("login --client-ip hunter2", "did you mean --client-id?"),
        ("login --hunter2", "an argument that"),
        ("login -hunter2", ""),
        ("login -o hunter2", "table, json, yaml"),
        ("login --color hunter2", "auto, always, never"),
        ("--request-timeout hunter2 auth status", "must be a number of seconds"),
        ("hunter2 login", "a subcommand that `autocom` does not know"),
        ("auth logout hunter2", "an argument that `autocom auth logout` does not know"),
        ("auth statis", "hint: autocom auth status"),
        ("login --with-token", "`--with-token <TOKEN>` lacks its value"),
    ] {
        for format in ["", "-o json"] {
            // `World` looks for it.
            let outcome = world.run(&format!("{line} {format}"));
            assert!(outcome.code == 2 || says.is_empty(), "{line}: {outcome:?}");
            if format.is_empty() {
                outcome.says(says);
            }
        }
    }
}
