//! The one way out to the network, and the only file that knows reqwest.
//!
//! A call is an `http::Request` in and an `http::Response` out, its body read whole and bounded.
//! Redirects are never followed: a token that is sent to one address must not end at another.
//!
//! Two clients are kept, each built at its first call (parsing the system's roots takes 5 to 15 ms):
//! one for loopback, which uses no proxy and asks no DNS server where `localhost` is (RFC 6761,
//! section 6.3: otherwise plain http to `shop.localhost` could leave this machine), and one for the
//! rest, which follows `HTTPS_PROXY`, `NO_PROXY` and `SSL_CERT_FILE`.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::{is_loopback, printable};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call may take unless `--request-timeout` says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no answer. No variant holds a query, a header or a body.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(transparent)]
    Unreachable(Unreachable),
    /// The answer's body, as it came out of its compression.
    #[error("the answer of {at} is larger than {} MiB", .limit >> 20)]
    TooLarge { at: String, limit: usize },
    #[error("the request could not be built")]
    BadRequest,
    #[error("HTTPS could not be set up: {0}")]
    Setup(String),
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
    Tls(String),
    /// The proxy was reached and would not let us through.
    Proxy(String),
    Timeout(Duration),
    /// The connection ended before the answer did.
    CutOff,
    Other(String),
}

impl Unreachable {
    fn sentence(&self) -> String {
        let at = &self.at;
        match &self.cause {
            Cause::Dns => format!("no address is known for {at}"),
            Cause::Refused => format!("nothing accepts connections at {at}"),
            Cause::Connect(reason) => format!("could not connect to {at}: {reason}"),
            Cause::Tls(reason) => format!("no trusted connection to {at}: {reason}"),
            Cause::Proxy(reason) => format!("the proxy did not connect to {at}: {reason}"),
            Cause::Timeout(time) => format!("{at} did not answer within {} s", time.as_secs_f32()),
            Cause::CutOff => format!("{at} closed the connection before its answer was complete"),
            Cause::Other(reason) => format!("the exchange with {at} failed: {reason}"),
        }
    }
}

/// Cheap to clone; the clones share their connections.
#[derive(Clone)]
pub struct Http(Arc<Clients>);

struct Clients {
    request_timeout: Duration,
    loopback: OnceLock<reqwest::Client>,
    remote: OnceLock<reqwest::Client>,
}

impl Default for Http {
    fn default() -> Http {
        Http::new(REQUEST_TIMEOUT)
    }
}

impl Http {
    /// `request_timeout` is for a whole call, its body included.
    pub fn new(request_timeout: Duration) -> Http {
        Http(Arc::new(Clients { request_timeout, loopback: OnceLock::new(), remote: OnceLock::new() }))
    }

