//! A token that is not stored yet, and the ways to get one: in the browser, by pasting, on another device,
//! or as it stands.

use std::io::{BufRead, Read};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::credentials::Record;
use crate::domain::text::decode;
use crate::domain::time::spelled_out;
use crate::domain::{ClientId, Layer, Scopes, Secret, Tenant, TokenKind, autocom, jwt, shell_word};
use crate::error::{Error, Kind, Result};
use crate::oauth::{
    AuthorizationRequest, BrowserReply, CALLBACK_PORTS, DeviceRequest, Endpoints, Grant, Listener,
    OAuthError, PASTE_PORT, Pending, RedirectUri, paste,
};
use crate::platform::Profile as User;
use crate::session::context::Context;
use crate::session::login::again;
use crate::session::login::request::{LoginRequest, Method};
use crate::session::login::target::LoginTarget;
use crate::session::profile::login_command::login_command;
use crate::system::http::Http;
use crate::system::interrupt::{self, Shield};
use crate::system::keyboard::Keyboard;
use crate::system::prompter::{LoginPage, LoginWay, Waiting};
use crate::system::reporter::Reporter;
use crate::system::runtime;

/// How long a person may take in a browser.
const PERSONS_TIME: Duration = Duration::from_secs(300);
/// What revoking and the browser's last page may take when a login was told to stop.
const UNDOING: Duration = Duration::from_secs(10);
/// After this time it is said what may be wrong.
const SAY_AFTER: Duration = Duration::from_secs(20);
const DEFAULT_SSH_PORT: &str = "22";

/// A token that is not stored yet.
pub(crate) struct NewToken {
    pub access_token: Secret,
    pub kind: TokenKind,
    refresh_token: Option<Secret>,
    expires_at: Option<Timestamp>,
    refresh_expires_at: Option<Timestamp>,
    client_id: Option<ClientId>,
    requested_scope: Option<Scopes>,
    scopes: Vec<String>,
    /// The browser that waits for its page.
    pub reply: Option<BrowserReply>,
    /// From the moment that the platform may have granted something: it must be stored or revoked.
    pub shield: Option<Shield>,
}

/// A token that the platform grants.
pub(crate) async fn fresh(
    context: &Context,
    target: &LoginTarget,
    request: &LoginRequest,
) -> Result<NewToken> {
    let login_time = request.timeout.unwrap_or(PERSONS_TIME);
    match request.method {
        Method::Device => by_device(context, target, request.timeout).await,
        Method::Paste => by_paste(context, target, login_time).await,
        Method::Browser | Method::Token => by_browser(context, target, request, login_time).await,
    }
}

pub(crate) fn client_id(target: &LoginTarget) -> Result<ClientId> {
    target.profile.client_id.as_ref().map(|id| id.value.clone()).ok_or_else(|| {
        Error::usage(format!("no client id is known for {}", target.url)).hint(
            autocom("auth login --client-id ID")
                .after("ask for the id of the platform's CLI client (public, PKCE): ")
                .text("; or use a personal access token: ")
                .command(autocom("auth login --token-stdin").input("token.txt")),
        )
    })
}

async fn by_browser(
    context: &Context,
    target: &LoginTarget,
    request: &LoginRequest,
    timeout: Duration,
) -> Result<NewToken> {
    let client_id = client_id(target)?;
    let listener = Listener::bind(CALLBACK_PORTS).await?;
    let AuthorizationRequest { url, pending } = AuthorizationRequest::new(
        Endpoints::new(&target.url),
        client_id.clone(),
        listener.redirect_uri(),
        requested(target),
    );
    let mut keyboard = if context.can_ask { Keyboard::open() } else { None };
    let (redirect, can_paste) = (pending.redirect_uri(), keyboard.is_some());
    send_to_browser(context, target, request, url.as_str(), redirect, can_paste);
    let waiting = context.prompter.waiting("Waiting for the browser (Ctrl-C to give up)");
    let reporter = notices_beside(context, &*waiting);
    let http = context.http(&target.profile);
    let answer = async {
        tokio::select! {
            error = pending.unknown_client(&http) => Err(error),
            callback = listener.receive(&pending, &reporter) => {
                callback.map(|callback| (callback.code, Some(callback.reply)))
            }
            code = pasted_address(keyboard.as_mut(), &pending, &reporter) => Ok((code?, None)),
        }
    };
    let started = Instant::now();
    let doubts = doubts(&pending, target);
    let answered = patiently(answer, timeout, || reporter.progress(format!("still waiting: {doubts}"))).await;
    let (code, reply) = answered.ok_or_else(|| {
        Error::new(Kind::Authentication, format!("nobody logged in within {}", spelled_out(timeout)))
            .hint(autocom("auth login --no-browser").after(format!("{doubts}; without a browser here: ")))
    })??;
    drop((waiting, keyboard));
    let shield = Some(shield(&context.http(&target.profile)));
    match pending.exchange(&http, &code, started + timeout).await {
        Ok(grant) => Ok(NewToken { reply, shield, ..granted(context, grant, client_id, target) }),
        Err(error) => {
            let error = Error::from(error);
            if let Some(reply) = reply {
                reply.failure(&error.message, None).await;
            }
            Err(error)
        }
    }
}

