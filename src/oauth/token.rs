//! The token endpoint: a code or a refresh token in, a [`Grant`] out.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AccessToken, AuthorizationCode, EndpointNotSet, EndpointSet, PkceCodeVerifier, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::Instant;
use url::Url;

use super::endpoints::Endpoints;
use super::error::{OAuthError, is_refusal_by_user};
use crate::domain::{ClientId, Secret, jwt, printable};
use crate::system::http::retry::{Backoff, Repeat, Retries, retry_after};
use crate::system::http::{Http, from_in_between, redirect_elsewhere, without_bom};

/// A token reply is 2 KiB.
const MAX_REPLY: usize = 1 << 20;

/// How much of a server's words is shown.
const MAX_WORDS: usize = 400;

/// No attempt to refresh is begun after this time: others wait for the lock, 30 seconds at most.
pub const REFRESH_ATTEMPTS: Duration = Duration::from_secs(20);

/// A reply that claims a longer life is not believed beyond this, so that times can be added.
const MAX_LIFE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What the platform granted (RFC 6749, section 5.1).
#[derive(Debug)]
pub struct Grant {
    pub access_token: Secret,
    /// After a refresh, `None` means that the old one stays.
    pub refresh_token: Option<Secret>,
    /// From now. `None` if the reply has none that makes sense: missing, not a number, or not
    /// above zero (the token was just issued, so a zero can only mean "no end" or a mistake).
    pub expires_in: Option<Duration>,
    /// The refresh token's life from now, where a server tells (no RFC names it; Passport does not).
    pub refresh_expires_in: Option<Duration>,
    /// `None` if the reply names none: then they are those asked for, or after a refresh those granted before
    /// (sections 5.1 and 6).
    pub scopes: Option<Vec<String>>,
}

impl Grant {
    /// When the access token ends: by the reply, else by its own words if it is a JWT.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        end(self.expires_in, now).or_else(|| jwt::expiry(&self.access_token))
    }

    /// When the refresh token ends, where that is known.
    pub fn refresh_expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        end(self.refresh_expires_in, now).or_else(|| jwt::expiry(self.refresh_token.as_ref()?))
    }
}

fn end(life: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    now.checked_add(SignedDuration::try_from(life?).ok()?).ok()
}

/// What the token endpoint was asked for, which decides what an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrantType {
    Code,
    RefreshToken,
    DeviceCode,
}

/// Renews a grant (RFC 6749, section 6). Changes nothing here on failure; [`OAuthError::Refused`]
/// alone says that this refresh token no longer works. After a failure it is sent again only where the platform
/// certainly has not looked at it: a refresh token that is used twice may end the login.
///
/// No scope is sent: then the new token has the scope of the old one (section 6), and one that was not granted
/// can't be asked for by mistake.
pub async fn refresh(
    http: &Http,
    endpoints: &Endpoints,
    client_id: &ClientId,
    refresh_token: &Secret,
) -> Result<Grant, OAuthError> {
    let client = client(endpoints, client_id);
    let token = RefreshToken::new(refresh_token.expose().to_owned());
    let mut reply = ask_to_refresh(http, &client, &token).await;
    // Some servers answer a refresh token that has ended with the error for a malformed request. This request is
    // not malformed, so if the same answer comes twice it is about the token.
    if is_invalid_request(&reply) {
        reply = ask_to_refresh(http, &client, &token).await;
        if is_invalid_request(&reply) {
            reply = reply.map_err(OAuthError::into_refusal);
        }
    }
    grant(reply?)
}

fn is_invalid_request<T>(outcome: &Result<T, OAuthError>) -> bool {
    matches!(outcome, Err(OAuthError::Rejected { error, .. }) if error == "invalid_request")
}

async fn ask_to_refresh(
    http: &Http,
    client: &Client,
    token: &RefreshToken,
) -> Result<TokenReply, OAuthError> {
    let status = Arc::new(AtomicU16::new(0));
    let attempts_end = Instant::now() + REFRESH_ATTEMPTS;
    let deadline = http.deadline().map_or(attempts_end, |deadline| deadline.min(attempts_end));
    let retries =
        move || Retries::new(Repeat::Unprocessed, Backoff::default(), REFRESH_ATTEMPTS).until(Some(deadline));
    let reply = client.exchange_refresh_token(token).request_async(&adapter(http, &status, retries)).await;
    reply.map_err(|error| failure(error, status.load(Ordering::Relaxed), GrantType::RefreshToken))
}

/// What a code is exchanged with (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
pub(super) struct CodeExchange<'a> {
    pub endpoints: &'a Endpoints,
    pub client_id: &'a ClientId,
    pub redirect_uri: String,
    pub verifier: &'a Secret,
}

