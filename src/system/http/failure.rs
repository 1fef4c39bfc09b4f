//! Why there is no answer, told apart as far as people can do something about it.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::InvalidMessage;

use crate::domain::printable;
use crate::system::runtime::{self, StartError};

/// How much is shown of the names that a certificate is for.
const MAX_NAMES: usize = 300;

/// Why there is no answer. No variant holds a query, a header or a body.
#[derive(Debug, thiserror::Error)]
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
    /// `ca_bundle` can't be used. A whole sentence.
    #[error("{0}")]
    Authorities(String),
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
    /// Host, and port if it is not the default one; or the proxy, if that is what did not answer.
    pub at: String,
    pub cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No address for the name.
    Dns,
    Refused,
    /// Connecting failed in another way.
    Connect(String),
    Tls(Mistrust),
    /// The proxy wants a user name and a password, or others than it got.
    ProxyPassword {
        proxy: String,
        /// What unsets it, if it is a setting of autocom's own, which holds no password.
        unset: Option<String>,
    },
    /// The proxy was reached and would not let us through.
    Proxy {
        proxy: String,
        reason: String,
    },
    Timeout(Duration),
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
    /// An authority that nobody here knows, or an intermediate one that the server did not send.
    UnknownAuthority,
    /// It is no server certificate but a CA's own: what a careless self-signed one is.
    SelfSignedCa,
    Expired,
    NotYetValid,
    /// Good for these names only.
    OtherName(String),
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
    pub unset: Option<String>,
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
            Cause::Timeout(time) => format!("{at} did not answer within {} s", time.as_secs_f32()),
            Cause::NoAnswer => format!("{at} closed the connection without an answer"),
            Cause::CutShort => format!("{at} closed the connection before its answer was complete"),
            Cause::Reset => format!("the connection to {at} was reset in the middle of the answer"),
            Cause::NotHttp => format!("{at} does not speak HTTP"),
            Cause::Other => format!("the exchange with {at} failed"),
        }
    }

    /// Whether the connection failed before anything was answered, in a way that may pass: worth
    /// another try where the request is safe to repeat. A name that has no address, a certificate
    /// and a proxy's refusal don't change within seconds, and a time-out has cost enough of them.
    pub fn may_pass(&self) -> bool {
        matches!(self.cause, Cause::Refused | Cause::Connect(_) | Cause::NoAnswer)
    }
}

impl Mistrust {
    fn clause(&self) -> String {
        match self {
            Mistrust::UnknownAuthority => {
                "its certificate is from an unknown authority, or comes without its intermediate ones"
                    .to_owned()
            }
            Mistrust::SelfSignedCa => {
                "its certificate is a CA's own (self-signed?), which is no server certificate".to_owned()
            }
            Mistrust::Expired => "its certificate has expired (or this machine's clock is wrong)".to_owned(),
            Mistrust::NotYetValid => {
                "its certificate is not valid yet (or this machine's clock is wrong)".to_owned()
            }
            Mistrust::OtherName(names) => format!("its certificate is for {names}"),
            Mistrust::NoTls => "it does not speak TLS".to_owned(),
            Mistrust::Other(reason) => reason.clone(),
        }
    }

    /// What rustls says, by its type: its words may hold what the other side sent.
    fn from_error(error: &rustls::Error) -> Mistrust {
        use rustls::{CertificateError as C, Error as E};
        let other = |words: &str| Mistrust::Other(words.to_owned());
        match error {
            E::InvalidCertificate(certificate) => match certificate {
                C::UnknownIssuer => Mistrust::UnknownAuthority,
                C::Expired | C::ExpiredContext { .. } => Mistrust::Expired,
                C::NotValidYet | C::NotValidYetContext { .. } => Mistrust::NotYetValid,
                C::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                    let name = |name: &String| name.replace("DnsName(\"", "").replace("\")", "");
                    let names = presented.iter().map(name).collect::<Vec<_>>().join(", ");
                    Mistrust::OtherName(printable(&names, MAX_NAMES))
                }
                C::NotValidForName | C::NotValidForNameContext { .. } => {
                    Mistrust::OtherName("another name".to_owned())
                }
                C::BadSignature => other("its certificate's signature is wrong"),
                C::Revoked => other("its certificate was revoked"),
                // webpki's own error, which rustls has no name for.
                C::Other(error) if format!("{error:?}").contains("CaUsedAsEndEntity") => {
                    Mistrust::SelfSignedCa
                }
                other_reason if format!("{other_reason:?}").contains("Unsupported") => {
                    other("its certificate is signed in a way that is not supported")
                }
                _ => other("its certificate is not valid"),
            },
            E::InvalidMessage(InvalidMessage::InvalidContentType) => Mistrust::NoTls,
            E::AlertReceived(_) => other("it refused the TLS handshake"),
            E::PeerIncompatible(_) => other("it offers no TLS version or cipher that autocom supports"),
            _ => other("the TLS handshake failed"),
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

/// `answered`: the head of an answer had arrived. `times`: the limits for connecting and for all of it.
pub(super) fn classify(
    url: &reqwest::Url,
    error: reqwest::Error,
    answered: bool,
    times: (Duration, Duration),
    via: Option<Via>,
) -> Unreachable {
    // The URL has the query: it must not be in what is shown.
    let error = error.without_url();
    let cause = if error.is_timeout() {
        Cause::Timeout(if error.is_connect() { times.0 } else { times.1 })
    } else if error.is_dns() {
        Cause::Dns
    } else if error.is_connect() {
        connect_cause(&error, via.as_ref())
    } else if hyper_says(&error, hyper::Error::is_parse) {
        Cause::NotHttp
    } else {
        match (ending(&error), answered) {
            (Some(_), false) => Cause::NoAnswer,
            (Some(io::ErrorKind::ConnectionReset), true) => Cause::Reset,
            (Some(_), true) => Cause::CutShort,
            (None, _) => Cause::Other,
        }
    };
    // With a proxy in between, the first connection is to the proxy.
    let at_first_hop = matches!(cause, Cause::Dns | Cause::Refused | Cause::Connect(_));
    let proxy = via.filter(|_| at_first_hop).map(|via| format!("the proxy {}", via.proxy));
    let at = proxy.unwrap_or_else(|| authority(url));
    tracing::debug!(at, ?cause, error = innermost(&error), "unreachable");
    Unreachable { at, cause }
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
    if let Some(error) = chain(error).find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return Cause::Tls(Mistrust::from_error(error));
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
        // HTTP/2's way to say it; h2 is no crate of ours.
        let stream_ended = || innermost(error).starts_with("stream error received");
        (hyper_says(error, early) || stream_ended()).then_some(io::ErrorKind::UnexpectedEof)
    })
}

fn hyper_says(error: &reqwest::Error, what: impl Fn(&hyper::Error) -> bool) -> bool {
    chain(error).any(|error| error.downcast_ref::<hyper::Error>().is_some_and(&what))
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