/// Opens the browser, or says how one on another machine gets here.
fn send_to_browser(
    context: &Context,
    target: &LoginTarget,
    request: &LoginRequest,
    url: &str,
    redirect: RedirectUri,
    can_paste: bool,
) {
    let origin = target.url.origin();
    if let Some(tunnel) = tunnel(context, redirect.port()) {
        let or_paste = if can_paste { ", or paste the address that it ends on" } else { "" };
        show_login(
            context,
            url,
            &format!(
                "This is an SSH session without a display: log in to {origin} with the browser of your own machine.\n\n  \
             {url}\n\n\
             It ends at port {} of this machine. Lead it here, from yours{or_paste}:\n\n  \
             {tunnel}\n\n\
             Without a port: {}\n",
                redirect.port(),
                again::login_again(
                    context,
                    autocom("auth login --no-browser").into(),
                    Some(&target.profile),
                    request
                )
            ),
        );
        return;
    }
    let or_paste =
        if can_paste { "\nIf it can't come back here, paste the address that it ends on.\n" } else { "" };
    show_login(
        context,
        url,
        &format!("Opening a browser to log in to {origin}. If none opens, visit:\n\n  {url}\n{or_paste}"),
    );
    if let Err(error) = context.browser.open(url) {
        context.reporter.note(format!("{error}"));
    }
}

fn show_login(context: &Context, url: &str, instructions: &str) {
    context.prompter.show_login(&LoginPage { url, way: LoginWay::Browser { instructions } });
}

/// In an SSH session without a display: the command that leads `port` of the user's own machine
/// here. A `$BROWSER` that is set there knows its way (that of editors opens the one at home).
pub(crate) fn tunnel(context: &Context, port: u16) -> Option<String> {
    let variable = |name| context.environment.var(name);
    let connection = variable("SSH_CONNECTION")?;
    if ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| variable(name).is_some()) {
        return None;
    }
    // Address and port of the client, address and port of this machine.
    let mut words = connection.split_whitespace().skip(2);
    let (host, ssh_port) = (words.next()?, words.next().unwrap_or(DEFAULT_SSH_PORT));
    let user = variable("USER").or_else(|| variable("LOGNAME")).map(|user| format!("{user}@"));
    let there = shell_word(user.unwrap_or_default() + host);
    let ssh_port = if ssh_port == DEFAULT_SSH_PORT { String::new() } else { format!("-p {ssh_port} ") };
    Some(format!("ssh {ssh_port}-L {port}:127.0.0.1:{port} {there}"))
}

/// Notices that come while somebody waits: printed with the sign of life out of the way.
fn notices_beside(context: &Context, waiting: &dyn Waiting) -> Reporter {
    let (aside, heard) = (waiting.aside(), context.reporter.clone());
    Reporter::new(move |notice, text| aside(&|| heard.say(notice, text)))
}

async fn by_paste(context: &Context, target: &LoginTarget, timeout: Duration) -> Result<NewToken> {
    let client_id = client_id(target)?;
    let redirect = RedirectUri::on(PASTE_PORT);
    let AuthorizationRequest { url, pending } = AuthorizationRequest::new(
        Endpoints::new(&target.url),
        client_id.clone(),
        redirect,
        requested(target),
    );
    // Before anybody is asked: what is pasted at once is not shown either.
    let keyboard = if context.can_ask { Keyboard::open() } else { None };
    show_login(
        context,
        url.as_str(),
        &format!(
            "Open this in any browser and log in to {}:\n\n  {url}\n\n\
         The browser then ends on a page that can't be shown. Copy its whole address and paste it here.",
            target.url.origin()
        ),
    );
    let started = Instant::now();
    let http = context.http(&target.profile);
    let pasted = async {
        tokio::select! {
            error = pending.unknown_client(&http) => Err(Error::from(error)),
            code = pasted_code(context, keyboard, &pending) => code,
        }
    };
    let doubts = doubts(&pending, target);
    let say = || context.reporter.progress(format!("still waiting: {doubts}"));
    let code = patiently(pasted, timeout, say).await.ok_or_else(|| {
        Error::new(Kind::Authentication, format!("nothing was pasted within {}", spelled_out(timeout))).hint(
            autocom("auth login --no-browser --timeout SECONDS").after(format!("{doubts}; for more time: ")),
        )
    })??;
    let shield = Some(shield(&context.http(&target.profile)));
    let grant = pending.exchange(&http, &code, started + timeout).await?;
    Ok(NewToken { shield, ..granted(context, grant, client_id, target) })
}

