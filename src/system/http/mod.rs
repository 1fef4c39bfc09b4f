//! The one way out to the network, and the only folder that knows reqwest.
//!
//! A call is an `http::Request` in and an `http::Response` out, its body read whole and bounded.
//! Redirects are never followed here: a token that is sent to one address must not end at another.

mod authorities;
mod body;
mod client;
mod environment_proxy;
mod failure;
mod in_between;
mod network;
pub mod retry;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Response};
use tokio::time::{Instant, timeout};

pub use body::{Body, Once};
pub use environment_proxy::EnvironmentProxy;
pub use failure::{Cause, HttpError, Mistrust, Peer, Unreachable};
pub use in_between::{from_in_between, redirect_elsewhere, redirect_target, shown_url, without_bom};
pub use network::{Authorities, CONNECT_TIMEOUT, Network, OwnProxy, REQUEST_TIMEOUT};

use crate::system::interrupt;
use body::{OpenError, Upload};
use client::Clients;

/// How long a connection is still read from after the time-out.
const GRACE: Duration = Duration::from_millis(250);
/// A shorter wait before a retry is not worth a word.
const SHOWN_WAIT: Duration = Duration::from_secs(1);

type Told = Arc<dyn Fn(&str) + Send + Sync>;

/// Cheap to clone; the clones share their connections. Nothing is set up before the first call.
#[derive(Clone)]
pub struct Http {
    clients: Arc<Clients>,
    /// When all calls must have ended, and how long that was from its beginning.
    deadline: Option<(Instant, Duration)>,
    told: Option<Told>,
}

impl Default for Http {
    fn default() -> Http {
        Http::new(Network::default())
    }
}

impl Http {
    pub fn new(network: Network) -> Http {
        Http { clients: Arc::new(Clients::new(network)), deadline: None, told: None }
    }

    /// Where it is told, as a sentence, that a request is sent again after a wait.
    pub fn telling_waits(self, told: impl Fn(&str) + Send + Sync + 'static) -> Http {
        Http { told: Some(Arc::new(told)), ..self }
    }

    /// The same connections, for calls and retries that take no longer than `time` together.
    pub fn within(&self, time: Duration) -> Http {
        let deadline = (Instant::now() + time, time);
        let sooner = self.deadline.filter(|(end, _)| *end <= deadline.0);
        Http { deadline: Some(sooner.unwrap_or(deadline)), ..self.clone() }
    }

    /// When all calls must have ended.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.map(|(end, _)| end)
    }

    pub fn network(&self) -> &Network {
        self.clients.network()
    }

    /// The proxy that a call to `url` goes through, without user name and password.
    pub fn proxy(&self, url: &str) -> Option<String> {
        self.clients.proxy(&url.parse().ok()?)
    }

    /// For a whole call, its body included.
    pub fn request_timeout(&self) -> Duration {
        let request_timeout = self.network().request_timeout;
        self.deadline.map_or(request_timeout, |(end, _)| {
            request_timeout.min(end.saturating_duration_since(Instant::now()))
        })
    }

    /// The time-out that ends a call which begins now, for a sentence: not what was left of a deadline.
    fn named_timeout(&self) -> Duration {
        let request_timeout = self.network().request_timeout;
        self.deadline.map_or(request_timeout, |(_, whole)| request_timeout.min(whole))
    }

    /// Makes one request, with `Accept: application/json` unless it says otherwise, and reads at
    /// most `limit` bytes of the answer's body, as it comes out of its compression.
    pub async fn call(
        &self,
        request: http::Request<impl Into<Body>>,
        limit: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        let request = request.map(Into::into);
        let url = url_of(&request)?;
        let upload = Arc::new(Upload::new());
        let exchange = async { self.exchange(&request, &url, &upload).await?.whole(limit).await };
        tokio::pin!(exchange);
        let time = self.request_timeout();
        if let Ok(outcome) = timeout(time, &mut exchange).await {
            return outcome;
        }
        // A process that was stopped finds its time over and the answer in its socket.
        timeout(GRACE, exchange)
            .await
            .unwrap_or_else(|_| Err(self.clients.timed_out(&url, self.named_timeout())))
    }

    /// Makes one request and returns when the head of its answer is there. The time-out is for the time
    /// in which nothing is sent or received: what is large takes as long as it takes.
    pub async fn open(&self, request: http::Request<Body>) -> Result<Incoming, HttpError> {
        let url = url_of(&request)?;
        let upload = Arc::new(Upload::new());
        tokio::select! {
            biased;
            incoming = self.exchange(&request, &url, &upload) => incoming,
            () = upload.stalls_for(self.request_timeout()) => {
                Err(self.clients.timed_out(&url, self.named_timeout()))
            }
        }
    }

    /// Waits before a request is sent again, unless the command is interrupted: then `false`.
    pub async fn pause<T>(
        &self,
        wait: Duration,
        url: &str,
        outcome: Result<&Response<T>, &HttpError>,
    ) -> bool {
        if let (Some(told), Ok(answer), true) = (&self.told, outcome, wait >= SHOWN_WAIT) {
            let (status, seconds) = (answer.status().as_u16(), wait.as_secs());
            let host = url.parse().map_or_else(|_| String::new(), |url| failure::authority(&url));
            told(&format!("waiting {seconds} s before trying again: {host} answered with status {status}"));
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            _ = interrupt::pressed() => false,
        }
    }

    async fn exchange(
        &self,
        request: &http::Request<Body>,
        url: &reqwest::Url,
        upload: &Arc<Upload>,
    ) -> Result<Incoming, HttpError> {
        let client = self.clients.for_url(url)?;
        let mut outcome = client.execute(sendable(request, upload)?).await;
        // Plain http is HTTP/1.1 anyway.
        let is_safe = request.method().is_safe() && url.scheme() == "https";
        let is_refused = |error: &reqwest::Error| failure::refuses_http2(error, is_safe);
        if outcome.as_ref().is_err_and(is_refused) && request.body().can_be_sent() {
            self.clients.avoid_http2(url);
            outcome = self.clients.for_url(url)?.execute(sendable(request, upload)?).await;
        }
        let response = outcome.map_err(|error| match upload.failure() {
            Some(why) => HttpError::Input(why.to_string()),
            None => self.clients.unreachable(url, error, false, self.named_timeout()),
        })?;
        let mut head = Response::new(());
        *head.status_mut() = response.status();
        *head.headers_mut() = response.headers().clone();
        Ok(Incoming { head, response, url: url.clone(), http: self.clone(), received: 0 })
    }
}

