//! Settings, tokens and addresses as other tools, desktops and hands write them.

use std::sync::mpsc;

use autocom::domain::Json;

use crate::support::World;
use crate::support::platform::sandbox;
use crate::support::world::DEADLINE;

/// `text` in the encodings of Windows tools.
fn as_windows_writes(text: &str) -> [Vec<u8>; 3] {
    let text = format!("\u{feff}{}\r\n", text.replace('\n', "\r\n"));
    [
        text.clone().into_bytes(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ]
}

#[test]
fn tokens_configurations_and_imports_are_read_as_windows_tools_write_them() {
    let sandbox = sandbox();
    let api_url = sandbox.api_url();
    let config = format!("profile = \"shop\"\n[profiles.shop]\napi_url = \"{api_url}\"\nstore = \"file\"");
    for encoding in 0..3 {
        let world = World::new();
        let token = sandbox.mint_pat("ada", None);
        world.plant(&token);
        world.write("config.toml", "");
        std::fs::write(world.path("config.toml"), &as_windows_writes(&config)[encoding]).unwrap();
        std::fs::write(world.home().join("token.txt"), &as_windows_writes(&token)[encoding]).unwrap();
        let program = env!("CARGO_BIN_EXE_autocom");
        let status = world.shell(&format!("'{program}' auth login --token-stdin -q < token.txt")).status();
        assert!(status.unwrap().success(), "{encoding}");
        world.run("whoami --check").ok().prints("ada@example.test");
        // An edit leaves the file readable.
        world.run("config set profiles.shop.tenant globex").ok();
        assert_eq!(world.run("config get tenant").ok().stdout, "globex\n");
        let other = World::new();
        std::fs::write(other.home().join("export.toml"), &as_windows_writes(&config)[encoding]).unwrap();
        other.run("profiles import export.toml").ok();
        assert_eq!(other.run("config get api_url -p shop").ok().stdout, format!("{api_url}\n"));
    }
}

#[test]
fn variables_are_trimmed_alike_and_what_is_wrong_with_one_is_made_visible() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "--profile shop");
    for (name, value) in [
        ("AUTOCOM_PROFILE", "shop"),
        ("AUTOCOM_TENANT", "acme"),
        ("AUTOCOM_OUTPUT", "json"),
        ("AUTOCOM_API_URL", &sandbox.api_url()),
        ("AUTOCOM_STORE", "file"),
    ] {
        for written in [format!("{value}\r"), format!("\u{feff}{value} "), format!("\t{value}\r\n")] {
            world.set(name, &written);
            world.run("whoami").ok();
            world.unset(name);
        }
    }
    world.set("AUTOCOM_STORE", "file");
    world.set("AUTOCOM_PROFILE", "sh\u{200b}op");
    world.run("whoami").code(2).says(r"sh\u{200b}op").says("AUTOCOM_PROFILE");
}

#[test]
fn a_proxy_variable_that_cannot_be_read_stops_what_would_use_it_and_nothing_else() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "--profile shop");
    for (name, value) in [
        ("HTTPS_PROXY", "htp://127.0.0.1:9"),
        ("ALL_PROXY", "http://ada:hunter2@[::1"),
        ("ALL_PROXY", "\"http://127.0.0.1:9\""),
        ("https_proxy", "http://"),
    ] {
        world.set(name, value);
        let away = "whoami --api-url https://platform.invalid/api/v1";
        world.set("AUTOCOM_TOKEN", "t".repeat(20));
        let outcome = world.run(away).code(2).says(name);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
        world.unset("AUTOCOM_TOKEN");
        world.run("profiles list").ok();
        world.run("whoami --check").ok();
        world.unset(name);
    }
    // As GNOME and hands write a good one: then it is the proxy that is not there.
    for value in ["socks://127.0.0.1:9/", " 127.0.0.1:9 "] {
        world.set("ALL_PROXY", value).set("AUTOCOM_TOKEN", "t".repeat(20));
        world.run("whoami --api-url https://platform.invalid/api/v1").code(3).says("the proxy 127.0.0.1:9");
        // By name, by port, by domain: past the proxy, to a name that has no address.
        for past in ["platform.invalid:443", "*.invalid", ".invalid"] {
            world.set("NO_PROXY", past);
            world.run("whoami --api-url https://platform.invalid/api/v1").code(3).says("no address is known");
            world.unset("NO_PROXY");
        }
    }
}

#[test]
fn an_address_without_a_scheme_is_https_if_it_can_only_be_a_host() {
    let mut world = World::new();
    world.config("[profiles.staging]\napi_url = \"https://staging.invalid/api/v1\"\n");
    world.set("AUTOCOM_TOKEN", "t".repeat(20));
    for (typed, host) in [("api.invalid", "api.invalid"), ("shop.invalid:8443/api/v1", "shop.invalid:8443")] {
        world
            .run_words(&["whoami", "--api-url", typed])
            .code(3)
            .says(&format!("no address is known for {host}"));
    }
    world
        .run("whoami --api-url staging")
        .code(2)
        .says("`api_url` is not a URL, but `staging` is a profile (from --api-url)")
        .says("hint: select the profile: -p staging");
    let outcome = world.run("whoami --api-url localhost:8000").code(2);
    outcome.says("http://localhost:8000").says("https://localhost:8000");
    world.run("whoami --api-url http://api.invalid").code(2).says("https");
    // A token that is pasted there reaches no name server.
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.{}", "a".repeat(30), "b".repeat(30));
    world.plant(&token);
    world.run_words(&["whoami", "--api-url", &token]).code(2);
}

#[test]
fn json_that_is_deep_costs_no_more_than_json_that_is_long() {
    let text = "[".repeat(500) + &"1.50,".repeat(1_000_000) + "0" + &"]".repeat(500);
    let (send, parsed) = mpsc::channel();
    std::thread::spawn(move || send.send(Json::parse(text.as_bytes()).is_some()));
    // It takes a second; reading the text once for each level would take minutes.
    assert!(parsed.recv_timeout(DEADLINE).unwrap());
}