async fn by_device(context: &Context, target: &LoginTarget, timeout: Option<Duration>) -> Result<NewToken> {
    let client_id = client_id(target)?;
    let endpoints = Endpoints::new(&target.url);
    let request =
        DeviceRequest::new(&context.http(&target.profile), endpoints, client_id.clone(), requested(target))
            .await?;
    let life = timeout.map_or(request.expires_in(), |timeout| timeout.min(request.expires_in()));
    let way = LoginWay::Device {
        user_code: request.user_code(),
        complete_url: request.complete_uri(),
        expires_in: request.expires_in(),
    };
    context.prompter.show_login(&LoginPage { url: request.verification_uri(), way });
    let waiting = context.prompter.waiting(&format!(
        "Waiting for the code to be entered, {} at most (Ctrl-C to give up)",
        spelled_out(life)
    ));
    let grant = request.grant(&context.http(&target.profile), life).await?;
    drop(waiting);
    let shield = Some(shield(&context.http(&target.profile)));
    Ok(NewToken { shield, ..granted(context, grant, client_id, target) })
}

/// What the platform granted. That it left scopes out is said: later requests may be refused for that.
fn granted(context: &Context, grant: Grant, client_id: ClientId, target: &LoginTarget) -> NewToken {
    let requested = requested(target);
    let granted = grant.scopes.as_ref();
    let missing: Vec<_> = granted.map_or_else(Vec::new, |granted| {
        requested.iter().filter(|scope| !granted.contains(scope)).map(String::as_str).collect()
    });
    if !missing.is_empty() {
        context.reporter.warn(format!("the platform did not grant the scope `{}`", missing.join(" ")));
    } else if granted.is_some_and(Vec::is_empty) {
        let again = login_command(&target.profile);
        context
            .reporter
            .warn(format!("the platform granted no scope; to ask for one: {again} --scope SCOPES"));
    }
    NewToken::granted(grant, client_id, target, context.clock.now())
}

/// The code in what is pasted. In a terminal, what is anything else is said, and the wait goes on.
async fn pasted_code(context: &Context, keyboard: Option<Keyboard>, pending: &Pending) -> Result<Secret> {
    match keyboard {
        Some(mut keyboard) => Ok(pasted_line(&mut keyboard, pending, &context.reporter, paste::code).await?),
        None => Ok(paste::code(pasted(context).await?.expose(), pending)?),
    }
}

/// A line from a terminal, all of a pipe.
async fn pasted(context: &Context) -> Result<Secret> {
    let terminal = context.environment.stdin_is_terminal;
    if terminal && !context.can_ask {
        return Err(Error::usage("there is nobody to paste the address").hint(
            autocom("auth login --token-stdin")
                .input("token.txt")
                .after("pipe it in, or use a personal access token: "),
        ));
    }
    let (send, receive) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime would wait for one of its own when it ends.
    runtime::thread("paste", move || {
        let mut text = String::new();
        let read = if terminal {
            std::io::stdin().lock().read_line(&mut text)
        } else {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(1 << 17).read_to_end(&mut bytes);
            text = decode(&bytes).unwrap_or_else(|good| good);
            read
        };
        let _ = send.send(read.map(|_| Secret::unsearched(text)));
    })?;
    let failed = || Error::new(Kind::Failed, "could not read what was pasted");
    receive.await.map_err(|_| failed())?.map_err(|error| failed().cause(error))
}

impl NewToken {
    /// A client id or scope that was given is remembered for the next login in the browser.
    pub(crate) fn personal(token: Secret, target: &LoginTarget) -> NewToken {
        let client_id = target.profile.client_id.as_ref().filter(|id| id.layer == Layer::Flag);
        let scope = target.profile.scope.as_ref().filter(|scope| scope.layer == Layer::Flag);
        NewToken {
            expires_at: jwt::expiry(&token),
            access_token: token,
            refresh_token: None,
            refresh_expires_at: None,
            kind: TokenKind::Pat,
            client_id: client_id.map(|id| id.value.clone()),
            requested_scope: scope.map(|scope| scope.value.clone()),
            scopes: Vec::new(),
            reply: None,
            shield: None,
        }
    }

