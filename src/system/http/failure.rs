//! Why there is no answer, told apart as far as people can do something about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, InvalidMessage};

use crate::domain::{Hint, printable};
use crate::system::runtime::{self, StartError};

/// How much is shown of the names that a certificate is for.
const MAX_NAMES: usize = 300;

/// Why there is no answer. No variant holds a query, a header or a body.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    #[error(transparent)]
    Unreachable(Unreachable),
    /// The answer's body, as it came out of its compression.
    #[error("the answer of {at} is larger than {} MiB", .limit >> 20)]
    TooLarge { at: String, limit: usize },
    /// It arrived whole, but is not compressed as its header says.
    #[error("the answer of {at} is not gzip, although its header says so")]
    Garbled { at: String },
    #[error("the request could not be built")]
    BadRequest,
    /// A setting that the connection needs, such as `ca_bundle`, can't be used.
    #[error("{message}")]
    Misconfigured { message: String, hint: Option<Hint> },
    /// The body of the request.
    #[error("cannot read the request body: {0}")]
    Input(String),
    /// What answered is not the platform: a captive portal, a gateway, a firewall.
    #[error("the answer came from something between here and the platform ({what}, status {status})")]
    InBetween { what: String, status: u16, retry_after: Option<Duration> },
    /// The connection ended, or nothing more came, when a part of the answer had been handed on.
    #[error("the answer was cut short after {received} bytes: {reason}")]
    Truncated { received: u64, reason: String },
    /// Why, `-vv` logs.
    #[error("HTTPS could not be set up")]
    Setup,
    /// This process has no descriptor or thread left for it.
    #[error("cannot connect to {at}: {reason}")]
    Exhausted { at: String, reason: String },
}

/// The server was not reached, or its answer did not arrive whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Unreachable {
    pub at: Peer,
    pub cause: Cause,
}

/// Who did not answer: the host, and its port if that is not the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    Server(String),
    /// The proxy on the way to it.
    Proxy(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No address for the name.
    Dns,
    Refused,
    /// Connecting failed in another way.
    Connect(String),
    /// The server closed the request without processing it, and says so (RFC 9113, section 8.7).
    NotProcessed,
    Tls(Mistrust),
    /// The proxy wants a user name and a password, or others than it got.
    ProxyPassword {
        proxy: String,
        /// What unsets it, if it is a setting of autocom's own, which holds no password.
        unset: Option<Hint>,
    },
    /// The proxy was reached and would not let us through.
    Proxy {
        proxy: String,
        reason: String,
    },
    Timeout(Duration),
    /// No connection within this time.
    ConnectTimeout(Duration),
    /// The connection ended before there was any answer.
    NoAnswer,
    /// The connection ended before the answer did.
    CutShort,
    /// The same, by a reset: somebody in between, or a server that died.
    Reset,
    /// What came is not HTTP.
    NotHttp,
    /// What it is, `-vv` logs.
    Other,
}

/// Why a certificate is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistrust {
    /// An authority that is not known here, or an intermediate one that the server did not send; and why
    /// the authority may not be known.
    UnknownAuthority(Option<Flaw>),
    /// It is no server certificate but a CA's own: what a careless self-signed one is.
    SelfSignedCa,
    Expired,
    NotYetValid,
    /// Good for these names only.
    OtherName(String),
    /// It has no subject alternative names; its common name does not count (RFC 9525, section 2).
    NoNames,
    /// It has the IP address as a DNS name.
    AddressAsName(String),
    /// It is not for servers.
    KeyUsage,
    /// X.509 version 1.
    OldVersion,
    /// The server asks for a certificate of ours.
    ClientCertificate,
    /// The server does not speak TLS at all.
    NoTls,
    Other(String),
}

/// A proxy on the way, without its user name and password.
pub(super) struct Via {
    pub proxy: String,
    /// Whether it is told a user name and password.
    pub with_password: bool,
    /// As in [`Cause::ProxyPassword`].
    pub unset: Option<Hint>,
}

impl HttpError {
    /// Whether the server may have processed the request, although its answer did not arrive.
    pub fn may_be_processed(&self) -> bool {
        match self {
            HttpError::Unreachable(unreachable) => matches!(
                unreachable.cause,
                Cause::Timeout(_) | Cause::NoAnswer | Cause::CutShort | Cause::Reset | Cause::Other
            ),
            HttpError::Truncated { .. } => true,
            _ => false,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Server(at) => f.write_str(at),
            Peer::Proxy(at) => write!(f, "the proxy {at}"),
        }
    }
}

impl Peer {
    /// The host alone, and the port if it is not the default one.
    pub fn host_and_port(&self) -> (&str, Option<&str>) {
        let (Peer::Server(at) | Peer::Proxy(at)) = self;
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        match at.rsplit_once(':') {
            Some((host, port)) if is_port(port) => (host, Some(port)),
            _ => (at, None),
        }
    }
}

