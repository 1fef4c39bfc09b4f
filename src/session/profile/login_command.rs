//! The command that logs a profile in, and the errors that lead to it.

use crate::config::Resolved;
use crate::domain::{ApiUrl, CommandOption, CredentialKey, NextCommand, Origin, TokenKind, autocom};
use crate::error::{Error, Kind};

/// Whether a flag or a variable has turned the profile to another address than its own.
fn is_turned_away(profile: &Resolved) -> bool {
    let url = profile.api_url.as_ref().map(|url| &url.value);
    profile.own_api_url.is_some() && profile.own_api_url.as_ref() != url
}

/// Whether a login with `--api-url` alone would make the profile.
fn is_new_by_url(profile: &Resolved) -> bool {
    profile.selection.origin == Origin::Flag("--api-url") && profile.own_api_url.is_none()
}

/// What a login into this profile names.
pub(crate) fn login_target(profile: &Resolved) -> CommandOption {
    match (profile.name(), &profile.api_url) {
        (Some(name), Some(_))
            if !profile.selection.only_in_variables
                && !is_turned_away(profile)
                && !is_new_by_url(profile) =>
        {
            CommandOption::new("--profile", name)
        }
        (_, Some(url)) => CommandOption::new("--api-url", &url.value),
        _ => CommandOption::placeholder("--api-url", "URL"),
    }
}

/// The command that logs this profile in.
pub fn login_command(profile: &Resolved) -> NextCommand {
    autocom("auth login").with(&[login_target(profile)])
}

/// As [`login_command`], with a token.
pub(crate) fn by_token(command: NextCommand) -> NextCommand {
    command.words("--token-stdin").input("token.txt")
}

/// The command that replaces the credential of this profile: a personal access token by another one.
pub fn login_again_command(profile: &Resolved) -> NextCommand {
    let login = profile.login.as_ref().filter(|login| !login.is_logged_out());
    match login.and_then(|login| login.kind) {
        Some(TokenKind::Pat) => by_token(login_command(profile)),
        _ => login_command(profile),
    }
}

/// Whose credential it is, for the errors about it.
#[derive(Debug, Clone)]
pub struct Owner {
    label: String,
    /// The address that a flag or variable has turned the profile to.
    elsewhere: Option<String>,
    /// The command that logs in again.
    pub login: NextCommand,
}

impl Owner {
    pub fn new(profile: &Resolved) -> Owner {
        let url = profile.api_url.as_ref().filter(|_| is_turned_away(profile));
        let elsewhere = url.map(|url| url.value.to_string());
        Owner { label: profile.label().to_owned(), elsewhere, login: login_again_command(profile) }
    }

    /// Of a credential that may be no profile's.
    pub fn of_key(key: &CredentialKey) -> Owner {
        Owner { label: key.to_string(), elsewhere: None, login: autocom("auth login") }
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn not_logged_in(&self) -> Error {
        match &self.elsewhere {
            Some(url) => self.error(format!("nobody is logged in at {url}")),
            None => self.about(format!("profile {} is not logged in", self.label)),
        }
    }

    pub fn expired(&self) -> Error {
        self.error("credentials expired".to_owned())
    }

    pub fn not_renewable(&self) -> Error {
        self.about(format!("the login of profile {} has no refresh token", self.label))
    }

    pub fn foreign(&self, issuer: &ApiUrl, url: &ApiUrl) -> Error {
        let (issuer, url) = (issuer.origin(), url.origin());
        self.about(format!("the credential of profile {} belongs to {issuer}, not to {url}", self.label))
    }

    fn about(&self, message: String) -> Error {
        self.error(message).naming(&self.label)
    }

    fn error(&self, message: String) -> Error {
        Error::new(Kind::Authentication, message).hint(self.login.clone())
    }
}
