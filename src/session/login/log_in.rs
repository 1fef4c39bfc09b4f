//! Login: a token in hand, then who it is, and only then stored.

pub use request::Method;

use std::borrow::Cow;
use std::time::Duration;

use crate::config::{EditTarget, Login, token_variable};
use crate::credentials::{PreparedStore, Record};
use crate::domain::{
    CredentialKey, ExpectedUser, Key, Layer, ProfileName, Secret, StoreKind, Tenant, TokenKind, autocom,
    shell_word,
};
use crate::error::{Error, Kind, Result};
use crate::oauth::page::Success;
use crate::platform::{Membership, Platform, PlatformError, Profile as User};
use crate::session::call::membership::{self, blames_tenant};
use crate::session::call::owner;
use crate::session::context::{Context, broken_off};
use crate::session::credential::logins::{self, login_of};
use crate::session::login::grant::{self, NewToken};
use crate::session::login::request::{self, LoginRequest};
use crate::session::login::revocation::{Revocation, revoke_access_token, revoke_login};
use crate::session::login::target::{self, LoginTarget, LoginValues, free_name};
use crate::session::login::{again, logout};
use crate::session::profile::expectation::{self, expected_user};
use crate::session::profile::protection_state::{self, ProtectionState};
use crate::session::profile::{selected, switch};
use crate::system::locks::{FileLock, LockError, LockGuard};
use crate::system::prompter::Choice;
use crate::system::{interrupt, runtime};

/// What the stores may take when a login was told to stop.
const STORING: Duration = Duration::from_secs(10);
/// What the page in the browser and the end of a replaced login may take.
const REVOKING: Duration = Duration::from_secs(10);

/// What a login came to.
pub struct LoggedIn {
    /// `None`: an environment that no profile is bound to.
    pub profile: Option<String>,
    pub created: bool,
    pub activated: bool,
    pub record: Record,
    pub store: StoreKind,
    /// Set if the login got a credential key of its own.
    pub own_key: Option<CredentialKey>,
    /// Whether the profile is for one user only.
    pub is_locked: bool,
    /// Whether what changes something there must be confirmed.
    pub is_protected: bool,
    /// Why the profile does not use it, although it is stored.
    unwritten: Option<Error>,
    /// What was stored under its key, of another user or of another kind.
    replaced: Option<Record>,
}

/// What is stored under the key of a login, of another user or of another kind.
struct InTheWay {
    record: Record,
    /// Another profile that uses it: then it stays.
    sharer: Option<ProfileName>,
}

/// Held while a login is written down.
struct ConfigLock {
    /// `None`: `config.toml` can't be written.
    config: Option<FileLock>,
    _old: LockGuard,
}

/// `token` is asked for the personal access token, if it is one.
pub fn login(
    context: &Context,
    request: &LoginRequest,
    token: impl FnOnce() -> Result<Secret>,
) -> Result<LoggedIn> {
    let token = match request.method {
        Method::Token => token().map(Some),
        Method::Browser | Method::Paste | Method::Device => Ok(None),
    };
    let done = token.and_then(|token| login_by(context, request, token));
    done.map_err(|error| again::about_login(context, error, request))
}

fn login_by(context: &Context, request: &LoginRequest, token: Option<Secret>) -> Result<LoggedIn> {
    let target = target::login_target(context, request.make_active)?;
    if request.lock_user && !(target.profile.name().is_some() && target.may_be_written()) {
        return Err(Error::usage("--lock-user needs a profile of config.toml").hint(
            autocom("auth login --profile NAME")
                .option("--api-url", &target.url)
                .words("--lock-user")
                .after("name one: "),
        ));
    }
    if token.is_none() {
        grant::client_id(&target)?;
    }
    // Before anybody is sent to a browser: is there a place for what comes back?
    let store = context.credentials().prepare(&target.key, target.profile.store.value)?;
    context
        .block_on(async {
            let fresh = match token {
                Some(token) => NewToken::personal(token, &target),
                None => grant::fresh(context, &target, request).await?,
            };
            finish(context, &target, store, fresh, request.lock_user).await
        })
        .and_then(|mut done| done.unwritten.take().map_or(Ok(done), Err))
}

