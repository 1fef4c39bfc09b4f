//! Hints that lead back to where the command was: what was named on its command line is named again in the
//! command that comes next. Else that would be about whatever is active.

use crate::config::Resolved;
use crate::domain::{ApiUrl, CommandOption, Layer, NextCommand, ProfileName};
use crate::error::Error;
use crate::session::profile::login_command::login_target;

pub(crate) const LOGIN: &str = "auth login";
const GET_ADDRESS: &str = "config get api_url";
/// Commands that show the settings of one profile.
const SHOW: [&str; 4] = [GET_ADDRESS, "config get client_id", "config get scope", "config list"];

/// An error about a profile that a flag named or turned to an address: what its hint shows, or logs in to, is that
/// too.
pub(crate) fn about_profile(error: Error, profile: &Resolved) -> Error {
    let target = [login_target(profile)];
    show(error, Some(profile), None).each_command(|command| {
        let is_bare = command.is(LOGIN) && !names_target(&command);
        if is_bare { command.with(&target).into() } else { command.into() }
    })
}

/// What the hint shows is of the profile or address that was named. `typed`: an address that is no profile's yet.
pub(crate) fn show(error: Error, profile: Option<&Resolved>, typed: Option<&ApiUrl>) -> Error {
    let by_flag = profile.filter(|profile| profile.selection.by_profile_flag());
    let name =
        by_flag.and_then(Resolved::name).map(|name: &ProfileName| CommandOption::new("--profile", name));
    let url = profile.and_then(|profile| profile.api_url.as_ref()).filter(|url| url.layer == Layer::Flag);
    let url = url.map(|url| &url.value).or(typed);
    let options: Vec<_> =
        name.into_iter().chain(url.map(|url| CommandOption::new("--api-url", url))).collect();
    error.each_command(|command| match url {
        // No need to look up what was typed.
        Some(url) if command.is(GET_ADDRESS) => url.as_str().into(),
        _ if SHOW.iter().any(|words| command.is(words)) => command.with(&options).into(),
        _ => command.into(),
    })
}

pub(crate) fn names_target(command: &NextCommand) -> bool {
    command.has("--profile") || command.has("--api-url")
}
