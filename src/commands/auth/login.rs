use std::io::Read;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

use super::super::Done;
use crate::commands::durations::seconds;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::{EditTarget, Facts, Flags};
use crate::domain::text::decode;
use crate::domain::time::{relative, rfc3339};
use crate::domain::{
    ExpectedUser, Key, OutputFormat, ProfileName, Secret, StoreChoice, StoreKind, TokenKind, autocom,
    one_line, token_flaw,
};
use crate::error::{Error, Kind, Result};
use crate::session::context::Context;
use crate::session::login::log_in::{self, LoggedIn};
use crate::session::login::request::{LoginRequest, Method};
use crate::session::profile::config_file;
use crate::ui::view::{View, Viewed};

/// A token is a line; a megabyte is somebody's mistake.
const MAX_TOKEN: u64 = 64 << 10;

/// Log in to an environment: in the browser, by pasting, with a code on another device, or with a token
///
/// With --api-url alone, the profile bound to that URL is used, or a new one is named after its host,
/// and becomes the active one. With --profile and --api-url, a profile of that name is made.
///
/// If another user is logged in to the profile, a terminal asks before that login is replaced; elsewhere a
/// warning names the user. The replaced OAuth login is revoked, a personal access token is not. If another
/// profile uses the credential, a login as another user or of another kind gets a key of its own, and nothing
/// is replaced.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom auth login --api-url https://api.staging.example.test --client-id ID
  autocom auth login --profile prod --no-browser
  autocom auth login --profile prod --device
  autocom auth login --profile prod --token-stdin < token.txt")]
pub struct Login {
    /// OAuth client id of this environment
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// OAuth scopes to ask for, separated by spaces, if the platform's default is not enough
    #[arg(long, value_name = "SCOPES")]
    pub scope: Option<String>,
    /// Where to keep the credential
    #[arg(long, value_name = "STORE", value_parser = PossibleValuesParser::new(StoreChoice::ALL))]
    pub store: Option<String>,
    /// Print the URL, then read the address that the browser ended on (or the bare code)
    #[arg(long, conflicts_with_all = ["device", "with_token", "token_stdin"])]
    no_browser: bool,
    /// Print a code to enter on another device, where the platform offers that (RFC 8628)
    #[arg(long, conflicts_with_all = ["with_token", "token_stdin"])]
    device: bool,
    /// Read a personal access token from standard input
    #[arg(long, conflicts_with = "with_token")]
    token_stdin: bool,
    /// Take a personal access token; other users of this machine can see it: prefer --token-stdin
    #[arg(long, value_name = "TOKEN", hide_default_value = true)]
    with_token: Option<Hidden>,
    /// Make the profile the active one
    #[arg(long = "use")]
    make_active: bool,
    /// From now on let nobody but this user log in to the profile (writes expect_user)
    #[arg(long)]
    lock_user: bool,
    /// How long to wait for you: 300 unless told otherwise, with --device as long as its code is good
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

/// An argument that `Debug` does not show.
#[derive(Clone)]
struct Hidden(Secret);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Hidden {
        Hidden(Secret::new(text))
    }
}

/// `autocom auth login -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom auth login")]
pub struct LoginAnswer {
    /// Null for an environment that no profile is bound to.
    pub profile: Option<String>,
    pub created: bool,
    /// Whether this login made it the active profile.
    pub activated: bool,
    pub api_url: String,
    pub tenant: Option<String>,
    pub name: String,
    pub email: String,
    pub kind: TokenKind,
    /// RFC 3339, UTC.
    pub expires_at: Option<String>,
    pub renewable: bool,
    pub store: StoreKind,
    pub credential: Option<String>,
}

impl Viewed for LoginAnswer {
    fn view(&self) -> View {
        View::Line(self.profile.clone().unwrap_or_default())
    }
}

impl Verb for Login {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.with_own_expectations()
    }

    fn add_flags(&self, flags: &mut Flags) {
        flags.set(Key::ClientId, self.client_id.clone());
        flags.set(Key::Scope, self.scope.clone());
        flags.set(Key::Store, self.store.clone());
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let method = match self.with_token {
            _ if self.token_stdin => Method::Token,
            Some(_) => Method::Token,
            None if self.no_browser => Method::Paste,
            None if self.device => Method::Device,
            None => Method::Browser,
        };
        let request = LoginRequest {
            method,
            make_active: self.make_active,
            lock_user: self.lock_user,
            timeout: self.timeout,
        };
        let done = log_in::login(context, &request, || match &self.with_token {
            Some(Hidden(token)) => usable(token.expose()),
            None => from_stdin(context),
        })?;
        context.reporter().progress(summary(&done, context.clock().now()));
        offer_lock(context, &done)?;
        // For people the sentence says it all.
        if context.output_format() == OutputFormat::Table {
            return Ok(Done::nothing());
        }
        Ok(Done::answer(LoginAnswer {
            profile: done.profile,
            created: done.created,
            activated: done.activated,
            api_url: done.record.api_url.to_string(),
            tenant: done.record.tenant.map(|tenant| tenant.to_string()),
            name: done.record.user_name,
            email: done.record.user_email,
            kind: done.record.kind,
            expires_at: done.record.expires_at.map(rfc3339),
            renewable: done.record.refresh_token.is_some(),
            store: done.store,
            credential: done.own_key.map(|key| key.to_string()),
        }))
    }
}

