//! Text from outside steers no terminal, is no part of a command that people paste, and fills no screen.

use crate::support::World;

/// What sets the title of a terminal, and what swaps letters.
const ESCAPES: [&str; 3] = ["\\u001b]0;PWNED\\u0007", "\\u009b31mPWNED", "\\u202ePWNED"];

#[cfg(target_os = "linux")]
#[test]
fn escape_sequences_of_files_never_reach_a_terminal() {
    use serde_json::json;
    let url = "http://127.0.0.1:9/api/v1";
    for escape in ESCAPES {
        let text: String = serde_json::from_str(&format!("\"{escape}\"")).unwrap();
        let good = format!(
            "profile = \"p\"\n[profiles.p]\napi_url = \"{url}\"\ntenant = \"acme\"\nprotected = true\n"
        );
        let run = |config: &str, lines: &[&str]| {
            let world = World::new();
            world.config(config);
            let record = json!({
                "version": 1, "access_token": "hunter2", "kind": "oauth", "user_name": text, "user_email": text,
                "api_url": url, "logged_in_at": "2026-01-01T00:00:00Z", "written_at": "2026-01-01T00:00:00Z",
            });
            world.write("credentials", &json!({"version": 1, "credentials": {url: record}}).to_string());
            world.write("pins.toml", &format!("\"{escape}\" = 1\n[pins]\n\"/{escape}\" = \"{escape}\"\n"));
            let lease = json!({
                "profile": "p", "api_url": url, "user": text, "reason": text,
                "since": "2026-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z",
            });
            world.write("unlocked.json", &json!({"version": 1, "leases": [lease]}).to_string());
            let unlocked = json!({
                "at": "2026-01-01T00:00:00Z", "event": "unlocked", "profile": text, "user": text,
                "until": "2026-01-01T00:00:00Z", "reason": text,
            });
            world.write("journal.jsonl", &format!("{unlocked}\n{text}\n"));
            for line in lines {
                let shown = world.run_in_terminal(line, 200);
                let shown = shown.stdout + &shown.stderr;
                assert!(shown.len() > 10, "{line} says something: {shown}");
                let steers =
                    ["\u{1b}]0;", "\u{9b}", "\u{202e}"].iter().find(|steers| shown.contains(**steers));
                assert!(steers.is_none(), "{line}: {steers:?} in {shown:?}\nwith {config}");
            }
        };
        run(&format!("\"{escape}\" = 1\n{good}"), &["profiles list", "doctor --offline", "config list"]);
        run(&format!("[profiles.\"{escape}\"]\n{good}"), &["profiles list", "doctor --offline"]);
        for key in ["profile", "api_url", "tenant", "client_id", "ca_bundle", "expect_user", "proxy", "store"]
        {
            let config = format!("{key} = \"{escape}\"\n[profiles.p]\napi_url = \"{url}\"\n");
            run(
                &config,
                &[
                    "profiles export",
                    "profiles diff p default",
                    "profiles show",
                    &format!("config get {key}"),
                    "-p p profiles show --explain",
                ],
            );
        }
        run(
            &good,
            &[
                "profiles list",
                "profiles pin",
                "whoami",
                "-o json whoami",
                "-o yaml whoami",
                "auth status",
                "journal",
                "-o json journal",
                "api PATCH x -f a=b",
                "-vvv api profile",
                "auth logout --local-only",
            ],
        );
        run(&format!("{good}expect_user = \"bob\"\n"), &["api profile", "auth status"]);
    }
}