impl Unreachable {
    fn sentence(&self) -> String {
        let at = &self.at;
        match &self.cause {
            Cause::Dns => format!("no address is known for {at}"),
            Cause::Refused => format!("nothing accepts connections at {at}"),
            Cause::Connect(reason) => format!("could not connect to {at}: {reason}"),
            Cause::Tls(mistrust) => format!("no trusted connection to {at}: {}", mistrust.clause()),
            Cause::ProxyPassword { proxy, .. } => {
                format!("the proxy {proxy} did not connect to {at}: it wants a user name and password")
            }
            Cause::Proxy { proxy, reason } => format!("the proxy {proxy} did not connect to {at}: {reason}"),
            Cause::Timeout(time) => format!("{at} did not answer within {} s", seconds(*time)),
            Cause::ConnectTimeout(time) => {
                format!("cannot connect to {at}: timed out after {} s", seconds(*time))
            }
            Cause::NotProcessed => format!("{at} refused the request without processing it"),
            Cause::NoAnswer => format!("{at} closed the connection without an answer"),
            Cause::CutShort => format!("{at} closed the connection before its answer was complete"),
            Cause::Reset => format!("the connection to {at} was reset in the middle of the answer"),
            Cause::NotHttp => format!("{at} does not speak HTTP"),
            Cause::Other => format!("the exchange with {at} failed"),
        }
    }

    /// Whether the request certainly was not processed, in a way that may pass: worth another try even
    /// where a request must not be processed twice. A name that has no address, a certificate and a
    /// proxy's refusal don't change within seconds, and a time-out has cost enough of them.
    pub fn is_unprocessed(&self) -> bool {
        matches!(self.cause, Cause::Refused | Cause::Connect(_) | Cause::NotProcessed)
    }

    /// As [`Self::is_unprocessed`], but for requests that are safe to repeat.
    pub fn may_pass(&self) -> bool {
        self.is_unprocessed() || self.cause == Cause::NoAnswer
    }
}

/// Without a fraction that comes from what was left of a deadline.
fn seconds(time: Duration) -> f32 {
    (time.as_secs_f32() * 10.0).round() / 10.0
}

impl Mistrust {
    fn clause(&self) -> String {
        match self {
            Mistrust::UnknownAuthority(flaw) => {
                let why =
                    "its certificate is from an unknown authority, or comes without its intermediate ones";
                flaw.as_ref().map_or_else(|| why.to_owned(), |flaw| format!("{why}; {}", flaw.what))
            }
            Mistrust::SelfSignedCa => {
                "its certificate is a CA's own (self-signed?), which is no server certificate".to_owned()
            }
            Mistrust::Expired => "its certificate has expired (or this machine's clock is wrong)".to_owned(),
            Mistrust::NotYetValid => {
                "its certificate is not valid yet (or this machine's clock is wrong)".to_owned()
            }
            Mistrust::OtherName(names) => format!("its certificate is for {names}"),
            Mistrust::NoNames => {
                "its certificate has no subject alternative names (its common name does not count)".to_owned()
            }
            Mistrust::AddressAsName(address) => {
                format!("its certificate has {address} as a DNS name, where an IP address is required")
            }
            Mistrust::KeyUsage => {
                "the extended key usage of its certificate does not allow it to be a server's".to_owned()
            }
            Mistrust::OldVersion => {
                "its certificate is X.509 version 1, and version 3 is required".to_owned()
            }
            Mistrust::ClientCertificate => {
                "it requires a client certificate, which autocom does not support".to_owned()
            }
            Mistrust::NoTls => "it does not speak TLS".to_owned(),
            Mistrust::Other(reason) => reason.clone(),
        }
    }

