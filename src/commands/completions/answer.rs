//! What `autocom __complete SHELL WORD...` answers: the candidates for the last word, a line each.
//!
//! No command of clap's, so that nothing lists it, and so that a command line is parsed once, by the engine.
//! Whatever goes wrong, it says nothing: a person is in the middle of a line.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::Command;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};

use super::names::{Names, Noun};
use super::paths;
use crate::commands::command_line::typed;
use crate::config::Flags;
use crate::domain::{Key, printable, steers};
use crate::system::environment::Environment;
use crate::system::words::split_words;

/// Longer help would push names off the screen.
const MAX_HELP: usize = 60;

/// The answer if `arguments` ask for candidates.
pub fn answer(
    root: impl FnOnce() -> Command,
    arguments: &[OsString],
    environment: &Environment,
) -> Option<String> {
    let [_, command, shell, words @ ..] = arguments else { return None };
    if command != "__complete" {
        return None;
    }
    let shell = shell.to_str().unwrap_or_default();
    let mut words = as_meant(shell, words);
    let Some(current) = words.last().and_then(|word| word.to_str()).map(str::to_owned) else {
        return Some(String::new());
    };
    // The engine would offer one name of each option, which says least: the letter.
    if let Some(last) = words.last_mut().filter(|last| *last == "-") {
        *last = "--".into();
    }
    let flags = Flags::default()
        .with(Key::Profile, typed(&words, Some('p'), "profile").map(str::to_owned))
        .with(Key::ApiUrl, typed(&words, None, "api-url").map(str::to_owned));
    let names = Arc::new(Names::new(environment.clone(), flags));
    let found = paths::candidates(&words, environment).unwrap_or_else(|| {
        let mut command = with_names(root(), "", &names);
        let index = words.len() - 1;
        complete(&mut command, words, index, environment.current_dir.as_deref()).unwrap_or_default()
    });
    let lines = shown(&found, &current).into_iter().filter_map(|candidate| line(shell, candidate));
    Some(lines.collect())
}

/// The words as the program would get them.
fn as_meant(shell: &str, words: &[OsString]) -> Vec<OsString> {
    let mut words = words.to_vec();
    match shell {
        // As they stand in the line, quotes and all.
        "bash" => words.iter_mut().for_each(|word| *word = unquoted(word)),
        // Assignments in front of the command count as words there.
        "fish" => {
            let assignments = words.iter().take_while(|word| word.to_string_lossy().contains('='));
            words.drain(..assignments.count());
        }
        // Marked, so that an empty one gets here.
        "powershell" => {
            if let Some(last) = words.last_mut() {
                *last = last.to_string_lossy().trim_start_matches(':').into();
            }
        }
        _ => {}
    }
    words
}

/// A quote that is not closed is one that is being typed.
fn unquoted(word: &OsStr) -> OsString {
    let Some(text) = word.to_str() else { return word.to_owned() };
    let closed = |text: &str| split_words(text).map(|words| words.join(" "));
    let meant = closed(text).or_else(|| closed(&format!("{text}\""))).or_else(|| closed(&format!("{text}'")));
    meant.map_or_else(|| word.to_owned(), OsString::from)
}

/// The tree of commands with our names in the places of those that are looked up.
fn with_names(command: Command, path: &str, names: &Arc<Names>) -> Command {
    let command = command.mut_args(|arg| match Noun::find(path, arg.get_id().as_str()) {
        Some(noun) => {
            let names = names.clone();
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| candidates(&names, noun, typed)))
        }
        None => arg,
    });
    command.mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name());
        with_names(sub, path.trim_start(), names)
    })
}

fn candidates(names: &Names, noun: Noun, typed: &OsStr) -> Vec<CompletionCandidate> {
    let found = names.beginning_with(noun, &typed.to_string_lossy()).into_iter();
    found.map(|(name, help)| CompletionCandidate::new(name).help(help.map(Into::into))).collect()
}

/// Options are for who begins to type one, unless there is nothing else.
fn shown<'c>(found: &'c [CompletionCandidate], current: &str) -> Vec<&'c CompletionCandidate> {
    let is_option =
        |candidate: &&CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    let others: Vec<_> = found.iter().filter(|candidate| !is_option(candidate)).collect();
    if current.starts_with('-') || others.is_empty() { found.iter().collect() } else { others }
}

/// A candidate as the shell's script reads it. None of what could leave its line or steer the terminal.
fn line(shell: &str, candidate: &CompletionCandidate) -> Option<String> {
    let value = candidate.get_value().to_str().filter(|value| !value.contains(steers))?;
    if shell == "bash" {
        return Some(format!("{}\n", escaped(value)));
    }
    let value = if shell == "powershell" { quoted(value) } else { value.to_owned() };
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    let help = printable(help.lines().next().unwrap_or_default(), MAX_HELP);
    Some(if help.is_empty() { format!("{value}\n") } else { format!("{value}\t{help}\n") })
}

/// bash puts a candidate into the line as it is; zsh and fish quote it themselves.
fn escaped(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./=:@%+,".contains(c);
    // A home folder that is quoted is none.
    let (home, rest) = value.strip_prefix("~/").map_or(("", value), |rest| ("~/", rest));
    let escaped = rest.chars().flat_map(|c| (!is_plain(c)).then_some('\\').into_iter().chain([c]));
    home.chars().chain(escaped).collect()
}

fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./\\=:%+".contains(c);
    if value.chars().all(is_plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_place_where_a_name_is_typed_has_its_names() {
        fn below(command: &Command, path: &str, found: &mut Vec<String>) {
            for arg in command.get_arguments() {
                if let Some(noun) = Noun::find(path, arg.get_id().as_str()) {
                    found.push(format!("{path} {} {noun:?}", arg.get_id()).trim_start().to_owned());
                }
            }
            for sub in command.get_subcommands() {
                below(sub, format!("{path} {}", sub.get_name()).trim_start(), found);
            }
        }
        let mut found = Vec::new();
        below(&Cli::command(), "", &mut found);
        for place in [
            "profile Profile",
            "tenant Tenant",
            "whoami profiles Profile",
            "profiles show name Profile",
            "profiles use name Profile",
            "profiles set name Profile",
            "profiles set settings Setting",
            "profiles rename name Profile",
            "profiles diff left Profile",
            "profiles diff right Profile",
            "profiles show explain Explained",
            "expect Expectation",
            "profiles remove name Profile",
            "profiles remove successor Profile",
            "tenants use slug Tenant",
            "config get key Key",
            "config set key Key",
            "config unset key Key",
            "orders list status Status",
        ] {
            assert!(found.iter().any(|known| known == place), "{place} is not in {found:#?}");
        }
    }

    #[test]
    fn a_name_is_one_word_in_every_shell() {
        let line = |shell, value: &str| line(shell, &CompletionCandidate::new(value)).unwrap_or_default();
        assert_eq!(line("bash", "a b;$(c)"), "a\\ b\\;\\$\\(c\\)\n");
        assert_eq!(line("bash", "~/a b~"), "~/a\\ b\\~\n");
        assert_eq!(line("powershell", "it's;"), "'it''s;'\n");
        assert_eq!(line("zsh", "a\nb"), "");
        assert_eq!(line("fish", "a\u{1b}[2J"), "");
        assert_eq!(unquoted("\"st".as_ref()), "st");
        assert_eq!(unquoted("'a b".as_ref()), "a b");
        assert_eq!(unquoted("a\\ b".as_ref()), "a b");
    }
}