/// A code works once, so it is sent again only where the platform has not looked at it, until `deadline`.
pub(super) async fn exchange(
    http: &Http,
    with: CodeExchange<'_>,
    code: &Secret,
    deadline: Instant,
) -> Result<Grant, OAuthError> {
    let status = Arc::new(AtomicU16::new(0));
    let reply = client(with.endpoints, with.client_id)
        .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(with.verifier.expose().to_owned()))
        .add_extra_param("redirect_uri", with.redirect_uri)
        .request_async(&adapter(http, &status, move || Retries::patient(deadline)))
        .await;
    grant(reply.map_err(|error| failure(error, status.load(Ordering::Relaxed), GrantType::Code))?)
}

pub(super) type Client = oauth2::Client<
    ErrorReply,
    TokenReply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A public client: no secret, so the id goes into the form (RFC 6749, section 3.2.1).
pub(super) fn client(endpoints: &Endpoints, client_id: &ClientId) -> Client {
    oauth2::Client::new(oauth2::ClientId::new(client_id.as_str().to_owned()))
        .set_token_uri(endpoints.token.clone())
}

/// What `oauth2` wants of an asynchronous client.
pub(super) type TokenCall = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, OAuthError>> + Send>>;

/// Puts our HTTP client under `oauth2`. Answers that are not OAuth's own are judged here, where the
/// status and the headers are still known; the rest passes, its status noted for [`failure`].
pub(super) fn adapter(
    http: &Http,
    last_status: &Arc<AtomicU16>,
    retries: impl Fn() -> Retries + Clone + Send + 'static,
) -> impl Fn(oauth2::HttpRequest) -> TokenCall {
    // Owned: a task that is spawned can't prove that it may borrow them.
    let (http, last_status) = (http.clone(), last_status.clone());
    move |request| {
        let (http, last_status, mut retries) = (http.clone(), last_status.clone(), retries());
        Box::pin(async move {
            let url = request.uri().to_string();
            let started = std::time::Instant::now();
            let answer = loop {
                let outcome = http.call(request.clone(), MAX_REPLY).await;
                match retries.wait_after(outcome.as_ref()) {
                    Some(wait) if http.pause(wait, &url, outcome.as_ref()).await => {}
                    _ => break outcome?,
                }
            };
            let status = answer.status();
            tracing::info!(
                url,
                status = status.as_u16(),
                ms = started.elapsed().as_millis(),
                request_id = answer.headers().get("x-request-id").and_then(|id| id.to_str().ok()),
                "token endpoint"
            );
            last_status.store(status.as_u16(), Ordering::Relaxed);
            judge(&answer, &url)
        })
    }
}

/// What decides of which kind a reply is.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    error: serde_json::Value,
    #[serde(default)]
    message: serde_json::Value,
}

/// The answer as `oauth2` takes it, which insists on statuses: 200 for a grant, another for an error. The grant was
/// consumed: whatever status, content type or byte order mark comes with it, a reply that is rejected here is a lost
/// login.
fn judge(answer: &Response<bytes::Bytes>, url: &str) -> Result<oauth2::HttpResponse, OAuthError> {
    let (status, body) = (answer.status(), without_bom(answer.body()));
    let as_oauth = |status: StatusCode| {
        let mut reply = Response::new(body.to_vec());
        *reply.status_mut() = status;
        reply
    };
    let outline = serde_json::from_slice::<Outline>(body).ok();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(OAuthError::Busy { retry_after: retry_after(answer.headers()) });
    }
    if outline.as_ref().is_some_and(|outline| outline.error.is_string()) && !status.is_server_error() {
        // Some servers send errors with 200.
        return Ok(as_oauth(if status.is_success() { StatusCode::BAD_REQUEST } else { status }));
    }
    let url = Url::parse(url).ok();
    let elsewhere = url.as_ref().and_then(|url| redirect_elsewhere(url, answer));
    if let Some(error) = elsewhere.or_else(|| from_in_between(answer)) {
        return Err(error.into());
    }
    if status.is_server_error() {
        return Err(OAuthError::Server {
            status: status.as_u16(),
            retry_after: retry_after(answer.headers()),
        });
    }
    let message = outline.as_ref().and_then(|outline| outline.message.as_str());
    if status.is_success() && outline.is_some() && message.is_none_or(|_| has_token(body)) {
        return Ok(as_oauth(StatusCode::OK));
    }
    if status.is_redirection() || matches!(status.as_u16(), 404 | 405) {
        let words =
            message.map(|message| format!(" ({})", printable(message, MAX_WORDS))).unwrap_or_default();
        let path = url.as_ref().map_or("the token endpoint", Url::path);
        let what = format!("{path} answered with status {}{words}", status.as_u16());
        return Err(OAuthError::Nonsense { what });
    }
    if body.trim_ascii().is_empty() {
        return Err(OAuthError::Empty { status: status.as_u16() });
    }
    // A text may be a token reply of another form: that is not shown.
    let text = String::from_utf8_lossy(body);
    let words = message.unwrap_or(if has_token(body) { "" } else { &text });
    match printable(words, MAX_WORDS) {
        words if words.is_empty() => Err(no_reply(status.as_u16())),
        message => Err(OAuthError::Message { status: status.as_u16(), message }),
    }
}

