//! The stored credential of one profile: read, and renewed when it is due. A token counts as expired 30 s before
//! its end.
//!
//! A renewal is: look, lock the key, look again, check that the store can be written, refresh, store,
//! unlock. However many processes do this at once, the platform sees one refresh, and the others find
//! the winner's token at their second look. From the request to the write the work runs as a task of
//! its own: whoever waited for it may be interrupted, but a new refresh token is not lost for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{Login, Resolved};
use crate::credentials::{Credentials, PreparedStore, Record, Stored};
use crate::domain::{ApiUrl, ClientId, CredentialKey, Secret, StoreChoice, StoreKind};
use crate::error::{Error, Kind, Result};
use crate::oauth::{self, Endpoints, Grant, OAuthError, REFRESH_ATTEMPTS};
use crate::platform::{Platform, PlatformError};
use crate::session::context::{Context, no_environment};
use crate::session::credential::logins::{self, LoginCache};
use crate::session::profile::expectation::{self, UserConstraint};
use crate::session::profile::login_command::Owner;
use crate::system::clock::Clock;
use crate::system::http::Http;
use crate::system::locks::LockGuard;
use crate::system::reporter::Reporter;
use crate::system::{interrupt, runtime};

/// What a store may take at the end of a renewal that was told to stop.
const STORING: Duration = Duration::from_secs(5);
/// What it may take to ask once more about a token that was rejected.
const CONFIRMING: Duration = Duration::from_secs(5);
/// After this time it is said that another process is waited for.
const SAY_AFTER: Duration = Duration::from_secs(2);

/// A handle; its clones are the same credential.
#[derive(Clone)]
pub struct Credential(Arc<Inner>);

struct Inner {
    whose: CredentialSpec,
    credentials: Arc<Credentials>,
    logins: LoginCache,
    clock: Arc<dyn Clock>,
    reporter: Arc<Reporter>,
    waits_for_lock: AtomicUsize,
}

/// Counted while it lives.
struct LockWait<'a>(&'a AtomicUsize);

impl LockWait<'_> {
    fn new(count: &AtomicUsize) -> LockWait<'_> {
        count.fetch_add(1, Ordering::SeqCst);
        LockWait(count)
    }
}

impl Drop for LockWait<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Which credential it is, and how to reach its platform.
pub(crate) struct CredentialSpec {
    pub key: CredentialKey,
    pub choice: StoreChoice,
    /// What `logins.toml` knew of it.
    pub known: Option<Login>,
    /// For one that doesn't say which client it was given to.
    pub client_id: Option<ClientId>,
    /// Where it is to be sent: its own origin, or it is refused.
    pub url: ApiUrl,
    pub owner: Owner,
    pub http: Http,
    /// Who it must be of.
    pub wanted: UserConstraint,
}

/// Why a token is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefreshReason {
    /// It ends, or the platform rejects it.
    Due,
    /// `auth refresh`.
    Asked,
    /// What it grants is revoked at once.
    Revocation,
}

/// Why there is no new token.
pub enum RefreshError {
    /// Nothing was asked of the platform: no lock, or the store can't be written.
    NotTried(Error),
    /// There is no refresh token.
    NotRenewable,
    /// The platform has just rejected the refresh token for good.
    Refused(Error),
    Failed(Error),
}

pub(crate) fn credential(context: &Context, profile: &Resolved) -> Result<Credential> {
    let key = context.key_of(profile)?.clone();
    let url = profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?.value.clone();
    let client_id = profile.client_id.as_ref().map(|id| id.value.clone());
    let (choice, known) = (profile.store.value, profile.login.clone());
    let (owner, http, wanted) =
        (Owner::new(profile), context.http(profile), expectation::wanted(context, profile)?);
    Ok(credential_of(context, CredentialSpec { key, choice, known, client_id, url, owner, http, wanted }))
}

pub(crate) fn credential_of(context: &Context, whose: CredentialSpec) -> Credential {
    Credential(Arc::new(Inner {
        whose,
        credentials: context.credentials().clone(),
        logins: logins::logins(context),
        clock: context.clock.clone(),
        reporter: context.reporter.clone(),
        waits_for_lock: AtomicUsize::new(0),
    }))
}

impl Credential {
    /// What is stored now, if anything is. It is refused if another origin issued it, or if it is of
    /// another user than who is wanted.
    pub fn read(&self) -> Result<Option<Stored>> {
        let CredentialSpec { key, choice, known, url, owner, wanted, .. } = &self.0.whose;
        let kept_in = known.as_ref().and_then(Login::kept_in);
        let found = self.0.credentials.read(key, *choice, kept_in)?;
        self.0.logins.reconcile(key, known.as_ref(), found.as_ref());
        match found {
            Some(stored) if !stored.record.api_url.same_origin(url) => {
                Err(owner.foreign(&stored.record.api_url, url))
            }
            Some(stored) => {
                wanted.check(stored.record.user(), "the credential")?;
                Ok(Some(stored))
            }
            None => Ok(None),
        }
    }

