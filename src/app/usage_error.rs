//! clap's usage errors in our words, and without what may be a secret.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::domain::redact::looks_like_a_token;
use crate::domain::{ApiUrl, ProfileName, quoted, shell_word};
use crate::error::Error;

/// A command line about logging in may hold a token in any place: none of its values is repeated.
pub(super) fn usage_error(error: &clap::Error, arguments: &[OsString]) -> Error {
    let path = command_path(arguments);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Error::usage(format!("`{path}` requires a subcommand")).hint(format!("{path} --help"));
    }
    if arguments.iter().any(|argument| argument == "login" || argument == "auth") {
        return discreet(error, &path, &named_target(arguments));
    }
    let (message, tip) = in_claps_words(error);
    let whole = whole(error, &path, arguments);
    Error::usage(message).hint(tip.or(whole).unwrap_or_else(|| format!("{path} --help")))
}

/// The command line with a place for what it lacks. Only of commands whose words are names and settings, and only
/// where none has the sign behind a password in an address.
fn whole(error: &clap::Error, path: &str, arguments: &[OsString]) -> Option<String> {
    let is_plain = ["autocom profiles ", "autocom config ", "autocom tenants "];
    if error.kind() != ErrorKind::MissingRequiredArgument || !is_plain.iter().any(|it| path.starts_with(it)) {
        return None;
    }
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    if words.any(|word| word.contains('@') || looks_like_a_token(&word)) {
        return None;
    }
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    let typed = arguments.iter().skip(1).map(|word| quoted(word.as_ref()));
    let missing = missing.iter().map(|it| it.replace(['<', '>'], "").replace("...", ""));
    Some(std::iter::once("autocom".to_owned()).chain(typed).chain(missing).collect::<Vec<_>>().join(" "))
}

/// `target`: whom the command line is about, as it is typed again.
fn discreet(error: &clap::Error, path: &str, target: &str) -> Error {
    let argument = named(error, ContextKind::InvalidArg).unwrap_or_default();
    let help = format!("{path} --help");
    let (message, hint) = match error.kind() {
        // clap's name for an option without its value.
        ErrorKind::InvalidValue if named(error, ContextKind::InvalidValue).is_none_or(str::is_empty) => {
            (format!("`{argument}` lacks its value"), help)
        }
        ErrorKind::InvalidValue => {
            let values = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => values.join(", "),
                _ => String::new(),
            };
            (format!("the value of `{argument}` must be one of {values}"), help)
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(|why| format!(": it {why}")).unwrap_or_default();
            (format!("the value of `{argument}` is not valid{why}"), help)
        }
        ErrorKind::InvalidSubcommand => {
            let near = named(error, ContextKind::SuggestedSubcommand);
            let hint = near.map_or(help, |near| format!("{path} {near}{target}"));
            (format!("a subcommand that `{path}` does not know"), hint)
        }
        ErrorKind::UnknownArgument if looks_like_an_option(argument) => {
            let near = named(error, ContextKind::SuggestedArg);
            let hint = near.map_or(help, |near| format!("did you mean {near}? {path} --help"));
            (format!("`{path}` has no option `{argument}`"), hint)
        }
        ErrorKind::UnknownArgument => (
            format!("an argument that `{path}` does not know"),
            format!(
                "{path} --help; a token goes to standard input: \
                 autocom auth login{target} --token-stdin < token.txt"
            ),
        ),
        ErrorKind::TooManyValues => (format!("`{argument}` takes no value"), help),
        // These name nothing but our own options.
        ErrorKind::ArgumentConflict | ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand => {
            let (message, tip) = in_claps_words(error);
            (message, tip.unwrap_or(help))
        }
        _ => (format!("this is no command line of `{path}`"), help),
    };
    Error::usage(message).hint(hint)
}

/// `--profile` and `--api-url` as they were typed, so that what is typed next doesn't lead somewhere else. A value
/// that is none, or may be something else, has its place kept.
fn named_target(arguments: &[OsString]) -> String {
    let words: Vec<&str> = arguments.iter().skip(1).map(|word| word.to_str().unwrap_or_default()).collect();
    let profile = named_by(&words, "--profile", |word| word.starts_with('-') && word[1..].contains('p'));
    let url = named_by(&words, "--api-url", |_| false);
    let profile = profile.map(|text| match text.and_then(|text| text.parse::<ProfileName>().ok()) {
        Some(name) => format!(" --profile {name}"),
        None => " --profile NAME".to_owned(),
    });
    let url = url.map(|text| match text.and_then(|text| text.parse::<ApiUrl>().ok()) {
        Some(url) => format!(" --api-url {}", shell_word(url)),
        None => " --api-url URL".to_owned(),
    });
    profile.unwrap_or_default() + &url.unwrap_or_default()
}