/// From a token in hand to a stored credential, and the page in the browser.
async fn finish(
    context: &Context,
    target: &LoginTarget,
    store: PreparedStore,
    mut fresh: NewToken,
    lock_user: bool,
) -> Result<LoggedIn> {
    let (reply, _shield) = (fresh.reply.take(), fresh.shield.take());
    let (access_token, kind) = (fresh.access_token.clone(), fresh.kind);
    let ready = async {
        let (user, tenant) = identify(context, target, &access_token).await?;
        expectation::meet_tenant(context, Some(&tenant), "this login")?;
        let record = fresh.record(user, tenant, target, context.clock.now());
        let lock_to = lock_user.then(|| expected_user(record.user())).transpose()?;
        // Before any lock is held.
        let agreed = ask_to_replace(context, target, &record).await?;
        Ok((record, agreed, lock_to, wait_for_config(context).await))
    };
    let outcome = tokio::select! {
        biased;
        // Shielded, but not worth waiting for: what was granted is revoked below.
        interruption = interrupt::pressed() => Err(broken_off(interruption)),
        ready = ready => ready.and_then(|(record, agreed, lock_to, lock)| {
            commit(context, target, store, record, agreed.as_ref(), lock_to.as_ref(), lock)
        }),
    };
    match outcome {
        Ok(mut done) => {
            let is_shielded = done.replaced.is_some();
            let _shield = is_shielded.then(|| interrupt::shield("Revoking the replaced login", REVOKING));
            if let Some(reply) = reply {
                let host = target.url.authority();
                reply
                    .success(&Success {
                        name: Some(done.record.user_name.as_str()).filter(|name| !name.is_empty()),
                        email: Some(done.record.user_email.as_str()).filter(|email| !email.is_empty()),
                        profile: done.profile.as_deref().unwrap_or_default(),
                        environment: &host,
                        tenant: done.record.tenant.as_ref().map(Tenant::as_str),
                    })
                    .await;
            }
            if let Some(replaced) = done.replaced.take() {
                end_replaced(context, target, &replaced, &done.record).await;
            }
            Ok(done)
        }
        Err(error) => {
            if let Some(reply) = reply {
                reply.failure(&error.message, None).await;
            }
            if kind == TokenKind::Oauth && error.kind != Kind::Unreachable {
                revoke_unused(context, target, access_token).await;
            }
            Err(error)
        }
    }
}

/// Revokes the token of a login that was refused, since nobody will ever use it; but not one that is stored here,
/// or may be: servers may give a user the token of an earlier login again.
async fn revoke_unused(context: &Context, target: &LoginTarget, token: Secret) {
    let now = context.reloaded();
    let others = logout::every_credential(&now);
    let holder = others.and_then(|others| {
        logout::holder_of(&now, &others, [Some(&token), None], &target.url, None).map(|it| it.cloned())
    });
    match holder {
        Ok(None) => {
            revoke_access_token(&context.http(&target.profile), target.url.clone(), token, None).await;
        }
        Ok(Some(holder)) => tracing::debug!(%holder, "not revoked: the token is stored"),
        Err(error) => context.reporter.warn(format!(
            "the new token was not revoked, since it may be stored already: {}",
            error.message
        )),
    }
}

/// Locks what decides about a login, without holding up the rest.
async fn wait_for_config(context: &Context) -> Result<ConfigLock> {
    let (locks, place) = (context.locks.clone(), context.paths.config.clone());
    let locked = runtime::blocking(move || {
        let old = locks.old_login()?;
        let config = match place.as_ref().map(|place| locks.config(place)) {
            Some(Err(error @ LockError::Busy { .. })) => return Err(error.into()),
            // A config.toml that can't be written is not changed.
            Some(Err(_)) | None => None,
            Some(Ok(lock)) => Some(lock),
        };
        Ok(ConfigLock { config, _old: old })
    });
    locked.await?.unwrap_or_else(|| Err(Error::new(Kind::Failed, "cannot wait for other logins")))
}

