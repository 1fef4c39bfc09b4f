//! The one error that users see: a kind, what happened, why, and what to type next.
//!
//! The only place that knows exit codes, and the one where the layers' errors become sentences.

use std::path::Path;
use std::time::Duration;

use crate::config::{ConfigError, Conflict};
use crate::credentials::StoreError;
use crate::domain::{Key, Origin, likely, quoted, shell_word};
use crate::oauth::OAuthError;
use crate::platform::PlatformError;
use crate::system::editor::EditorError;
use crate::system::files::FileError;
use crate::system::http::{Cause, HttpError, Mistrust, Unreachable};
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
    pub hint: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), causes: Vec::new(), hint: None }
    }

    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(Kind::Usage, message)
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    pub fn hint_if_none(self, hint: impl FnOnce() -> String) -> Error {
        if self.hint.is_some() { self } else { self.hint(hint()) }
    }

    pub fn cause(mut self, cause: impl ToString) -> Error {
        self.causes.push(cause.to_string());
        self
    }

    /// One of several: says what it is about, unless it does so already.
    pub fn about(self, subject: &str) -> Error {
        // Not wherever the word stands: a platform's own may well be a profile's name.
        let named = format!("profile {subject}");
        let ends =
            |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if self.message.split(&named).skip(1).any(ends) {
            self
        } else {
            Error { message: format!("{subject}: {}", self.message), ..self }
        }
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
        Error { kind, message: error.to_string(), causes, hint: None }
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
        ErrorReport::new(kind, exit_code, &self.message, &self.causes, self.hint.as_deref())
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
        let hint = match &error {
            ConfigError::Syntax { .. } | ConfigError::Shape { .. } | ConfigError::WouldMangle { .. } => {
                Some("autocom config edit".to_owned())
            }
            ConfigError::Pins { path, .. } => {
                Some(format!("mend it, or remove it and pin again: {}", quoted(path)))
            }
            ConfigError::UnknownProfile { origin: Origin::Pin(directory), .. } => Some(format!(
                "bind it to another: autocom profiles pin PROFILE {0}, or free it: autocom profiles unpin {0}",
                quoted(directory)
            )),
            ConfigError::UnknownProfile { origin: Origin::Repository(path), .. } => {
                Some(format!("take back its acceptance: autocom profiles unpin --file {}", quoted(path)))
            }
            ConfigError::UnknownProfile { existing, name, .. } if existing.is_empty() => {
                Some(format!("autocom auth login --profile {} --api-url URL", shell_word(name)))
            }
            ConfigError::UnknownProfile { existing, name, .. } => {
                let near = likely(name, existing.iter().map(String::as_str)).filter(|_| existing.len() > 1);
                let near = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
                Some(format!("profiles that exist: {}{near}", existing.join(", ")))
            }
            ConfigError::InvalidProfile { profile, .. } => Some(profile.fix()),
            ConfigError::MissingFile { variable, .. } => Some(format!(
                "unset {variable}, or create the file: autocom auth login --api-url https://api.example.test"
            )),
            ConfigError::File(error) | ConfigError::Lock(LockError::File(error)) => of_file(error),
            ConfigError::Unreadable(error) => of_file(error),
            ConfigError::SameVariable { .. } => {
                Some("give one of them another name: autocom config edit".to_owned())
            }
            ConfigError::Ambiguous { names, .. } => Some(format!("name one: --profile {}", names[0])),
            ConfigError::NoHome => {
                Some("set HOME or AUTOCOM_HOME, or name a file with AUTOCOM_CONFIG".to_owned())
            }
            ConfigError::Expectation { .. } => Some(
                "--expect tenant=acme,profile=staging,user=ada@example.test,host=api.example.test".to_owned(),
            ),
            ConfigError::Nowhere => {
                Some("cd to one that is there, or name the profile: --profile NAME".to_owned())
            }
            ConfigError::Conflict(Conflict::Gone(_)) => Some("autocom profiles list".to_owned()),
            ConfigError::NoPlaceForPins => Some("set HOME or AUTOCOM_HOME".to_owned()),
            ConfigError::PinsUnknown { source } => {
                let without = "name the profile: --profile NAME";
                Some(match source.path() {
                    Some(path) => format!("mend {}, or {without}", path.display()),
                    None => without.to_owned(),
                })
            }
            ConfigError::Unacceptable { .. } => Some(
                "it may hold profile = \"NAME\" and nothing else; to do without: autocom profiles pin NAME"
                    .to_owned(),
            ),
            ConfigError::UnknownGuard { fix, .. } => Some(fix.clone()),
            ConfigError::UnknownKey(_) => Some("autocom config list".to_owned()),
            ConfigError::Invalid { key: Key::Proxy, why, .. } if why.contains("password") => Some(
                "leave it to the environment: export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT".to_owned(),
            ),
            ConfigError::Invalid { key, origin, .. } => another_value(*key, origin),
            ConfigError::ProfileAsAddress { name, origin: Origin::Variable(variable) } => {
                Some(format!("unset {variable}; export AUTOCOM_PROFILE={name}"))
            }
            ConfigError::ProfileAsAddress { name, .. } => Some(format!("select the profile: -p {name}")),
            ConfigError::TopLevelOnly(key) => Some(format!("autocom config set {key} {}", key.placeholder())),
            ConfigError::NoAddress { name, .. } => Some(format!("autocom profiles set {name} api_url=URL")),
            ConfigError::NameTaken(name) => Some(format!("autocom profiles show {name}")),
            _ => None,
        };
        Error { hint, ..Error::from_source(kind, &error) }
    }
}

