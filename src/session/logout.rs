//! Logout: revoked at the platform if that can be had, deleted here in any case.

use std::collections::{BTreeMap, HashMap};

use super::Session;
use super::bearer::{CallError, Tokens};
use super::credential::Whose;
use super::expectation::Wanted;
use super::record::Owner;
use crate::config::{Resolved, Selection};
use crate::credentials::{Deleted, Deletion, StoreError, Stored};
use crate::domain::{CredentialKey, Layer, ProfileName, StoreChoice, StoreKind, TokenKind};
use crate::error::{Error, Kind, Result};
use crate::platform::{Platform, PlatformError};
use crate::system::http::Http;
use crate::system::runtime;

/// How often somebody else may renew a credential while it is being revoked.
const MOST_RENEWALS: usize = 3;

/// One credential to be forgotten.
pub struct Doomed {
    pub key: CredentialKey,
    pub choice: StoreChoice,
    pub known: Option<StoreKind>,
    http: Http,
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

impl LoggedOut {
    fn new(
        key: &CredentialKey,
        found: Option<&Stored>,
        deleted: Deleted,
        revocation: Revocation,
    ) -> LoggedOut {
        let stores = [(deleted.keychain, StoreKind::Keychain), (deleted.file, StoreKind::File)];
        let record = found.map(|stored| &stored.record);
        LoggedOut {
            key: key.clone(),
            user: record.map(|record| record.user_email.clone()),
            api_url: record.map(|record| record.api_url.to_string()),
            kind: record.map(|record| record.kind),
            stores: stores.into_iter().filter(|(deleted, _)| *deleted).map(|(_, store)| store).collect(),
            revocation,
        }
    }
}

impl Session {
    /// What `auth logout` for `profile` is about.
    pub fn doomed(&self, profile: &Resolved) -> Result<Doomed> {
        let key = self.key_of(profile)?.clone();
        let (choice, http) = (profile.store.value, self.http(profile));
        Ok(Doomed { key, choice, known: Session::known_store(profile), http })
    }

    /// Everything that profiles, `logins.toml` and the credential file know of.
    pub fn all_doomed(&self) -> Result<Vec<Doomed>> {
        self.meet_nothing()?;
        let config = self.config()?;
        config.document.check_readable()?;
        self.warn_of_missing_file(config);
        // Without a profile: one that is broken or missing must not keep the others logged in.
        let nobody =
            Selection { name: None, files_only: false, ..Selection::listed(ProfileName::default_profile()) };
        let nobody = config.resolve(nobody).ok();
        let http = nobody.as_ref().map_or_else(Http::default, |nobody| self.http(nobody));
        let (choice, by_variable) = nobody
            .map(|nobody| nobody.store)
            .map_or((StoreChoice::Auto, false), |store| (store.value, store.layer == Layer::Variable));
        let known = config.captured.keys().cloned();
        let mut keys: BTreeMap<CredentialKey, (StoreChoice, Http)> =
            known.chain(self.credentials().file_keys()?).map(|key| (key, (choice, http.clone()))).collect();
        for name in config.profiles() {
            let profile = config.resolve(Selection::listed(name)).ok();
            if let Some(profile) = profile
                && let Some(key) = &profile.credential
            {
                let own = if by_variable { choice } else { profile.store.value };
                keys.insert(key.value.clone(), (own, self.http(&profile)));
            }
        }
        Ok(keys
            .into_iter()
            .map(|(key, (choice, http))| {
                let known = config
                    .captured
                    .get(&key)
                    .filter(|login| !login.is_logged_out())
                    .and_then(|login| login.store);
                Doomed { key, choice, known, http }
            })
            .collect())
    }

    /// The profiles that use each credential.
    pub fn users_of_all(&self) -> Result<HashMap<CredentialKey, Vec<ProfileName>>> {
        let config = self.config()?;
        let mut users: HashMap<_, Vec<_>> = HashMap::new();
        for name in config.profiles() {
            let profile = config.resolve(Selection::listed(name.clone()));
            if let Some(key) = profile.ok().and_then(|profile| profile.credential) {
                users.entry(key.value).or_default().push(name);
            }
        }
        Ok(users)
    }

    /// Revokes (unless `local_only`) and deletes.
    pub fn logout(&self, doomed: &Doomed, local_only: bool) -> Result<LoggedOut> {
        let Doomed { key, choice, known, .. } = doomed;
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
        if let Some(stored) = &found {
            self.meet_stored_user(&stored.record)?;
        }
        let (mut revocation, mut seen) = match &found {
            None => (Revocation::Nothing, None),
            Some(_) if local_only => (Revocation::Skipped, None),
            Some(stored) => self.revoke(doomed, stored)?,
        };
        // Somebody may have renewed it since: then it is their token that must die before it is deleted.
        let mut deleted = None;
        for _ in 0..MOST_RENEWALS {
            let mut newer = None;
            deleted = self.credentials().delete_if(key, *choice, *known, |now| {
                newer = now.filter(|now| seen.as_ref().is_some_and(|seen| !seen.is_same(now))).cloned();
                newer.is_none()
            })?;
            let Some(newer) = newer else { break };
            (revocation, seen) = self.revoke(doomed, &newer)?;
        }
        let deleted = match deleted {
            Some(deleted) => deleted,
            None => self.credentials().delete(key, *choice, *known)?,
        };
        self.logins().log_out([key]);
        Ok(LoggedOut::new(key, found.as_ref(), deleted, revocation))
    }