/// Writes the login down. The browser may have taken minutes, and others log in meanwhile: so one
/// at a time, and all is decided by the files as they are now.
fn commit(
    context: &Context,
    before: &LoginTarget,
    store: PreparedStore,
    record: Record,
    agreed: Option<&Record>,
    lock_to: Option<&ExpectedUser>,
    lock: Result<ConfigLock>,
) -> Result<LoggedIn> {
    let _shield = interrupt::shield("Storing the login", STORING);
    let now = context.clock.now();
    let record = Record { logged_in_at: now, written_at: now, ..record };
    let (config, _old, busy) = match lock {
        Ok(ConfigLock { config, _old }) => (config, Some(_old), None),
        Err(error) => (None, None, Some(error)),
    };
    let context = context.holding(config);
    match busy.map_or_else(|| target::target_now(&context, before, &record), Err) {
        Ok(target) => store_login(&context, &target, store, record, agreed, lock_to),
        Err(why) => store_apart(&context, before, store, record, &why),
    }
}

/// Stores a login whose profile is not what it was any more: what was granted is kept, and `config.toml` stays as
/// it is. `why`: what is not as it was.
fn store_apart(
    context: &Context,
    before: &LoginTarget,
    prepared: PreparedStore,
    record: Record,
    why: &Error,
) -> Result<LoggedIn> {
    let store = prepared.kind;
    let by_url = CredentialKey::from(&before.url);
    let choice = before.profile.store.value;
    let known = context.config().ok().and_then(|config| config.captured.get(&by_url));
    let known_store = known.as_ref().and_then(Login::kept_in);
    let mut locks = vec![context.credentials().lock_to_save(&by_url, store, known_store)?];
    let held = context.credentials().read(&by_url, choice, known_store);
    // Never in place of another login.
    let own_key = match held {
        Ok(None) => None,
        Ok(Some(held)) if is_same_login(&held.record, &record) => None,
        _ => {
            let name = before.profile.name().map(ToString::to_string);
            Some(free_key(context, &name.unwrap_or_else(|| before.url.suggested_name()), None))
        }
    };
    if let Some(own) = &own_key {
        locks.push(context.credentials().lock_to_save(own, store, None)?);
    }
    let key = own_key.as_ref().unwrap_or(&by_url);
    let kept_in = known_store.filter(|_| own_key.is_none());
    context.credentials().save(key, &record, prepared, choice, kept_in)?;
    let login = login_of(&record, store, known.as_ref().filter(|_| own_key.is_none()));
    logins::logins(context).update(key, |_| Some(login));
    let credential = own_key.as_ref().map(|key| format!(" credential={key}")).unwrap_or_default();
    context.reporter.warn(format!(
        "cannot update config.toml: {}; the login is stored under the key `{key}`; to use it: \
         autocom profiles set NAME api_url={}{credential}",
        why.message,
        shell_word(&before.url)
    ));
    Ok(LoggedIn {
        profile: None,
        created: false,
        activated: false,
        store,
        own_key,
        is_locked: true,
        is_protected: false,
        unwritten: None,
        replaced: None,
        record,
    })
}

fn store_login(
    context: &Context,
    target: &LoginTarget,
    prepared: PreparedStore,
    record: Record,
    agreed: Option<&Record>,
    lock_to: Option<&ExpectedUser>,
) -> Result<LoggedIn> {
    let store = prepared.kind;
    // From the look at who is logged in to the write.
    let known_store = context.config()?.captured.get(&target.key).as_ref().and_then(Login::kept_in);
    let mut locks = vec![context.credentials().lock_to_save(&target.key, store, known_store)?];
    let (own_key, replaced) = match in_the_way(context, target, &record)? {
        None => (None, None),
        Some(InTheWay { record: held, sharer: Some(sharer) }) => {
            (Some(own_key(context, target, &record, &held, &sharer)?), None)
        }
        Some(InTheWay { record: held, .. }) => {
            let is_agreed = agreed.is_some_and(|agreed| agreed.is_of_the_user_of(&held));
            if context.can_ask && !is_agreed && !held.is_of_the_user_of(&record) {
                drop(locks);
                let why = format!("the credential `{}` is now {}'s", target.key, user(&held));
                return store_apart(context, target, prepared, record, &Error::usage(why));
            }
            (None, Some(held))
        }
    };
    if let Some(own) = &own_key {
        locks.push(context.credentials().lock_to_save(own, store, None)?);
    }
    let key = own_key.as_ref().unwrap_or(&target.key);
    let known = context.config()?.captured.get(key);
    let login = login_of(&record, store, known.as_ref());
    let used = LoginValues {
        tenant: record.tenant.as_ref(),
        client_id: record.client_id.as_ref(),
        scope: record.requested_scope.as_ref(),
        store: (target.profile.store.layer == Layer::Flag).then_some(target.profile.store.value),
        expect_user: lock_to,
        own_key: own_key.as_ref(),
        login: (key, &login),
    };
    let choice = target.profile.store.value;
    // Before config.toml names its key: until then other commands use what the profile used before.
    context.credentials().save(key, &record, prepared, choice, known.as_ref().and_then(Login::kept_in))?;
    let mut unwritten = None;
    let activated = match &own_key {
        Some(own) => target::try_write_login(context, target, &used).unwrap_or_else(|error| {
            let bind = autocom("profiles set").value(target.profile.label()).setting("credential", own);
            unwritten = Some(error.cause(format!("the login is stored under the key `{own}`")).hint(bind));
            false
        }),
        None => target::write_login(context, target, &used),
    };
    logins::logins(context).update(key, |_| Some(login.clone()));
    mention_what_follows(context, target, activated)?;
    Ok(LoggedIn {
        profile: target.profile.name().map(ToString::to_string),
        created: target.creates,
        activated,
        store,
        own_key,
        is_locked: lock_to.is_some() || target.profile.expect_user.is_some() || !target.may_be_written(),
        is_protected: protection_state::protection_state(context, &target.profile) != ProtectionState::Open,
        unwritten,
        replaced,
        record,
    })
}

