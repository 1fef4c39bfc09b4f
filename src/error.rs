//! The one error that users see: a kind, what happened, why, and what to type next.
//!
//! The only place that knows exit codes, and the one where the layers' errors become sentences.

use std::path::Path;
use std::time::Duration;

use crate::config::{ConfigError, Conflict};
use crate::credentials::StoreError;
use crate::domain::{Hint, Key, NextCommand, Origin, autocom, likely, quoted, shell_word};
use crate::oauth::OAuthError;
use crate::platform::PlatformError;
use crate::system::editor::EditorError;
use crate::system::files::FileError;
use crate::system::http::{Cause, HttpError, Mistrust, Peer, Unreachable};
use crate::system::lock_holder::LockHolder;
use crate::system::locks::LockError;
use crate::system::paths::PathError;
use crate::system::runtime::StartError;
use crate::ui::error_report::ErrorReport;

/// What kind of thing went wrong. Scripts branch on it by exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 5xx, other 4xx, nonsense from the platform, I/O.
    Failed,
    /// Usage or configuration.
    Usage,
    /// DNS, connect, TLS, time-out.
    Unreachable,
    /// Not logged in, expired, rejected, denied, login deadline.
    Authentication,
    /// 403, 404, a tenant you are not in.
    Forbidden,
    CredentialStore,
    /// SIGINT, or a question that was answered by giving up.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// SIGHUP.
    HungUp,
}

