//! What went wrong, why, what to type next: as text, as an object, as an exit code.

use crate::platform::{Fault, Options, Sandbox};
use crate::support::World;

#[test]
fn an_error_is_what_why_and_what_to_type_next() {
    let world = World::new();
    world.config("[profiles.staging]\napi_url = \"https://s.test\"\n");
    let outcome = world.run("whoami --profile stagin");
    insta::assert_snapshot!(outcome.shown(&[]), @r"
    exit 2
    --- stderr
    error: there is no profile `stagin` (named by --profile)
    hint: profiles that exist: staging
    ");
    let outcome = world.run("whoami --profile staging");
    insta::assert_snapshot!(outcome.shown(&[]), @r"
    exit 4
    --- stderr
    error: profile staging is not logged in
    hint: autocom auth login --profile staging
    ");
    let outcome = World::new().run("auth status");
    insta::assert_snapshot!(outcome.shown(&[]), @r"
    exit 4
    --- stderr
    error: profile default is not logged in
    hint: autocom auth login --api-url URL
    ");
}

#[test]
fn with_json_an_error_is_one_object_on_stderr() {
    let world = World::new();
    let outcome = world.run("whoami -p nobody -o json").code(2);
    insta::assert_snapshot!(outcome.shown(&[]), @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","message":"there is no profile `nobody` (named by --profile)","causes":[],"hint":"autocom auth login --profile nobody --api-url URL","next":[["autocom","auth","login","--profile","nobody","--api-url",{"placeholder":"URL"}]],"exit_code":2}}
    "#);
    for (line, kind, code) in [
        ("profiles frob -o json", "usage", 2),
        ("profiles -qojson", "usage", 2),
        ("-o json", "usage", 2),
        ("--output=json --frob", "usage", 2),
        ("config get tenant -ojson", "failed", 1),
        ("login --api-url http://127.0.0.1:1 --with-token x -o json", "unreachable", 3),
        ("whoami --api-url https://a.test -o json", "authentication", 4),
        ("login --api-url https://a.test --with-token x --store keychain -o json", "credential_store", 6),
    ] {
        let outcome = world.run(line).code(code);
        assert_eq!(outcome.stdout, "", "{line}");
        let error = outcome.error();
        assert_eq!((&error["kind"], &error["exit_code"]), (&kind.into(), &code.into()), "{line}");
        assert!(error["message"].is_string() && error["causes"].is_array(), "{error}");
        for line in outcome.stderr.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
    let mut world = World::new();
    world.set("AUTOCOM_OUTPUT", "json");
    assert_eq!(world.run("config frob").code(2).error()["kind"], "usage");
}

#[test]
fn a_value_on_the_command_line_that_is_none_is_a_usage_error() {
    let world = World::new();
    for (line, says) in [
        ("", "Usage: autocom"),
        ("frob", "unrecognized subcommand 'frob'"),
        ("profile lst", "unrecognized subcommand 'lst'"),
        ("whoami -o xml", "invalid value 'xml' for '--output <FORMAT>'"),
        ("whoami --request-timeout 0", "more than 0 and at most 86400"),
        ("login --timeout never", "more than 0 and at most 86400"),
        ("login --store vault", "the value of `--store <STORE>` must be one of auto, keychain, file"),
        ("whoami --color sometimes", "invalid value 'sometimes'"),
        ("whoami --profile a.b", "must be 1 to 64 letters"),
    ] {
        let outcome = world.run(line).code(2).says(says);
        assert_eq!(outcome.stdout, "", "{line}");
    }
    for (variable, value, says) in [
        ("AUTOCOM_PROFILE", "a b", "`profile` must be 1 to 64 letters"),
        (
            "AUTOCOM_TENANT",
            "a b",
            "`tenant` must be one word of visible ASCII characters (from AUTOCOM_TENANT)",
        ),
        ("AUTOCOM_STORE", "vault", "`store` must be one of auto, keychain, file (from AUTOCOM_STORE)"),
        ("AUTOCOM_OUTPUT", "xml", "`output` must be one of table, json, yaml (from AUTOCOM_OUTPUT)"),
        (
            "AUTOCOM_API_URL",
            "staging",
            "`api_url` is not a URL: it has no scheme, and it is not a host name with a dot or a port (from AUTOCOM_API_URL)",
        ),
    ] {
        let mut world = World::new();
        world.config("api_url = \"https://a.test\"\n");
        world.set(variable, value);
        for line in ["whoami", "config list", "auth status"] {
            world.run(line).code(2).says(says).says(variable);
        }
        world.set(variable, "");
        world.run("whoami").code(4);
    }
}

/// Addresses that are refused, and why. The password must never be seen again.
const BAD_ADDRESSES: [(&str, &str); 7] = [
    ("http://prod.test/api/v1", "must use https"),
    ("http://10.0.0.1", "must use https"),
    ("https://ada:hunter2@prod.test", "must not carry a user name or password"),
    ("https://hunter2@prod.test", "must not carry a user name or password"),
    ("https://prod.test/#hunter2", "must not carry a query or a fragment"),
    ("https://prod.test/?key=hunter2", "must not carry a query or a fragment"),
    ("https://prod.test/api/v1/graphql", "use https://prod.test/api/v1"),
];

#[test]
fn a_bad_address_names_where_it_came_from_and_is_not_repeated() {
    for (address, why) in BAD_ADDRESSES {
        let mut world = World::new();
        world.plant("hunter2");
        for line in ["login --with-token x -vvv", "whoami", "logout", "profiles list", "config list"] {
            world.run(&format!("{line} --api-url {address}")).code(2).says(why).says("--api-url");
        }
        for line in ["config set api_url ", "profiles set a api_url="] {
            world.run(&format!("{line}{address}")).code(2).says(why).says("the command line");
        }
        assert_eq!(world.read("config.toml"), "");
        world.set("AUTOCOM_API_URL", address);
        for line in ["login --with-token x -vvv", "whoami", "logout", "profiles list", "config list"] {
            world.run(line).code(2).says(why).says("AUTOCOM_API_URL");
        }
        world.unset("AUTOCOM_API_URL");
        world.config(&format!("profile = \"a\"\n[profiles.a]\napi_url = \"{address}\"\n"));
        for line in [
            "login --with-token x -vvv",
            "whoami",
            "logout",
            "profiles list",
            "config list",
            "profiles show a",
        ] {
            world.run(line).code(2).says(why).says("config.toml:3");
        }
        world.run("profiles set a api_url=https://prod.test").ok();
    }
}

#[test]
fn plain_http_to_this_machine_is_fine() {
    let world = World::new();
    for address in ["http://localhost:9", "http://shop.localhost", "http://127.1.2.3", "http://[::1]:9"] {
        world.run(&format!("whoami --api-url {address}")).code(4);
    }
}

#[test]
fn what_is_no_platform_is_told_apart_from_one_that_fails() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let html = "<!doctype html><title>Welcome to nginx!</title>";
    for (fault, code, says) in [
        (Fault::status(200).body("text/html", html), 1, "(HTML, status 200)"),
        (Fault::status(200).body("application/json", "{}"), 1, "profile"),
        (Fault::status(200).body("application/json", "{\"name\":"), 1, "ends too soon"),
        (
            Fault::status(302).header("location", "https://elsewhere.test/login?x=1"),
            1,
            "https://elsewhere.test/login",
        ),
        (Fault::status(401), 4, "rejected"),
        (Fault::status(403), 5, "told to fail"),
        (Fault::status(404), 5, "told to fail"),
        (Fault::status(418), 1, "418"),
        (Fault::status(422), 1, "told to fail"),
        (Fault::status(429).header("retry-after", "3600"), 1, "3600 s"),
        (Fault::status(500), 1, "status 500"),
        (Fault::close(), 3, "closed the connection"),
        (Fault::hang(), 3, "did not answer within 0.2 s"),
        (Fault::stall(), 3, "did not answer within 0.2 s"),
        // Last, since a retry more or less leaves some of it.
        (Fault::status(503).times(4), 1, "status 503"),
    ] {
        let status = fault.status;
        sandbox.fault("/api/v1/profile", fault);
        let token = sandbox.mint_pat("ada", None);
        let outcome = world.login_with_token(&sandbox.api_url(), &token, "--request-timeout 0.2");
        assert_eq!(outcome.code, code, "{status}: {}", outcome.stderr);
        outcome.says(says);
        assert_eq!(world.files(), ["", "", ""], "{says}");
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_success() {
    let world = World::new();
    let text: String =
        (0..2_000).map(|n| format!("[profiles.p{n}]\napi_url = \"https://p{n}.test\"\n")).collect();
    world.config(&text);
    for line in ["profiles list", "profiles list -o json", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = world.command(line).stdin(std::process::Stdio::null()).stdout(writer).output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
            (Some(0), ""),
            "{line}"
        );
    }
}

#[test]
fn help_and_version_read_no_file() {
    let world = World::new();
    world.config("not [ toml");
    for line in ["--help", "--version", "version", "auth login --help", "profiles --help", "config set -h"] {
        let outcome = world.run(line).ok();
        assert!(!outcome.stdout.is_empty() && outcome.stderr.is_empty(), "{line}: {outcome:?}");
    }
}

#[test]
fn quiet_leaves_answers_and_errors() {
    let world = World::new();
    assert_eq!(world.run("config set tenant acme -q").ok().stderr, "");
    assert_eq!(world.run("config get tenant -q").ok().stdout, "acme\n");
    assert!(!world.run("whoami -q").code(4).stderr.is_empty());
}

#[test]
fn several_failures_are_one_object_the_gravest_first() {
    let world = World::new();
    let bad = |name: &str| format!("[profiles.{name}]\napi_url = \"http://{name}.test\"\n");
    world.config(&(bad("one") + &bad("two")));
    let outcome = world.run("profiles list -o json").code(2);
    assert_eq!(outcome.stderr.lines().filter(|line| line.starts_with('{')).count(), 1, "{}", outcome.stderr);
    let error = outcome.error();
    assert!(error["message"].as_str().unwrap().contains("config.toml:2"), "{error}");
    assert!(error["causes"][0].as_str().unwrap().contains("config.toml:4"), "{error}");
    assert_eq!(world.run("profiles list").code(2).stderr.matches("error: ").count(), 2);
}

#[test]
fn an_output_format_that_is_none_stops_every_command_but_those_that_mend_it() {
    let mut world = World::new();
    let text = "output = \"xml\"\n[profiles.a]\napi_url = \"https://a.test\"\noutput = \"json\"\n";
    world.config(text);
    for line in ["profiles list", "profiles use a", "logout --all", "whoami"] {
        let outcome = world.run(line).code(2).says("`output` must be one of table, json, yaml");
        assert!(outcome.says("config.toml:1)").stdout.is_empty(), "{line}");
        assert_eq!(world.read("config.toml"), text, "{line}");
    }
    for line in ["version", "config path", "--help", "profiles list -o json", "profiles show a -p a"] {
        world.run(line).ok();
    }
    world.run("config set output table").ok();
    world.run("profiles list").ok();
    world.set("AUTOCOM_OUTPUT", "xml");
    for line in ["whoami", "profiles list", "profiles use a", "config set ring edge"] {
        world.run(line).code(2).says("must be one of table, json, yaml (from AUTOCOM_OUTPUT)");
    }
    // What is read as it is stays so, whatever is preferred.
    for line in ["--help", "--version", "version", "config path", "profiles current", "profiles list -o json"]
    {
        world.run(line).ok();
    }
}

#[test]
fn a_usage_error_has_the_colours_that_were_asked_for() {
    let mut world = World::new();
    for line in ["profiles frob --color always", "login --color=always frob"] {
        world.run(line).code(2).says("\u{1b}[");
    }
    world.set("CLICOLOR_FORCE", "1");
    world.run("profiles frob").code(2).says("\u{1b}[");
    assert!(!world.run("profiles frob --color never").code(2).stderr.contains('\u{1b}'));
}

#[test]
fn an_unknown_profile_comes_with_the_nearest_name() {
    let world = World::new();
    world.config(
        "[profiles.prod]\napi_url = \"https://p.test\"\n[profiles.staging]\napi_url = \"https://s.test\"\n",
    );
    world
        .run("whoami -p stagin")
        .code(2)
        .says("hint: profiles that exist: staging, prod (did you mean staging?)");
}

#[test]
fn a_mistyped_profile_is_answered_with_the_nearest_name_first_wherever_it_is_typed() {
    let mut world = World::new();
    world.config(
        "profile = \"prod\"\n[profiles.prod]\napi_url = \"https://prod.test\"\n\
         [profiles.staging]\napi_url = \"https://staging.test\"\n",
    );
    for line in [
        "profiles use stagin",
        "profiles show stagin",
        "profiles set stagin tenant=acme",
        "profiles rename stagin other",
        "profiles remove stagin",
        "profiles remove prod --use stagin",
        "profiles lock stagin",
        "profiles unlock stagin --reason why",
        "config set profile stagin",
        "config get profiles.stagin.tenant",
        "whoami --profile stagin",
        "whoami --profiles stagin",
    ] {
        world.run(line).code(2).says("staging, prod");
    }
    world
        .set("AUTOCOM_PROFILE", "stagin")
        .run("whoami")
        .code(2)
        .says("AUTOCOM_PROFILE")
        .says("staging, prod");
}