/// The way to another value of a key, by where the wrong one stands. What was typed in a command of its own knows
/// that command itself.
fn another_value(key: Key, origin: &Origin) -> Option<String> {
    let value = match key {
        Key::ApiUrl => "https://api.example.test",
        key => key.placeholder(),
    };
    Some(match origin {
        Origin::Flag("--profile") => "autocom profiles list".to_owned(),
        Origin::Flag(flag) if flag.starts_with("--") => format!("name it in full: {flag} {value}"),
        Origin::Variable(name) => format!("unset {name}, or export {name}={value}"),
        Origin::File { .. } => "autocom config edit".to_owned(),
        Origin::Login { .. } => "autocom auth login".to_owned(),
        Origin::Pin(directory) => format!("autocom profiles unpin {}", quoted(directory)),
        Origin::Repository(path) => format!("autocom profiles unpin --file {}", quoted(path)),
        Origin::Flag(_) | Origin::BuiltIn => return None,
    })
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
        let or_without_it = |first: &str| {
            Some(format!(
                "{first}, pass a token in AUTOCOM_TOKEN, \
                 or keep credentials in a file: autocom auth login --store file"
            ))
        };
        let hint = match &error {
            StoreError::Absent { .. } | StoreError::NoCollection => {
                Some("keep credentials in a file: autocom auth login --store file".to_owned())
            }
            StoreError::OutOfReach { .. } => or_without_it("start the keychain and try again"),
            StoreError::Locked | StoreError::NoAnswer { .. } => {
                or_without_it("unlock the keychain and try again")
            }
            StoreError::Denied => or_without_it("allow autocom to use org.freedesktop.secrets"),
            StoreError::Keychain { .. } => or_without_it("try again"),
            StoreError::Newer { .. } => Some("update autocom".to_owned()),
            StoreError::Lock(LockError::Busy { holder, .. }) => Some(wait_for(holder.as_ref())),
            StoreError::Lock(LockError::File(error @ FileError::Withheld { .. }))
            | StoreError::File(error @ FileError::Withheld { .. }) => of_file(error),
            StoreError::Lock(_) | StoreError::File(_) => {
                Some("make that writable, or pass a token in AUTOCOM_TOKEN".to_owned())
            }
            StoreError::NoHome => {
                Some("set HOME or AUTOCOM_HOME, or name a file with AUTOCOM_CREDENTIALS_FILE".to_owned())
            }
            _ => None,
        };
        Error { hint, ..Error::from_source(kind, &error) }
    }
}

