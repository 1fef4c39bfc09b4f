//! The sample files in `tests/configs/`: each is valid or invalid for the reason that its name gives.

use std::fs;
use std::path::Path;

use crate::support::{Outcome, World};

/// Runs `autocom config list` on every file of a folder, in the order of their names.
fn list_each(folder: &str, options: &str) -> Vec<(String, Outcome)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let list = |path: &Path| {
        let mut world = World::new();
        // A variable would override the file's value.
        world.unset("AUTOCOM_STORE");
        let outcome = world.config(&fs::read_to_string(path).unwrap()).run(&format!("config list {options}"));
        let stderr = outcome.stderr.replace(&world.path("").display().to_string(), "");
        Outcome { stderr, ..outcome }
    };
    paths.iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into(), list(path))).collect()
}

fn is_warning(name: &str) -> bool {
    name.ends_with("-is-a-warning")
}

/// What was printed about each invalid file whose name `is_wanted`.
fn printed(is_wanted: impl Fn(&str) -> bool) -> String {
    let wanted = list_each("invalid", "").into_iter().filter(|(name, _)| is_wanted(name));
    wanted.map(|(name, outcome)| format!("{name}\n{}", outcome.stderr)).collect::<Vec<_>>().join("\n")
}

#[test]
fn valid_files_are_listed_without_a_warning() {
    for (name, outcome) in list_each("valid", "-o json") {
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""), "{name}");
        assert_eq!(outcome.json()[0]["key"], "profile", "{name}");
    }
}

#[test]
fn invalid_files_are_reported_with_their_line() {
    for (name, outcome) in list_each("invalid", "") {
        let (code, prefix) = if is_warning(&name) { (0, "warning: ") } else { (2, "error: ") };
        assert_eq!(outcome.code, code, "{name}: {}", outcome.stderr);
        let first = outcome.stderr.lines().next().unwrap_or_default();
        assert!(first.starts_with(prefix), "{name}: {first}");
        let (_, place) = first.split_once("config.toml:").unwrap_or_else(|| panic!("{name}: {first}"));
        assert!(place.starts_with(|c: char| c.is_ascii_digit()), "{name}: {first}");
    }
}

#[test]
fn errors_name_the_value_and_a_way_to_fix_it() {
    insta::assert_snapshot!(printed(|name| !is_warning(name)), @r"
    active-profile-does-not-exist
    error: there is no profile `stagign` (named by config.toml:1)
    hint: profiles that exist: staging

    api-url-http-to-another-host
    error: `api_url` must use https: plain http would show the token to the network, and api.example.test is not a loopback host (from config.toml:1)
    hint: autocom config edit

    api-url-is-a-name
    error: `api_url` is not a URL: it has no scheme, and it is not a host name with a dot or a port (from config.toml:2)
    hint: autocom config edit

    api-url-is-a-number
    error: `api_url` must be a string (from config.toml:1)
    hint: autocom config edit

    api-url-of-a-profile-without-host
    error: `api_url` is not a URL: empty host (from config.toml:4)
    hint: autocom config edit

    api-url-of-graphql
    error: `api_url` is the GraphQL endpoint, not the API's address: use https://api.example.test/api/v1 (from config.toml:1)
    hint: autocom config edit

    key-set-twice
    error: config.toml:2:1: duplicate key
    hint: autocom config edit

    not-toml
    error: config.toml:2:10: string values must be quoted, expected literal string
    hint: autocom config edit

    output-is-unknown
    error: `output` must be one of table, json, yaml (from config.toml:1)
    hint: autocom config edit

    profile-is-not-a-table
    error: config.toml:4: `profiles.staging` must be a table
    hint: autocom profiles remove staging

    profile-name-with-a-dot
    error: config.toml:3: the profile name `api.staging` must be 1 to 64 letters, digits, `_` or `-`, starting with a letter or a digit
    hint: autocom profiles rename api.staging NEW-NAME

    profile-named-default
    error: config.toml:3: `[profiles.default]` can't be: the top level of this file is the profile `default`
    hint: autocom profiles rename default NEW-NAME

    profiles-is-not-a-table
    error: config.toml:1: `profiles` must be a table of profiles
    hint: autocom config edit

    profiles-that-share-a-token-variable
    error: config.toml:6: `prod-eu` and `prod_eu` can't coexist: both would take their token from AUTOCOM_TOKEN_PROD_EU
    hint: autocom profiles rename prod-eu NEW-NAME

    protected-is-text
    error: `protected` must be true or false (from config.toml:5)
    hint: autocom config edit

    proxy-with-a-password
    error: `proxy` must not carry a user name or password; the variable HTTPS_PROXY may (from config.toml:1)
    hint: autocom config edit

    revocation-url-is-http
    error: `revocation_url` must start with https:// (or http:// for a loopback host) (from config.toml:2)
    hint: autocom config edit

    ring-is-unknown
    error: `ring` must be one of stable, edge, canary, experimental (from config.toml:1)
    hint: autocom config edit

    store-is-unknown
    error: `store` must be one of auto, keychain, file (from config.toml:1)
    hint: autocom config edit

    table-header-without-end
    error: config.toml:1:18: unclosed table, expected `]`
    hint: autocom config edit

    tenant-with-a-space
    error: `tenant` must be one word of visible ASCII characters (from config.toml:1)
    hint: autocom config edit
    ");
}

#[test]
fn warnings_name_the_value_and_stop_no_command() {
    insta::assert_snapshot!(printed(is_warning), @r"
    bad-name-of-another-profile-is-a-warning
    warning: config.toml:6: the profile name `new prod` must be 1 to 64 letters, digits, `_` or `-`, starting with a letter or a digit; fix it with: autocom profiles rename 'new prod' NEW-NAME

    misspelled-expect-user-is-a-warning
    warning: config.toml:3: unknown key `profiles.prod.expected_user`, which has no effect (did you mean `expect_user`?)

    misspelled-protected-is-a-warning
    warning: config.toml:3: unknown key `profiles.prod.protectd`, which has no effect (did you mean `protected`?)
    ");
}
