//! Logout: revoked at the platform if that can be had, deleted here in any case.

pub use revocation::Revocation;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::config::{Resolved, Selection, resolve};
use crate::credentials::{Deleted, Lookup, Record, StoreError, Stored};
use crate::domain::{
    ApiUrl, CredentialKey, Layer, ProfileName, RevocationUrl, Secret, StoreChoice, StoreKind, TokenKind,
    UserRef,
};
use crate::error::{Error, Kind, Result};
use crate::session::context::Context;
use crate::session::credential::logins;
use crate::session::credential::refresh::{self, CredentialSpec};
use crate::session::login::revocation::{self, REVOKING};
use crate::session::profile::expectation::{self, UserConstraint};
use crate::session::profile::login_command::Owner;
use crate::system::http::Http;
use crate::system::locks::LockGuard;
use crate::system::{interrupt, runtime};

/// What the stores may take when a logout was told to stop.
const STORING: Duration = Duration::from_secs(5);
/// After this time what is done so far is written down: others wait for the locks, 30 seconds at most.
const MAX_BATCH: Duration = Duration::from_secs(10);

/// What a logout ends at the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoke {
    Nothing,
    /// Logins. A personal access token may be in use elsewhere.
    Logins,
    /// Personal access tokens as well.
    All,
}

/// One credential to be forgotten.
pub struct LogoutTarget {
    pub key: CredentialKey,
    pub choice: StoreChoice,
    pub known: Option<StoreKind>,
    http: Http,
    revocation_url: Option<RevocationUrl>,
}

/// What became of it.
pub struct LoggedOut {
    pub key: CredentialKey,
    pub user: Option<String>,
    pub api_url: Option<String>,
    pub kind: Option<TokenKind>,
    /// Whether it has a refresh token.
    pub is_renewable: bool,
    /// The stores that it was deleted from; none: there was nothing.
    pub stores: Vec<StoreKind>,
    pub revocation: Revocation,
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
            is_renewable: record.is_some_and(Record::is_renewable),
            stores: stores.into_iter().filter(|(deleted, _)| *deleted).map(|(_, store)| store).collect(),
            revocation,
        }
    }
}

/// What `auth logout` for `profile` is about.
pub fn logout_target(context: &Context, profile: &Resolved) -> Result<LogoutTarget> {
    let key = context.key_of(profile)?.clone();
    let (choice, http) = (profile.store.value, context.http(profile));
    let revocation_url = profile.revocation_url.as_ref().map(|url| url.value.clone());
    Ok(LogoutTarget { key, choice, known: Context::known_store(profile), http, revocation_url })
}

/// Everything that profiles, `logins.toml` and the credential file know of.
pub fn logout_targets(context: &Context) -> Result<Vec<LogoutTarget>> {
    expectation::meet_nothing(context)?;
    let config = context.config()?;
    config.document.check_readable()?;
    context.warn_of_missing_file(config);
    every_credential(context)
}

pub(crate) fn every_credential(context: &Context) -> Result<Vec<LogoutTarget>> {
    let config = context.config()?;
    // Without a profile: one that is broken or missing must not keep the others logged in.
    let nobody =
        Selection { name: None, files_only: false, ..Selection::listed(ProfileName::default_profile()) };
    let nobody = resolve(config, nobody).ok();
    let http = nobody.as_ref().map_or_else(Http::default, |nobody| context.http(nobody));
    let (choice, by_variable) = nobody
        .map(|nobody| nobody.store)
        .map_or((StoreChoice::Auto, false), |store| (store.value, store.layer == Layer::Variable));
    let known = config.captured.keys().cloned();
    let mut keys: BTreeMap<CredentialKey, (StoreChoice, Http, Option<RevocationUrl>)> = known
        .chain(context.credentials().file_keys()?)
        .map(|key| (key, (choice, http.clone(), None)))
        .collect();
    for name in config.profiles() {
        let profile = resolve(config, Selection::listed(name)).ok();
        if let Some(profile) = profile
            && let Some(key) = &profile.credential
        {
            let own = if by_variable { choice } else { profile.store.value };
            let revocation_url = profile.revocation_url.as_ref().map(|url| url.value.clone());
            keys.insert(key.value.clone(), (own, context.http(&profile), revocation_url));
        }
    }
    Ok(keys
        .into_iter()
        .map(|(key, (choice, http, revocation_url))| {
            let known = config
                .captured
                .get(&key)
                .filter(|login| !login.is_logged_out())
                .and_then(|login| login.store);
            LogoutTarget { key, choice, known, http, revocation_url }
        })
        .collect())
}