    /// What rustls says, by its type: its words may hold what the other side sent.
    fn from_error(error: &rustls::Error, flaw: Option<Flaw>) -> Mistrust {
        use rustls::{CertificateError as C, Error as E};
        let other = |words: &str| Mistrust::Other(words.to_owned());
        match error {
            E::InvalidCertificate(certificate) => match certificate {
                C::UnknownIssuer => Mistrust::UnknownAuthority(flaw),
                C::Expired | C::ExpiredContext { .. } => Mistrust::Expired,
                C::NotValidYet | C::NotValidYetContext { .. } => Mistrust::NotYetValid,
                C::NotValidForNameContext { presented, .. } if presented.is_empty() => Mistrust::NoNames,
                C::NotValidForNameContext { expected, presented } => {
                    Mistrust::other_names(expected, presented)
                }
                C::NotValidForName => Mistrust::OtherName("another name".to_owned()),
                C::InvalidPurpose | C::InvalidPurposeContext { .. } => Mistrust::KeyUsage,
                C::BadSignature => other("its certificate's signature is wrong"),
                C::BadEncoding => other("its certificate is malformed"),
                C::Revoked => other("its certificate was revoked"),
                C::UnsupportedSignatureAlgorithmContext { .. }
                | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                    other("its certificate is signed in a way that is not supported")
                }
                C::Other(reason) => Mistrust::unnamed(reason.0.as_ref()),
                _ => other("its certificate is not valid"),
            },
            E::InvalidMessage(InvalidMessage::InvalidContentType) => Mistrust::NoTls,
            E::AlertReceived(AlertDescription::CertificateRequired) => Mistrust::ClientCertificate,
            E::AlertReceived(_) => other("it refused the TLS handshake"),
            E::PeerIncompatible(_) => other("it offers no TLS version or cipher that autocom supports"),
            E::Other(reason) => Mistrust::unnamed(reason.0.as_ref()),
            _ => other("the TLS handshake failed"),
        }
    }

    fn other_names(expected: &ServerName<'_>, presented: &[String]) -> Mistrust {
        let name = |name: &String| name.replace("DnsName(\"", "").replace("\")", "");
        let names: Vec<String> = presented.iter().map(name).collect();
        match expected {
            ServerName::IpAddress(address)
                if names.contains(&std::net::IpAddr::from(*address).to_string()) =>
            {
                Mistrust::AddressAsName(std::net::IpAddr::from(*address).to_string())
            }
            _ => Mistrust::OtherName(printable(&names.join(", "), MAX_NAMES)),
        }
    }

    /// What rustls has no name for: webpki's own errors, and the platform verifier's.
    fn unnamed(error: &(dyn Error + Send + Sync + 'static)) -> Mistrust {
        match error.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::CaUsedAsEndEntity) => Mistrust::SelfSignedCa,
            Some(webpki::Error::UnsupportedCertVersion) => Mistrust::OldVersion,
            Some(_) => Mistrust::Other("its certificate is not valid".to_owned()),
            // There the operating system judges, in its own words.
            None if cfg!(any(windows, target_vendor = "apple")) => {
                Mistrust::Other(printable(&error.to_string(), MAX_NAMES))
            }
            None => Mistrust::KeyUsage,
        }
    }
}

/// Whether what failed is the decompression of a body: what the connection does to it, hyper tells.
pub(super) fn is_garbled(error: &reqwest::Error) -> bool {
    let is_io = chain(error).any(|error| error.is::<io::Error>());
    is_io && !error.is_timeout() && !hyper_says(error, |_| true)
}

/// What this process lacks to connect at all: then the address is not to blame.
pub(super) fn exhaustion(error: &reqwest::Error) -> Option<String> {
    let lacking = chain(error).find(|error| {
        let io = error.downcast_ref::<io::Error>();
        error.is::<StartError>() || io.is_some_and(runtime::lacks_descriptors)
    });
    lacking.map(innermost)
}

/// What is known of a request that failed.
pub(super) struct Attempt<'a> {
    pub url: &'a reqwest::Url,
    /// Whether the head of an answer had arrived.
    pub answered: bool,
    pub connect_timeout: Duration,
    pub timeout: Duration,
    pub via: Option<Via>,
    /// Why an authority may be unknown.
    pub flaw: Option<Flaw>,
}

pub(super) fn classify(error: reqwest::Error, attempt: Attempt<'_>) -> Unreachable {
    let Attempt { url, answered, connect_timeout, timeout, via, flaw } = attempt;
    // The URL has the query: it must not be in what is shown.
    let error = error.without_url();
    let tls = chain(&error).find_map(|error| error.downcast_ref::<rustls::Error>());
    let cause = if error.is_timeout() {
        if error.is_connect() && connect_timeout < timeout {
            Cause::ConnectTimeout(connect_timeout)
        } else {
            Cause::Timeout(timeout)
        }
    } else if error.is_dns() {
        Cause::Dns
    } else if let Some(tls) = tls {
        // With TLS 1.3 a server asks for a certificate when the handshake is over for us.
        Cause::Tls(Mistrust::from_error(tls, flaw))
    } else if error.is_connect() {
        connect_cause(&error, via.as_ref())
    } else if hyper_says(&error, hyper::Error::is_parse) {
        Cause::NotHttp
    } else if h2_says(&error, is_unprocessed) {
        Cause::NotProcessed
    } else {
        match (ending(&error), answered) {
            (Some(_), false) => Cause::NoAnswer,
            (Some(io::ErrorKind::ConnectionReset), true) => Cause::Reset,
            (Some(_), true) => Cause::CutShort,
            (None, _) => Cause::Other,
        }
    };
    // With a proxy in between, the first connection is to the proxy.
    let at_first_hop =
        matches!(cause, Cause::Dns | Cause::Refused | Cause::Connect(_) | Cause::ConnectTimeout(_));
    let proxy = via.filter(|_| at_first_hop).map(|via| Peer::Proxy(via.proxy));
    let at = proxy.unwrap_or_else(|| Peer::Server(authority(url)));
    tracing::debug!(%at, ?cause, error = innermost(&error), "unreachable");
    Unreachable { at, cause }
}

