//! The device authorization grant (RFC 8628): a code that is entered on another device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use oauth2::{DeviceCodeErrorResponseType, RequestTokenError, Scope, StandardDeviceAuthorizationResponse};
use tokio::time::Instant;
use url::Url;

use super::endpoints::Endpoints;
use super::error::OAuthError;
use super::token::{self, ErrorReply, Grant, GrantType, TokenCall, adapter, client};
use crate::domain::{ClientId, Secret, printable};
use crate::system::http::retry::{Backoff, Repeat, Retries};
use crate::system::http::{Http, HttpError};
use crate::system::interrupt;

/// A code that claims a longer life is not waited for.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);
/// That of a code whose life is not told.
const DEFAULT_LIFE: Duration = Duration::from_secs(600);
/// What is left to do about a grant that comes when nobody wants it any more.
const UNDOING: Duration = Duration::from_secs(10);
/// However often the platform says that it may be asked.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// A login that waits for somebody to enter its code. Its texts are printable.
pub struct DeviceRequest {
    endpoints: Endpoints,
    client_id: ClientId,
    user_code: String,
    verification_uri: String,
    complete_uri: Option<String>,
    reply: StandardDeviceAuthorizationResponse,
}

impl DeviceRequest {
    /// Asks for a code (section 3.1).
    ///
    /// # Errors
    /// [`OAuthError::NoDeviceGrant`] where the platform has no such endpoint, or not for this client.
    pub async fn new(
        http: &Http,
        endpoints: Endpoints,
        client_id: ClientId,
        scopes: Vec<String>,
    ) -> Result<DeviceRequest, OAuthError> {
        let status = Arc::new(AtomicU16::new(0));
        let retries = || Retries::new(Repeat::Unprocessed, Backoff::default(), Duration::MAX);
        let ask = adapter(http, &status, retries);
        let http = move |request| {
            let asked = ask(request);
            let read: TokenCall = Box::pin(async move { asked.await.map(|reply| reply.map(whole_seconds)) });
            read
        };
        let reply: Result<StandardDeviceAuthorizationResponse, _> = client(&endpoints, &client_id)
            .set_device_authorization_url(endpoints.device.clone())
            .exchange_device_code()
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .request_async(&http)
            .await;
        let reply = reply.map_err(|error| {
            let status = status.load(Ordering::Relaxed);
            match token::failure(error, status, GrantType::DeviceCode) {
                OAuthError::Nonsense { .. }
                | OAuthError::Server { .. }
                | OAuthError::Http(HttpError::InBetween { .. })
                    if matches!(status, 404 | 405 | 501) =>
                {
                    OAuthError::NoDeviceGrant { reason: format!("it answers with status {status}") }
                }
                // Behind a guard for all unknown paths, a server without the endpoint has a 401 of its own for it.
                OAuthError::Nonsense { .. } | OAuthError::Empty { .. } if status == 401 => {
                    OAuthError::NoDeviceGrant { reason: "it answers with status 401".to_owned() }
                }
                OAuthError::Message { status: 401, message } => {
                    OAuthError::NoDeviceGrant { reason: format!("it answers with status 401: {message}") }
                }
                OAuthError::Rejected { error, description }
                    if matches!(error.as_str(), "unauthorized_client" | "unsupported_grant_type")
                        || status == 401 && !is_error_of_oauth(&error) =>
                {
                    OAuthError::NoDeviceGrant { reason: description }
                }
                other => other,
            }
        })?;
        Secret::new(reply.device_code().secret()); // known from now on
        let user_code = printable(reply.user_code().secret(), 40);
        let complete_uri = reply.verification_uri_complete().and_then(|uri| page(uri.secret()));
        match page(reply.verification_uri().as_str()) {
            Some(verification_uri) if !user_code.is_empty() => {
                Ok(DeviceRequest { endpoints, client_id, user_code, verification_uri, complete_uri, reply })
            }
            _ => Err(OAuthError::Nonsense {
                what: "the device code comes without a code or a page".to_owned(),
            }),
        }
    }

    /// What the person enters.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where they enter it.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// A page that has the code already.
    pub fn complete_uri(&self) -> Option<&str> {
        self.complete_uri.as_deref()
    }

    /// How long the code is good for.
    pub fn expires_in(&self) -> Duration {
        self.reply.expires_in().min(MAX_LIFE)
    }

