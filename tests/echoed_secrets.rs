//! A secret that a platform, an OAuth server or a file repeats is in nothing that autocom writes. Data are
//! excepted: the body of `api`, `auth token`, what a child of `exec` prints, values in JSON and YAML.

use serde_json::{Value, json};

use crate::support::echo::{Answer, Asked, Echo, spellings, told};
use crate::support::{Outcome, World};

const TOKEN: &str = "17|Zq8wKx/3vT+planted_in-every.field~of=all";
const REFRESH: &str = "def50200aa77refresh0planted1in2every3field";

fn assert_untold(place: &str, secrets: &[String], texts: &[(&str, &str)]) {
    for secret in secrets.iter().filter(|secret| secret.len() >= 16) {
        for (name, text) in texts {
            let told = told(text, secret);
            assert!(told.is_none(), "{place}: {told:?} of {secret} in {name}:\n{text}");
        }
    }
}

/// Nothing that the command or an earlier one wrote holds a secret. `data`: what is on stdout is excepted.
fn assert_nothing_told(world: &World, place: &str, secrets: &[String], outcome: &Outcome, data: bool) {
    let files =
        ["journal.jsonl", "logins.toml", "unlocked.json", "config.toml"].map(|file| (file, world.read(file)));
    let mut texts: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    texts.push(("stderr", &outcome.stderr));
    if !data {
        texts.push(("stdout", &outcome.stdout));
    }
    assert_untold(place, secrets, &texts);
}

fn log_in(world: &World, api_url: &str, expires_at: &str) {
    world.config(&format!(
        "profile = \"p\"\nclient_id = \"cli\"\n[profiles.p]\napi_url = \"{api_url}\"\ntenant = \"acme\"\nprotected = true\n"
    ));
    let record = json!({
        "version": 1, "access_token": TOKEN, "refresh_token": REFRESH, "expires_at": expires_at, "kind": "oauth",
        "user_name": "Ada", "user_email": "ada@example.test", "tenant": "acme", "api_url": api_url,
        "client_id": "cli", "logged_in_at": "2026-01-01T00:00:00Z", "written_at": "2026-01-01T00:00:00Z",
    });
    let file = json!({"version": 1, "credentials": {api_url: record}});
    world.write("credentials", &file.to_string());
}

/// Where a platform may repeat what it was sent, one answer each.
fn places(text: &str) -> Vec<(&'static str, Answer)> {
    let with = |status, headers, body: Value| Answer { status, headers, body: body.to_string() };
    let user =
        |name: &str, email: &str| json!({"id": 7, "name": name, "email": email, "current_tenant": "acme"});
    let order =
        json!({"id": text, "number": text, "status": text, "total": text, "customer": {"name": text}});
    vec![
        ("message of 500", Answer::json(500, json!({"message": format!("Guard: Bearer {text}")}))),
        ("message of 403", Answer::json(403, json!({"message": text}))),
        ("errors of 422", Answer::json(422, json!({"message": text, "errors": {text: [text], "b": text}}))),
        ("body of 418", with(418, vec![], json!(text))),
        ("request id", with(403, vec![("x-request-id", text.to_owned())], json!({"message": "no"}))),
        ("request id of 200", with(200, vec![("x-request-id", text.to_owned())], user("Ada", "a@b.test"))),
        ("location", with(302, vec![("location", format!("/x/{text}/login"))], json!({}))),
        (
            "other location",
            with(302, vec![("location", format!("https://{text}@x.test/{text}?t={text}"))], json!({})),
        ),
        ("retry-after", with(429, vec![("retry-after", format!("0 {text}"))], json!({"message": text}))),
        ("graphql", Answer::json(200, json!({"errors": [{"message": text}, {"message": text}]}))),
        ("graphql fields", Answer::json(200, json!({"errors": {text: [text]}}))),
        ("user", Answer::json(200, user(text, text))),
        ("current tenant", Answer::json(200, json!({"name": "Ada", "current_tenant": text}))),
        ("name", Answer::json(200, json!({"id": text, "name": text, "current_tenant": {"id": text}}))),
        ("tenants", Answer::json(200, json!({"tenants": [{"id": text, "name": text, "role": text}]}))),
        (
            "orders",
            Answer::json(
                200,
                json!({"data": {"orders": {"data": [order], "paginatorInfo": {"hasMorePages": false}}}}),
            ),
        ),
    ]
}

#[test]
fn what_a_platform_repeats_of_a_token_is_written_nowhere() {
    let commands = [
        ("tenants list", false),
        ("orders list --limit 1", false),
        ("-o json orders list", true),
        ("whoami --check", false),
        ("auth status --check", false),
        ("profiles list --check", false),
        ("doctor", false),
        ("-o json doctor", false),
        ("-o json profiles list --check", false),
        ("api profile", true),
        ("api --all-profiles profile", true),
        ("api PATCH orders/1 -f a=b --confirm p", true),
        ("api graphql -f query={a}", true),
        ("tenants use other", false),
        ("journal", false),
        ("logout", false),
    ];
    let login = "login --token-stdin";
    let spellings = spellings(TOKEN);
    for number in 0..places("").len() {
        // One place meets every spelling, and every other place one of them.
        for text in
            if number == 0 { spellings.clone() } else { vec![spellings[number % spellings.len()].clone()] }
        {
            let place = places(&text)[number].0;
            let echo = Echo::start(move |_: &Asked| places(&text).swap_remove(number).1);
            let world = World::new();
            log_in(&world, &echo.api_url(), "2036-01-01T00:00:00Z");
            let secrets = [TOKEN.to_owned(), REFRESH.to_owned()];
            for (nth, (command, data)) in commands.into_iter().enumerate() {
                let line = format!("{}{command}", if nth % 2 == number % 2 { "" } else { "-vvv " });
                let mut running = world.start(&line);
                if data {
                    running.answers_with_data();
                }
                assert_nothing_told(&world, &format!("{place}, {line}"), &secrets, &running.finish(), data);
            }
            for login in [login.to_owned(), format!("{login} -p new --api-url {}", echo.api_url())] {
                let outcome = world.run_with_input(&format!("-vvv {login}"), TOKEN);
                assert_nothing_told(&world, &format!("{place}, {login}"), &secrets, &outcome, false);
            }
        }
    }
}

