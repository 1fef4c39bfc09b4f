//! The one way out to the network, and the only folder that knows reqwest.
//!
//! A call is an `http::Request` in and an `http::Response` out, its body read whole and bounded.
//! Redirects are never followed here: a token that is sent to one address must not end at another.

mod client;
mod failure;
mod network;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub use failure::{Cause, HttpError, Mistrust, Unreachable};
pub use network::{Authorities, Network, OwnProxy, REQUEST_TIMEOUT};

use client::Clients;

/// How long a connection is still read from after the time-out.
const GRACE: Duration = Duration::from_millis(250);

/// Cheap to clone; the clones share their connections. Nothing is set up before the first call.
#[derive(Clone)]
pub struct Http {
    clients: Arc<Clients>,
    request_timeout: Duration,
}

impl Default for Http {
    fn default() -> Http {
        Http::new(Network::default())
    }
}

impl Http {
    pub fn new(network: Network) -> Http {
        let request_timeout = network.request_timeout;
        Http { clients: Arc::new(Clients::new(network)), request_timeout }
    }

    /// The same connections, for calls that take no longer than `time`.
    pub fn within(&self, time: Duration) -> Http {
        Http { request_timeout: time.min(self.request_timeout), ..self.clone() }
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
        self.request_timeout
    }

    /// Makes one request, with `Accept: application/json` unless it says otherwise, and reads at
    /// most `limit` bytes of the answer's body, as it comes out of its compression.
    pub async fn call(
        &self,
        request: http::Request<Vec<u8>>,
        limit: usize,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(|_| HttpError::BadRequest)?;
        let url = request.url().clone();
        let exchange = self.exchange(request, &url, limit);
        tokio::pin!(exchange);
        let timeout = self.request_timeout();
        if let Ok(outcome) = tokio::time::timeout(timeout, &mut exchange).await {
            return outcome;
        }
        // A process that was stopped finds its time over and the answer in its socket.
        tokio::time::timeout(GRACE, exchange)
            .await
            .unwrap_or_else(|_| Err(self.clients.timed_out(&url, timeout)))
    }

    async fn exchange(
        &self,
        request: reqwest::Request,
        url: &reqwest::Url,
        limit: usize,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.clients.of(url)?;
        let unreachable =
            |error, answered| self.clients.unreachable(url, error, answered, self.request_timeout);
        let response = client.execute(request).await.map_err(|error| unreachable(error, false))?;
        let mut answer = http::Response::new(Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        *answer.body_mut() = read_limited(response, limit).await.map_err(|error| match error {
            Some(error) if failure::is_garbled(&error) => HttpError::Garbled { at: failure::authority(url) },
            Some(error) => unreachable(error, true),
            None => HttpError::TooLarge { at: failure::authority(url), limit },
        })?;
        Ok(answer)
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
