//! The stored credential of a profile, and `logins.toml` kept true to it.

use std::sync::Arc;

use super::Session;
use crate::config::{Captured, ConfigError, Login, Resolved};
use crate::credentials::{Record, Stored};
use crate::domain::{ApiUrl, CredentialKey, Origin, StoreKind, TokenKind, shell_word};
use crate::error::{Error, Kind, Result};
use crate::system::clock::Clock;
use crate::system::locks::Locks;
use crate::system::notices::Notices;
use crate::system::paths::Place;

impl Session {
    /// The profile's credential, if there is one. It is refused if another origin issued it.
    pub fn stored(&self, profile: &Resolved) -> Result<Option<Stored>> {
        // A profile without an environment can't have been logged in to.
        match (&profile.credential, &profile.api_url) {
            (Some(_), Some(_)) => self.credential(profile)?.read(),
            _ => Ok(None),
        }
    }

    /// The profile's credential, or how to get one.
    pub fn require_stored(&self, profile: &Resolved) -> Result<Stored> {
        self.stored(profile)?.ok_or_else(|| self.not_logged_in(profile))
    }

    /// Nobody is: the command that helps, and the variable that would have if it were not empty.
    pub(super) fn not_logged_in(&self, profile: &Resolved) -> Error {
        let (owner, config) = (Owner::of(profile), self.config().ok());
        let error = owner.not_logged_in();
        match config.and_then(|config| config.blank_token_variable(profile)) {
            Some(name) => error
                .cause(format!("{name} is set, but empty, which counts as unset"))
                .hint(format!("give {name} a token, or log in: {}", owner.login)),
            None => error,
        }
    }