fn has_token(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).to_ascii_lowercase().contains("token")
}

/// `RequestTokenError` holds the body of a reply that doesn't parse, and a body may hold tokens: it
/// is never kept as a source.
pub(super) fn failure(
    error: RequestTokenError<OAuthError, ErrorReply>,
    status: u16,
    asked: GrantType,
) -> OAuthError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(reply) => reply.into_error(status, asked),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => no_reply(status),
    }
}

pub(super) fn no_reply(status: u16) -> OAuthError {
    OAuthError::Nonsense { what: format!("the token endpoint's reply (status {status}) is not OAuth's") }
}

pub(super) fn grant(reply: TokenReply) -> Result<Grant, OAuthError> {
    // The type is not looked at: some servers send none or an odd one, and only bearer tokens are asked for.
    let token = |text: String| {
        // A token goes into a header (RFC 6750, section 2.1).
        let usable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        usable.then(|| Secret::new(text))
    };
    let access_token = token(reply.access_token.into_secret())
        .ok_or_else(|| OAuthError::Nonsense { what: "the access token is empty or no word".to_owned() })?;
    Ok(Grant {
        access_token,
        refresh_token: reply.refresh_token.and_then(|text| token(text.into_secret())),
        expires_in: reply.expires_in,
        refresh_expires_in: reply.refresh_expires_in.or(reply.refresh_token_expires_in),
        scopes: reply.scope.map(|scope| match scope {
            GrantedScopes::Text(scopes) => scopes.split_whitespace().map(str::to_owned).collect(),
            GrantedScopes::List(scopes) => scopes,
        }),
    })
}

/// RFC 6749, section 5.1, read as mildly as real servers need it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct TokenReply {
    access_token: AccessToken,
    #[serde(skip)]
    token_type: TokenType,
    #[serde(default, deserialize_with = "lifetime")]
    expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "if_usable")]
    refresh_token: Option<RefreshToken>,
    /// Keycloak's name for it.
    #[serde(default, deserialize_with = "lifetime")]
    refresh_expires_in: Option<Duration>,
    /// GitHub's, and others'.
    #[serde(default, deserialize_with = "lifetime")]
    refresh_token_expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "if_usable")]
    scope: Option<GrantedScopes>,
}

/// RFC 6749 has words in a text; some servers send a list.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum GrantedScopes {
    Text(String),
    List(Vec<String>),
}

impl oauth2::TokenResponse for TokenReply {
    type TokenType = TokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
    fn token_type(&self) -> &TokenType {
        &self.token_type
    }
    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }
    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }
    fn scopes(&self) -> Option<&Vec<Scope>> {
        None // `grant` reads them from `scope`.
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct TokenType;

impl oauth2::TokenType for TokenType {}

/// An optional field; of another type it is as good as missing.
fn if_usable<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(serde_json::Value::deserialize(deserializer)?).ok())
}

fn lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(seconds(&serde_json::Value::deserialize(deserializer)?))
}

/// Seconds as an integer, a fraction or a text; what is none of these is as good as missing.
pub(super) fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = match value {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = seconds.filter(|seconds: &f64| *seconds >= 1.0);
    seconds.map(|seconds| Duration::try_from_secs_f64(seconds.floor()).unwrap_or(MAX_LIFE).min(MAX_LIFE))
}

/// RFC 6749, section 5.2, with Laravel's `message` and Passport's `hint`.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct ErrorReply {
    error: String,
    #[serde(default, deserialize_with = "if_usable")]
    error_description: Option<String>,
    #[serde(default, deserialize_with = "if_usable")]
    message: Option<String>,
    /// The reason, which the description does not tell: it is the same for every `invalid_request`.
    #[serde(default, deserialize_with = "if_usable")]
    hint: Option<String>,
}