impl Kind {
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Unreachable => 3,
            Kind::Authentication => 4,
            Kind::Forbidden => 5,
            Kind::CredentialStore => 6,
            Kind::Interrupted => 130,
            Kind::Terminated => 143,
            Kind::HungUp => 129,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Failed => "failed",
            Kind::Usage => "usage",
            Kind::Unreachable => "unreachable",
            Kind::Authentication => "authentication",
            Kind::Forbidden => "forbidden",
            Kind::CredentialStore => "credential_store",
            Kind::Interrupted | Kind::Terminated | Kind::HungUp => "interrupted",
        }
    }

    pub fn is_interruption(self) -> bool {
        matches!(self, Kind::Interrupted | Kind::Terminated | Kind::HungUp)
    }

    /// Of several failures, the one that the exit code tells: 4, 6, 5, 3, 1, 2; an interruption first.
    pub fn gravest(kinds: impl IntoIterator<Item = Kind>) -> Option<Kind> {
        kinds.into_iter().min_by_key(|kind| match kind {
            Kind::Interrupted | Kind::Terminated | Kind::HungUp => 0,
            Kind::Authentication => 1,
            Kind::CredentialStore => 2,
            Kind::Forbidden => 3,
            Kind::Unreachable => 4,
            Kind::Failed => 5,
            Kind::Usage => 6,
        })
    }
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub causes: Vec<String>,
    pub hint: Option<Hint>,
    /// The profile that the message names.
    pub profile: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), causes: Vec::new(), hint: None, profile: None }
    }

    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(Kind::Usage, message)
    }

    pub fn hint(mut self, hint: impl Into<Hint>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    pub fn hint_if_none<H: Into<Hint>>(self, hint: impl FnOnce() -> H) -> Error {
        if self.hint.is_some() { self } else { self.hint(hint()) }
    }

    /// With what `change` makes of each command of its hint.
    pub fn each_command(self, change: impl Fn(NextCommand) -> Hint) -> Error {
        Error { hint: self.hint.map(|hint| hint.each(change)), ..self }
    }

    pub fn cause(mut self, cause: impl ToString) -> Error {
        self.causes.push(cause.to_string());
        self
    }

    pub fn naming(self, profile: &str) -> Error {
        Error { profile: Some(profile.to_owned()), ..self }
    }

    /// One of several: says what it is about, unless it does so already.
    pub fn about(self, subject: &str) -> Error {
        if self.profile.as_deref() == Some(subject) {
            return self;
        }
        Error { message: format!("{subject}: {}", self.message), ..self }
    }

    /// A layer's error as it stands, with what caused it.
    pub fn from_source(kind: Kind, error: &dyn std::error::Error) -> Error {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        causes.dedup();
        Error { kind, message: error.to_string(), causes, hint: None, profile: None }
    }

    /// Several failures as one: the gravest, with what the others say among its causes.
    pub fn together(mut failures: Vec<Error>) -> Option<Error> {
        let kind = Kind::gravest(failures.iter().map(|failure| failure.kind))?;
        let gravest = failures.iter().position(|failure| failure.kind == kind)?;
        let mut error = failures.remove(gravest);
        for other in failures {
            error.causes.push(other.message);
            error.causes.extend(other.causes);
        }
        Some(error)
    }

    pub fn report(&self) -> ErrorReport {
        let (kind, exit_code) = (self.kind.as_str(), self.kind.exit_code());
        ErrorReport::new(kind, exit_code, &self.message, &self.causes, self.hint.as_ref())
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Error {
        let error = match error {
            ConfigError::Refused(why) => {
                return why
                    .downcast::<Error>()
                    .map_or_else(|why| Error::usage(why.to_string()), |error| *error);
            }
            error => error,
        };
        let kind = match &error {
            ConfigError::File(_) | ConfigError::Unreadable(_) | ConfigError::Lock(_) => Kind::Failed,
            _ => Kind::Usage,
        };
        let hint = about_profiles(&error).or_else(|| about_settings(&error));
        Error { hint, ..Error::from_source(kind, &error) }
    }
}

/// What helps against a file or a profile that can't be used.
fn about_profiles(error: &ConfigError) -> Option<Hint> {
    match error {
        ConfigError::Syntax { .. } | ConfigError::Shape { .. } | ConfigError::WouldMangle { .. } => {
            some(autocom("config edit"))
        }
        ConfigError::Pins { path, .. } => {
            some(format!("mend it, or remove it and pin again: {}", quoted(path)))
        }
        ConfigError::UnknownProfile { origin: Origin::Pin(directory), .. } => some(
            autocom("profiles pin PROFILE")
                .value(directory.display())
                .after("bind it to another: ")
                .text(", or free it: ")
                .command(autocom("profiles unpin").value(directory.display())),
        ),
        ConfigError::UnknownProfile { origin: Origin::Repository(path), .. } => some(
            autocom("profiles unpin").option("--file", path.display()).after("take back its acceptance: "),
        ),
        ConfigError::UnknownProfile { existing, name, .. } if existing.is_empty() => {
            some(autocom("auth login").option("--profile", name).words("--api-url URL"))
        }
        ConfigError::UnknownProfile { existing, name, .. } => {
            let near = likely(name, existing.iter().map(String::as_str)).filter(|_| existing.len() > 1);
            let near = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
            some(format!("profiles that exist: {}{near}", existing.join(", ")))
        }
        ConfigError::InvalidProfile { profile, .. } => some(profile.fix()),
        ConfigError::MissingFile { variable, .. } => some(
            autocom("auth login --api-url")
                .placeholder("https://api.example.test")
                .after(format!("unset {variable}, or create the file: ")),
        ),
        ConfigError::File(error) | ConfigError::Lock(LockError::File(error)) => of_file(error),
        ConfigError::Unreadable(error) => of_file(error),
        ConfigError::SameVariable { .. } => {
            some(autocom("config edit").after("give one of them another name: "))
        }
        ConfigError::Ambiguous { names, .. } => some(format!("name one: --profile {}", names[0])),
        _ => None,
    }
}

/// What helps against a value, or the lack of one.
fn about_settings(error: &ConfigError) -> Option<Hint> {
    match error {
        ConfigError::NoHome => some("set HOME or AUTOCOM_HOME, or name a file with AUTOCOM_CONFIG"),
        ConfigError::Expectation { .. } => {
            some("--expect tenant=acme,profile=staging,user=ada@example.test,host=api.example.test")
        }
        ConfigError::Nowhere => some("cd to one that is there, or name the profile: --profile NAME"),
        ConfigError::Conflict(Conflict::Gone(_)) => some(autocom("profiles list")),
        ConfigError::NoPlaceForPins => some("set HOME or AUTOCOM_HOME"),
        ConfigError::PinsUnknown { source } => {
            let without = "name the profile: --profile NAME";
            some(
                source.path().map_or_else(
                    || without.to_owned(),
                    |path| format!("mend {}, or {without}", path.display()),
                ),
            )
        }
        ConfigError::Unacceptable { .. } => some(
            autocom("profiles pin NAME")
                .after("it may hold profile = \"NAME\" and nothing else; to do without: "),
        ),
        ConfigError::UnknownGuard { fix, .. } => some(fix.clone()),
        ConfigError::UnknownKey(_) => some(autocom("config list")),
        ConfigError::Invalid { key, origin, .. } => another_value(*key, origin),
        ConfigError::ProfileAsAddress { name, origin: Origin::Variable(variable) } => {
            some(format!("unset {variable}; export AUTOCOM_PROFILE={name}"))
        }
        ConfigError::ProfileAsAddress { name, .. } => some(format!("select the profile: -p {name}")),
        ConfigError::TopLevelOnly(key) => {
            some(autocom("config set").value(key).placeholder(key.placeholder()))
        }
        ConfigError::NoAddress { name, .. } => some(autocom("profiles set").value(name).words("api_url=URL")),
        ConfigError::NameTaken(name) => some(autocom("profiles show").value(name)),
        _ => None,
    }
}

/// The way to another value of a key, by where the wrong one stands. What was typed in a command of its own knows
/// that command itself.
fn another_value(key: Key, origin: &Origin) -> Option<Hint> {
    let value = match key {
        Key::ApiUrl => "https://api.example.test",
        key => key.placeholder(),
    };
    match origin {
        Origin::Flag("--profile") => some(autocom("profiles list")),
        Origin::Flag(flag) => some(format!("name it in full: {flag} {value}")),
        Origin::Variable(name) => some(format!("unset {name}, or export {name}={value}")),
        Origin::File { .. } => some(autocom("config edit")),
        Origin::Login { .. } => some(autocom("auth login")),
        Origin::Pin(directory) => some(autocom("profiles unpin").value(directory.display())),
        Origin::Repository(path) => some(autocom("profiles unpin").option("--file", path.display())),
        Origin::CommandLine | Origin::Key | Origin::List | Origin::BuiltIn => None,
    }
}

/// What ends the wait for a lock.
fn wait_for(holder: Option<&LockHolder>) -> String {
    match holder {
        Some(LockHolder { pid, is_stopped: true }) => format!("continue it: kill -CONT {pid}"),
        Some(LockHolder { pid, .. }) => format!("wait until process {pid} has ended, then try again"),
        None => "wait until it has ended, then try again".to_owned(),
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        let kind = match error {
            StoreError::Start(_) => Kind::Failed,
            _ if error.is_busy() => Kind::Failed,
            _ => Kind::CredentialStore,
        };
        let or_without_it =
            |first: &str| {
                some(autocom("auth login --store file").after(format!(
                    "{first}, pass a token in AUTOCOM_TOKEN, or keep credentials in a file: "
                )))
            };
        let hint = match &error {
            StoreError::Absent { .. } | StoreError::NoCollection => {
                some(autocom("auth login --store file").after("keep credentials in a file: "))
            }
            StoreError::OutOfReach { .. } => or_without_it("start the keychain and try again"),
            StoreError::Locked | StoreError::NoAnswer { .. } => {
                or_without_it("unlock the keychain and try again")
            }
            StoreError::Denied => or_without_it("allow autocom to use org.freedesktop.secrets"),
            StoreError::Keychain { .. } => or_without_it("try again"),
            StoreError::Newer { .. } => some("update autocom"),
            StoreError::Lock(LockError::Busy { holder, .. }) => some(wait_for(holder.as_ref())),
            StoreError::Lock(LockError::File(error @ FileError::Withheld { .. }))
            | StoreError::File(error @ FileError::Withheld { .. }) => of_file(error),
            StoreError::Lock(_) | StoreError::File(_) => {
                some("make that writable, or pass a token in AUTOCOM_TOKEN")
            }
            StoreError::NoHome => {
                some("set HOME or AUTOCOM_HOME, or name a file with AUTOCOM_CREDENTIALS_FILE")
            }
            _ => None,
        };
        Error { hint, ..Error::from_source(kind, &error) }
    }
}

impl From<OAuthError> for Error {
    fn from(error: OAuthError) -> Error {
        let login = || some(autocom("auth login"));
        let (kind, hint) = match &error {
            OAuthError::NoPort { .. } => (
                Kind::Authentication,
                some(autocom("auth login --no-browser").after("end the other logins, or use: ")),
            ),
            OAuthError::NoDeviceGrant { .. } => (
                Kind::Authentication,
                some(
                    autocom("auth login --no-browser").text(", or with a personal access token: ").command(autocom("auth login --token-stdin")),
                ),
            ),
            OAuthError::TimedOut { .. } | OAuthError::CodeExpired => {
                (Kind::Authentication, some(autocom("auth login --device")))
            }
            OAuthError::Denied { .. } => (
                Kind::Authentication,
                some(autocom("auth login").text(", and approve it on the platform's page")),
            ),
            OAuthError::Refused { .. } | OAuthError::WrongIssuer { .. } | OAuthError::NotACode(_) => {
                (Kind::Authentication, login())
            }
            OAuthError::Rejected { error, .. } => (Kind::Authentication, some(against(error))),
            OAuthError::UnknownClient { client_id, redirect_uri, .. } => (
                Kind::Authentication,
                some(autocom("config get client_id").after(format!("check that the client {} exists and that {redirect_uri} is one of its redirect addresses: ", shell_word(client_id)))),
            ),
            OAuthError::Message { status: 403, .. } => (Kind::Forbidden, None),
            OAuthError::Message { .. } | OAuthError::Empty { .. } | OAuthError::Revocation { .. } => {
                (Kind::Failed, None)
            }
            OAuthError::Busy { retry_after } => (Kind::Failed, some(wait(*retry_after))),
            OAuthError::Server { retry_after, .. } => (Kind::Failed, some(platform_s_own(*retry_after))),
            OAuthError::Nonsense { .. } => (Kind::Failed, some(check_address(""))),
            OAuthError::Http(error) => return Error::from(error),
            OAuthError::Local(_) => (Kind::Failed, None),
        };
        Error { hint, ..Error::from_source(kind, &error) }
    }
}

/// What helps against an error code of an authorization server (RFC 6749, sections 4.1.2.1 and 5.2).
fn against(error: &str) -> Hint {
    match error {
        "invalid_client" | "unauthorized_client" => autocom("config get client_id")
            .after("check the client id: ")
            .text("; another one: ")
            .command(autocom("auth login --client-id ID")),
        "invalid_scope" => autocom("config get scope")
            .after("check the scope: ")
            .text("; another one: ")
            .command(autocom("auth login --scope SCOPES")),
        "temporarily_unavailable" | "server_error" => {
            autocom("auth login").after("the platform has a problem; try again later: ")
        }
        _ => autocom("auth login").into(),
    }
}

impl From<&HttpError> for Error {
    fn from(error: &HttpError) -> Error {
        let (kind, hint) = match error {
            HttpError::Unreachable(unreachable) => (Kind::Unreachable, some(way_out(unreachable))),
            HttpError::Misconfigured { hint, .. } => (
                Kind::Usage,
                some(
                    hint.clone().unwrap_or_else(|| autocom("config list").after("see where it comes from: ")),
                ),
            ),
            HttpError::InBetween { status, retry_after, .. } => {
                let or_address = |first: &str| check_address(&format!("{first}; or "));
                let hint = match retry_after {
                    Some(_) => wait(*retry_after).into(),
                    None if *status >= 500 && *status != 511 => or_address("try again later"),
                    None => or_address("log in to the network or gateway in a browser, then try again"),
                };
                (Kind::Failed, Some(hint))
            }
            HttpError::Truncated { .. } | HttpError::Garbled { .. } => (Kind::Failed, some(TRY_AGAIN)),
            HttpError::TooLarge { .. }
            | HttpError::Input(_)
            | HttpError::BadRequest
            | HttpError::Setup
            | HttpError::Exhausted { .. } => (Kind::Failed, None),
        };
        Error { hint, ..Error::from_source(kind, error) }
    }
}

impl From<PlatformError> for Error {
    fn from(error: PlatformError) -> Error {
        let (kind, hint) = match &error {
            PlatformError::Unauthenticated { .. } | PlatformError::LoginPage { .. } => {
                (Kind::Authentication, some(autocom("auth login")))
            }
            PlatformError::UnusableToken => {
                (Kind::Authentication, some("pass the token alone, without quotes or spaces"))
            }
            PlatformError::Forbidden { .. } | PlatformError::NotFound { .. } => {
                (Kind::Forbidden, error.mentions_tenant().then(|| autocom("tenants list").into()))
            }
            PlatformError::Busy { retry_after, .. } => (Kind::Failed, some(wait(*retry_after))),
            PlatformError::Server { .. } => (Kind::Failed, some(platform_s_own(None))),
            PlatformError::CutShort => (Kind::Failed, some(TRY_AGAIN)),
            PlatformError::Redirected { .. } | PlatformError::OtherShape { .. } => {
                (Kind::Failed, some(check_address("")))
            }
            PlatformError::Http(error) => return Error::from(error),
            PlatformError::Invalid { .. } => {
                (Kind::Failed, some("change what is named above, then try again"))
            }
            PlatformError::Nonsense { .. }
            | PlatformError::Refused { .. }
            | PlatformError::GraphQl { .. }
            | PlatformError::Local(_) => (Kind::Failed, None),
        };
        let mut report = Error { hint, ..Error::from_source(kind, &error) };
        match &error {
            PlatformError::Invalid { fields, .. } => {
                let causes = fields.iter().map(|(field, texts)| format!("{field}: {}", texts.join(" ")));
                report.causes.extend(first_of(causes));
            }
            PlatformError::GraphQl { messages, .. } => {
                report.causes.extend(first_of(messages.iter().skip(1).cloned()));
            }
            _ => {}
        }
        report
    }
}

/// As many as are of use; the rest is counted.
fn first_of(causes: impl ExactSizeIterator<Item = String>) -> impl Iterator<Item = String> {
    let more = causes.len().saturating_sub(MAX_CAUSES);
    causes.take(MAX_CAUSES).chain((more > 0).then(|| format!("and {more} more")))
}

const MAX_CAUSES: usize = 20;

const TRY_AGAIN: &str = "try again; -vv logs what was sent and answered";

fn some(hint: impl Into<Hint>) -> Option<Hint> {
    Some(hint.into())
}

/// `first`: what else may help.
fn check_address(first: &str) -> Hint {
    autocom("config get api_url").after(format!("{first}check the address: "))
}

fn wait(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(time) => format!("wait {} s, then try again", time.as_secs()),
        None => "wait a minute, then try again".to_owned(),
    }
}