/// Whether an option was typed, and the value that it certainly has.
fn named_by<'w>(words: &[&'w str], long: &str, other: impl Fn(&str) -> bool) -> Option<Option<&'w str>> {
    let attached = |word: &'w str| word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied();
        match attached(word) {
            Some(value) => found.push(Some(value)),
            None if *word == long || (*word == "-p" && other(word)) => found.push(next),
            // Among other letters or with its value behind it: who knows.
            None if !word.starts_with("--") && other(word) => found.push(None),
            None => {}
        }
    }
    match found.as_slice() {
        [] => None,
        [one] => Some(*one),
        _ => Some(None),
    }
}

fn named(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(texts) => texts.first().map(String::as_str),
        _ => None,
    }
}

/// `--client-ip`, and no token that happens to begin with dashes.
fn looks_like_an_option(text: &str) -> bool {
    let name = text.strip_prefix("--").unwrap_or_default();
    (1..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// The message, and the tip if there is one.
fn in_claps_words(error: &clap::Error) -> (String, Option<String>) {
    let text = error.render().to_string();
    let (message, rest) =
        text.strip_prefix("error: ").unwrap_or(&text).split_once("\n\n").unwrap_or((&text, ""));
    let mut tips = rest.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
    // That an unknown option may be meant as a value is hardly ever so.
    let tip = tips.find(|tip| !tip.starts_with("to pass"));
    (message.split_whitespace().collect::<Vec<_>>().join(" "), tip.map(str::to_owned))
}

/// `autocom` and the subcommands that were typed. Values of options are no subcommands.
fn command_path(arguments: &[OsString]) -> String {
    let mut root = Cli::command();
    root.build(); // global options belong to every subcommand from then on
    let (mut path, mut command) = (root.get_name().to_owned(), &root);
    let mut words = arguments.iter().skip(1).map(|argument| argument.to_str().unwrap_or_default());
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        } else if word.starts_with('-') {
            if takes_next(command, word) {
                words.next();
            }
        } else if let Some(sub) = command.find_subcommand(word) {
            path = format!("{path} {}", sub.get_name());
            command = sub;
        } else {
            break;
        }
    }
    path
}

/// Whether the word after this option is its value.
fn takes_next(command: &Command, word: &str) -> bool {
    let takes_value = |option: &clap::Arg| option.get_action().takes_values();
    if let Some(long) = word.strip_prefix("--") {
        return command.get_arguments().any(|it| it.get_long() == Some(long) && takes_value(it));
    }
    let letters = word[1..].char_indices().find_map(|(i, letter)| {
        let option = command.get_arguments().find(|it| it.get_short() == Some(letter) && takes_value(it));
        option.map(|_| i + 1 + letter.len_utf8() == word.len())
    });
    letters.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        ["autocom"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn whom_it_is_about_is_said_again_where_that_is_certain() {
        for (line, target) in [
            ("login", ""),
            ("login -p prod x", " --profile prod"),
            ("--profile=prod auth login x", " --profile prod"),
            ("login --api-url HTTPS://a.test", " --api-url https://a.test/api/v1"),
            ("login --api-url=https://u:hunter2@a.test -p prod", " --profile prod --api-url URL"),
            ("login -phunter2", " --profile NAME"),
            ("login -qp prod", " --profile NAME"),
            ("login -p prod -p hunter2", " --profile NAME"),
            ("login --profile eyJ.hunter2", " --profile NAME"),
            ("login -p", " --profile NAME"),
        ] {
            assert_eq!(named_target(&words(line)), target, "{line}");
        }
    }

    #[test]
    fn the_path_is_of_subcommands_and_not_of_values() {
        for (line, path) in [
            ("", "autocom"),
            ("-p config login hunter2", "autocom login"),
            ("-pconfig login hunter2", "autocom login"),
            ("--profile config -q auth -vp login status x", "autocom auth status"),
            ("--profile=config --frob profile ls whoami", "autocom profiles list"),
            ("hunter2 login", "autocom"),
            ("-- login", "autocom"),
        ] {
            assert_eq!(command_path(&words(line)), path, "{line}");
        }
    }
}