impl From<OAuthError> for Error {
    fn from(error: OAuthError) -> Error {
        let login = || Some("autocom auth login".to_owned());
        let (kind, hint) = match &error {
            OAuthError::NoPort { .. } => (
                Kind::Authentication,
                Some("end the other logins, or use: autocom auth login --no-browser".to_owned()),
            ),
            OAuthError::NoDeviceGrant { .. } => (
                Kind::Authentication,
                Some(
                    "autocom auth login --no-browser, or with a personal access token: \
                     autocom auth login --token-stdin"
                        .to_owned(),
                ),
            ),
            OAuthError::TimedOut { .. } | OAuthError::CodeExpired => {
                (Kind::Authentication, Some("autocom auth login --device".to_owned()))
            }
            OAuthError::Denied { .. } => (
                Kind::Authentication,
                Some("autocom auth login, and approve it on the platform's page".to_owned()),
            ),
            OAuthError::Refused { .. } | OAuthError::WrongIssuer { .. } | OAuthError::NotACode(_) => {
                (Kind::Authentication, login())
            }
            OAuthError::Rejected { error, .. } => (Kind::Authentication, Some(against(error).to_owned())),
            OAuthError::UnknownClient { client_id, redirect_uri, .. } => (
                Kind::Authentication,
                Some(format!(
                    "check that the client {} exists and that {redirect_uri} is one of its redirect addresses: \
                     autocom config get client_id",
                    shell_word(client_id)
                )),
            ),
            OAuthError::Message { status: 403, .. } => (Kind::Forbidden, None),
            OAuthError::Message { .. } | OAuthError::Empty { .. } | OAuthError::Revocation { .. } => {
                (Kind::Failed, None)
            }
            OAuthError::Busy { retry_after } => (Kind::Failed, Some(wait(*retry_after))),
            OAuthError::Server { retry_after, .. } => (Kind::Failed, Some(platform_s_own(*retry_after))),
            OAuthError::Nonsense { .. } => (Kind::Failed, Some(CHECK_ADDRESS.to_owned())),
            OAuthError::Http(error) => return Error::from(error),
            OAuthError::Local(_) => (Kind::Failed, None),
        };
        Error { hint, ..Error::from_source(kind, &error) }
    }
}

/// What helps against an error code of an authorization server (RFC 6749, sections 4.1.2.1 and 5.2).
fn against(error: &str) -> &'static str {
    match error {
        "invalid_client" | "unauthorized_client" => {
            "check the client id: autocom config get client_id; another one: autocom auth login --client-id ID"
        }
        "invalid_scope" => {
            "check the scope: autocom config get scope; another one: autocom auth login --scope SCOPES"
        }
        "temporarily_unavailable" | "server_error" => {
            "the platform has a problem; try again later: autocom auth login"
        }
        _ => "autocom auth login",
    }
}