/// Whether the server refuses HTTP/2, or breaks its rules after agreeing to it, and HTTP/1.1 may do. `is_safe`: the
/// request may be sent again even if it was processed.
pub(super) fn refuses_http2(error: &reqwest::Error, is_safe: bool) -> bool {
    // Whatever speaks HTTP/1.1 may have closed the connection before its answer was read.
    if is_safe && ending(error).is_some() {
        return true;
    }
    h2_says(error, |h2| {
        let by_server =
            h2.is_remote() && (h2.is_go_away() || h2.reason() == Some(h2::Reason::HTTP_1_1_REQUIRED));
        // The first bytes of an answer in HTTP/1.1, read as a frame's length.
        let by_us = h2.is_library() && h2.is_go_away() && h2.reason() == Some(h2::Reason::FRAME_SIZE_ERROR);
        by_server || by_us
    })
}

/// A stream that h2 fails for a GOAWAY is above the last one that the server has processed.
fn is_unprocessed(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

pub(super) fn authority(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn connect_cause(error: &reqwest::Error, via: Option<&Via>) -> Cause {
    if let Some(Via { proxy, with_password, unset }) = via {
        let proxy = proxy.clone();
        let said = |words: &str| chain(error).any(|error| error.to_string().contains(words));
        if said("proxy authorization required") {
            return Cause::ProxyPassword { proxy, unset: unset.clone() };
        }
        if said("tunnel error: unsuccessful") {
            // The status is not told; tinyproxy's for a wrong password is 401.
            let reason = match with_password {
                true => "it refuses to (is the password right?), or does not reach it",
                false => "it refuses to, or does not reach it",
            };
            return Cause::Proxy { proxy, reason: reason.to_owned() };
        }
        if said("tunnel error") && !said("failed to create underlying connection") {
            return Cause::Proxy { proxy, reason: "it opened no tunnel".to_owned() };
        }
    }
    // reqwest 0.13 can't make one of an IPv6 address behind a proxy.
    if chain(error).any(|error| error.is::<rustls::pki_types::InvalidDnsNameError>()) {
        return Cause::Tls(Mistrust::Other("its address is no name that a certificate has".to_owned()));
    }
    let io = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    for kind in io {
        match kind {
            io::ErrorKind::ConnectionRefused => return Cause::Refused,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                let closed = "the connection was closed during the TLS handshake";
                return Cause::Tls(Mistrust::Other(closed.to_owned()));
            }
            _ => {}
        }
    }
    // What the operating system says of it, in its own words.
    let code = chain(error).find_map(|error| error.downcast_ref::<io::Error>()?.raw_os_error());
    Cause::Connect(code.map_or_else(
        || "the connection failed".to_owned(),
        |code| io::Error::from_raw_os_error(code).to_string(),
    ))
}

/// How the connection ended, if that is what went wrong.
fn ending(error: &reqwest::Error) -> Option<io::ErrorKind> {
    // A reset is wrapped in hyper's words for an end that came too soon: look for it first.
    let io = chain(error).find_map(|error| {
        let kind = error.downcast_ref::<io::Error>()?.kind();
        let ends = [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::UnexpectedEof,
        ];
        ends.contains(&kind).then_some(kind)
    });
    io.or_else(|| {
        let early = |error: &hyper::Error| error.is_incomplete_message() || error.is_closed();
        let ended = hyper_says(error, early) || h2_says(error, |h2| h2.is_remote() || h2.is_io());
        ended.then_some(io::ErrorKind::UnexpectedEof)
    })
}

fn hyper_says(error: &reqwest::Error, what: impl Fn(&hyper::Error) -> bool) -> bool {
    chain(error).any(|error| error.downcast_ref::<hyper::Error>().is_some_and(&what))
}

fn h2_says(error: &reqwest::Error, what: impl Fn(&h2::Error) -> bool) -> bool {
    chain(error).any(|error| error.downcast_ref::<h2::Error>().is_some_and(&what))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An io::Error passes over the error that it wraps when it is asked for its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// The client can't be built.
pub(super) fn setup(error: &reqwest::Error) -> HttpError {
    tracing::debug!(error = innermost(error), "HTTPS could not be set up");
    HttpError::Setup
}

/// The innermost error's words: the outer ones only say where it happened.
fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// What is wrong with a bundle that was named, so that its authorities are unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// A clause.
    pub what: String,
    pub hint: Hint,
}
