//! A token that a variable supplies, and the one environment that it belongs to.

use super::{Config, Resolved};
use crate::domain::{ApiUrl, ProfileName, Secret};

/// A token from the environment: used, never stored, never refreshed.
#[derive(Debug, Clone)]
pub struct TokenVariable {
    pub name: String,
    pub token: Secret,
}

/// What the variables say about one profile.
#[derive(Debug, Clone, Default)]
pub struct TokenVariables {
    pub used: Option<TokenVariable>,
    /// `AUTOCOM_TOKEN` is set but belongs to another environment.
    pub passed_over: bool,
}

/// The variable that supplies the token of `profile`, if one does. `selected` is whether this is
/// the one profile that the command resolves: an `AUTOCOM_TOKEN` that names no environment is its.
pub fn token_variable(config: &Config, profile: &Resolved, selected: bool) -> TokenVariables {
    let Some(url) = profile.api_url.as_ref().map(|setting| &setting.value) else {
        return TokenVariables::default();
    };
    let read = |name: &str| {
        let token = Secret::new(config.environment.var(name)?.trim());
        (!token.is_empty()).then(|| TokenVariable { name: name.to_owned(), token })
    };
    // Bound to the profile's own environment: an overridden address must not get it.
    let own = profile.own_api_url.as_ref().or(profile.selection.only_in_variables.then_some(url));
    if let Some(name) = profile.name().filter(|_| own == Some(url))
        && let Some(used) = read(&name.token_variable())
    {
        return TokenVariables { used: Some(used), passed_over: false };
    }
    let Some(token) = read("AUTOCOM_TOKEN") else { return TokenVariables::default() };
    let belongs = match home_of_ambient_token(config) {
        Home::Environment(home) => home == *url,
        Home::Nowhere => false,
        Home::Selected => selected,
    };
    TokenVariables { used: belongs.then_some(token), passed_over: !belongs }
}

/// The variable that would supply the token of `profile` if there were something in it: what a CI job
/// gets for a secret that it may not see.
pub fn blank_token_variable(config: &Config, profile: &Resolved) -> Option<String> {
    let own = profile.name().map(ProfileName::token_variable);
    own.into_iter().chain(["AUTOCOM_TOKEN".to_owned()]).find(|name| config.environment.is_blank(name))
}

fn home_of_ambient_token(config: &Config) -> Home {
    let named = |text: Option<String>| {
        text.map(|text| text.parse::<ApiUrl>().map_or(Home::Nowhere, Home::Environment))
    };
    if let Some(home) = named(config.environment.var("AUTOCOM_API_URL")) {
        return home;
    }
    match config.environment.var("AUTOCOM_PROFILE") {
        Some(name) => {
            let own = name.parse().ok().and_then(|name| config.own_api_url(&name));
            own.map_or(Home::Nowhere, Home::Environment)
        }
        None => Home::Selected,
    }
}

enum Home {
    Environment(ApiUrl),
    /// The variables name an environment that isn't one.
    Nowhere,
    Selected,
}