    /// Asks for the token until somebody has decided, at the platform's pace (section 3.5), for `life` at
    /// most. Network trouble and a platform that is out of order are waited out.
    pub async fn grant(self, http: &Http, life: Duration) -> Result<Grant, OAuthError> {
        let status = Arc::new(AtomicU16::new(0));
        let deadline = Instant::now() + life;
        let ask = adapter(http, &status, move || Retries::patient(deadline));
        let longest = http.request_timeout() + UNDOING;
        // Any poll may be the one that is granted: a signal waits for its answer.
        let http = move |request| {
            let (asked, shield) = (ask(request), interrupt::shield("Hearing the platform out", longest));
            let shielded: TokenCall = Box::pin(async move {
                let _shield = shield;
                asked.await
            });
            shielded
        };
        let client = client(&self.endpoints, &self.client_id);
        // The crate shortens a long interval when the network fails; the platform's is the least.
        let least = self.reply.interval().max(SHORTEST_INTERVAL);
        // The deadline is ours, so the crate's own clock, which panics at some dates, may stand still.
        let polled = client
            .exchange_device_access_token(&self.reply)
            .set_time_fn(Default::default)
            .request_async(&http, |pause| tokio::time::sleep(pause.max(least)), Some(MAX_LIFE));
        let timed_out = |_| OAuthError::TimedOut { after: life };
        let reply = tokio::time::timeout_at(deadline, polled).await.map_err(timed_out)?;
        let reply = reply.map_err(|error| match error {
            RequestTokenError::ServerResponse(reply) => match reply.error() {
                DeviceCodeErrorResponseType::ExpiredToken => OAuthError::CodeExpired,
                error => ErrorReply::of_device(error.as_ref(), reply.error_description().cloned())
                    .of_device_poll(status.load(Ordering::Relaxed)),
            },
            RequestTokenError::Request(error) => error,
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                token::no_reply(status.load(Ordering::Relaxed))
            }
        });
        token::grant(reply?)
    }
}

/// Those of RFC 6749, section 5.2, which a device authorization request may end with (RFC 8628, section 3.1).
fn is_error_of_oauth(error: &str) -> bool {
    matches!(
        error,
        "invalid_request"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope"
    )
}

/// A device code's reply whose times are whole seconds that can be added to: the crate takes any number that
/// fits an integer, and none in a text. An interval that makes no sense is left out, for RFC 8628's default, and a
/// life that is not told is ours.
fn whole_seconds(body: Vec<u8>) -> Vec<u8> {
    let Ok(serde_json::Value::Object(mut reply)) = serde_json::from_slice(&body) else { return body };
    reply.retain(|_, value| !value.is_null());
    for name in ["expires_in", "interval"] {
        match reply.get(name).map(token::seconds) {
            Some(Some(time)) => _ = reply.insert(name.to_owned(), time.min(MAX_LIFE).as_secs().into()),
            Some(None) if name == "interval" => _ = reply.remove(name),
            None if name == "expires_in" && reply.contains_key("device_code") => {
                _ = reply.insert(name.to_owned(), DEFAULT_LIFE.as_secs().into());
            }
            _ => {}
        }
    }
    serde_json::to_vec(&reply).unwrap_or(body)
}

/// A page that a browser can be sent to.
fn page(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(printable(url.as_str(), 2000))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Gives out a code whose times are `times`, and then says `slow_down`.
    async fn begun(times: &'static str) -> Result<DeviceRequest, OAuthError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api_url = format!("http://{}/api/v1", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                let is_first = request[..length].starts_with(b"POST /oauth/device/code");
                let code = r#""device_code":"d","user_code":"u","verification_uri":"http://h.test/""#;
                let (status, body) = if is_first {
                    ("200 OK", format!("{{{code},{times}}}"))
                } else {
                    ("400 Bad Request", r#"{"error":"slow_down"}"#.to_owned())
                };
                let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n");
                let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let (http, endpoints) = (Http::default(), Endpoints::new(&api_url));
        DeviceRequest::new(&http, endpoints, "cli".parse().unwrap(), Vec::new()).await
    }

    #[tokio::test]
    async fn no_interval_of_a_platform_is_too_much() {
        for times in [
            r#""expires_in":600,"interval":18446744073709551615"#,
            r#""expires_in":18446744073709551615,"interval":1e300"#,
            r#""expires_in":"600","interval":-1"#,
            r#""expires_in":600.5,"interval":"5""#,
            r#""expires_in":600,"interval":null"#,
            r#""expires_in":null,"interval":"5.0""#,
        ] {
            let request = begun(times).await.unwrap();
            assert!(request.expires_in() >= Duration::from_secs(600), "{times}");
            let life = Duration::from_millis(50);
            let outcome = request.grant(&Http::default(), life).await;
            assert!(matches!(outcome, Err(OAuthError::TimedOut { .. })), "{times}: {outcome:?}");
        }
        assert!(matches!(begun(r#""expires_in":-1"#).await, Err(OAuthError::Nonsense { .. })));
    }
}
