//! Hints of a login that failed: the command that was typed, with what it lacked.

use crate::config::{Resolved, resolve, select};
use crate::domain::redact::looks_like_a_token;
use crate::domain::{ApiUrl, CommandOption, Hint, Key, NextCommand, ProfileName};
use crate::error::Error;
use crate::session::context::Context;
use crate::session::login::request::{LoginRequest, Method};
use crate::session::profile::hints::{self, LOGIN, names_target};
use crate::session::profile::login_command::{by_token, login_target};

/// A list of expectations is shorter, and a token longer.
const MAX_REPEATED: usize = 128;

/// An error of a login, whose hints begin that login again.
pub(crate) fn about_login(context: &Context, error: Error, request: &LoginRequest) -> Error {
    let profile = context.config().ok().and_then(|config| resolve(config, select(config).ok()?).ok());
    // One that the login makes can't be shown yet.
    let typed = typed_url(context).filter(|_| profile.is_none());
    let error = hints::show(error, profile.as_ref(), typed.as_ref());
    let hint = error.hint.map(|hint| login_again(context, hint, profile.as_ref(), request));
    Error { hint, ..error }
}

/// `hint` with every login in it made this one again: what was typed is typed again, all but a token.
pub(crate) fn login_again(
    context: &Context,
    hint: Hint,
    profile: Option<&Resolved>,
    request: &LoginRequest,
) -> Hint {
    let resolved = profile.map(login_target);
    let typed = typed_target(context);
    let options = typed_options(context, request);
    hint.each(|command| {
        if !command.is(LOGIN) {
            return command.into();
        }
        // What is resolved from the same flags says no more than they do.
        let command = resolved.iter().fold(command, NextCommand::without);
        let is_unnamed = typed.is_empty() && !names_target(&command);
        let target = resolved.as_slice().iter().filter(|_| is_unnamed).chain(&typed).cloned();
        let command = command.with(&options).with(&target.collect::<Vec<_>>());
        if ["--no-browser", "--device", "--token-stdin"].iter().any(|method| command.has(method)) {
            return command.into();
        }
        Hint::from(match request.method {
            Method::Browser => command,
            Method::Paste => command.words("--no-browser"),
            Method::Device => command.words("--device"),
            Method::Token => by_token(command),
        })
    })
}

fn typed_url(context: &Context) -> Option<ApiUrl> {
    context.flags.get(Key::ApiUrl)?.parse().ok()
}

/// Whom the login was for, by flag. A value that is none is not said again.
fn typed_target(context: &Context) -> Vec<CommandOption> {
    let profile = context.flags.get(Key::Profile).map(|text| match text.parse::<ProfileName>() {
        Ok(name) => CommandOption::new("--profile", name),
        Err(_) => CommandOption::placeholder("--profile", "NAME"),
    });
    let url = context.flags.get(Key::ApiUrl).map(|_| match typed_url(context) {
        Some(url) => CommandOption::new("--api-url", url),
        None => CommandOption::placeholder("--api-url", "URL"),
    });
    profile.into_iter().chain(url).collect()
}

fn typed_options(context: &Context, request: &LoginRequest) -> Vec<CommandOption> {
    let flags = &context.flags;
    // So long is no name, but a token in the wrong place may be.
    let option = |flag: &'static str, text: &str| {
        let may_be_secret = text.len() > MAX_REPEATED || looks_like_a_token(text);
        if may_be_secret { CommandOption::placeholder(flag, "VALUE") } else { CommandOption::new(flag, text) }
    };
    let keys = [Key::Tenant, Key::ClientId, Key::Scope, Key::Store].into_iter();
    let valued = keys.filter_map(|key| Some(option(key.flag()?, flags.get(key)?)));
    let given = [("--use", request.make_active), ("--lock-user", request.lock_user)];
    let given = given.into_iter().filter(|(_, given)| *given);
    let given = given.map(|(flag, _)| CommandOption { flag, value: None });
    let time = request.timeout.map(|time| CommandOption::new("--timeout", time.as_secs_f64()));
    let expected = flags.expect.iter().map(|text| option("--expect", text));
    valued.chain(given).chain(time).chain(expected).collect()
}