/// The credential among `others` that has a token of `record` too. A server may give the same token to several
/// logins of a user: it must not be revoked while another one uses it.
pub(crate) fn holder_of<'o>(
    context: &Context,
    others: &'o [LogoutTarget],
    tokens: [Option<&Secret>; 2],
    url: &ApiUrl,
    user: Option<UserRef<'_>>,
) -> Result<Option<&'o CredentialKey>> {
    let captured = &context.config()?.captured;
    let may_hold = |other: &&LogoutTarget| {
        captured.get(&other.key).is_none_or(|login| {
            let is_there = login.api_url.as_ref().is_none_or(|own| own.same_origin(url));
            !login.is_logged_out() && is_there && user.is_none_or(|user| login.user().is(user))
        })
    };
    let others: Vec<_> = others.iter().filter(may_hold).collect();
    let (mut holder, mut failure) = (None, None);
    context.credentials().read_each(&lookups(others.iter().copied()), |n, stored| match stored {
        Ok(Some(Stored { record, .. })) => {
            let own = [Some(&record.access_token), record.refresh_token.as_ref()];
            let is_own = |token: &Secret| own.iter().flatten().any(|own| own.expose() == token.expose());
            if tokens.into_iter().flatten().any(is_own) {
                holder = Some(&others[n].key);
            }
        }
        Ok(None) => {}
        Err(error) => failure = Some(error),
    });
    match (holder, failure) {
        (None, Some(error)) => Err(error.into()),
        (holder, _) => Ok(holder),
    }
}

/// The profiles that use each credential.
pub fn users_of_all(context: &Context) -> Result<HashMap<CredentialKey, Vec<ProfileName>>> {
    let config = context.config()?;
    let mut users: HashMap<_, Vec<_>> = HashMap::new();
    for name in config.profiles() {
        let profile = resolve(config, Selection::listed(name.clone()));
        if let Some(key) = profile.ok().and_then(|profile| profile.credential) {
            users.entry(key.value).or_default().push(name);
        }
    }
    Ok(users)
}

/// The personal access tokens among `logout_target`, by key and user.
pub fn personal_access_tokens(
    context: &Context,
    logout_target: &[LogoutTarget],
) -> Result<Vec<(CredentialKey, String)>> {
    let mut tokens = Vec::new();
    context.credentials().read_each(&lookups(logout_target), |n, stored| {
        // What can't be read is said when it is to be deleted.
        let stored = stored.ok().flatten().filter(|stored| stored.record.kind == TokenKind::Pat);
        tokens.extend(stored.map(|stored| (logout_target[n].key.clone(), stored.record)));
    });
    tokens.iter().try_for_each(|(_, record)| expectation::meet_stored_user(context, record))?;
    Ok(tokens.into_iter().map(|(key, record)| (key, record.user_label().into_owned())).collect())
}

/// Revokes and deletes.
pub fn logout(context: &Context, logout_target: &LogoutTarget, revoke: Revoke) -> Result<LoggedOut> {
    let mut outcome = None;
    logout_all(context, std::slice::from_ref(logout_target), revoke, |it| outcome = Some(it));
    outcome.unwrap_or_else(|| Err(Error::new(Kind::Failed, "the logout broke off")))
}

/// As [`logout`](Self::logout), of many: the files are read once and written once a batch. `tell` hears of each
/// in its order; an interruption is the last.
pub fn logout_all(
    context: &Context,
    mut logout_target: &[LogoutTarget],
    revoke: Revoke,
    mut tell: impl FnMut(Result<LoggedOut>),
) {
    // Each of a batch has a lock, which is an open file or two.
    let batch = (runtime::max_descriptors() / 4).max(16);
    let mut gone = Vec::with_capacity(logout_target.len());
    let going: HashSet<_> = logout_target.iter().map(|logout_target| &logout_target.key).collect();
    let mut others = if revoke == Revoke::Nothing { Ok(Vec::new()) } else { every_credential(context) }
        .unwrap_or_default();
    others.retain(|other| !going.contains(&other.key));
    while !logout_target.is_empty() {
        let mut outcomes = Vec::new();
        let ended = logout_batch(
            context,
            &logout_target[..batch.min(logout_target.len())],
            &others,
            revoke,
            &mut outcomes,
        );
        for (logout_target, outcome) in logout_target.iter().zip(&outcomes) {
            gone.extend(outcome.is_ok().then_some(&logout_target.key));
        }
        logout_target = &logout_target[outcomes.len()..];
        outcomes.into_iter().for_each(&mut tell);
        if let Err(error) = ended {
            tell(Err(error));
            break;
        }
    }
    logins::logins(context).log_out(gone);
}