/// A profile that is for one user can't be logged in to as another by mistake. A protected one is worth a
/// question, any other a word.
fn offer_lock(context: &Context, done: &LoggedIn) -> Result<()> {
    let (Some(profile), false) = (&done.profile, done.is_locked) else { return Ok(()) };
    let Some(user) = ExpectedUser::new(done.record.user()) else { return Ok(()) };
    let again = autocom("profiles set").value(profile).setting("expect_user", &user);
    if !(done.is_protected && context.can_ask()) {
        context.reporter().note(format!("to let nobody but {user} log in to {profile}: {again}"));
        return Ok(());
    }
    let question = format!("{profile} is protected. Let nobody but {user} log in to it from now on?");
    let Ok(name) = profile.parse::<ProfileName>() else { return Ok(()) };
    let seen = Facts::new(config_file::lock_config(context)?.config()?, &name, &[Key::ExpectUser]);
    if context.prompter().confirm(&question, true) == Some(true) {
        let context = config_file::lock_config(context)?;
        context.check_facts(&seen, &again)?;
        let target = EditTarget::new(&name);
        config_file::change_config(&context, |edit| {
            Ok(edit.set(&target, Key::ExpectUser, user.as_str())?)
        })?;
        context.reporter().progress(format!("profile {profile} is for {user} only"));
    }
    Ok(())
}

fn summary(done: &LoggedIn, now: Timestamp) -> String {
    let record = &done.record;
    let who = match (one_line(&record.user_name), one_line(&record.user_email)) {
        (name, email) if name.is_empty() || email.is_empty() => format!("{name}{email}"),
        (name, email) => format!("{name} <{email}>"),
    };
    let tenant = record.tenant.as_ref().map(|tenant| format!(", tenant {tenant}")).unwrap_or_default();
    let name = done.profile.as_deref().unwrap_or("(unnamed)");
    let profile = match (done.created, done.activated) {
        (true, true) => format!("{name} (new, active now)"),
        (true, false) => format!("{name} (new)"),
        (false, true) => format!("{name} (active now)"),
        (false, false) => name.to_owned(),
    };
    let end = match (record.expires_at, record.refresh_token.is_some()) {
        (Some(end), true) => format!(" and ends {} (renewable)", relative(end, now)),
        (Some(end), false) => format!(" and ends {}", relative(end, now)),
        (None, _) => String::new(),
    };
    format!("Logged in as {who}{tenant}.\nProfile {profile}; its token is in the {}{end}.", done.store)
}

fn from_stdin(context: &Context) -> Result<Secret> {
    if context.environment().stdin_is_terminal && !context.can_ask() {
        return Err(Error::usage("there is no token on standard input")
            .hint(autocom("auth login --token-stdin").input("token.txt")));
    }
    if context.environment().stdin_is_terminal {
        let token = context
            .prompter()
            .ask_secret("Personal access token (not shown):")
            .ok_or_else(|| Error::new(Kind::Interrupted, "no token was given"))?;
        return usable(token.expose());
    }
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin().lock().take(2 * MAX_TOKEN + 1).read_to_end(&mut bytes).map_err(|error| {
        Error::new(Kind::Failed, "could not read the token from standard input").cause(error)
    })?;
    // What is no text is no token either.
    let text = Secret::unsearched(decode(&bytes).unwrap_or_else(|good| good + "\u{fffd}"));
    usable(text.expose())
}

/// A token that a header can carry. What is wrong is said without a word of the token.
fn usable(text: &str) -> Result<Secret> {
    let token = text.trim();
    let refuse = |why: &str| {
        Error::new(Kind::Authentication, format!("the token {why}"))
            .hint(autocom("auth login --token-stdin").input("token.txt").after("pass the token alone: "))
    };
    if token.is_empty() {
        Err(refuse("is empty"))
    } else if text.len() as u64 > MAX_TOKEN {
        Err(refuse("is longer than 64 KiB"))
    } else {
        token_flaw(token).map_or_else(|| Ok(Secret::new(token)), |why| Err(refuse(why)))
    }
}