/// The command of a hint, run by a shell in which `autocom` writes down what it was given.
#[cfg(unix)]
fn words_of(world: &World, hint: &str) -> Vec<String> {
    let command = &hint[hint.rfind("autocom ").unwrap_or_else(|| panic!("no command in {hint:?}"))..];
    let command = command.split(" < ").next().unwrap();
    let script = format!("autocom() {{ printf '%s\\n' \"$@\"; }}; {command}");
    let output = world.shell(&script).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn a_hinted_command_gives_a_shell_every_value_as_one_word() {
    let tenant = "acme;touch${IFS}X;#";
    let url = "http://a;touch${IFS}x.localhost:9/b$(touch${IFS}X)/api/v1";
    let canonical = autocom::domain::ApiUrl::to_string(&url.parse().unwrap());
    let world = World::new();
    world.config("[profiles.p]\napi_url = \"http://127.0.0.1:9\"\n");
    for (words, value) in [
        (vec!["--api-url", url, "whoami"], canonical.as_str()),
        (vec!["--api-url", url, "login", "--token-stdin", "--tenant", tenant], canonical.as_str()),
        (vec!["--api-url", url, "login", "--token-stdin", "--tenant", tenant], tenant),
        (vec!["-p", "p", "tenants", "use", tenant, "--api-url", "https://b.test"], tenant),
        (
            vec!["--expect", &*format!("tenant={tenant}"), "-p", "p", "--tenant", "x", "api", "profile"],
            tenant,
        ),
        (vec!["login", "--api-url", url, "word"], canonical.as_str()),
    ] {
        let hint = world.run_words(&[words.as_slice(), &["-o", "json"]].concat()).error()["hint"].clone();
        let hint = hint.as_str().unwrap_or_else(|| panic!("no hint for {words:?}")).to_owned();
        if hint.contains("autocom ") {
            assert!(words_of(&world, &hint).iter().any(|word| word == value), "{hint}");
        } else {
            assert!(hint.contains(&format!("'{value}'")), "{hint}");
        }
        assert!(!world.home().join("X").exists(), "{hint}");
    }
}

#[test]
fn a_word_that_looks_like_a_token_is_shown_by_its_start_and_length() {
    let mut world = World::new();
    world.config("[profiles.p]\napi_url = \"http://127.0.0.1:9\"\n");
    world.set("AUTOCOM_TOKEN_P", "abcdKnownFromTheEnvironment");
    for (token, shown) in [
        ("pat_Zq8wZq8wZq8w", "pat_… (16 characters)"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln", "eyJh… (40 characters)"),
        ("3f786850e387550fdab836ed7e6dc881de23001b", "3f78… (40 characters)"),
        ("abcdKnownFromTheEnvironment", "abcd… (27 characters)"),
    ] {
        world.plant(token);
        for (line, is_named) in [
            (token.to_owned(), true),
            (format!("whoami {token}"), true),
            (format!("whoami --{token}"), false),
            (format!("profiles use {token}"), true),
            (format!("config set {token} x"), true),
            (format!("config set profile {token}"), false),
            (format!("profiles set p {token}"), true),
            (format!("--expect {token} whoami"), false),
            (format!("--expect user={token} whoami"), false),
            (format!("-p{token} whoami"), true),
            (format!("--color={token} whoami"), true),
            (format!("api https://{token}@x.test/?a={token}"), false),
            (format!("login {token}"), false),
        ] {
            for line in [line.clone(), format!("-o json -vvv {line}")] {
                // `World` looks for the token.
                let outcome = world.run(&line);
                assert!(outcome.code != 0 && !outcome.stderr.is_empty(), "{line}: {outcome:?}");
                // One with dots is no name of a profile, which is said without it.
                let is_named = is_named && !token.contains('.');
                assert!(!is_named || outcome.stderr.contains(shown), "{line}: {outcome:?}");
            }
        }
    }
    let name = "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6";
    world.config(&format!("[profiles.{name}]\napi_url = \"http://127.0.0.1:9\"\n"));
    world.run(&format!("profiles use {name}")).ok().says(name);
}

#[test]
fn a_message_is_short_however_long_the_value_is_and_keeps_its_reason() {
    let world = World::new();
    world.config(&format!("[profiles.{}]\napi_url = \"http://127.0.0.1:9\"\n", "x".repeat(3 << 20)));
    let outcome = world.run("profiles list");
    assert!(!outcome.stderr.is_empty() && outcome.stderr.len() < 9000, "{}", outcome.stderr.len());
    let outcome = world.run(&format!("-p {} whoami", "é".repeat(20_000)));
    assert!(outcome.code != 0 && outcome.stderr.len() < 9000, "{}", outcome.stderr.len());
}

#[test]
fn the_user_and_password_of_an_address_are_shown_nowhere() {
    let mut world = World::new();
    world.plant("hunter2");
    world.set("HTTPS_PROXY", "http://ada:hunter2@127.0.0.1:9");
    world.config("[profiles.p]\napi_url = \"https://ada:hunter2@a.test\"\nproxy = \"http://ada:hunter2@p.test\"\n[profiles.q]\napi_url = \"https://b.invalid\"\n");
    for line in [
        "profiles list",
        "-p p whoami",
        "-p p profiles show",
        "-p p profiles show --explain",
        "-p p config list",
        "doctor",
        "-p q api profile -vvv",
        "config set proxy http://ada:hunter2@p.test",
        "profiles set p api_url=https://ada:hunter2@a.test",
        "--api-url https://ada:hunter2@a.test whoami",
        "api https://ada:hunter2@a.test/x",
        "login --api-url https://ada:hunter2@a.test",
    ] {
        for format in ["", "-o json", "-o yaml"] {
            world.run(&format!("{line} {format}"));
        }
    }
}