impl ErrorReply {
    fn into_error(self, status: u16, asked: GrantType) -> OAuthError {
        let words = |text: Option<String>| {
            text.map(|text| printable(&text, MAX_WORDS)).filter(|text| !text.trim().is_empty())
        };
        let (hint, description) = (words(self.hint), words(self.error_description.or(self.message)));
        // Passport 12 has no `invalid_grant` for refresh tokens: it says `invalid_request`, but with
        // 401, where every other `invalid_request` is 400.
        let names_token = |text: &String| text.to_ascii_lowercase().contains("refresh token is invalid");
        let about_refresh = status == 401 || description.as_ref().is_some_and(names_token);
        let ends_grant = match (self.error.as_str(), asked) {
            ("invalid_grant", _) => true,
            // A code that is malformed or used.
            ("invalid_request", GrantType::Code) => true,
            ("invalid_request", _) => about_refresh,
            // A scope that no longer exists.
            ("invalid_scope", GrantType::RefreshToken) => true,
            _ => false,
        };
        let error = printable(&self.error, 80);
        let description = hint.or(description).unwrap_or_else(|| error.clone());
        match error.as_str() {
            _ if is_refusal_by_user(&error) && asked != GrantType::RefreshToken => {
                OAuthError::denied(description)
            }
            _ if ends_grant => OAuthError::Refused { description },
            _ => OAuthError::Rejected { error, description },
        }
    }

    pub(super) fn of_device(error: &str, description: Option<String>) -> ErrorReply {
        ErrorReply { error: error.to_owned(), error_description: description, message: None, hint: None }
    }

    pub(super) fn of_device_poll(self, status: u16) -> OAuthError {
        self.into_error(status, GrantType::DeviceCode)
    }
}

/// What a reply says that does not know the client, or its redirect address: Passport answers both alike.
pub(super) fn client_error(reply: &[u8]) -> Option<String> {
    let reply: ErrorReply = serde_json::from_slice(without_bom(reply)).ok()?;
    let is_unknown = matches!(reply.error.as_str(), "invalid_client" | "unauthorized_client");
    let words = reply.hint.or(reply.error_description).or(reply.message).unwrap_or(reply.error);
    is_unknown.then(|| printable(&words, MAX_WORDS))
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.error, 80))
    }
}

