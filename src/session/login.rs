//! Login: a token by browser, by pasted code or as it stands, then who it is, and only then stored.

use std::io::{BufRead, Read};
use std::time::Duration;

use jiff::Timestamp;

use super::record::login_of;
use super::target::{Target, Used, free_name};
use super::{Session, no_environment};
use crate::config::{EditTarget, Login};
use crate::credentials::Record;
use crate::domain::{
    ClientId, CredentialKey, Key, Layer, ProfileName, Secret, StoreKind, Tenant, TokenKind, jwt,
};
use crate::error::{Error, Kind, Result};
use crate::oauth::page::Success;
use crate::oauth::{
    AuthorizationRequest, CALLBACK_PORTS, Endpoints, Listener, PASTE_PORT, RedirectUri, Reply, paste,
};
use crate::platform::{Membership, Platform, PlatformError, Profile as User};
use crate::system::notices::Notices;

/// How the token is to be had.
pub enum Method {
    Browser,
    Paste,
    /// A personal access token.
    Token(Secret),
}

pub struct LoginRequest {
    pub method: Method,
    /// `--use`: make the profile the active one.
    pub make_active: bool,
    /// How long to wait for the browser.
    pub timeout: Duration,
}

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
}

/// A token that is not stored yet.
struct Fresh {
    access_token: Secret,
    refresh_token: Option<Secret>,
    expires_at: Option<Timestamp>,
    refresh_expires_at: Option<Timestamp>,
    kind: TokenKind,
    client_id: Option<ClientId>,
    scopes: Vec<String>,
    /// The browser that waits for its page.
    reply: Option<Reply>,
}

impl Session {
    pub fn login(&self, request: LoginRequest) -> Result<LoggedIn> {
        let target = self.login_target(request.make_active)?;
        let client_id = match &request.method {
            Method::Token(_) => None,
            _ => Some(self.client_id(&target)?),
        };
        // Before anybody is sent to a browser: is there a place for what comes back?
        let store = self.credentials().prepare(&target.key, target.profile.store.value)?;
        self.block_on(async {
            let fresh = match (request.method, client_id) {
                (Method::Token(token), _) => Fresh::personal(token, &target),
                (Method::Paste, Some(id)) => self.by_paste(&target, id).await?,
                (_, id) => {
                    let id = id.ok_or_else(|| no_environment(&target.profile))?;
                    self.by_browser(&target, id, request.timeout).await?
                }
            };
            self.finish(&target, store, fresh).await
        })
    }

    fn client_id(&self, target: &Target) -> Result<ClientId> {
        target.profile.client_id.as_ref().map(|id| id.value.clone()).ok_or_else(|| {
            Error::usage(format!("no client id is known for {}", target.url)).hint(format!(
                "ask for the id of the platform's CLI client (public, PKCE) and pass --client-id ID; \
                 or use a personal access token: autocom auth login --api-url {} --token-stdin",
                target.url
            ))
        })
    }

    async fn by_browser(&self, target: &Target, client_id: ClientId, timeout: Duration) -> Result<Fresh> {
        let listener = Listener::bind(CALLBACK_PORTS).await?;
        let AuthorizationRequest { url, pending } = AuthorizationRequest::new(
            Endpoints::of(&target.url),
            client_id.clone(),
            listener.redirect_uri(),
            Vec::new(),
        );
        self.notices.always(format!(
            "Opening a browser to log in to {}. If none opens, visit:\n\n  {url}\n",
            target.url.origin()
        ));
        if let Err(error) = self.browser.open(url.as_str()) {
            self.notices.hint(format!("{error}"));
        }
        let waiting = self.person.waiting("Waiting for the browser (Ctrl-C to give up)");
        let (aside, heard) = (waiting.aside(), self.notices.clone());
        let notices = Notices::new(move |notice, text| aside(&|| heard.say(notice, text)));
        let callback = tokio::time::timeout(timeout, listener.receive(&pending, &notices)).await.map_err(|_| {
            Error::new(Kind::Authentication, format!("nobody logged in within {}", said(timeout))).hint(format!(
                "if the browser showed an error, the client id ({client_id}) may be wrong, or the redirect {} is not \
                 registered for it; without a browser here: autocom auth login --no-browser",
                pending.redirect_uri()
            ))
        })??;
        drop(waiting);
        match pending.exchange(&self.http(&target.profile), callback.code).await {
            Ok(grant) => Ok(Fresh::granted(grant, client_id, self.clock.now(), Some(callback.reply))),
            Err(error) => {
                let error = Error::from(error);
                callback.reply.failure(&error.message, None).await;
                Err(error)
            }
        }
    }