    /// As [`logout`](Self::logout), of many: the files are read once and written once a batch. `tell` hears of each
    /// in its order; an interruption is the last.
    pub fn logout_all(&self, doomed: &[Doomed], local_only: bool, mut tell: impl FnMut(Result<LoggedOut>)) {
        let lookups: Vec<_> = doomed.iter().map(|it| (&it.key, it.choice, it.known)).collect();
        let mut found = Vec::with_capacity(doomed.len());
        self.credentials().read_each(&lookups, |_, stored| found.push(stored));
        let mut found = found.into_iter();
        let mut gone = Vec::with_capacity(doomed.len());
        // Each of a batch has a lock, which is an open file or two.
        let batch = (runtime::max_descriptors() / 4).max(16);
        'all: for batch in doomed.chunks(batch) {
            let outcomes = match self.turn() {
                Ok(_turn) => self.logout_batch(batch, found.by_ref().take(batch.len()), local_only),
                Err(error) => {
                    tell(Err(error));
                    break;
                }
            };
            for (doomed, outcome) in batch.iter().zip(outcomes) {
                gone.extend(matches!(outcome, Some(Ok(_))).then_some(&doomed.key));
                // What is not as it usually is goes by itself, which also says why.
                let outcome = outcome.unwrap_or_else(|| self.logout(doomed, local_only));
                let is_last = outcome.as_ref().is_err_and(|error| error.kind.is_interruption());
                tell(outcome);
                if is_last {
                    break 'all;
                }
            }
        }
        self.logins().log_out(gone);
    }

    /// `None`: it is to be done by itself.
    fn logout_batch(
        &self,
        batch: &[Doomed],
        found: impl Iterator<Item = Result<Option<Stored>, StoreError>>,
        local_only: bool,
    ) -> Vec<Option<Result<LoggedOut>>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        // What is over at the platform, and where its outcome belongs.
        let mut ended = Vec::new();
        for (n, (doomed, found)) in batch.iter().zip(found).enumerate() {
            let found = match found {
                Ok(None) => {
                    let nothing = LoggedOut::new(&doomed.key, None, Deleted::default(), Revocation::Nothing);
                    outcomes.push(Some(Ok(nothing)));
                    continue;
                }
                Ok(Some(found)) if self.meet_stored_user(&found.record).is_ok() => found,
                _ => {
                    outcomes.push(None);
                    continue;
                }
            };
            let revoked = match local_only {
                true => Ok((Revocation::Skipped, Some(found.clone()))),
                false => self.revoke(doomed, &found),
            };
            match revoked {
                Ok((revocation, seen)) => {
                    ended.extend(seen.map(|seen| (n, found, seen, revocation)));
                    outcomes.push(None);
                }
                Err(error) => {
                    let is_last = error.kind.is_interruption();
                    outcomes.push(Some(Err(error)));
                    if is_last {
                        break;
                    }
                }
            }
        }
        let deletions = ended.iter().map(|(n, _, seen, _)| {
            let Doomed { key, choice, known, .. } = &batch[*n];
            Deletion { lookup: (key, *choice, *known), seen }
        });
        let deleted = self.credentials().delete_many(&deletions.collect::<Vec<_>>());
        for ((n, found, _, revocation), deleted) in ended.into_iter().zip(deleted.into_iter().flatten()) {
            let done = |deleted| LoggedOut::new(&batch[n].key, Some(&found), deleted, revocation);
            outcomes[n] = deleted.map(|deleted| deleted.map(done)).map_err(Error::from).transpose();
        }
        outcomes
    }

    /// Best effort: the token goes to its own platform only, whatever the profile says now. One that has
    /// ended is renewed first, since the platform hears nobody else about its refresh token.
    /// Answers also with the record as that has left it.
    fn revoke(&self, doomed: &Doomed, stored: &Stored) -> Result<(Revocation, Option<Stored>)> {
        let (url, tenant) = (stored.record.api_url.clone(), stored.record.tenant.clone());
        let known = self.config()?.captured.get(&doomed.key);
        let owner = Owner::of_key(&doomed.key);
        let http = doomed.http.clone();
        let credential = self.credential_of(Whose {
            key: doomed.key.clone(),
            choice: doomed.choice,
            known,
            client_id: None,
            url: url.clone(),
            owner,
            http: http.clone(),
            // Whoever's it is, it may be ended.
            wanted: Wanted::default(),
        });
        let platform = Platform::new(http, url, Tokens::stored(credential, stored.clone()), tenant);
        let outcome = self.block_on(async { Ok(platform.logout().await) })?;
        let seen = platform.tokens().held();
        let revocation = match outcome {
            Ok(()) => Revocation::Done,
            Err(CallError::Platform(PlatformError::Unauthenticated { .. })) => Revocation::AlreadyDead,
            Err(CallError::Platform(error)) => Revocation::Failed(error.to_string()),
            Err(CallError::Token(error)) if error.kind == Kind::Authentication => Revocation::AlreadyDead,
            Err(CallError::Token(error) | CallError::Own(error)) => Revocation::Failed(error.message),
        };
        Ok((revocation, seen))
    }
}