impl From<&HttpError> for Error {
    fn from(error: &HttpError) -> Error {
        let (kind, hint) = match error {
            HttpError::Unreachable(unreachable) => (Kind::Unreachable, Some(way_out(unreachable))),
            HttpError::Misconfigured { hint, .. } => {
                (Kind::Usage, Some(hint.clone().unwrap_or_else(|| SHOW_SETTINGS.to_owned())))
            }
            HttpError::InBetween { status, retry_after, .. } => {
                let hint = match retry_after {
                    Some(_) => wait(*retry_after),
                    None if *status >= 500 && *status != 511 => GATEWAY_FAILED.to_owned(),
                    None => IN_BETWEEN.to_owned(),
                };
                (Kind::Failed, Some(hint))
            }
            HttpError::Truncated { .. } | HttpError::Garbled { .. } => {
                (Kind::Failed, Some(TRY_AGAIN.to_owned()))
            }
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
        let hint = |text: &str| Some(text.to_owned());
        let (kind, hint) = match &error {
            PlatformError::Unauthenticated { .. } | PlatformError::LoginPage { .. } => {
                (Kind::Authentication, hint("autocom auth login"))
            }
            PlatformError::UnusableToken => {
                (Kind::Authentication, hint("pass the token alone, without quotes or spaces"))
            }
            PlatformError::Forbidden { .. } | PlatformError::NotFound { .. } => {
                (Kind::Forbidden, error.mentions_tenant().then(|| "autocom tenants list".to_owned()))
            }
            PlatformError::Busy { retry_after, .. } => (Kind::Failed, Some(wait(*retry_after))),
            PlatformError::Server { .. } => (Kind::Failed, Some(platform_s_own(None))),
            PlatformError::CutShort => (Kind::Failed, hint(TRY_AGAIN)),
            PlatformError::Redirected { .. } | PlatformError::OtherShape { .. } => {
                (Kind::Failed, hint(CHECK_ADDRESS))
            }
            PlatformError::Http(error) => return Error::from(error),
            PlatformError::Invalid { .. } => {
                (Kind::Failed, hint("change what is named above, then try again"))
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

const IN_BETWEEN: &str = "log in to the network or gateway in a browser, then try again; \
                          or check the address: autocom config get api_url";
const GATEWAY_FAILED: &str = "try again later; or check the address: autocom config get api_url";
const CHECK_ADDRESS: &str = "check the address: autocom config get api_url";
const TRY_AGAIN: &str = "try again; -vv logs what was sent and answered";
const SHOW_SETTINGS: &str = "see where it comes from: autocom config list";

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
fn way_out(unreachable: &Unreachable) -> String {
    let host = unreachable.at.rsplit_once(':').map_or(unreachable.at.as_str(), |(host, _)| host);
    match &unreachable.cause {
        _ if unreachable.at.starts_with("the proxy ") => {
            "check the proxy: autocom config get proxy, and the variables HTTPS_PROXY and ALL_PROXY"
                .to_owned()
        }
        Cause::Tls(Mistrust::UnknownAuthority(Some(flaw))) => flaw.hint.clone(),
        Cause::Tls(Mistrust::UnknownAuthority(None)) => {
            "if it is an authority of your own: autocom config set ca_bundle FILE.pem".to_owned()
        }
        Cause::Tls(Mistrust::Expired | Mistrust::NotYetValid) => {
            format!("check this machine's clock (date -u); if it is right, tell who runs {host}")
        }
        Cause::Tls(Mistrust::ClientCertificate) => {
            format!("ask who runs {host} for an address without client certificates")
        }
        Cause::Tls(
            Mistrust::SelfSignedCa
            | Mistrust::NoNames
            | Mistrust::AddressAsName(_)
            | Mistrust::KeyUsage
            | Mistrust::OldVersion
            | Mistrust::Other(_),
        ) => {
            let port = if host == unreachable.at { ":443" } else { "" };
            format!(
                "tell who runs {host}; to see it: openssl s_client -connect {}",
                shell_word(unreachable.at.clone() + port)
            )
        }
        Cause::ProxyPassword { proxy, unset } => {
            let first = unset.as_ref().map(|unset| format!("{unset}; ")).unwrap_or_default();
            let url = shell_word(format_args!("http://USER:PASSWORD@{proxy}"));
            format!("{first}export HTTPS_PROXY={url}")
        }
        Cause::Proxy { .. } => "check the address: autocom config get api_url; or go round the proxy: \
                                export AUTOCOM_PROXY=none"
            .to_owned(),
        Cause::Timeout(_) | Cause::ConnectTimeout(_) => {
            "try again, or allow more time: --request-timeout SECONDS".to_owned()
        }
        Cause::NotProcessed | Cause::NoAnswer | Cause::CutShort | Cause::Reset | Cause::Other => {
            TRY_AGAIN.to_owned()
        }
        Cause::Tls(Mistrust::NoTls | Mistrust::OtherName(_))
        | Cause::NotHttp
        | Cause::Dns
        | Cause::Refused
        | Cause::Connect(_) => CHECK_ADDRESS.to_owned(),
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Error {
        Error { hint: of_file(&error), ..Error::from_source(Kind::Failed, &error) }
    }
}

/// What helps against an error of a file, if that is known.
fn of_file(error: &FileError) -> Option<String> {
    match error {
        FileError::Withheld { user, us, .. } => Some(format!(
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
        let choose = || Some("name one: export EDITOR=nano".to_owned());
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
            LockError::Busy { holder, .. } => Some(wait_for(holder.as_ref())),
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
