//! Hints that lead back to where the command was: what was named on its command line is named again in the
//! command that comes next. Else it would be typed as it stands, and lead to whatever is active.

use crate::config::Resolved;
use crate::domain::{ApiUrl, Layer, ProfileName, shell_word};
use crate::error::Error;
use crate::session::profile::login_command::login_command;

pub(crate) const LOGIN: &str = "autocom auth login";
/// Commands that look at the settings of one profile.
const LOOKS: [&str; 4] = [
    "autocom config get api_url",
    "autocom config get client_id",
    "autocom config get scope",
    "autocom config list",
];

/// An option, with the value that it takes.
pub(crate) type Words = (&'static str, Option<String>);

/// An error about a profile that a flag named or turned to an address: what its hint looks at, or logs in to, is that
/// too.
pub(crate) fn about_profile(error: Error, profile: &Resolved) -> Error {
    let url = profile.api_url.as_ref().filter(|url| url.layer == Layer::Flag).map(|url| &url.value);
    let name = profile.name().filter(|_| profile.selection.by_profile_flag());
    let error = look_at(error, name, url);
    let hint = error.hint.map(|hint| {
        let target = [words_of(&login_command(profile))];
        each(&hint, LOGIN, |own| if names_target(own) { String::new() } else { spelled(&target) })
    });
    Error { hint, ..error }
}

/// What the hint looks at is the profile or address that was named.
pub(crate) fn look_at(error: Error, name: Option<&ProfileName>, url: Option<&ApiUrl>) -> Error {
    let named = [
        name.map(|name| ("--profile", Some(name.to_string()))),
        url.map(|url| ("--api-url", Some(shell_word(url)))),
    ];
    let named: Vec<Words> = named.into_iter().flatten().collect();
    let hint = error.hint.map(|mut hint| {
        if let Some(url) = url {
            // No need to look up what was typed.
            hint = hint.replace(LOOKS[0], url.as_str());
        }
        LOOKS.iter().fold(hint, |hint, command| each(&hint, command, |own| lacking(&named, own)))
    });
    Error { hint, ..error }
}

/// The target of a [`login_command`].
pub(crate) fn words_of(command: &str) -> Words {
    match command.rsplit_once(' ') {
        Some((rest, value)) if rest.ends_with("--profile") => ("--profile", Some(value.to_owned())),
        Some((_, value)) => ("--api-url", Some(value.to_owned())),
        None => ("--api-url", Some("URL".to_owned())),
    }
}

pub(crate) fn has(own: &str, flag: &str) -> bool {
    own.split_whitespace().any(|word| word == flag)
}

pub(crate) fn names_target(own: &str) -> bool {
    has(own, "--profile") || has(own, "--api-url")
}

/// Those of `options` that the command does not have, as they are typed.
pub(crate) fn lacking(options: &[Words], own: &str) -> String {
    let lacking: Vec<Words> = options.iter().filter(|(flag, _)| !has(own, flag)).cloned().collect();
    spelled(&lacking)
}

fn spelled(options: &[Words]) -> String {
    options
        .iter()
        .map(|(flag, value)| match value {
            Some(value) => format!(" {flag} {value}"),
            None => format!(" {flag}"),
        })
        .collect()
}

/// `hint` with what `more` makes of the arguments of each `command` in it before these.
pub(crate) fn each(hint: &str, command: &str, more: impl Fn(&str) -> String) -> String {
    rewrite(hint, command, |own| more(own) + own)
}

/// As [`each`], but behind them.
pub(crate) fn each_end(hint: &str, command: &str, more: impl Fn(&str) -> String) -> String {
    rewrite(hint, command, |own| own.to_owned() + &more(own))
}

fn rewrite(hint: &str, command: &str, arguments: impl Fn(&str) -> String) -> String {
    let mut pieces = hint.split(command);
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (own, rest) = piece.split_at(end_of_command(piece));
        whole = whole + command + &arguments(own) + rest;
    }
    whole
}

/// Where the sentence goes on behind a command: not within a quoted value.
fn end_of_command(piece: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let ends = |at: &usize| [", ", "; ", ")"].iter().any(|stop| piece[*at..].starts_with(stop));
    let end = piece.char_indices().find_map(|(at, c)| {
        let literal = escaped;
        escaped = c == '\\' && !quoted && !literal;
        quoted ^= c == '\'' && !literal;
        Some(at).filter(|at| !quoted && !literal && ends(at))
    });
    end.unwrap_or(piece.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_value_ends_no_command() {
        for (piece, own) in [
            (" --tenant 'a; b)', or", " --tenant 'a; b)'"),
            (r" --tenant 'it'\''s); x'; or", r" --tenant 'it'\''s); x'"),
            (" --use)", " --use"),
            (" --use", " --use"),
        ] {
            assert_eq!(&piece[..end_of_command(piece)], own);
        }
    }

    #[test]
    fn each_command_of_a_hint_gets_what_it_lacks_and_nothing_twice() {
        let options = [("--profile", Some("prod".to_owned())), ("--use", None)];
        let hint = "autocom auth login --no-browser, or: autocom auth login --profile NAME --token-stdin";
        let once = each(hint, LOGIN, |own| lacking(&options, own));
        assert_eq!(
            once,
            "autocom auth login --profile prod --use --no-browser, or: \
             autocom auth login --use --profile NAME --token-stdin"
        );
        assert_eq!(each(&once, LOGIN, |own| lacking(&options, own)), once);
        assert_eq!(each("mend it", LOGIN, |own| lacking(&options, own)), "mend it");
    }
}
