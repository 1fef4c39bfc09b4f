//! Logout: revoked at the platform if that can be had, deleted here in any case.

use std::collections::BTreeMap;

use super::Session;
use super::bearer::{CallError, Tokens};
use super::record::Owner;
use crate::config::{Login, Resolved, Selection};
use crate::credentials::Stored;
use crate::domain::{CredentialKey, Layer, ProfileName, StoreChoice, StoreKind, TokenKind};
use crate::error::{Kind, Result};
use crate::platform::{Platform, PlatformError};

/// One credential to be forgotten.
pub struct Doomed {
    pub key: CredentialKey,
    pub choice: StoreChoice,
    pub known: Option<StoreKind>,
}

/// What became of it.
pub struct LoggedOut {
    pub key: CredentialKey,
    pub user: Option<String>,
    pub api_url: Option<String>,
    pub kind: Option<TokenKind>,
    /// The stores that it was deleted from; none: there was nothing.
    pub stores: Vec<StoreKind>,
    pub revocation: Revocation,
}

/// What became of the token at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// There was no token.
    Nothing,
    Skipped,
    Done,
    /// The token was dead already.
    AlreadyDead,
    Failed(String),
}

impl Session {
    /// What `auth logout` for `profile` is about.
    pub fn doomed(&self, profile: &Resolved) -> Result<Doomed> {
        let key = self.key_of(profile)?.clone();
        Ok(Doomed { key, choice: profile.store.value, known: Session::known_store(profile) })
    }

    /// Everything that profiles, `logins.toml` and the credential file know of.
    pub fn all_doomed(&self) -> Result<Vec<Doomed>> {
        let config = self.config()?;
        // Without a profile: one that is broken or missing must not keep the others logged in.
        let nobody =
            Selection { name: None, files_only: false, ..Selection::listed(ProfileName::default_profile()) };
        let store = config.resolve(nobody).map(|resolved| resolved.store).ok();
        let (choice, by_variable) =
            store.map_or((StoreChoice::Auto, false), |store| (store.value, store.layer == Layer::Variable));
        let known = config.captured.keys().cloned();
        let mut keys: BTreeMap<CredentialKey, StoreChoice> =
            known.chain(self.credentials().file_keys()?).map(|key| (key, choice)).collect();
        for name in config.profiles() {
            let profile = config.resolve(Selection::listed(name)).ok();
            let own = profile.and_then(|it| Some((it.credential?.value, it.store.value)));
            keys.extend(own.map(|(key, own)| (key, if by_variable { choice } else { own })));
        }
        Ok(keys
            .into_iter()
            .map(|(key, choice)| {
                let known = config
                    .captured
                    .get(&key)
                    .filter(|login| !login.is_logged_out())
                    .and_then(|login| login.store);
                Doomed { key, choice, known }
            })
            .collect())
    }

    /// The profiles that use the credential `key`.
    pub fn users_of(&self, key: &CredentialKey) -> Result<Vec<ProfileName>> {
        self.profiles_with_key(key, None)
    }

    /// Revokes (unless `local_only`) and deletes.
    pub fn logout(&self, doomed: &Doomed, local_only: bool) -> Result<LoggedOut> {
        let Doomed { key, choice, known } = doomed;
        // What is deleted must be what was revoked, not a login made meanwhile.
        let _turn = self.turn()?;
        // What can't be read can't be revoked, but it can still be deleted.
        let found = match self.credentials().read(key, *choice, *known) {
            Ok(found) => found,
            Err(error) if error.is_locked() || error.is_no_answer() => return Err(error.into()),
            Err(error) if error.is_newer() => return Err(error.into()),
            Err(error) => {
                self.notices()
                    .warn(format!("the credential could not be read, so it is not revoked: {error}"));
                None
            }
        };
        let revocation = match &found {
            None => Revocation::Nothing,
            Some(_) if local_only => Revocation::Skipped,
            Some(stored) => self.revoke(doomed, stored)?,
        };
        let deleted = self.credentials().delete(key, *choice, *known)?;
        let now = self.clock().now();
        self.logins().update(key, |login| {
            login.map(|login| Login { logged_out_at: login.logged_out_at.or(Some(now)), ..login })
        });
        let stores = [(deleted.keychain, StoreKind::Keychain), (deleted.file, StoreKind::File)];
        let record = found.map(|stored| stored.record);
        Ok(LoggedOut {
            key: key.clone(),
            user: record.as_ref().map(|record| record.user_email.clone()),
            api_url: record.as_ref().map(|record| record.api_url.to_string()),
            kind: record.as_ref().map(|record| record.kind),
            stores: stores.into_iter().filter(|(deleted, _)| *deleted).map(|(_, store)| store).collect(),
            revocation,
        })
    }

    /// Best effort: the token goes to its own platform only, whatever the profile says now. One that has
    /// ended is renewed first, since the platform hears nobody else about its refresh token.
    fn revoke(&self, doomed: &Doomed, stored: &Stored) -> Result<Revocation> {
        let (url, tenant) = (stored.record.api_url.clone(), stored.record.tenant.clone());
        let known = self.config()?.captured.get(&doomed.key);
        let owner = Owner::of_key(&doomed.key);
        let credential =
            self.credential_of(doomed.key.clone(), doomed.choice, known, None, url.clone(), owner);
        let platform = Platform::new(self.http(), url, Tokens::stored(credential, stored.clone()), tenant);
        let outcome = self.block_on(async { Ok(platform.logout().await) })?;
        Ok(match outcome {
            Ok(()) => Revocation::Done,
            Err(CallError::Platform(PlatformError::Unauthenticated { .. })) => Revocation::AlreadyDead,
            Err(CallError::Platform(error)) => Revocation::Failed(error.to_string()),
            Err(CallError::Token(error)) if error.kind == Kind::Authentication => Revocation::AlreadyDead,
            Err(CallError::Token(error)) => Revocation::Failed(error.message),
        })
    }
}