#[test]
fn what_an_oauth_server_repeats_is_written_nowhere() {
    let answers: [fn(&str) -> Answer; 6] = [
        |text| {
            Answer::json(400, json!({"error": "invalid_grant", "error_description": text, "message": text}))
        },
        |text| Answer::json(400, json!({"error": text})),
        |text| Answer::json(401, json!({"error": "invalid_request", "message": text})),
        |text| Answer {
            headers: vec![("x-request-id", text.to_owned())],
            ..Answer::json(503, json!({"message": text}))
        },
        // Refused, since a token has no blank.
        |text| Answer::json(200, json!({"access_token": format!("{text} {text}"), "scope": text})),
        |text| Answer { headers: vec![("location", format!("/{text}"))], ..Answer::json(302, json!({})) },
    ];
    for answer in answers {
        for nth in 0..spellings(TOKEN).len() {
            let echo = Echo::start(move |asked| match asked.path.as_str() {
                "/oauth/device/code" => Answer::json(
                    200,
                    json!({
                        "device_code": "device0code1planted2in3every4field", "user_code": "BCDF-GHJK", "interval": 1,
                        "expires_in": 5, "verification_uri": "https://h.test/device",
                    }),
                ),
                "/oauth/token" => answer(&spellings(&asked.secret)[nth]),
                _ => Answer::json(401, json!({"message": asked.secret})),
            });
            let world = World::new();
            log_in(&world, &echo.api_url(), "2020-01-01T00:00:00Z");
            for line in [
                "-vvv auth refresh",
                "api profile",
                "-vvv profiles list --check",
                "-vv login --device --timeout 5",
            ] {
                // A pause that a device's poll must make: once is enough.
                if line.contains("--device") && nth > 0 {
                    continue;
                }
                let outcome = world.run(line);
                assert_nothing_told(&world, line, &echo.heard(), &outcome, false);
            }
            let mut login = world.start_open("-vvv login --no-browser");
            let url = url::Url::parse(&login.login_url()).unwrap();
            let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
            login.input(&format!(
                "http://127.0.0.1:8765/callback?code=code0planted1in2every3field&state={state}\n"
            ));
            let outcome = login.finish();
            assert!(outcome.stderr.contains(&state), "the address to open is shown whole: {outcome:?}");
            assert!(echo.heard().iter().any(|secret| secret.starts_with("code0")), "{outcome:?}");
            assert_nothing_told(&world, "login --no-browser", &echo.heard(), &outcome, false);
            // An error may repeat a code that is not exchanged.
            let code = "code0planted1in2every3error";
            for query in [
                format!("error=access_denied&error_description={code}&state=STATE&code={code}"),
                format!("code={code}&state=STATE&error={code}"),
                format!("code={code}&state=STATE&iss=https://{code}.test/"),
                format!("error=bad&error_description={code}&code={code}"),
            ] {
                let mut login = world.start_open("-vvv login --no-browser");
                let url = url::Url::parse(&login.login_url()).unwrap();
                let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
                let query = query.replace("STATE", &state);
                login.input(&format!("http://127.0.0.1:8765/callback?{query}\n"));
                assert_nothing_told(&world, &query, &[code.to_owned()], &login.finish(), false);
            }
        }
    }
}

/// A token of the environment is known from the start, so it is found even in the files that are read first.
#[test]
fn what_files_repeat_of_a_token_is_written_nowhere() {
    let token = "Zq8wKx3vTplanted_in-every-field";
    let mut world = World::new();
    world.set("AUTOCOM_TOKEN", token);
    world.config(&format!(
        "\"{token}\" = 1\nprofile = \"{token}\"\noutput = \"{token}\"\n[profiles.p]\napi_url = \"{token}\"\nca_bundle = \"{token}\"\n\
         [profiles.{token}]\napi_url = \"http://127.0.0.1:9\"\n[profiles.\"{token}.x\"]\n[profiles.q]\n\
         api_url = \"http://127.0.0.1:9\"\ntenant = \"{token}\"\nexpect_user = \"{token}\"\nproxy = \"http://ada:hunter2@{token}\"\n"
    ));
    world.write("pins.toml", &format!("\"{token}\" = 1\n[pins]\n\"/{token}\" = \"{token}\"\n"));
    let line = json!({
        "at": "2026-01-01T00:00:00Z", "event": "unlocked", "profile": "q", "user": token,
        "until": "2026-01-01T00:00:00Z", "reason": token,
    });
    world.write("unlocked.json", token);
    world.write("journal.jsonl", &format!("{line}\n"));
    world.plant("hunter2");
    for line in [
        "profiles list",
        "profiles show",
        "-p q profiles show --explain",
        "-p q config list",
        "whoami",
        "doctor --offline",
        "profiles pin",
        "profiles use p",
        "-p q auth status",
        "journal",
        "-p p api profile",
        "-p q -vvv api profile",
    ] {
        let outcome = world.run(line);
        let texts = [("stdout", outcome.stdout.as_str()), ("stderr", outcome.stderr.as_str())];
        assert_untold(line, &[token.to_owned()], &texts);
    }
}