    /// As [`Credential::read`], for a task: the stores wait, and a task must not.
    pub async fn find(&self) -> Result<Option<Stored>> {
        let this = self.clone();
        apart(move || this.read()).await
    }

    /// What is stored now, or that nobody is logged in.
    pub async fn look(&self) -> Result<Stored> {
        self.find().await?.ok_or_else(|| self.0.whose.owner.not_logged_in())
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Another token than that of `seen`: what somebody else has stored meanwhile, else a refreshed one.
    pub async fn renew(&self, seen: &Stored) -> Result<Stored, RefreshError> {
        Ok(self.renew_by(seen, RefreshReason::Due).await?.0)
    }

    /// As [`Credential::renew`], for somebody who asked for that: a refresh token that was rejected is
    /// tried once more, and a token that could not be stored is an error.
    pub async fn renew_as_asked(&self, seen: &Stored) -> Result<Stored, RefreshError> {
        match self.renew_by(seen, RefreshReason::Asked).await? {
            (stored, None) => Ok(stored),
            (_, Some(error)) => Err(RefreshError::Failed(error)),
        }
    }

    /// The token, and why it could not be stored.
    async fn renew_by(
        &self,
        seen: &Stored,
        cause: RefreshReason,
    ) -> Result<(Stored, Option<Error>), RefreshError> {
        let guard = self.lock(seen.store).await?;
        // Nothing has been asked yet: a store that can't be read is no reason to give up a token that is
        // still good.
        let stored = self.look().await.map_err(|error| match error.kind {
            Kind::CredentialStore => RefreshError::NotTried(error),
            _ => RefreshError::Failed(error),
        })?;
        if self.is_newer(&stored, seen) {
            tracing::debug!("another process has renewed the token");
            return Ok((stored, None));
        }
        self.renew_held(stored, cause, guard).await
    }

    /// A last renewal, of what was read under the lock that `guard` holds.
    pub async fn renew_to_revoke(&self, stored: Stored, guard: LockGuard) -> Result<Stored, RefreshError> {
        Ok(self.renew_held(stored, RefreshReason::Revocation, guard).await?.0)
    }

    async fn renew_held(
        &self,
        stored: Stored,
        cause: RefreshReason,
        guard: LockGuard,
    ) -> Result<(Stored, Option<Error>), RefreshError> {
        let is_tried = |_: &Secret| cause == RefreshReason::Asked || !stored.record.refresh_refused;
        let Some(refresh_token) = stored.record.refresh_token.clone().filter(is_tried) else {
            return Err(RefreshError::NotRenewable);
        };
        let prepared = self.prepare(&stored).await?;
        // From here on a signal waits: for an answer, for as long as one may take, and for the store.
        let at_most = self.0.whose.http.request_timeout().max(REFRESH_ATTEMPTS) + STORING;
        let (this, shield) = (self.clone(), interrupt::shield("Storing the renewed token", at_most));
        let renewal = tokio::spawn(async move {
            let _shield = shield;
            this.refresh(stored, refresh_token, prepared, cause, guard).await
        });
        renewal.await.unwrap_or_else(|_| Err(RefreshError::Failed(broken())))
    }

    /// Whether `stored` is not what was `seen`, and good.
    pub fn is_newer(&self, stored: &Stored, seen: &Stored) -> bool {
        stored.record.access_token.expose() != seen.record.access_token.expose()
            && !stored.record.lifetime().is_expired(self.now())
    }

    async fn lock(&self, store: StoreKind) -> Result<LockGuard, RefreshError> {
        let _waiting = LockWait::new(&self.0.waits_for_lock);
        let this = self.clone();
        let locked = apart(move || Ok(this.0.credentials.lock(&this.0.whose.key, store)));
        tokio::pin!(locked);
        let outcome = match tokio::time::timeout(SAY_AFTER, &mut locked).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.0.reporter.note("waiting for another autocom process that renews the token");
                locked.await
            }
        };
        outcome.map_err(RefreshError::Failed)?.map_err(|error| RefreshError::NotTried(error.into()))
    }

    async fn prepare(&self, stored: &Stored) -> Result<PreparedStore, RefreshError> {
        let (this, store) = (self.clone(), stored.store);
        let prepared = apart(move || Ok(this.0.credentials.prepare_update(&this.0.whose.key, store))).await;
        prepared.map_err(RefreshError::Failed)?.map_err(|error| {
            RefreshError::NotTried(
                Error::from(error).cause("a new refresh token could not be kept: not renewed"),
            )
        })
    }

    /// Holding the lock: asks the platform, and stores what it says before anything else.
    async fn refresh(
        &self,
        stored: Stored,
        refresh_token: Secret,
        prepared: PreparedStore,
        cause: RefreshReason,
        guard: LockGuard,
    ) -> Result<(Stored, Option<Error>), RefreshError> {
        let (client_id, outcome) = self.ask(&stored, &refresh_token).await.map_err(RefreshError::Failed)?;
        match outcome {
            Ok(grant) => {
                let record = Record { client_id: Some(client_id), ..stored.record };
                let stored = Stored { record, ..stored };
                self.keep(stored, grant, prepared, cause, guard).await.map_err(RefreshError::Failed)
            }
            Err(error @ OAuthError::Refused { .. }) => {
                // Final only if nobody, say on another machine with this home, has been faster.
                let now = self.look().await.map_err(RefreshError::Failed)?;
                if self.is_newer(&now, &stored) {
                    return Ok((now, None));
                }
                if is_same_grant(&now, &stored) {
                    self.remember_refused(now, guard).await;
                }
                Err(RefreshError::Refused(self.0.whose.owner.expired().cause(error)))
            }
            Err(error) => Err(RefreshError::Failed(self.not_refreshed(error, &client_id))),
        }
    }

    /// What the platform makes of the refresh token, and for which client. It was issued to the client of the login
    /// (RFC 6749, section 6); if the platform no longer knows that one, it may have given it the id that is set now.
    async fn ask(
        &self,
        stored: &Stored,
        refresh_token: &Secret,
    ) -> Result<(ClientId, Result<Grant, OAuthError>)> {
        let CredentialSpec { http, owner, client_id: set, .. } = &self.0.whose;
        let endpoints = Endpoints::new(&stored.record.api_url);
        let own = stored.record.client_id.as_ref().or(set.as_ref()).ok_or_else(|| {
            owner.expired().cause("the client id of the login is not known, so it can't be renewed")
        })?;
        let outcome = oauth::refresh(http, &endpoints, own, refresh_token).await;
        if let Some(other) = set.as_ref().filter(|set| *set != own)
            && outcome.as_ref().is_err_and(OAuthError::is_about_client)
            && let Ok(grant) = oauth::refresh(http, &endpoints, other, refresh_token).await
        {
            return Ok((other.clone(), Ok(grant)));
        }
        Ok((own.clone(), outcome))
    }

    /// An error of a refresh that leaves open whether the refresh token still works.
    fn not_refreshed(&self, error: OAuthError, client_id: &ClientId) -> Error {
        let login = &self.0.whose.owner.login;
        let (is_about_client, is_rejected) =
            (error.is_about_client(), matches!(error, OAuthError::Rejected { .. }));
        let may_be_done = matches!(&error, OAuthError::Http(error) if error.may_be_processed());
        let error = Error::from(error);
        let message = format!("the token could not be renewed: {}", error.message);
        let error = Error { message, ..error };
        if is_about_client {
            // The id goes with the login that comes next, wherever it is set.
            let cause = format!("this login belongs to the client `{client_id}`");
            let again = login.clone().words("--client-id ID");
            error.cause(cause).hint(again.after("log in again; with another client id: "))
        } else if is_rejected {
            error.hint(login.clone())
        } else if may_be_done {
            error.cause("the platform may have renewed it, and its answer was lost").hint(
                login
                    .clone()
                    .after("try again: the next command tries the stored token once; if that fails: "),
            )
        } else {
            error
        }
    }

    /// From here on the old refresh token is dead: whatever happens, the new token is used.
    async fn keep(
        &self,
        stored: Stored,
        grant: Grant,
        prepared: PreparedStore,
        cause: RefreshReason,
        guard: LockGuard,
    ) -> Result<(Stored, Option<Error>)> {
        let now = self.now();
        let fresh = Stored { record: renewed(stored.record, grant, now), store: stored.store };
        let (this, kept) = (self.clone(), fresh.clone());
        let outcome = apart(move || {
            // Held until it is written, even if nobody waits for that any more.
            let _guard = guard;
            let Inner { whose: CredentialSpec { key, known, .. }, credentials, logins, .. } = &*this.0;
            let outcome = credentials.update(key, &kept.record, prepared);
            if outcome.is_ok() {
                logins.reconcile(key, known.as_ref(), Some(&kept));
            }
            Ok(outcome)
        });
        let failure = match outcome.await {
            Ok(Ok(())) => {
                tracing::debug!(store = %fresh.store, "the token is renewed");
                return Ok((fresh, None));
            }
            Ok(Err(error)) => error.into(),
            Err(error) => error,
        };
        if cause == RefreshReason::Due {
            self.not_kept(&failure);
        }
        Ok((fresh, Some(self.lost(failure))))
    }

    /// A login that was renewed and not stored, for a command that does nothing else.
    fn lost(&self, error: Error) -> Error {
        let message = format!("cannot store the refreshed token: {}", error.message);
        Error { message, kind: Kind::CredentialStore, ..error }
            .cause("the stored token can no longer be refreshed")
            .hint(self.0.whose.owner.login.clone())
    }

    /// So that the refresh token is not sent again.
    async fn remember_refused(&self, stored: Stored, guard: LockGuard) {
        let record = Record { refresh_refused: true, ..stored.record };
        self.remember(Stored { record, store: stored.store }, guard).await;
    }

    /// Whether the platform takes the access token of `seen`, if it is still the one that is stored.
    pub async fn remember_access(&self, seen: &Stored, refused: bool) {
        let Ok(guard) = self.lock(seen.store).await else { return };
        let Ok(Some(stored)) = self.find().await else { return };
        let is_same = stored.record.access_token.expose() == seen.record.access_token.expose();
        if is_same && stored.record.access_refused != refused {
            let record = Record { access_refused: refused, ..stored.record };
            self.remember(Stored { record, store: stored.store }, guard).await;
        }
    }

    /// Notes that the platform rejects the access token. Asked once more at an endpoint that any token is good for:
    /// another one may have refused it for a reason of its own.
    pub async fn remember_if_rejected(&self, seen: &Stored) {
        let http = self.0.whose.http.within(CONFIRMING);
        let (url, token) = (self.0.whose.url.clone(), seen.record.access_token.clone());
        let answer = Platform::new(http, url, token, seen.record.tenant.clone()).profile().await;
        if matches!(answer, Err(PlatformError::Unauthenticated { is_json: true, .. })) {
            self.remember_access(seen, true).await;
        }
    }

    /// Where it can't be stored it is not remembered.
    async fn remember(&self, stored: Stored, guard: LockGuard) {
        let this = self.clone();
        let kept = apart(move || {
            let _guard = guard;
            let Inner { whose: CredentialSpec { key, known, .. }, credentials, logins, .. } = &*this.0;
            credentials.update(key, &stored.record, stored.store)?;
            logins.reconcile(key, known.as_ref(), Some(&stored));
            Ok(())
        });
        if let Err(error) = kept.await {
            tracing::debug!(reason = error.message, "not remembered what the platform rejected");
        }
    }

    fn not_kept(&self, error: &Error) {
        let causes = error.causes.iter().map(|cause| format!(": {cause}")).collect::<String>();
        self.0.reporter.warn(format!(
            "the platform has renewed the token, but the new one could not be stored: {}{causes}\n\
             This command goes on with it; the stored one is dead. When the store works again: {}",
            error.message, self.0.whose.owner.login
        ));
    }

    /// Whether a renewal waits for another process right now.
    pub fn waits_for_lock(&self) -> bool {
        self.0.waits_for_lock.load(Ordering::SeqCst) > 0
    }

    pub fn owner(&self) -> &Owner {
        &self.0.whose.owner
    }
}

