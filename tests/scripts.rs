//! What scripts and agents rely on: bare words, JSON on stderr, exit codes of answers that cannot be written.

use serde_json::Value;

use crate::platform::{Knobs, Options, Passport, Sandbox, Visitor, visit_blocking};
use crate::support::World;
use crate::support::ports::CallbackPorts;
use crate::support::schemas::is_valid;

fn logged_in() -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile shop");
    (world, sandbox)
}

/// Every line of stderr, each an object of one member.
fn objects(stderr: &str) -> Vec<(String, Value)> {
    let object = |line: &str| {
        let object: serde_json::Map<String, Value> =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        is_valid("stderr", &Value::Object(object.clone()));
        let [(name, value)] = object.into_iter().collect::<Vec<_>>().try_into().unwrap();
        (name, value)
    };
    stderr.lines().map(object).collect()
}

#[test]
fn a_preferred_format_leaves_bare_words_and_the_bytes_of_api_alone() {
    let (mut world, _sandbox) = logged_in();
    let lines = ["auth token", "profiles current", "config path", "config get api_url", "api auth/tenants"];
    let plain = lines.map(|line| world.run(line).ok().stdout);
    for format in ["json", "yaml"] {
        world.set("AUTOCOM_OUTPUT", format);
        for (line, plain) in lines.iter().zip(&plain) {
            assert_eq!(world.run(line).ok().stdout, *plain, "{line}");
        }
        world.run("whoami").ok().prints("ada@example.test");
        world.unset("AUTOCOM_OUTPUT");
    }
    world.run("config set output json").ok();
    assert_eq!(world.run("profiles current").ok().stdout, plain[1]);
    assert_eq!(world.run("profiles current -o json").ok().json()["name"], "shop");
    assert!(world.run("whoami").ok().json().is_object());
}

#[test]
fn with_json_stderr_is_objects_only_in_every_spelling_and_for_every_trouble() {
    let (world, _sandbox) = logged_in();
    for (line, names) in [
        ("profiles -o json", vec!["error"]),
        ("-qojson whoami --profile nowhere", vec!["error"]),
        ("--output=json frobnicate", vec!["error"]),
        ("whoami -ojson --check -v", vec!["log"]),
        ("auth logout -o json", vec!["note"]),
    ] {
        let outcome = world.run(line);
        let objects = objects(&outcome.stderr);
        assert!(
            names.iter().all(|name| objects.iter().any(|(known, _)| known == name)),
            "{line}: {objects:?}"
        );
    }
    // What is no option is not taken for one.
    let outcome = world.run_words(&["exec", "--", "sh", "-c", "exit 7", "-ojson"]);
    assert!(!outcome.stderr.starts_with('{'), "{}", outcome.stderr);
}

#[test]
fn a_login_tells_an_agent_where_to_go() {
    let knobs =
        Knobs { passport: Passport::V13, device_grant: true, device_interval_seconds: 1, ..Knobs::default() };
    let sandbox = Sandbox::start(Options { knobs, ..Options::default() }).unwrap();
    let login_of = |line: &str| serde_json::from_str::<Value>(line).unwrap()["login"].clone();

    let world = World::new();
    let mut device = world.login(&sandbox.api_url(), "--device -o json");
    let told = login_of(&device.line_with("\"login\""));
    assert_eq!(told["url"], format!("{}/oauth/device", sandbox.origin()));
    assert_eq!(told["user_code"].as_str().unwrap().len(), 8);
    assert_eq!(told["expires_in"], 600);
    let page = format!("{}?user_code={}", told["url"].as_str().unwrap(), told["user_code"].as_str().unwrap());
    visit_blocking(&page, Visitor::approving("ada")).unwrap();
    let outcome = device.finish().ok();
    objects(&outcome.stderr);
    assert_eq!(outcome.json()["email"], "ada@example.test");

    let (world, _turn) = (World::new(), CallbackPorts::take());
    let mut browser = world.login(&sandbox.api_url(), "-o json");
    let told = login_of(&browser.line_with("\"login\""));
    assert!(told["user_code"].is_null(), "{told}");
    visit_blocking(told["url"].as_str().unwrap(), Visitor::approving("ada")).unwrap();
    objects(&browser.finish().ok().stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let (world, _sandbox) = logged_in();
    let program = env!("CARGO_BIN_EXE_autocom");
    for line in ["--help", "auth login --help", "--version", "whoami", "completions bash", "man"] {
        let status = world.shell(&format!("'{program}' {line} > /dev/full 2> error")).status().unwrap();
        assert_eq!(status.code(), Some(1), "{line}");
        let told = std::fs::read_to_string(world.home().join("error")).unwrap();
        assert!(told.contains("No space left on device"), "{line}: {told}");
    }
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_gone_is_not_pinned() {
    let (world, _sandbox) = logged_in();
    let program = env!("CARGO_BIN_EXE_autocom");
    let line = format!("mkdir gone; cd gone; rmdir ../gone; '{program}' profiles pin shop .");
    assert_eq!(world.shell(&line).status().unwrap().code(), Some(2));
    assert_eq!(world.read("pins.toml"), "");
    std::fs::create_dir(world.home().join("here")).unwrap();
    world.run("profiles pin shop here").ok();
    world.run("profiles pin").ok().prints(&world.home().join("here").display().to_string());
}