impl oauth2::ErrorResponse for ErrorReply {}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::system::http::HttpError;

    /// What a refresh makes of one answer, and the form that was sent.
    async fn refreshed(status: &str, headers: &str, body: &str) -> (Result<Grant, OAuthError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api_url = format!("http://{}/api/v1", listener.local_addr().unwrap()).parse().unwrap();
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request[..length].to_vec()).unwrap()
        };
        let (endpoints, client_id) = (Endpoints::new(&api_url), "cli".parse().unwrap());
        let (http, token) = (Http::default(), Secret::new("old"));
        tokio::join!(refresh(&http, &endpoints, &client_id, &token), server)
    }

    async fn error(status: &str, headers: &str, body: &str) -> OAuthError {
        refreshed(status, headers, body).await.0.unwrap_err()
    }

    const JSON: &str = "content-type: application/json\r\n";

    #[tokio::test]
    async fn a_grant_is_read_and_the_form_is_a_public_clients() {
        let body = r#"{"token_type":"bearer","expires_in":3600,"access_token":"new","refresh_token":"r"}"#;
        let (grant, request) = refreshed("200 OK", JSON, body).await;
        let grant = grant.unwrap();
        assert_eq!(grant.access_token.expose(), "new");
        assert_eq!(grant.refresh_token.unwrap().expose(), "r");
        assert_eq!(grant.expires_in, Some(Duration::from_secs(3600)));
        assert!(request.starts_with("POST /oauth/token HTTP/1.1\r\n"));
        assert!(request.to_ascii_lowercase().contains("accept: application/json\r\n"));
        assert!(request.ends_with("grant_type=refresh_token&refresh_token=old&client_id=cli"), "{request}");
    }

    #[tokio::test]
    async fn errors_are_told_apart_so_that_a_session_can_act() {
        let passport_13 = r#"{"error":"invalid_grant","error_description":"gone\u001b[2J"}"#;
        let passport_12 =
            r#"{"error":"invalid_request","message":"The refresh token is invalid.","hint":"x"}"#;
        assert!(matches!(error("400 Bad Request", JSON, passport_13).await,
            OAuthError::Refused { description } if description == "gone [2J"));
        assert!(matches!(error("401 Unauthorized", JSON, passport_12).await, OAuthError::Refused { .. }));
        let client = r#"{"error":"invalid_client","error_description":"x"}"#;
        assert!(matches!(error("401 Unauthorized", JSON, client).await, OAuthError::Rejected { .. }));
        let busy = error("429 Too Many Requests", "retry-after: 77\r\n", r#"{"message":"x"}"#).await;
        assert!(matches!(busy, OAuthError::Busy { retry_after: Some(time) } if time.as_secs() == 77));
        assert!(matches!(
            error("503 x", "", "{}").await,
            OAuthError::Server { status: 503, retry_after: None }
        ));
        assert!(matches!(error("200 OK", "", "").await, OAuthError::Empty { status: 200 }));
        for (status, body) in [("200 OK", "[]"), ("404 Not Found", "{}"), ("302 x", "")] {
            assert!(matches!(error(status, "", body).await, OAuthError::Nonsense { .. }), "{status} {body}");
        }
        for (status, headers) in
            [("200 OK", ""), ("401 x", "www-authenticate: Basic realm=x\r\n"), ("511 x", ""), ("503 x", "")]
        {
            let html = error(status, headers, "\u{feff}<html>").await;
            assert!(matches!(html, OAuthError::Http(HttpError::InBetween { .. })), "{status}: {html:?}");
        }
        // Errors with status 200, Laravel's messages and texts are shown.
        assert!(matches!(error("200 OK", "", passport_13).await, OAuthError::Refused { .. }));
        for status in [403, 419, 422] {
            let said = error(&format!("{status} x"), "", r#"{"message":"Page expired"}"#).await.to_string();
            assert_eq!(said, format!("the platform refused with status {status}: Page expired"));
        }
        let text = error("400 x", "", "Blocked by policy 7").await.to_string();
        assert_eq!(text, "the platform refused with status 400: Blocked by policy 7");
        // Passport's hint is the reason; a scope that is gone ends the login.
        let hint = r#"{"error":"invalid_scope","error_description":"The requested scope is invalid","hint":"Check the `x` scope"}"#;
        assert!(matches!(error("400 x", JSON, hint).await,
            OAuthError::Refused { description } if description == "Check the `x` scope"));
    }

    #[tokio::test]
    async fn from_any_success_the_tokens_are_taken() {
        let grant = r#"{"access_token":"new","refresh_token":"r","token_type":"Bearer"}"#;
        let odd = r#"{"access_token":"new","refresh_token":"r","token_type":null,"scope":["a","b"],
            "expires_in":{},"refresh_expires_in":true}"#;
        for (status, headers, body) in [
            ("201 Created", JSON, grant.to_owned()),
            ("200 OK", "content-type: text/html; charset=UTF-8\r\n", grant.to_owned()),
            ("200 OK", JSON, format!("\u{feff}{grant}")),
            ("200 OK", JSON, odd.to_owned()),
        ] {
            let taken = refreshed(status, headers, &body).await.0.unwrap();
            assert_eq!(taken.access_token.expose(), "new", "{body}");
            assert_eq!(taken.refresh_token.unwrap().expose(), "r", "{body}");
            let scopes = (body == odd).then(|| vec!["a".to_owned(), "b".to_owned()]);
            assert_eq!(taken.scopes, scopes, "{body}");
        }
        let no_refresh = r#"{"access_token":"new","refresh_token":[1],"scope":7}"#;
        let taken = refreshed("200 OK", JSON, no_refresh).await.0.unwrap();
        assert!(taken.refresh_token.is_none() && taken.scopes.is_none());
    }

    #[tokio::test]
    async fn a_reply_that_does_not_parse_is_not_repeated() {
        let error = error("200 OK", JSON, r#"{"access_token":["hunter2"]}"#).await;
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn odd_lifetimes_are_read_or_taken_as_missing() {
        let life = |value: &str| {
            let reply: TokenReply =
                serde_json::from_str(&format!(r#"{{"access_token":"t"{value}}}"#)).unwrap();
            reply.expires_in.map(|time| time.as_secs())
        };
        assert_eq!(life(""), None);
        for nothing in ["null", "0", "-5", "\"soon\"", "[1]", "\"NaN\""] {
            assert_eq!(life(&format!(r#","expires_in":{nothing}"#)), None, "{nothing}");
        }
        for (text, seconds) in [("3600.9", 3600), ("\"3600\"", 3600), ("1e3", 1000)] {
            assert_eq!(life(&format!(r#","expires_in":{text}"#)), Some(seconds), "{text}");
        }
        for huge in ["18446744073709551615", "1e300", "\"inf\""] {
            assert_eq!(life(&format!(r#","expires_in":{huge}"#)), Some(MAX_LIFE.as_secs()), "{huge}");
        }
    }
}