    /// Makes one request, with `Accept: application/json` unless it says otherwise, and reads at
    /// most `limit` bytes of the answer's body.
    pub async fn call(
        &self,
        request: http::Request<Vec<u8>>,
        limit: usize,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(|_| HttpError::BadRequest)?;
        let url = request.url().clone();
        let failed = |error| HttpError::Unreachable(self.classify(&url, error));
        let response = self.client(&url)?.execute(request).await.map_err(failed)?;
        let mut answer = http::Response::new(Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        *answer.body_mut() = read_limited(response, limit).await.map_err(|error| match error {
            Some(error) => failed(error),
            None => HttpError::TooLarge { at: authority(&url), limit },
        })?;
        Ok(answer)
    }

    fn client(&self, url: &reqwest::Url) -> Result<&reqwest::Client, HttpError> {
        let loopback = is_loopback(url);
        let slot = if loopback { &self.0.loopback } else { &self.0.remote };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let builder = || {
            let builder = reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(self.0.request_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .user_agent(concat!("autocom/", env!("CARGO_PKG_VERSION")))
                .default_headers(HeaderMap::from_iter([(
                    ACCEPT,
                    HeaderValue::from_static("application/json"),
                )]));
            if loopback { builder.no_proxy().dns_resolver(LoopbackResolver) } else { builder }
        };
        // Without any CA store (slim containers) the platform's verifier can't be built, not even
        // for plain http: then Mozilla's roots, which are compiled in, are the best there is.
        let client = builder()
            .build()
            .or_else(|_| builder().tls_certs_only(compiled_in_roots()).build())
            .map_err(|error| HttpError::Setup(innermost(&error)))?;
        Ok(slot.get_or_init(|| client))
    }

    fn classify(&self, url: &reqwest::Url, error: reqwest::Error) -> Unreachable {
        // The URL has the query: it must not be in what is shown.
        let error = error.without_url();
        let cause = if error.is_timeout() {
            let connecting = error.is_connect() && CONNECT_TIMEOUT < self.0.request_timeout;
            Cause::Timeout(if connecting { CONNECT_TIMEOUT } else { self.0.request_timeout })
        } else if error.is_dns() {
            Cause::Dns
        } else if error.is_connect() {
            connect_cause(&error)
        } else if was_cut_off(&error) {
            Cause::CutOff
        } else {
            Cause::Other(innermost(&error))
        };
        // With a proxy in between, the first connection is to the proxy.
        let at_first_hop = matches!(cause, Cause::Dns | Cause::Refused | Cause::Connect(_));
        let proxy = if at_first_hop { proxy_of(url) } else { None };
        let at = proxy.unwrap_or_else(|| authority(url));
        tracing::debug!(at, ?cause, "unreachable");
        Unreachable { at, cause }
    }
}

/// The body, or `None` as the error if it is longer than `limit`.
async fn read_limited(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Bytes, Option<reqwest::Error>> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Some)? {
        if body.len() + chunk.len() > limit {
            return Err(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn authority(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The proxy that reqwest uses for this URL; without its user name and password.
fn proxy_of(url: &reqwest::Url) -> Option<String> {
    if is_loopback(url) {
        return None;
    }
    let proxy = Matcher::from_system().intercept(&url.as_str().parse().ok()?)?;
    let (host, port) = (proxy.uri().host()?, proxy.uri().port_u16());
    Some(format!("the proxy {host}{}", port.map_or_else(String::new, |port| format!(":{port}"))))
}

fn connect_cause(error: &reqwest::Error) -> Cause {
    let reason = printable(&innermost(error), 200);
    let io = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    for kind in io {
        match kind {
            io::ErrorKind::ConnectionRefused => return Cause::Refused,
            // rustls reports through an io::Error of this kind.
            io::ErrorKind::InvalidData => return Cause::Tls(tls_reason(&reason)),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                return Cause::Tls("the connection was closed during the TLS handshake".to_owned());
            }
            _ => {}
        }
    }
    if chain(error).any(|error| error.to_string().contains("tunnel error")) {
        return Cause::Proxy(reason);
    }
    Cause::Connect(reason)
}

/// rustls' words, or better ones for what people meet.
fn tls_reason(reason: &str) -> String {
    let known = [
        ("UnknownIssuer", "its certificate is from an unknown authority (SSL_CERT_FILE names your own)"),
        ("CaUsedAsEndEntity", "its certificate is a CA's own, which is no server certificate"),
        ("InvalidContentType", "it does not speak TLS"),
        ("certificate expired", "its certificate has expired (or this machine's clock is wrong)"),
        ("not valid yet", "its certificate is not valid yet (or this machine's clock is wrong)"),
    ];
    known.iter().find(|(word, _)| reason.contains(word)).map_or_else(
        || reason.trim_start_matches("invalid peer certificate: ").to_owned(),
        |(_, words)| (*words).to_owned(),
    )
}

fn was_cut_off(error: &reqwest::Error) -> bool {
    chain(error).any(|error| {
        error.downcast_ref::<hyper::Error>().is_some_and(|e| e.is_incomplete_message() || e.is_closed())
            || error.downcast_ref::<io::Error>().is_some_and(|e| {
                matches!(
                    e.kind(),
                    io::ErrorKind::ConnectionReset
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::UnexpectedEof
                )
            })
    })
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An io::Error passes over the error that it wraps when it is asked for its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// The innermost error's words: the outer ones only say where it happened.
fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn compiled_in_roots() -> Vec<reqwest::Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| reqwest::Certificate::from_der(der).ok())
        .collect()
}

struct LoopbackResolver;

impl Resolve for LoopbackResolver {
    fn resolve(&self, _: Name) -> Resolving {
        // reqwest puts the URL's port in place of 0.
        let addresses =
            [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes and closes it.
    async fn answering(bytes: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(bytes).await.unwrap();
        });
        format!("http://shop.localhost:{port}/x?code=hunter2")
    }

    async fn call(url: &str, timeout: Duration) -> Result<http::Response<Bytes>, HttpError> {
        Http::new(timeout).call(http::Request::get(url).body(Vec::new()).unwrap(), 64).await
    }

    async fn cause(url: &str, timeout: Duration) -> Cause {
        let error = call(url, timeout).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        match error {
            HttpError::Unreachable(unreachable) => unreachable.cause,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn failures_are_told_apart_and_never_show_the_query() {
        let long = Duration::from_secs(30);
        assert_eq!(cause("http://127.0.0.1:1/?code=hunter2", long).await, Cause::Refused);
        assert_eq!(cause("https://nowhere.invalid/?code=hunter2", long).await, Cause::Dns);
        let url = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        assert_eq!(cause(&url, long).await, Cause::CutOff);
        let url = answering(b"").await;
        assert_eq!(cause(&url, long).await, Cause::CutOff);
        let url = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.replace("http:", "https:");
        assert_eq!(cause(&url, long).await, Cause::Tls("it does not speak TLS".to_owned()));
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/?code=hunter2", silent.local_addr().unwrap());
        let short = Duration::from_millis(50);
        assert_eq!(cause(&url, short).await, Cause::Timeout(short));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_a_long_body_an_error() {
        let url = answering(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n").await;
        assert_eq!(call(&url, REQUEST_TIMEOUT).await.unwrap().status(), 302);
        let url = answering(&[b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 65]].concat().leak()[..]).await;
        assert!(matches!(call(&url, REQUEST_TIMEOUT).await, Err(HttpError::TooLarge { limit: 64, .. })));
    }

    #[test]
    fn the_compiled_in_roots_make_a_client() {
        assert!(reqwest::Client::builder().tls_certs_only(compiled_in_roots()).build().is_ok());
    }
}