/// An answer whose body is still to come.
pub struct Incoming {
    pub head: Response<()>,
    response: reqwest::Response,
    url: reqwest::Url,
    http: Http,
    /// Bytes of the body, as they come out of their compression.
    received: u64,
}

impl Incoming {
    /// The whole answer, if its body has no more than `limit` bytes.
    pub async fn whole(mut self, limit: usize) -> Result<Response<Bytes>, HttpError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.response.chunk().await.map_err(|error| self.failed(error))? {
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge { at: failure::authority(&self.url), limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(self.head.map(|()| body.freeze()))
    }

    /// The next part of the body; `None`: that was all.
    ///
    /// # Errors
    /// [`HttpError::Truncated`] where the connection ends, or nothing comes within the time-out.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let time = self.http.request_timeout();
        let chunk = match timeout(time, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| self.failed(error)),
            Err(_) => Err(self.http.clients.timed_out(&self.url, self.http.named_timeout())),
        };
        let truncated =
            |error: HttpError| HttpError::Truncated { received: self.received, reason: error.to_string() };
        let chunk = chunk.map_err(truncated)?;
        self.received += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Ok(chunk)
    }

    fn failed(&self, error: reqwest::Error) -> HttpError {
        if failure::is_garbled(&error) {
            HttpError::Garbled { at: failure::authority(&self.url) }
        } else {
            self.http.clients.unreachable(&self.url, error, true, self.http.named_timeout())
        }
    }
}

fn url_of(request: &http::Request<Body>) -> Result<reqwest::Url, HttpError> {
    request.uri().to_string().parse().map_err(|_| HttpError::BadRequest)
}

/// The request as reqwest takes it, with its length: POST, PUT and PATCH say that of an empty body, too
/// (RFC 9110, section 8.6).
fn sendable(request: &http::Request<Body>, upload: &Arc<Upload>) -> Result<reqwest::Request, HttpError> {
    let body = request.body().open(upload).map_err(|error| match error {
        OpenError::Input(error) => HttpError::Input(error.to_string()),
        OpenError::Start(error) => HttpError::Exhausted { at: String::new(), reason: error.to_string() },
    })?;
    let mut sendable = http::Request::new(body);
    *sendable.method_mut() = request.method().clone();
    *sendable.uri_mut() = request.uri().clone();
    *sendable.headers_mut() = request.headers().clone();
    let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    if let Some(length) = request.body().length().filter(|length| *length > 0 || has_body) {
        sendable.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    reqwest::Request::try_from(sendable).map_err(|_| HttpError::BadRequest)
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
        let network = Network { request_timeout: timeout, ..Network::default() };
        Http::new(network).call(http::Request::get(url).body(Vec::new()).unwrap(), 64).await
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
        assert_eq!(cause(&url, long).await, Cause::CutShort);
        let url = answering(b"").await;
        assert_eq!(cause(&url, long).await, Cause::NoAnswer);
        let url = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.replace("http:", "https:");
        assert_eq!(cause(&url, long).await, Cause::Tls(Mistrust::NoTls));
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
}