/// The outcomes are of as many as are done before long, one at least. `others`: the credentials that stay.
fn logout_batch(
    context: &Context,
    batch: &[LogoutTarget],
    others: &[LogoutTarget],
    revoke: Revoke,
    outcomes: &mut Vec<Result<LoggedOut>>,
) -> Result<()> {
    let _turn = context.login_lock()?;
    // From the look to the end of it: what is deleted is what was revoked.
    let lookups = lookups(batch);
    let locks: Vec<_> = lookups.iter().map(|lookup| context.credentials().lock_to_delete(*lookup)).collect();
    let mut found = Vec::with_capacity(batch.len());
    context.credentials().read_each(&lookups, |_, stored| found.push(stored));
    context.block_on(async {
        let _shield = interrupt::shield("Logging out", REVOKING + STORING);
        let started = Instant::now();
        let mut ended = Vec::new();
        for ((logout_target, lock), found) in batch.iter().zip(locks).zip(found) {
            let is_late = started.elapsed() >= MAX_BATCH || interrupt::has_come();
            if is_late && !ended.is_empty() {
                break;
            }
            ended.push(end(context, logout_target, others, lock, found, revoke).await);
        }
        let chosen = ended.iter().zip(&lookups).filter(|(ended, _)| ended.is_ok());
        let chosen: Vec<_> = chosen.map(|(_, lookup)| *lookup).collect();
        let mut deleted = match context.credentials().delete_each(&chosen) {
            Ok(each) => each.into_iter().map(|deleted| deleted.map_err(Error::from)).collect(),
            Err(error) => vec![Err(Error::from(error)); chosen.len()],
        }
        .into_iter();
        for (logout_target, ended) in batch.iter().zip(ended) {
            outcomes.push(ended.and_then(|(_lock, found, revocation)| {
                let deleted = deleted.next().transpose()?.unwrap_or_default();
                Ok(LoggedOut::new(&logout_target.key, found.as_ref(), deleted, revocation))
            }));
        }
        Ok(())
    })
}

/// Ends a credential at its platform, and holds its lock.
async fn end(
    context: &Context,
    logout_target: &LogoutTarget,
    others: &[LogoutTarget],
    lock: Result<LockGuard, StoreError>,
    found: Result<Option<Stored>, StoreError>,
    revoke: Revoke,
) -> Result<(LockGuard, Option<Stored>, Revocation)> {
    let lock = lock?;
    let stored = match found {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok((lock, None, Revocation::Nothing)),
        Err(error) if error.is_locked() || error.is_no_answer() || error.is_newer() => {
            return Err(error.into());
        }
        // What can't be read can't be revoked, but it can still be deleted.
        Err(error) => {
            context
                .reporter()
                .warn(format!("the credential could not be read, so it is not revoked: {error}"));
            return Ok((lock, None, Revocation::Nothing));
        }
    };
    expectation::meet_stored_user(context, &stored.record)?;
    let record = &stored.record;
    let revocation = match revoke {
        Revoke::Nothing => Revocation::Skipped,
        Revoke::Logins if record.kind == TokenKind::Pat => Revocation::Kept,
        Revoke::Logins | Revoke::All => {
            let tokens = [Some(&record.access_token), record.refresh_token.as_ref()];
            // One that can't be read is no reason to leave this one alive.
            match holder_of(context, others, tokens, &record.api_url, Some(record.user())).ok().flatten() {
                Some(holder) => Revocation::Shared(holder.clone()),
                None => revoke_stored(context, logout_target, stored.clone(), lock.clone()).await?,
            }
        }
    };
    Ok((lock, Some(stored), revocation))
}

/// Best effort: the tokens go to their own platform only, whatever the profile says now.
async fn revoke_stored(
    context: &Context,
    logout_target: &LogoutTarget,
    stored: Stored,
    lock: LockGuard,
) -> Result<Revocation> {
    let known = context.config()?.captured.get(&logout_target.key);
    let credential = refresh::credential_of(
        context,
        CredentialSpec {
            key: logout_target.key.clone(),
            choice: logout_target.choice,
            known,
            client_id: None,
            url: stored.record.api_url.clone(),
            owner: Owner::of_key(&logout_target.key),
            http: revocation::way_to_revoke(&logout_target.http),
            // Whoever's it is, it may be ended.
            wanted: UserConstraint::default(),
        },
    );
    Ok(revocation::revoke_stored_login(
        &credential,
        &logout_target.http,
        logout_target.revocation_url.as_ref(),
        stored,
        lock,
    )
    .await)
}

fn lookups<'a>(logout_target: impl IntoIterator<Item = &'a LogoutTarget>) -> Vec<Lookup<'a>> {
    logout_target.into_iter().map(|LogoutTarget { key, choice, known, .. }| (key, *choice, *known)).collect()
}
