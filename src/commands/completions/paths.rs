//! Paths and commands where clap's tree does not know that one is typed.

use std::ffi::{OsStr, OsString};
use std::fs;

use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};

use crate::system::environment::Environment;

/// The candidates for the last word, if a path or a command is typed in it.
pub(super) fn candidates(words: &[OsString], environment: &Environment) -> Option<Vec<CompletionCandidate>> {
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let (current, before) = words.split_last()?;
    let has = |word: &str| before.contains(&word);
    if has("exec")
        && let Some(end) = before.iter().position(|word| *word == "--")
    {
        let is_command = end + 1 == before.len() && !current.contains('/');
        return Some(if is_command {
            commands(current, environment)
        } else {
            paths("", current, environment)
        });
    }
    let previous = before.last().copied().unwrap_or_default();
    let is_field = has("api")
        && (matches!(previous, "-F" | "--field")
            || current.starts_with("-F")
            || current.starts_with("--field="));
    let prefix = if is_field {
        &current[..current.find("=@")? + 2]
    } else if current.starts_with("ca_bundle=") {
        "ca_bundle="
    } else if previous == "ca_bundle" && has("config") {
        ""
    } else {
        return None;
    };
    Some(paths(prefix, &current[prefix.len()..], environment))
}

fn paths(prefix: &str, typed: &str, environment: &Environment) -> Vec<CompletionCandidate> {
    let mut completer = PathCompleter::any();
    if let Some(here) = &environment.current_dir {
        completer = completer.current_dir(here);
    }
    let found = completer.complete(OsStr::new(typed)).into_iter();
    found.map(|candidate| candidate.add_prefix(prefix)).collect()
}

/// The programs on PATH whose names begin so.
fn commands(typed: &str, environment: &Environment) -> Vec<CompletionCandidate> {
    let path = environment.os_var("PATH").unwrap_or_default();
    let entries =
        std::env::split_paths(path).filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let names = entries.filter(is_program).filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(typed)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn is_program(entry: &fs::DirEntry) -> bool {
    // Through links.
    let Ok(metadata) = fs::metadata(entry.path()) else { return false };
    #[cfg(unix)]
    let is_executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let is_executable = true;
    metadata.is_file() && is_executable
}
