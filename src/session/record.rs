//! The stored credential of a profile, and `logins.toml` kept true to it.

use super::Session;
use crate::config::{Captured, Login, Resolved};
use crate::credentials::{Record, Stored};
use crate::domain::{ApiUrl, CredentialKey, StoreKind};
use crate::error::{Error, Kind, Result};

impl Session {
    /// The profile's credential, if there is one. It is refused if another origin issued it.
    pub fn stored(&self, profile: &Resolved) -> Result<Option<Stored>> {
        // A profile without an environment can't have been logged in to.
        let Some((key, url)) = profile.credential.as_ref().zip(profile.api_url.as_ref()) else {
            return Ok(None);
        };
        let (key, url) = (&key.value, &url.value);
        let found = self.credentials().read(key, profile.store.value, Session::known_store(profile))?;
        self.mend(key, profile.login.as_ref(), found.as_ref());
        match found {
            Some(stored) if !stored.record.api_url.same_origin(url) => {
                Err(foreign(profile, &stored.record.api_url, url))
            }
            other => Ok(other),
        }
    }

    /// The profile's credential, or how to get one.
    pub fn require_stored(&self, profile: &Resolved) -> Result<Stored> {
        self.stored(profile)?.ok_or_else(|| not_logged_in(profile))
    }

    /// Brings the entry in `logins.toml` in line with what the store really holds.
    fn mend(&self, key: &CredentialKey, known: Option<&Login>, found: Option<&Stored>) {
        let truth = found.map(|stored| login_of(&stored.record, stored.store, known));
        let stale = match (&truth, known) {
            (Some(truth), known) => known != Some(truth),
            (None, Some(known)) => !known.is_logged_out(),
            (None, None) => false,
        };
        if stale {
            let now = self.clock.now();
            self.update_login(key, |known| match (truth, known) {
                (Some(truth), _) => Some(truth),
                (None, Some(known)) => Some(Login { logged_out_at: Some(now), ..known }),
                (None, None) => None,
            });
        }
    }

    /// Changes an entry of `logins.toml`. It is a cache: that it can't be written is worth a warning
    /// at most, and none where nothing can be written at all.
    pub(super) fn update_login(
        &self,
        key: &CredentialKey,
        change: impl FnOnce(Option<Login>) -> Option<Login>,
    ) {
        let place = self.paths.logins.as_ref();
        match Captured::update(place, &self.locks, &self.notices, key, change) {
            Ok(()) => {}
            Err(error) if error.is_unwritable() => tracing::debug!("logins.toml can't be written"),
            Err(error) => self.notices.warn(format!("logins.toml could not be updated: {error}")),
        }
    }
}

/// What `logins.toml` keeps of a record. A personal access token knows no client id: that of the
/// login before stays for the next one.
pub(super) fn login_of(record: &Record, store: StoreKind, before: Option<&Login>) -> Login {
    Login {
        api_url: Some(record.api_url.clone()),
        tenant: record.tenant.clone(),
        client_id: record.client_id.clone().or_else(|| before.and_then(|login| login.client_id.clone())),
        user_name: Some(record.user_name.clone()),
        user_email: Some(record.user_email.clone()),
        kind: Some(record.kind),
        expires_at: record.expires_at,
        renewable: record.refresh_token.is_some(),
        store: Some(store),
        logged_in_at: Some(record.logged_in_at),
        logged_out_at: None,
    }
}

pub(super) fn not_logged_in(profile: &Resolved) -> Error {
    Error::new(Kind::Authentication, format!("profile {} is not logged in", profile.label()))
        .hint(login_command(profile))
}

/// The command that logs this profile in.
pub fn login_command(profile: &Resolved) -> String {
    match (profile.name(), &profile.api_url) {
        (Some(name), Some(_)) if !profile.selection.only_in_variables => {
            format!("autocom auth login --profile {name}")
        }
        (_, Some(url)) => format!("autocom auth login --api-url {}", url.value),
        _ => "autocom auth login --api-url URL".to_owned(),
    }
}

pub(super) fn foreign(profile: &Resolved, issuer: &ApiUrl, url: &ApiUrl) -> Error {
    Error::new(
        Kind::Authentication,
        format!(
            "the credential of profile {} belongs to {}, not to {}",
            profile.label(),
            issuer.origin(),
            url.origin()
        ),
    )
    .hint(login_command(profile))
}