/// `activated`: whether the profile is the active one now.
fn mention_what_follows(context: &Context, target: &LoginTarget, activated: bool) -> Result<()> {
    let config = context.config()?;
    if activated {
        target.profile.name().into_iter().for_each(|name| switch::remember_previous(context, config, name));
        switch::mention_overrides(context, &EditTarget::TopLevel, Key::Profile);
    }
    if let Some(variable) = token_variable(config, &target.profile, true).used {
        context.reporter.warn(format!("{} is set: commands use its token, not this login", variable.name));
    }
    Ok(())
}

/// Asks the platform who the token is and settles the tenant. The platform decides membership.
async fn identify(context: &Context, target: &LoginTarget, token: &Secret) -> Result<(User, Tenant)> {
    let wanted = expectation::wanted(context, &target.profile)?;
    let known = |user: User| match wanted.check(user.user(), "this login") {
        Ok(()) => Ok(user),
        Err(other_user) => Err(other_user.cause("nothing was stored")),
    };
    let platform =
        |tenant| Platform::new(context.http(&target.profile), target.url.clone(), token.clone(), tenant);
    let asked = target.profile.tenant.as_ref();
    if let Some(asked) = asked.filter(|tenant| tenant.layer != Layer::Captured) {
        let tenant = asked.value.clone();
        return match platform(Some(tenant.clone())).profile().await {
            Ok(user) => Ok((known(user)?, tenant)),
            Err(error) if error.is_no_entry() => {
                owner::meet_anywhere(context, &target.profile, &platform(None), "this login").await?;
                let Ok(available) = platform(None).tenants().await else { return Err(error.into()) };
                let anywhere = platform(None).profile().await.err();
                if !blames_tenant(&error, anywhere.as_ref(), &tenant, &available) {
                    return Err(error.into());
                }
                let again = |tenant: &Tenant| autocom("auth login").option("--tenant", tenant);
                Err(membership::not_a_member(&tenant, &asked.origin, &available, again))
            }
            Err(error) => Err(error.into()),
        };
    }
    let user = match platform(None).profile().await {
        Ok(user) => known(user)?,
        // Some platforms answer nothing without a tenant.
        Err(error) if error.mentions_tenant() => {
            let available = platform(None).tenants().await.map_err(|_| Error::from(error))?;
            let tenant = choose_tenant(context, &available).await?;
            return Ok((known(platform(Some(tenant.clone())).profile().await?)?, tenant));
        }
        Err(error) => return Err(error.into()),
    };
    let before = target.profile.login.as_ref();
    let is_same_user = before.is_some_and(|login| login.user().is(user.user()));
    if let Some(captured) = asked.filter(|_| is_same_user) {
        // If they have left that tenant since, it counts no more.
        let tenant = captured.value.clone();
        match platform(Some(tenant.clone())).profile().await {
            Ok(user) => return Ok((user, tenant)),
            Err(PlatformError::Forbidden { .. } | PlatformError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(current) = user.current_tenant.clone() {
        return Ok((user, current));
    }
    let tenant = choose_tenant(context, &platform(None).tenants().await?).await?;
    let user = platform(Some(tenant.clone())).profile().await?;
    Ok((user, tenant))
}

async fn choose_tenant(context: &Context, theirs: &[Membership]) -> Result<Tenant> {
    if theirs.is_empty() {
        return Err(Error::new(Kind::Forbidden, "this user is in no tenant of the platform")
            .hint("ask an owner of the tenant for an invitation, then log in again"));
    }
    if !context.can_ask {
        return Err(Error::usage(format!("this user is in several tenants: {}", membership::ids(theirs)))
            .hint(autocom("auth login").option("--tenant", &theirs[0].id).after("choose one: ")));
    }
    let line = |tenant: &Membership| format!("{}  ({})", tenant.id, tenant.name);
    let choices: Vec<Choice> = theirs.iter().map(|tenant| line(tenant).as_str().into()).collect();
    let prompter = context.prompter.clone();
    let chosen = runtime::blocking(move || prompter.choose("Which tenant?", &choices, 0))
        .await?
        .flatten()
        .ok_or_else(|| Error::new(Kind::Interrupted, "no tenant was chosen"))?;
    Ok(theirs[chosen].id.clone())
}

/// Asks before this login replaces another user's, and returns the one that it may replace.
async fn ask_to_replace(context: &Context, before: &LoginTarget, record: &Record) -> Result<Option<Record>> {
    let now = context.reloaded();
    // A target that has changed is not written to.
    let Some(target) = context.can_ask.then(|| target::target_now(&now, before, record).ok()).flatten()
    else {
        return Ok(None);
    };
    let held = match in_the_way(&now, &target, record)? {
        Some(InTheWay { record: held, sharer: None }) if !held.is_of_the_user_of(record) => held,
        _ => return Ok(None),
    };
    let and_revoke = if held.kind == TokenKind::Oauth { " and revoke its tokens" } else { "" };
    let question = format!("Replace {}{and_revoke}?", login_of_whom(&held));
    let label = target.profile.label();
    context.reporter.show(format!("Logging in to profile {label} as {}.", user(record)));
    let prompter = context.prompter.clone();
    // On a thread of its own, so that a signal ends the wait.
    let kind = match runtime::blocking(move || prompter.confirm(&question, false)).await?.flatten() {
        Some(true) => return Ok(Some(held)),
        Some(false) => Kind::Failed,
        None => Kind::Interrupted,
    };
    Err(Error::new(kind, format!("login canceled: {} was not replaced", login_of_whom(&held))).hint(
        autocom("auth login --profile NAME")
            .option("--api-url", &target.url)
            .after("log in to another profile: "),
    ))
}

/// The login of another user or of another kind that is stored under this login's key.
fn in_the_way(context: &Context, target: &LoginTarget, record: &Record) -> Result<Option<InTheWay>> {
    let sharer = selected::profiles_with_key(context, &target.key, target.profile.name())?.into_iter().next();
    let known = context.config()?.captured.get(&target.key);
    let known_store = known.as_ref().and_then(Login::kept_in);
    let held = match context.credentials().read(&target.key, target.profile.store.value, known_store) {
        // A login into the file must not need a keychain that is out of order.
        Err(_) if sharer.is_none() => None,
        // Whose it is, `logins.toml` knows as well.
        Err(_) if known.is_some_and(|known| names_the_login(&known, record)) => None,
        held => held?,
    };
    let other = held.map(|held| held.record).filter(|held| !is_same_login(held, record));
    Ok(other.map(|record| InTheWay { record, sharer }))
}

/// A key of its own for a login that would otherwise take the credential `held` from the profile `sharer`.
fn own_key(
    context: &Context,
    target: &LoginTarget,
    record: &Record,
    held: &Record,
    sharer: &ProfileName,
) -> Result<CredentialKey> {
    // A key of its own counts only once it is written down.
    let name = target.profile.name().filter(|_| target.may_be_written()).ok_or_else(|| {
        let (this, held) = (this_login(record), login_of_whom(held));
        Error::usage(format!("cannot store {this}: profile {sharer} uses {held}")).hint(
            autocom("auth login --profile NAME")
                .option("--api-url", &target.url)
                .after("give this login a profile: "),
        )
    })?;
    let own = free_key(context, name.as_str(), Some(name));
    context.reporter.progress(format!(
        "profile {sharer} keeps {}; {} is stored under its own key `{own}`",
        login_of_whom(held),
        this_login(record)
    ));
    Ok(own)
}

/// Says what a login has replaced. Another user's grant is revoked, since nobody can use it any more; the same
/// user's may be in use by a running command, and a personal access token anywhere.
async fn end_replaced(context: &Context, target: &LoginTarget, replaced: &Record, record: &Record) {
    let is_same_user = replaced.is_of_the_user_of(record);
    let replaces = format!("{} replaces {}", this_login(record), login_of_whom(replaced));
    let fate = match replaced.kind {
        TokenKind::Pat => "which was not revoked".to_owned(),
        TokenKind::Oauth if is_same_user => "whose tokens were not revoked".to_owned(),
        TokenKind::Oauth if is_held_elsewhere(context, replaced) => {
            "whose tokens were not revoked, since another credential has them".to_owned()
        }
        TokenKind::Oauth => match revoke_replaced(context, target, replaced).await {
            Revocation::AccessTokenOnly(why) => {
                return context
                    .reporter
                    .warn(format!("{replaces}, whose refresh token may still work: {why}"));
            }
            Revocation::Unconfirmed(why) => {
                return context.reporter.warn(format!("{replaces}, whose tokens may still work: {why}"));
            }
            _ => "whose tokens were revoked".to_owned(),
        },
    };
    let said = format!("{replaces}, {fate}");
    // Unless a person was asked, it must not pass unnoticed.
    if is_same_user || context.can_ask {
        context.reporter.progress(said)
    } else {
        context.reporter.warn(said)
    }
}

async fn revoke_replaced(context: &Context, target: &LoginTarget, replaced: &Record) -> Revocation {
    let endpoint = target.profile.revocation_url.as_ref().map(|url| &url.value);
    revoke_login(&context.http(&target.profile), replaced, endpoint).await
}

/// Whether a credential has the tokens of one that is stored no longer.
fn is_held_elsewhere(context: &Context, gone: &Record) -> bool {
    let tokens = [Some(&gone.access_token), gone.refresh_token.as_ref()];
    let now = context.reloaded();
    let others = logout::every_credential(&now).unwrap_or_default();
    let holder = logout::holder_of(&now, &others, tokens, &gone.api_url, Some(gone.user()));
    // One that can't be read is no reason to leave these alive.
    matches!(holder, Ok(Some(_)))
}

/// A key under which nothing is stored, and that no profile but `except` uses.
fn free_key(context: &Context, suggested: &str, except: Option<&ProfileName>) -> CredentialKey {
    let stored = context.credentials().file_keys().unwrap_or_default();
    let captured = context.config().map(|config| &config.captured).ok();
    let own = free_name(suggested, |candidate| {
        let candidate = CredentialKey::from(candidate);
        let known = captured.and_then(|captured| captured.get(&candidate));
        known.as_ref().and_then(Login::kept_in).is_some()
            || stored.contains(&candidate)
            || selected::profiles_with_key(context, &candidate, except).is_ok_and(|users| !users.is_empty())
    });
    CredentialKey::from(&own)
}

/// Whether both are of one user and one kind.
fn is_same_login(held: &Record, record: &Record) -> bool {
    held.kind == record.kind && held.is_of_the_user_of(record)
}

/// Whether `logins.toml` has such a login under the key.
fn names_the_login(known: &Login, record: &Record) -> bool {
    known.kind == Some(record.kind)
        && known.user().is(record.user())
        && known.api_url.as_ref().is_some_and(|url| url.same_origin(&record.api_url))
}

fn login_of_whom(record: &Record) -> String {
    let what = match record.kind {
        TokenKind::Oauth => "OAuth login",
        TokenKind::Pat => "personal access token",
    };
    format!("the {what} of {} on {}", user(record), record.api_url.authority())
}

fn this_login(record: &Record) -> &'static str {
    match record.kind {
        TokenKind::Oauth => "this login",
        TokenKind::Pat => "this personal access token",
    }
}

fn user(record: &Record) -> Cow<'_, str> {
    record.user().label().unwrap_or("an unknown user".into())
}