    async fn by_paste(&self, target: &Target, client_id: ClientId) -> Result<Fresh> {
        let redirect = RedirectUri::on(PASTE_PORT);
        let AuthorizationRequest { url, pending } =
            AuthorizationRequest::new(Endpoints::of(&target.url), client_id.clone(), redirect, Vec::new());
        self.notices.always(format!(
            "Open this in any browser and log in to {}:\n\n  {url}\n\n\
             The browser then ends on a page that can't be shown. Copy its whole address and paste it here.",
            target.url.origin()
        ));
        let pasted = self.pasted().await?;
        let code = paste::code(pasted.expose(), &pending)?;
        let grant = pending.exchange(&self.http(&target.profile), code).await?;
        Ok(Fresh::granted(grant, client_id, self.clock.now(), None))
    }

    /// A line from a terminal, all of a pipe.
    async fn pasted(&self) -> Result<Secret> {
        let terminal = self.environment.stdin_is_terminal;
        if terminal && !self.can_ask {
            return Err(Error::usage("there is nobody to paste the address")
                .hint("pipe it in, or use a personal access token: --token-stdin"));
        }
        let (send, receive) = tokio::sync::oneshot::channel();
        // A thread of its own: the runtime would wait for one of its own when it ends.
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = match terminal {
                true => std::io::stdin().lock().read_line(&mut text),
                false => std::io::stdin().lock().take(1 << 16).read_to_string(&mut text),
            };
            let _ = send.send(read.map(|_| Secret::new(text)));
        });
        let failed = || Error::new(Kind::Failed, "could not read what was pasted");
        receive.await.map_err(|_| failed())?.map_err(|error| failed().cause(error))
    }

    /// From a token in hand to a stored credential, and the page in the browser.
    async fn finish(&self, target: &Target, store: StoreKind, mut fresh: Fresh) -> Result<LoggedIn> {
        let reply = fresh.reply.take();
        let (access_token, kind) = (fresh.access_token.clone(), fresh.kind);
        let outcome = match self.identify(target, &fresh.access_token).await {
            Ok((user, tenant)) => self.commit(target, store, fresh, user, tenant),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(done) => {
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
                Ok(done)
            }
            Err(error) => {
                if let Some(reply) = reply {
                    reply.failure(&error.message, None).await;
                }
                if kind == TokenKind::Oauth && error.kind != Kind::Unreachable {
                    // Nobody will ever use it: better dead than forgotten.
                    let _ = Platform::new(self.http(&target.profile), target.url.clone(), access_token, None)
                        .logout()
                        .await;
                }
                Err(error)
            }
        }
    }

    /// Writes the login down. The browser may have taken minutes, and others log in meanwhile: so one
    /// at a time, and all is decided by the files as they are now.
    fn commit(
        &self,
        before: &Target,
        store: StoreKind,
        fresh: Fresh,
        user: User,
        tenant: Tenant,
    ) -> Result<LoggedIn> {
        let _turn = self.turn()?;
        let session = self.again();
        let target = session.login_target(before.asks_to_activate)?;
        if target.url != before.url {
            return Err(Error::usage(format!(
                "profile {} was bound to {} meanwhile",
                target.profile.label(),
                target.url
            ))
            .hint("nothing was stored; log in again"));
        }
        session.store_login(&target, store, fresh.record(user, tenant, &target, self.clock.now()))
    }

    fn store_login(&self, target: &Target, store: StoreKind, record: Record) -> Result<LoggedIn> {
        let own_key = self.own_key(target, &target.key, &record)?;
        let key = own_key.as_ref().unwrap_or(&target.key);
        let known = self.config()?.captured.get(key);
        let login = login_of(&record, store, known.as_ref());
        let used = Used {
            tenant: record.tenant.as_ref(),
            client_id: record.client_id.as_ref(),
            store: (target.profile.store.layer == Layer::Flag).then_some(target.profile.store.value),
            own_key: own_key.as_ref(),
        };
        let save = || {
            let choice = target.profile.store.value;
            self.credentials().save(key, &record, store, choice, known.as_ref().and_then(Login::kept_in))
        };
        let activated = if own_key.is_some() {
            // The profile must lead to its own key before there is something under it: otherwise its
            // commands would use the other user's token.
            self.logins().update(key, |_| Some(login));
            let written = self.try_write_login(target, &used).and_then(|activated| Ok((activated, save()?)));
            written
                .map(|(activated, ())| activated)
                .inspect_err(|_| self.logins().update(key, |_| known.clone()))?
        } else {
            save()?;
            self.logins().update(key, |_| Some(login));
            self.write_login(target, &used)
        };
        if activated {
            self.mention_overrides(&EditTarget::TopLevel, Key::Profile);
        }
        if let Some(variable) = self.config()?.token_variable(&target.profile, true).used {
            self.notices.warn(format!("{} is set: commands use its token, not this login", variable.name));
        }
        let profile = target.profile.name().map(ToString::to_string);
        Ok(LoggedIn { profile, created: target.creates, activated, record, store, own_key })
    }

    /// Asks the platform who the token is and settles the tenant. The platform decides membership.
    async fn identify(&self, target: &Target, token: &Secret) -> Result<(User, Tenant)> {
        let platform =
            |tenant| Platform::new(self.http(&target.profile), target.url.clone(), token.clone(), tenant);
        let asked = target.profile.tenant.as_ref();
        if let Some(asked) = asked.filter(|tenant| tenant.layer != Layer::Captured) {
            let tenant = asked.value.clone();
            return match platform(Some(tenant.clone())).profile().await {
                Ok(user) => Ok((user, tenant)),
                Err(error @ (PlatformError::Forbidden { .. } | PlatformError::NotFound { .. })) => {
                    let theirs = platform(None).tenants().await.map_err(|_| Error::from(error))?;
                    Err(not_a_member(&tenant, &asked.origin, &theirs))
                }
                Err(error) => Err(error.into()),
            };
        }
        let user = platform(None).profile().await?;
        let before = target.profile.login.as_ref().and_then(|login| login.user_email.as_ref());
        if let Some(captured) = asked.filter(|_| before.is_some() && before == user.email.as_ref()) {
            // The same user again. If they have left that tenant since, it counts no more.
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
        let tenant = self.choose_tenant(&platform(None).tenants().await?)?;
        let user = platform(Some(tenant.clone())).profile().await?;
        Ok((user, tenant))
    }

    fn choose_tenant(&self, theirs: &[Membership]) -> Result<Tenant> {
        if theirs.is_empty() {
            return Err(Error::new(Kind::Forbidden, "this user is in no tenant of the platform")
                .hint("ask an owner of the tenant for an invitation, then log in again"));
        }
        if !self.can_ask {
            return Err(Error::usage(format!("this user is in several tenants: {}", ids(theirs)))
                .hint(format!("choose one: --tenant {}", theirs[0].id)));
        }
        let options = theirs.iter().map(|tenant| format!("{}  ({})", tenant.id, tenant.name)).collect();
        let chosen = self
            .person
            .choose("Which tenant?", options)
            .ok_or_else(|| Error::new(Kind::Interrupted, "no tenant was chosen"))?;
        Ok(theirs[chosen].id.clone())
    }

    /// A key of its own for a login that would otherwise take the credential of another user from
    /// another profile.
    fn own_key(
        &self,
        target: &Target,
        key: &CredentialKey,
        record: &Record,
    ) -> Result<Option<CredentialKey>> {
        let config = self.config()?;
        // First whether it matters: a login into the file must not need a keychain that is out of order.
        let sharing = self.profiles_with_key(key, target.profile.name())?;
        let Some(sharer) = sharing.first() else { return Ok(None) };
        let known = config.captured.get(key);
        let known_store = known.as_ref().and_then(Login::kept_in);
        let held = match self.credentials().read(key, target.profile.store.value, known_store) {
            // Whose it is, `logins.toml` knows as well.
            Err(_) if known.is_some_and(|known| names_the_user_of(&known, record)) => return Ok(None),
            held => held?,
        };
        let Some(held) = held.map(|held| held.record).filter(|held| !held.is_of_the_user_of(record)) else {
            return Ok(None);
        };
        let other_user = held.user();
        // A key of its own counts only once it is written down.
        let name = target.profile.name().filter(|_| target.may_be_written()).ok_or_else(|| {
            Error::usage(format!(
                "{other_user} is logged in there, and profile {sharer} uses that credential"
            ))
            .hint(format!(
                "give this login a profile: autocom auth login --profile NAME --api-url {}",
                target.url
            ))
        })?;
        let stored = self.credentials().file_keys().unwrap_or_default();
        let own = free_name(name.as_str(), |candidate| {
            let candidate = CredentialKey::from(candidate);
            config.captured.get(&candidate).as_ref().and_then(Login::kept_in).is_some()
                || stored.contains(&candidate)
                || self.profiles_with_key(&candidate, Some(name)).is_ok_and(|users| !users.is_empty())
        });
        self.notices.progress(format!(
            "{other_user} stays logged in for profile {sharer}; this login is kept under its own key `{own}`"
        ));
        Ok(Some(CredentialKey::from(&own)))
    }

    /// The profiles, other than `except`, that use the credential `key`.
    pub fn profiles_with_key(
        &self,
        key: &CredentialKey,
        except: Option<&ProfileName>,
    ) -> Result<Vec<ProfileName>> {
        let config = self.config()?;
        Ok(config
            .profiles()
            .into_iter()
            .filter(|name| Some(name) != except)
            .filter(|name| {
                let profile = config.resolve(crate::config::Selection::listed(name.clone()));
                profile.is_ok_and(|profile| profile.credential.is_some_and(|own| own.value == *key))
            })
            .collect())
    }
}