/// The record with a grant's tokens. What a reply leaves out stays as it was.
fn renewed(record: Record, grant: Grant, now: Timestamp) -> Record {
    let (expires_at, refresh_expires_at) = (grant.expires_at(now), grant.refresh_expires_at(now));
    let rotated = grant.refresh_token.is_some();
    Record {
        access_token: grant.access_token,
        refresh_token: grant.refresh_token.or(record.refresh_token),
        access_refused: false,
        refresh_refused: false,
        expires_at,
        refresh_expires_at: if rotated {
            refresh_expires_at
        } else {
            refresh_expires_at.or(record.refresh_expires_at)
        },
        scopes: grant.scopes.filter(|scopes| !scopes.is_empty()).unwrap_or(record.scopes),
        // A clock that was set back must not make the record older than a copy of it.
        written_at: now.max(record.written_at),
        ..record
    }
}

fn is_same_grant(one: &Stored, other: &Stored) -> bool {
    let token = |stored: &Stored| stored.record.refresh_token.as_ref().map(|token| token.expose().to_owned());
    one.store == other.store && token(one) == token(other)
}

/// Runs what blocks where it blocks nobody. The runtime's end does not wait for it.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    runtime::blocking(work).await?.unwrap_or_else(|| Err(broken()))
}

fn broken() -> Error {
    Error::new(Kind::Failed, "renewing the token broke off")
}
