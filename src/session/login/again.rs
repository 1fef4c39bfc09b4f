//! Hints of a login that failed: the command that was typed, with what it lacked.

use crate::config::{Resolved, resolve, select};
use crate::domain::redact::looks_like_a_token;
use crate::domain::{ApiUrl, Layer, ProfileName, shell_word};
use crate::error::Error;
use crate::session::context::Context;
use crate::session::login::request::{LoginRequest, Method};
use crate::session::profile::hints::{self, LOGIN, Words, names_target};
use crate::session::profile::login_command::{BY_TOKEN, login_command};

/// A list of expectations is shorter, and a token longer.
const MAX_REPEATED: usize = 128;

/// An error of a login, whose hints begin that login again.
pub(crate) fn about_login(context: &Context, error: Error, request: &LoginRequest) -> Error {
    let profile = context.config().ok().and_then(|config| resolve(config, select(config).ok()?).ok());
    let error = match &profile {
        Some(profile) => hints::look_at(
            error,
            profile.name().filter(|_| profile.selection.by_profile_flag()),
            profile.api_url.as_ref().filter(|url| url.layer == Layer::Flag).map(|url| &url.value),
        ),
        // One that the login makes can't be looked at yet.
        None => hints::look_at(error, None, typed_url(context).as_ref()),
    };
    let hint = error.hint.map(|hint| login_again(context, &hint, profile.as_ref(), request));
    Error { hint, ..error }
}

/// `hint` with every login in it made this one again: what was typed is typed again, all but a token.
pub(crate) fn login_again(
    context: &Context,
    hint: &str,
    profile: Option<&Resolved>,
    request: &LoginRequest,
) -> String {
    let resolved = profile.map(login_command);
    // What is resolved from the same flags says no more than they do.
    let hint = resolved.as_ref().map_or_else(|| hint.to_owned(), |command| hint.replace(command, LOGIN));
    let typed = typed_target(context);
    let options = typed_options(context, request);
    let hint = hints::each(&hint, LOGIN, |own| {
        let target = match &resolved {
            Some(command) if typed.is_empty() && !names_target(own) => vec![hints::words_of(command)],
            _ => typed.clone(),
        };
        hints::lacking(&target, own) + &hints::lacking(&options, own)
    });
    let way = match request.method {
        Method::Browser => return hint,
        Method::Paste => "--no-browser",
        Method::Device => "--device",
        Method::Token => BY_TOKEN,
    };
    hints::each_end(&hint, LOGIN, |own| {
        let has_one = ["--no-browser", "--device", "--token-stdin"].iter().any(|way| hints::has(own, way));
        if has_one { String::new() } else { format!(" {way}") }
    })
}

fn typed_url(context: &Context) -> Option<ApiUrl> {
    context.flags.api_url.as_ref()?.parse().ok()
}

/// Whom the login was for, by flag. A value that is none is not said again.
fn typed_target(context: &Context) -> Vec<Words> {
    let profile = context.flags.profile.as_ref().map(|text| match text.parse::<ProfileName>() {
        Ok(name) => ("--profile", Some(name.to_string())),
        Err(_) => ("--profile", Some("NAME".to_owned())),
    });
    let url = context.flags.api_url.as_ref().map(|_| match typed_url(context) {
        Some(url) => ("--api-url", Some(shell_word(url))),
        None => ("--api-url", Some("URL".to_owned())),
    });
    profile.into_iter().chain(url).collect()
}

fn typed_options(context: &Context, request: &LoginRequest) -> Vec<Words> {
    let flags = &context.flags;
    // So long is no name, but a token in the wrong place may be.
    let word = |text: &String| {
        let may_be_secret = text.len() > MAX_REPEATED || looks_like_a_token(text);
        Some(if may_be_secret { "VALUE".to_owned() } else { shell_word(text) })
    };
    let valued = [
        ("--tenant", flags.tenant.as_ref()),
        ("--client-id", flags.client_id.as_ref()),
        ("--scope", flags.scope.as_ref()),
        ("--store", flags.store.as_ref()),
    ];
    let valued = valued.into_iter().filter_map(|(flag, text)| Some((flag, word(text?))));
    let given = [("--use", request.make_active), ("--lock-user", request.lock_user)];
    let given = given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| (flag, None));
    let time = request.timeout.map(|time| ("--timeout", Some(time.as_secs_f64().to_string())));
    let expected = flags.expect.iter().map(|text| ("--expect", word(text)));
    valued.chain(given).chain(time).chain(expected).collect()
}
