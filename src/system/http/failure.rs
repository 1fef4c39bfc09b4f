//! Why there is no answer, told apart as far as people can do something about it.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::domain::printable;
use crate::system::runtime::{self, StartError};

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
    #[error("HTTPS could not be set up: {0}")]
    Setup(String),
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
    Other(String),
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
            Cause::Other(reason) => format!("the exchange with {at} failed: {reason}"),
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

    /// rustls' words, read.
    fn read(reason: &str) -> Mistrust {
        if let Some((_, rest)) = reason.split_once("certificate not valid for name ") {
            let names = rest.split_once("only valid for ").map_or("another name", |(_, names)| names);
            return Mistrust::OtherName(names.replace("DnsName(\"", "").replace("\")", ""));
        }
        let known = [
            ("UnknownIssuer", Mistrust::UnknownAuthority),
            ("CaUsedAsEndEntity", Mistrust::SelfSignedCa),
            ("InvalidContentType", Mistrust::NoTls),
            ("certificate expired", Mistrust::Expired),
            ("not valid yet", Mistrust::NotYetValid),
            // reqwest 0.13 can't make one of an IPv6 address behind a proxy.
            (
                "Invalid Server Name",
                Mistrust::Other("its address is no name that a certificate has".to_owned()),
            ),
            ("BadSignature", Mistrust::Other("its certificate's signature is wrong".to_owned())),
            (
                "Unsupported",
                Mistrust::Other("its certificate is signed in a way that is not supported".to_owned()),
            ),
        ];
        let found = known.into_iter().find(|(word, _)| reason.contains(word)).map(|(_, mistrust)| mistrust);
        let words = reason.trim_start_matches("invalid peer certificate: ");
        found.unwrap_or_else(|| Mistrust::Other(words.to_owned()))
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
            (None, _) => Cause::Other(printable(&innermost(&error), 200)),
        }
    };
    // With a proxy in between, the first connection is to the proxy.
    let at_first_hop = matches!(cause, Cause::Dns | Cause::Refused | Cause::Connect(_));
    let proxy = via.filter(|_| at_first_hop).map(|via| format!("the proxy {}", via.proxy));
    let at = proxy.unwrap_or_else(|| authority(url));
    tracing::debug!(at, ?cause, "unreachable");
    Unreachable { at, cause }
}

pub(super) fn authority(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn connect_cause(error: &reqwest::Error, via: Option<&Via>) -> Cause {
    let reason = printable(&innermost(error), 200);
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
            return Cause::Proxy { proxy, reason };
        }
    }
    if reason == "Invalid Server Name" {
        return Cause::Tls(Mistrust::read(&reason));
    }
    let io = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    for kind in io {
        match kind {
            io::ErrorKind::ConnectionRefused => return Cause::Refused,
            // rustls reports through an io::Error of this kind.
            io::ErrorKind::InvalidData => return Cause::Tls(Mistrust::read(&reason)),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                let closed = "the connection was closed during the TLS handshake";
                return Cause::Tls(Mistrust::Other(closed.to_owned()));
            }
            _ => {}
        }
    }
    Cause::Connect(reason)
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

/// The innermost error's words: the outer ones only say where it happened.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