    pub(super) fn logins(&self) -> Logins {
        Logins {
            place: self.paths.logins.clone(),
            locks: self.locks.clone(),
            notices: self.notices.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// `logins.toml`, as far as a credential is concerned. It is a cache: that it can't be written is worth
/// a warning at most, and none where nothing can be written at all.
#[derive(Clone)]
pub(super) struct Logins {
    place: Option<Place>,
    locks: Locks,
    notices: Arc<Notices>,
    clock: Arc<dyn Clock>,
}

impl Logins {
    /// Brings the entry in line with what the store really holds.
    pub fn mend(&self, key: &CredentialKey, known: Option<&Login>, found: Option<&Stored>) {
        let truth = found.map(|stored| login_of(&stored.record, stored.store, known));
        match (truth, known) {
            (Some(truth), known) => {
                if !known.is_some_and(|known| known.says_as(&truth)) {
                    self.update(key, |_| Some(truth));
                }
            }
            // What has been written since is not about what was looked for.
            (None, Some(known)) if !known.is_logged_out() => {
                let logged_out = known.logged_out(self.clock.now());
                self.update(key, |now| if now.as_ref() == Some(known) { Some(logged_out) } else { now });
            }
            (None, _) => {}
        }
    }

    pub fn update(&self, key: &CredentialKey, change: impl FnOnce(Option<Login>) -> Option<Login>) {
        self.report(Captured::update(self.place.as_ref(), &self.locks, &self.notices, key, change));
    }

    /// Notes that these are logged out.
    pub fn log_out<'k>(&self, keys: impl IntoIterator<Item = &'k CredentialKey>) {
        let now = self.clock.now();
        let change = |_: &CredentialKey, login: Option<Login>| login.map(|login| login.logged_out(now));
        self.report(Captured::update_all(self.place.as_ref(), &self.locks, &self.notices, keys, change));
    }

    fn report(&self, outcome: Result<(), ConfigError>) {
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_unwritable() => tracing::debug!("logins.toml can't be written"),
            Err(error) => self.notices.warn(format!("logins.toml could not be updated: {error}")),
        }
    }
}

/// What `logins.toml` keeps of a record. A personal access token has neither client id nor scope: those of the login
/// before stay for the next one.
pub(super) fn login_of(record: &Record, store: StoreKind, before: Option<&Login>) -> Login {
    let kept = before.filter(|_| record.kind == TokenKind::Pat);
    let same_user = |login: &&Login| login.user().is(record.user());
    Login {
        api_url: Some(record.api_url.clone()),
        tenant: record.tenant.clone(),
        tenants: before.filter(same_user).map(|login| login.tenants.clone()).unwrap_or_default(),
        client_id: record.client_id.clone().or_else(|| kept.and_then(|login| login.client_id.clone())),
        scope: record.requested_scope.clone().or_else(|| kept.and_then(|login| login.scope.clone())),
        user_name: Some(record.user_name.clone()),
        user_email: Some(record.user_email.clone()),
        kind: Some(record.kind),
        expires_at: record.expires_at,
        renewable: record.is_renewable(),
        refused: record.access_refused,
        store: Some(store),
        logged_in_at: Some(record.logged_in_at),
        logged_out_at: None,
        written_at: Some(record.written_at),
    }
}

/// Whether a flag or a variable has turned the profile to another address than its own.
fn is_turned_away(profile: &Resolved) -> bool {
    let url = profile.api_url.as_ref().map(|url| &url.value);
    profile.own_api_url.is_some() && profile.own_api_url.as_ref() != url
}

/// Whether a login with `--api-url` alone would make the profile.
fn is_new_by_url(profile: &Resolved) -> bool {
    profile.selection.origin == Origin::Flag("--api-url") && profile.own_api_url.is_none()
}

/// The command that logs this profile in.
pub fn login_command(profile: &Resolved) -> String {
    match (profile.name(), &profile.api_url) {
        (Some(name), Some(_))
            if !profile.selection.only_in_variables
                && !is_turned_away(profile)
                && !is_new_by_url(profile) =>
        {
            format!("autocom auth login --profile {name}")
        }
        (_, Some(url)) => format!("autocom auth login --api-url {}", shell_word(&url.value)),
        _ => "autocom auth login --api-url URL".to_owned(),
    }
}

/// The end of a login's command that takes a token.
pub(super) const BY_TOKEN: &str = "--token-stdin < token.txt";

/// The command that replaces the credential of this profile: a personal access token by another one.
pub fn login_again_command(profile: &Resolved) -> String {
    let login = profile.login.as_ref().filter(|login| !login.is_logged_out());
    match login.and_then(|login| login.kind) {
        Some(TokenKind::Pat) => format!("{} {BY_TOKEN}", login_command(profile)),
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
    pub login: String,
}

impl Owner {
    pub fn of(profile: &Resolved) -> Owner {
        let url = profile.api_url.as_ref().filter(|_| is_turned_away(profile));
        let elsewhere = url.map(|url| url.value.to_string());
        Owner { label: profile.label().to_owned(), elsewhere, login: login_again_command(profile) }
    }

    /// Of a credential that may be no profile's.
    pub fn of_key(key: &CredentialKey) -> Owner {
        Owner { label: key.to_string(), elsewhere: None, login: "autocom auth login".to_owned() }
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn not_logged_in(&self) -> Error {
        self.error(match &self.elsewhere {
            Some(url) => format!("nobody is logged in at {url}"),
            None => format!("profile {} is not logged in", self.label),
        })
    }

    pub fn expired(&self) -> Error {
        self.error("credentials expired".to_owned())
    }

    pub fn not_renewable(&self) -> Error {
        self.error(format!("the login of profile {} has no refresh token", self.label))
    }

    pub fn foreign(&self, issuer: &ApiUrl, url: &ApiUrl) -> Error {
        let (issuer, url) = (issuer.origin(), url.origin());
        self.error(format!("the credential of profile {} belongs to {issuer}, not to {url}", self.label))
    }

    fn error(&self, message: String) -> Error {
        Error::new(Kind::Authentication, message).hint(&self.login)
    }
}