fn platform_s_own(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(time) => format!("the platform has a problem; try again in {} s", time.as_secs()),
        None => "the platform has a problem; try again later".to_owned(),
    }
}

/// What helps against a platform that can't be reached.
fn way_out(unreachable: &Unreachable) -> Hint {
    let Unreachable { at, cause } = unreachable;
    if let Peer::Proxy(_) = at {
        let hint = autocom("config get proxy").after("check the proxy: ");
        return hint.text(", and the variables HTTPS_PROXY and ALL_PROXY");
    }
    match cause {
        Cause::Tls(Mistrust::UnknownAuthority(Some(flaw))) => flaw.hint.clone(),
        Cause::Tls(Mistrust::UnknownAuthority(None)) => {
            autocom("config set ca_bundle FILE.pem").after("if it is an authority of your own: ")
        }
        Cause::Tls(Mistrust::Expired | Mistrust::NotYetValid) => {
            let (host, _) = at.host_and_port();
            format!("check this machine's clock (date -u); if it is right, tell who runs {host}").into()
        }
        Cause::Tls(Mistrust::ClientCertificate) => {
            let (host, _) = at.host_and_port();
            format!("ask who runs {host} for an address without client certificates").into()
        }
        Cause::Tls(
            Mistrust::SelfSignedCa
            | Mistrust::NoNames
            | Mistrust::AddressAsName(_)
            | Mistrust::KeyUsage
            | Mistrust::OldVersion
            | Mistrust::Other(_),
        ) => {
            let (host, port) = at.host_and_port();
            let connect = shell_word(format_args!("{host}:{}", port.unwrap_or("443")));
            format!("tell who runs {host}; to see it: openssl s_client -connect {connect}").into()
        }
        Cause::ProxyPassword { proxy, unset } => {
            let url = shell_word(format_args!("http://USER:PASSWORD@{proxy}"));
            let export = format!("export HTTPS_PROXY={url}");
            match unset {
                Some(unset) => unset.clone().text(format!("; {export}")),
                None => export.into(),
            }
        }
        Cause::Proxy { .. } => check_address("").text("; or go round the proxy: export AUTOCOM_PROXY=none"),
        Cause::Timeout(_) | Cause::ConnectTimeout(_) => {
            "try again, or allow more time: --request-timeout SECONDS".into()
        }
        Cause::NotProcessed | Cause::NoAnswer | Cause::CutShort | Cause::Reset | Cause::Other => {
            TRY_AGAIN.into()
        }
        Cause::Tls(Mistrust::NoTls | Mistrust::OtherName(_))
        | Cause::NotHttp
        | Cause::Dns
        | Cause::Refused
        | Cause::Connect(_) => check_address(""),
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Error {
        Error { hint: of_file(&error), ..Error::from_source(Kind::Failed, &error) }
    }
}

/// What helps against an error of a file, if that is known.
fn of_file(error: &FileError) -> Option<Hint> {
    match error {
        FileError::Withheld { user, us, .. } => some(format!(
            "sudo -u {} autocom ..., or use another folder: export AUTOCOM_HOME=~{us}/.autocom",
            quoted(Path::new(user))
        )),
        _ => None,
    }
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Error {
        let hint = error.fix.clone();
        Error::from_source(Kind::Usage, &error).hint(hint)
    }
}

impl From<EditorError> for Error {
    fn from(error: EditorError) -> Error {
        let choose = || some("name one: export EDITOR=nano");
        let (kind, hint) = match &error {
            EditorError::None | EditorError::Unreadable { .. } | EditorError::NotStarted { .. } => {
                (Kind::Usage, choose())
            }
            EditorError::Failed { .. } => (Kind::Failed, None),
        };
        Error { hint, ..Error::from_source(kind, &error) }
    }
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Error {
        let hint = match &error {
            LockError::Busy { holder, .. } => some(wait_for(holder.as_ref())),
            LockError::File(error) => of_file(error),
            LockError::NoHome => None,
        };
        Error { hint, ..Error::from_source(Kind::Failed, &error) }
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Error {
        let limit =
            if error.lacks_descriptors() { "open files: ulimit -n 256" } else { "processes: ulimit -u" };
        Error::from_source(Kind::Failed, &error).hint(format!("raise the limit of {limit}"))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        match error.kind() {
            // A filter that cannot be applied to the answer.
            std::io::ErrorKind::InvalidInput => Error::new(Kind::Failed, error.to_string()),
            _ => Error::new(Kind::Failed, "cannot write the answer").cause(error),
        }
    }
}
