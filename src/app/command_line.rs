//! From words to a [`Cli`], without building what the words don't ask for.

use std::ffi::OsString;
use std::mem::ManuallyDrop;

use clap::{Args, Command, CommandFactory, FromArgMatches};

use crate::cli::{Cli, GlobalFlags};
use crate::commands::{auth, config, exec, profiles, prompt, version, whoami};

/// What `Cli::try_parse_from` does. Clap's tree of all commands is 280 KB of memory, each page of it new to
/// the process: more than all the rest of a short command costs. So what shells and scripts call all the time
/// is tried with a tree that has that command alone; whatever this doesn't understand (a mistake, help, an
/// alias, any other command) the whole tree answers.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    // No tree is taken down piece by piece: the process ends soon.
    let small = small_tree(arguments).map(ManuallyDrop::new);
    let matches = small.and_then(|mut tree| tree.try_get_matches_from_mut(arguments).ok());
    if let Some(cli) = matches.and_then(|matches| Cli::from_arg_matches(&matches).ok()) {
        return Ok(cli);
    }
    let mut whole = ManuallyDrop::new(Cli::command());
    let matches = whole.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut whole))
}

/// The root with the one command that the words name, from the same derived parts as the whole. That a word is
/// a flag's value after all, this tree will not understand.
fn small_tree(arguments: &[OsString]) -> Option<Command> {
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let first = words.find(|word| {
        matches!(*word, "prompt" | "version" | "whoami" | "exec" | "profiles" | "auth" | "config")
    })?;
    let mut verb_of = |group: &'static str| {
        let verb = words.find_map(|word| match (group, word) {
            ("profiles", "list") => Some(of::<profiles::list::List>("list")),
            ("profiles", "current") => Some(of::<profiles::current::Current>("current")),
            ("profiles", "show") => Some(of::<profiles::show::Show>("show")),
            ("profiles", "use") => Some(of::<profiles::r#use::Use>("use")),
            ("auth", "token") => Some(of::<auth::token::Token>("token")),
            ("config", "get") => Some(of::<config::get::Get>("get")),
            _ => None,
        })?;
        Some(Command::new(group).subcommand_required(true).subcommand(verb))
    };
    let command = match first {
        "prompt" => of::<prompt::Prompt>("prompt"),
        "version" => of::<version::Version>("version"),
        "whoami" => of::<whoami::Whoami>("whoami"),
        "exec" => of::<exec::Exec>("exec"),
        "profiles" => verb_of("profiles")?,
        "auth" => verb_of("auth")?,
        _ => verb_of("config")?,
    };
    let root = GlobalFlags::augment_args(Command::new("autocom"));
    Some(root.subcommand_required(true).subcommand(command))
}

fn of<A: Args>(name: &'static str) -> Command {
    A::augment_args(Command::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of all commands that have none below them, by name and by alias.
    fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
        for sub in command.get_subcommands() {
            for name in std::iter::once(sub.get_name()).chain(sub.get_all_aliases()) {
                let path = format!("{path} {name}");
                if sub.has_subcommands() {
                    leaves(sub, &path, found);
                } else {
                    found.push(path);
                }
            }
        }
    }

    #[test]
    fn the_small_tree_means_what_the_whole_means() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "", &mut found);
        assert!(found.len() > 20 && found.contains(&" profile ls".to_owned()), "{found:?}");
        let (mut understood, mut small) = (0, 0);
        for path in &found {
            let lines = [
                "",
                "one",
                "-p list -o json",
                "--tenant use one two=3",
                "-qvv --color never list",
                "--check",
                "--shell",
                "-p prompt",
                "-- true",
                "-V",
                "-h",
                "nonsense --x",
            ];
            for line in lines {
                for line in [format!("autocom {path} {line}"), format!("autocom {line} {path}")] {
                    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
                    let text = |cli: Result<Cli, clap::Error>| match cli {
                        Ok(cli) => format!("{cli:?}"),
                        Err(error) => error.to_string(),
                    };
                    let whole = <Cli as clap::Parser>::try_parse_from(&words);
                    understood += usize::from(whole.is_ok());
                    small += usize::from(
                        small_tree(&words).is_some_and(|tree| tree.try_get_matches_from(&words).is_ok()),
                    );
                    assert_eq!(text(parse(&words)), text(whole), "{line}");
                }
            }
        }
        assert!(understood > 150 && small > 50, "{small} of {understood}");
    }
}
