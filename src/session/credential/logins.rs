//! `logins.toml`, kept in line with the credentials.

use std::sync::Arc;

use crate::config::{ConfigError, Login, Logins};
use crate::credentials::{Record, Stored};
use crate::domain::{CredentialKey, StoreKind, TokenKind};
use crate::error::Result;
use crate::session::context::Context;
use crate::system::clock::Clock;
use crate::system::locks::Locks;
use crate::system::paths::Place;
use crate::system::reporter::Reporter;

pub(crate) fn logins(context: &Context) -> LoginCache {
    LoginCache {
        place: context.paths.logins.clone(),
        locks: context.locks.clone(),
        reporter: context.reporter.clone(),
        clock: context.clock.clone(),
    }
}

/// `logins.toml`, as far as a credential is concerned. It is a cache: that it can't be written is worth
/// a warning at most, and none where nothing can be written at all.
#[derive(Clone)]
pub(crate) struct LoginCache {
    place: Option<Place>,
    locks: Locks,
    reporter: Arc<Reporter>,
    clock: Arc<dyn Clock>,
}

impl LoginCache {
    /// Brings the entry in line with what the store really holds.
    pub(crate) fn reconcile(&self, key: &CredentialKey, known: Option<&Login>, found: Option<&Stored>) {
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

    pub(crate) fn update(&self, key: &CredentialKey, change: impl FnOnce(Option<Login>) -> Option<Login>) {
        self.report(Logins::update(self.place.as_ref(), &self.locks, &self.reporter, key, change));
    }

    /// Notes that these are logged out.
    pub(crate) fn log_out<'k>(&self, keys: impl IntoIterator<Item = &'k CredentialKey>) {
        let now = self.clock.now();
        let change = |_: &CredentialKey, login: Option<Login>| login.map(|login| login.logged_out(now));
        self.report(Logins::update_all(self.place.as_ref(), &self.locks, &self.reporter, keys, change));
    }

    fn report(&self, outcome: Result<(), ConfigError>) {
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_unwritable() => tracing::debug!("logins.toml can't be written"),
            Err(error) => self.reporter.warn(format!("logins.toml could not be updated: {error}")),
        }
    }
}

/// What `logins.toml` keeps of a record. A personal access token has neither client id nor scope: those of the login
/// before stay for the next one.
pub(crate) fn login_of(record: &Record, store: StoreKind, before: Option<&Login>) -> Login {
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