impl Fresh {
    /// A client id that was asked for is remembered for the next login in the browser.
    fn personal(token: Secret, target: &Target) -> Fresh {
        let asked = target.profile.client_id.as_ref().filter(|id| id.layer == Layer::Flag);
        Fresh {
            expires_at: jwt::expiry(&token),
            access_token: token,
            refresh_token: None,
            refresh_expires_at: None,
            kind: TokenKind::Pat,
            client_id: asked.map(|id| id.value.clone()),
            scopes: Vec::new(),
            reply: None,
        }
    }

    fn granted(
        grant: crate::oauth::Grant,
        client_id: ClientId,
        now: Timestamp,
        reply: Option<Reply>,
    ) -> Fresh {
        Fresh {
            expires_at: grant.expires_at(now),
            refresh_expires_at: grant.refresh_expires_at(now),
            access_token: grant.access_token,
            refresh_token: grant.refresh_token,
            kind: TokenKind::Oauth,
            client_id: Some(client_id),
            scopes: grant.scopes,
            reply,
        }
    }

    fn record(self, user: User, tenant: Tenant, target: &Target, now: Timestamp) -> Record {
        Record {
            access_token: self.access_token,
            refresh_token: self.refresh_token,
            expires_at: self.expires_at,
            refresh_expires_at: self.refresh_expires_at,
            kind: self.kind,
            user_name: user.name.unwrap_or_default(),
            user_email: user.email.unwrap_or_default(),
            tenant: Some(tenant),
            api_url: target.url.clone(),
            client_id: self.client_id,
            scopes: self.scopes,
            logged_in_at: now,
            written_at: now,
        }
    }
}

/// Whether `logins.toml` has the record's user for the one who is logged in.
fn names_the_user_of(known: &Login, record: &Record) -> bool {
    known.user_email.as_ref().is_some_and(|email| !email.is_empty() && *email == record.user_email)
        && known.api_url.as_ref().is_some_and(|url| url.same_origin(&record.api_url))
}

pub(super) fn not_a_member(tenant: &Tenant, origin: &crate::domain::Origin, theirs: &[Membership]) -> Error {
    let error =
        Error::new(Kind::Forbidden, format!("this user is not in the tenant `{tenant}` (from {origin})"));
    match theirs.first() {
        Some(first) => {
            error.hint(format!("theirs: {}; choose one: --{} {}", ids(theirs), Key::Tenant, first.id))
        }
        None => error.hint("they are in no tenant of this platform"),
    }
}

pub(super) fn ids(theirs: &[Membership]) -> String {
    theirs.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>().join(", ")
}

fn said(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 120 && seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}
