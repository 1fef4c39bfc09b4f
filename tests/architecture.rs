//! The layers of ARCHITECTURE hold: `src/` is read, and an import that breaks the table fails here
//! with its line.

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import of the crate's own rooms.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("system", &["domain"]),
    ("config", &["domain", "system"]),
    ("credentials", &["domain", "system"]),
    ("oauth", &["domain", "system"]),
    ("platform", &["domain", "system"]),
    ("ui", &["domain"]),
    ("error", &["domain", "system", "config", "credentials", "oauth", "platform", "ui"]),
    ("session", &["domain", "system", "config", "credentials", "oauth", "platform", "error"]),
    ("commands", &["domain", "system", "config", "ui", "error", "session", "cli"]),
    ("cli", &["domain", "config", "commands", "ui", "error"]),
    ("logging", &["domain", "system"]),
    ("app", &["domain", "system", "ui", "error", "session", "commands", "cli", "logging"]),
];

/// Where a crate may appear.
const FENCES: &[(&str, &[&str])] = &[
    ("keyring_core", &["credentials/keychain"]),
    ("apple_native_keyring_store", &["credentials/keychain"]),
    ("windows_native_keyring_store", &["credentials/keychain"]),
    ("security_framework", &["credentials/keychain"]),
    ("secret_service", &["credentials/keychain"]),
    ("zbus", &["credentials/keychain"]),
    ("figment", &["config/"]),
    ("toml_edit", &["config/"]),
    ("toml", &["config/"]),
    ("oauth2", &["oauth/"]),
    ("reqwest", &["system/http/"]),
    ("rustls", &["system/http/"]),
    ("webpki", &["system/http/"]),
    ("h2", &["system/http/"]),
    ("comfy_table", &["ui/table.rs"]),
    ("inquire", &["ui/prompt.rs"]),
    ("crossterm", &["ui/spinner.rs"]),
    ("clap_complete", &["commands/completions/"]),
    ("clap_mangen", &["commands/man.rs"]),
    ("clap", &["cli.rs", "app.rs", "app/", "commands/"]),
    ("open", &["system/browser.rs"]),
    ("jaq_core", &["ui/jq.rs"]),
    ("jaq_json", &["ui/jq.rs"]),
    ("jaq_std", &["ui/jq.rs"]),
    ("hyper", &["oauth/callback.rs", "system/http/"]),
];

/// What panics where the system has no descriptor or thread left, and where it may be called.
const CALLS: &[(&str, &str)] = &[
    ("thread::spawn(", "system/runtime.rs"),
    ("spawn_blocking(", "system/runtime.rs"),
    ("Builder::new_current_thread(", "system/runtime.rs"),
    ("Builder::new_multi_thread(", "system/runtime.rs"),
    ("Timestamp::now(", "system/clock.rs"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The names that follow `prefix` in a line, as in `crate::NAME` (also `crate::{A, B}` on one line).
fn named<'l>(line: &'l str, prefix: &str) -> Vec<&'l str> {
    let mut names = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':')) {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        let list = rest.strip_prefix('{').map_or(rest, |rest| rest.split('}').next().unwrap_or(rest));
        let words: &[&str] = &list.split(',').collect::<Vec<_>>();
        let words = if rest.starts_with('{') { words } else { &words[..1] };
        names.extend(words.iter().filter_map(|word| {
            word.trim()
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next()
                .filter(|name| !name.is_empty())
        }));
    }
    names
}

/// The lines without their comments, each import that spans several as one, with their numbers.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        match found.last_mut().filter(|_| open) {
            Some((_, statement)) => statement.push_str(code.trim()),
            None => found.push((number + 1, code.to_owned())),
        }
        let begins = code.trim_start().trim_start_matches("pub ").starts_with("use ");
        open = (open || begins) && !code.contains(';');
    }
    found
}

fn broken_rules(file: &str, text: &str) -> Vec<String> {
    let room = file.split('/').next().unwrap().trim_end_matches(".rs");
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return match room {
            "lib" | "main" | "build" => Vec::new(),
            _ => vec![format!("src/{file}: the room `{room}` is not in the table")],
        };
    };
    let mut broken = Vec::new();
    for (number, code) in statements(text) {
        let (code, place) = (code.as_str(), format!("src/{file}:{number}"));
        for name in named(code, "crate::") {
            let is_room = ROOMS.iter().any(|(room, _)| *room == name);
            if is_room && name != room && !allowed.contains(&name) {
                broken.push(format!("{place}: `{room}` must not import `{name}`"));
            }
        }
        for (call, home) in CALLS.iter().filter(|(call, _)| code.contains(call)) {
            if file != *home {
                broken.push(format!("{place}: `{call}` belongs in {home}"));
            }
        }
        for (krate, rooms) in FENCES {
            let uses = code.contains(&format!("{krate}::")) && !named(code, &format!("{krate}::")).is_empty();
            if uses && !rooms.iter().any(|room| file.starts_with(room)) {
                broken.push(format!("{place}: the crate `{krate}` belongs in {}", rooms.join(", ")));
            }
        }
    }
    broken
}

#[test]
fn layers_and_fences_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 40, "src/ was not found as a whole");
    let broken: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let file = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            broken_rules(&file, &fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_guard_sees_what_it_must() {
    let broken = |file, text| broken_rules(file, text).len();
    assert_eq!(broken("oauth/flow.rs", "use crate::config::Config;"), 1);
    assert_eq!(broken("oauth/flow.rs", "use crate::{domain::Secret, session::Session};"), 1);
    assert_eq!(broken("session/login.rs", "use crate::{\n    domain::Secret,\n    ui::prompt,\n};"), 1);
    assert_eq!(broken("domain/key.rs", "let x = crate::system::paths::Paths::default();"), 1);
    assert_eq!(broken("session/login.rs", "use reqwest::Client;"), 1);
    assert_eq!(broken("config/edit.rs", "use toml_edit::Item; use crate::domain::Key; // crate::app"), 0);
    assert_eq!(broken("session/login.rs", "std::thread::spawn(work);"), 1);
    assert_eq!(broken("nowhere/x.rs", ""), 1);
}