    /// A scope from the files is not captured: there it can be changed and removed.
    fn granted(grant: Grant, client_id: ClientId, target: &LoginTarget, now: Timestamp) -> NewToken {
        let in_file = |layer| matches!(layer, Layer::Profile | Layer::TopLevel);
        let captured = target.profile.scope.as_ref().filter(|scope| !in_file(scope.layer));
        NewToken {
            expires_at: grant.expires_at(now),
            refresh_expires_at: grant.refresh_expires_at(now),
            access_token: grant.access_token,
            refresh_token: grant.refresh_token,
            kind: TokenKind::Oauth,
            client_id: Some(client_id),
            requested_scope: captured.map(|scope| scope.value.clone()),
            scopes: grant.scopes.unwrap_or_else(|| requested(target)),
            reply: None,
            shield: None,
        }
    }

    pub(crate) fn record(self, user: User, tenant: Tenant, target: &LoginTarget, now: Timestamp) -> Record {
        Record {
            access_token: self.access_token,
            refresh_token: self.refresh_token,
            access_refused: false,
            refresh_refused: false,
            expires_at: self.expires_at,
            refresh_expires_at: self.refresh_expires_at,
            kind: self.kind,
            user_name: user.name.unwrap_or_default(),
            user_email: user.email.unwrap_or_default(),
            tenant: Some(tenant),
            api_url: target.url.clone(),
            client_id: self.client_id,
            requested_scope: self.requested_scope,
            scopes: self.scopes,
            logged_in_at: now,
            written_at: now,
        }
    }
}

/// The scopes to ask for, if not the platform's default ones.
fn requested(target: &LoginTarget) -> Vec<String> {
    let scope = target.profile.scope.as_ref();
    scope.map(|scope| scope.value.iter().map(str::to_owned).collect()).unwrap_or_default()
}

/// What `work` comes to within `timeout`. If that takes long, `say` is called once.
async fn patiently<T>(work: impl Future<Output = T>, timeout: Duration, say: impl FnOnce()) -> Option<T> {
    let work = tokio::time::timeout(timeout, work);
    tokio::pin!(work);
    let done = match tokio::time::timeout(SAY_AFTER, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            say();
            work.await
        }
    };
    done.ok()
}

/// What may be wrong where the platform shows an error page and sends nobody back.
fn doubts(pending: &Pending, target: &LoginTarget) -> String {
    let scope = match &target.profile.scope {
        Some(scope) => format!("the scope `{}` is not allowed", scope.value),
        None => "it requires a scope (--scope SCOPES)".to_owned(),
    };
    format!(
        "if the login page shows an error, the client id ({}) is wrong, the redirect {} is not registered for it, \
         or {scope}",
        pending.client_id(),
        pending.redirect_uri()
    )
}

/// The address that the browser ended on, where it can't come back by itself. What is anything else is
/// said, and the wait goes on.
async fn pasted_address(
    keyboard: Option<&mut Keyboard>,
    pending: &Pending,
    reporter: &Reporter,
) -> Result<Secret, OAuthError> {
    match keyboard {
        Some(keyboard) => pasted_line(keyboard, pending, reporter, paste::address).await,
        None => std::future::pending().await,
    }
}

/// The first line that `read` takes; what is wrong with any other is said.
async fn pasted_line(
    keyboard: &mut Keyboard,
    pending: &Pending,
    reporter: &Reporter,
    read: fn(&str, &Pending) -> Result<Secret, OAuthError>,
) -> Result<Secret, OAuthError> {
    let mut attempts = 0;
    loop {
        let line = keyboard.line().await;
        if line.expose().trim().is_empty() {
            continue;
        }
        match read(line.expose(), pending) {
            Err(OAuthError::NotACode(words)) => {
                // Counted, since the same words are said once only.
                attempts += 1;
                let so_often = if attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() };
                reporter.warn(format!("{words}; still waiting{so_often}"));
            }
            other => return other,
        }
    }
}

/// From the question to the platform on, what it may have granted is stored or revoked.
fn shield(http: &Http) -> Shield {
    interrupt::shield("Revoking the new token", http.request_timeout() + UNDOING)
}
