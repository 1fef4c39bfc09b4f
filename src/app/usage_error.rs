//! clap's usage errors in our words, and without what may be a secret.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::domain::redact::looks_like_a_token;
use crate::domain::{ApiUrl, CommandOption, Hint, NextCommand, ProfileName, autocom};
use crate::error::Error;

/// A command line about logging in may hold a token in any place: none of its values is repeated.
pub(super) fn usage_error(error: &clap::Error, arguments: &[OsString]) -> Error {
    let path = command_path(arguments);
    let help = path.clone().words("--help");
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Error::usage(format!("`{path}` requires a subcommand")).hint(help);
    }
    if arguments.iter().any(|argument| argument == "login" || argument == "auth") {
        return discreet(error, path, &named_target(arguments));
    }
    let (message, tip) = in_claps_words(error);
    let whole = || whole(error, &path, arguments).unwrap_or(help.into());
    Error::usage(message).hint(tip.map_or_else(whole, Hint::from))
}

/// The command line with a place for what it lacks. Only of commands whose words are names and settings, and only
/// where none has the sign behind a password in an address.
fn whole(error: &clap::Error, path: &NextCommand, arguments: &[OsString]) -> Option<Hint> {
    let is_plain = ["profiles", "config", "tenants"].iter().any(|group| path.is(group));
    if error.kind() != ErrorKind::MissingRequiredArgument || !is_plain {
        return None;
    }
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    if words.any(|word| word.contains('@') || looks_like_a_token(&word)) {
        return None;
    }
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    let typed = arguments.iter().skip(1).fold(NextCommand::default(), |it, word| it.value(word.display()));
    let missing = missing.iter().map(|it| it.replace(['<', '>'], "").replace("...", ""));
    let whole = missing.fold(typed, NextCommand::placeholder);
    // What was typed may be an alias.
    Some(if path.is_for_a_person() { whole.to_string().into() } else { whole.into() })
}

/// `target`: whom the command line is about, as it is typed again.
fn discreet(error: &clap::Error, path: NextCommand, target: &[CommandOption]) -> Error {
    let argument = named(error, ContextKind::InvalidArg).unwrap_or_default();
    let help = path.clone().words("--help");
    let (message, hint) = match error.kind() {
        // clap's name for an option without its value.
        ErrorKind::InvalidValue if named(error, ContextKind::InvalidValue).is_none_or(str::is_empty) => {
            (format!("`{argument}` lacks its value"), help.into())
        }
        ErrorKind::InvalidValue => {
            let values = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => values.join(", "),
                _ => String::new(),
            };
            (format!("the value of `{argument}` must be one of {values}"), help.into())
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(|why| format!(": it {why}")).unwrap_or_default();
            (format!("the value of `{argument}` is not valid{why}"), help.into())
        }
        ErrorKind::InvalidSubcommand => {
            let near = named(error, ContextKind::SuggestedSubcommand);
            let message = format!("a subcommand that `{path}` does not know");
            (message, near.map_or(help, |near| path.value(near).with(target)).into())
        }
        ErrorKind::UnknownArgument if looks_like_an_option(argument) => {
            let near = named(error, ContextKind::SuggestedArg);
            let message = format!("`{path}` has no option `{argument}`");
            let meant = near.map(|near| help.clone().after(format!("did you mean {near}? ")));
            (message, meant.unwrap_or(help.into()))
        }
        ErrorKind::UnknownArgument => {
            let login = autocom("auth login").with(target).words("--token-stdin").input("token.txt");
            let hint = help.text("; a token goes to standard input: ").command(login);
            (format!("an argument that `{path}` does not know"), hint)
        }
        ErrorKind::TooManyValues => (format!("`{argument}` takes no value"), help.into()),
        // These name nothing but our own options.
        ErrorKind::ArgumentConflict | ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand => {
            let (message, tip) = in_claps_words(error);
            (message, tip.map_or(help.into(), Hint::from))
        }
        _ => (format!("this is no command line of `{path}`"), help.into()),
    };
    Error::usage(message).hint(hint)
}

/// `--profile` and `--api-url` as they were typed, so that what is typed next doesn't lead somewhere else. A value
/// that is none, or may be something else, has its place kept.
fn named_target(arguments: &[OsString]) -> Vec<CommandOption> {
    let words: Vec<&str> = arguments.iter().skip(1).map(|word| word.to_str().unwrap_or_default()).collect();
    let profile = named_by(&words, "--profile", |word| word.starts_with('-') && word[1..].contains('p'));
    let url = named_by(&words, "--api-url", |_| false);
    let profile = profile.map(|text| match text.and_then(|text| text.parse::<ProfileName>().ok()) {
        Some(name) => CommandOption::new("--profile", name),
        None => CommandOption::placeholder("--profile", "NAME"),
    });
    let url = url.map(|text| match text.and_then(|text| text.parse::<ApiUrl>().ok()) {
        Some(url) => CommandOption::new("--api-url", url),
        None => CommandOption::placeholder("--api-url", "URL"),
    });
    profile.into_iter().chain(url).collect()
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
fn command_path(arguments: &[OsString]) -> NextCommand {
    let mut root = Cli::command();
    root.build(); // global options belong to every subcommand from then on
    let (mut path, mut command) = (NextCommand::default(), &root);
    let mut words = arguments.iter().skip(1).map(|argument| argument.to_str().unwrap_or_default());
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        } else if word.starts_with('-') {
            if takes_next(command, word) {
                words.next();
            }
        } else if let Some(sub) = command.find_subcommand(word) {
            path = path.value(sub.get_name());
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
            let named = autocom("x").with(&named_target(&words(line))).to_string();
            assert_eq!(named, format!("autocom x{target}"), "{line}");
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
            assert_eq!(command_path(&words(line)).to_string(), path, "{line}");
        }
    }
}
