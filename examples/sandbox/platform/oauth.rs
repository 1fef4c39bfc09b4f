//! The authorization endpoint and the token endpoint, with Passport's habits.

use std::sync::Arc;

use axum::Form;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use url::{Host, Url, form_urlencoded};

use super::answer::Refused;
use super::knobs::{Approval, Knobs, Passport};
use super::seed::{CLIENT_ID, User};
use super::sessions::{self, Fields};
use super::tokens::{Issued, Refusal};
use super::{World, answer, device, jwt, pages};

/// Query or form parameters, in the order sent.
pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// A request for authorization that was found to be in order.
pub struct Wish {
    user: &'static User,
    redirect_uri: Url,
    /// As the client spelled it: the token endpoint compares texts.
    redirect_text: String,
    state: Option<String>,
    challenge: String,
}

pub async fn authorize(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    let params = Params::parse(query.as_bytes());
    let refuse = |status, reason: &str| Ok(pages::refused(&world.name, status, reason));
    if params.get("client_id") != Some(CLIENT_ID) {
        return refuse(StatusCode::UNAUTHORIZED, "The client is not known here.");
    }
    let redirect_text = params.get("redirect_uri").unwrap_or_default();
    let Some(redirect_uri) = registered(redirect_text) else {
        return refuse(StatusCode::UNAUTHORIZED, "The redirect URI is not registered for this client.");
    };
    if params.get("response_type") != Some("code") {
        return refuse(StatusCode::BAD_REQUEST, "The response type has to be `code`.");
    }
    let Some(challenge) = params.get("code_challenge").filter(|text| is_challenge(text)) else {
        return refuse(StatusCode::BAD_REQUEST, "A public client has to send a code challenge (PKCE).");
    };
    // RFC 7636, section 4.3: no method means plain
    if params.get("code_challenge_method") != Some("S256") {
        return refuse(StatusCode::BAD_REQUEST, "The code challenge method has to be S256.");
    }
    let state = params.get("state").map(str::to_owned);
    let knobs = world.desk().knobs.clone();
    if let Some(scope) = params.get("scope").and_then(unknown_scope) {
        let state = state.filter(|_| knobs.passport == Passport::V13);
        let text = "The requested scope is invalid, unknown, or malformed";
        let hint = format!("Check the `{scope}` scope");
        return Ok(send_error(&redirect_uri, "invalid_scope", text, &hint, state, &knobs));
    }
    let (user, csrf) = sessions::signed_in(&world, &headers, &format!("/oauth/authorize?{query}"))?;
    let wish =
        Wish { user, redirect_text: redirect_text.into(), redirect_uri, state, challenge: challenge.into() };
    let mut desk = world.desk();
    let ask = match knobs.approval {
        Approval::Ask => true,
        Approval::AskOnce => !desk.tokens.has_login(user),
        Approval::Skip => false,
    };
    if !ask {
        let code = desk.tokens.mint_code(user, &wish.redirect_text, &wish.challenge, knobs.code_ttl_seconds);
        return Ok(send_code(&wish, &code, &knobs));
    }
    let id = jwt::hex(40);
    desk.wishes.insert(id.clone(), wish);
    let form = pages::Approving {
        action: "/oauth/authorize",
        csrf: &csrf,
        subject: ("request", &id),
        then: "Then return to your terminal.",
    };
    Ok(pages::approve(&world.name, user, &form))
}

/// The decision on the approval page.
pub async fn decide(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    let sender = sessions::form_sender(&world, &headers, &fields)?;
    let mut desk = world.desk();
    let knobs = desk.knobs.clone();
    let Some(wish) = desk.wishes.remove(&fields.request).filter(|wish| wish.user.id == sender.id) else {
        return Ok(pages::refused(&world.name, StatusCode::BAD_REQUEST, "This request was answered before."));
    };
    if fields.decision == "approve" {
        let code =
            desk.tokens.mint_code(sender, &wish.redirect_text, &wish.challenge, knobs.code_ttl_seconds);
        return Ok(send_code(&wish, &code, &knobs));
    }
    let state = wish.state.filter(|_| !knobs.deny_without_state);
    let text = "The resource owner or authorization server denied the request.";
    Ok(send_error(&wish.redirect_uri, "access_denied", text, "The user denied the request", state, &knobs))
}

/// Any port of 127.0.0.1 (RFC 8252, section 7.3), but no other name for it.
fn registered(redirect_uri: &str) -> Option<Url> {
    let url = Url::parse(redirect_uri).ok()?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let host = url.host() == Some(Host::Ipv4([127, 0, 0, 1].into()));
    // the URL parser would take 127.1 for the same address
    let spelled =
        redirect_uri.starts_with("http://127.0.0.1:") || redirect_uri == "http://127.0.0.1/callback";
    (plain && host && spelled && url.path() == "/callback").then_some(url)
}

/// 43 characters of the URL-safe alphabet: a SHA-256 in base64.
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn unknown_scope(scopes: &str) -> Option<&str> {
    scopes.split_whitespace().find(|scope| !matches!(*scope, "read" | "write" | "*"))
}

fn send_code(wish: &Wish, code: &str, knobs: &Knobs) -> Response {
    let mut parameters = vec![("code", code)];
    parameters.extend(wish.state.as_deref().map(|state| ("state", state)));
    send_back(&wish.redirect_uri, &parameters, knobs)
}

fn send_error(
    redirect_uri: &Url,
    error: &str,
    text: &str,
    hint: &str,
    state: Option<String>,
    knobs: &Knobs,
) -> Response {
    let mut parameters = Vec::new();
    parameters.extend(state.as_deref().map(|state| ("state", state)));
    parameters.extend([("error", error), ("error_description", text), ("hint", hint), ("message", text)]);
    send_back(redirect_uri, &parameters, knobs)
}

fn send_back(redirect_uri: &Url, parameters: &[(&str, &str)], knobs: &Knobs) -> Response {
    let mut url = redirect_uri.clone();
    url.query_pairs_mut().extend_pairs(parameters);
    if let Some(iss) = &knobs.iss {
        url.query_pairs_mut().append_pair("iss", iss);
    }
    answer::redirect(url.as_str())
}

pub async fn token(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(throttled) = throttle(&world) {
        return throttled;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let form = kind.starts_with("application/x-www-form-urlencoded");
    let params = Params::parse(if form { &body } else { b"" });
    let grant = params.get("grant_type");
    match grant {
        Some("authorization_code" | "refresh_token" | device::GRANT_TYPE)
            if params.get("client_id").is_none() =>
        {
            return failure(
                400,
                "invalid_request",
                "A required parameter is missing.",
                "Check the `client_id` parameter",
            );
        }
        Some("authorization_code" | "refresh_token" | device::GRANT_TYPE)
            if params.get("client_id") != Some(CLIENT_ID) =>
        {
            return failure(401, "invalid_client", "Client authentication failed", "");
        }
        _ => {}
    }
    let mut desk = world.desk();
    let knobs = desk.knobs.clone();
    match grant {
        Some("authorization_code") => {
            let Some(code) = params.get("code") else { return missing("code") };
            let Some(verifier) = params.get("code_verifier") else { return missing("code_verifier") };
            let redirect_uri = params.get("redirect_uri").unwrap_or_default();
            match desk.tokens.redeem(code, redirect_uri, verifier) {
                Ok(user) => success(&desk.tokens.log_in(user, &knobs)),
                Err(hint) => failure(400, "invalid_grant", "The authorization grant is invalid.", hint),
            }
        }
        Some("refresh_token") => {
            let Some(token) = params.get("refresh_token") else { return missing("refresh_token") };
            match desk.tokens.renew(token, &knobs) {
                Ok(issued) => success(&issued),
                Err(refusal) => refuse_refresh(refusal, knobs.passport),
            }
        }
        Some(device::GRANT_TYPE) if knobs.device_grant => device::poll(&mut desk, params.get("device_code")),
        _ => failure(
            400,
            "unsupported_grant_type",
            "The authorization server does not support this type of grant.",
            "Check that all required parameters have been provided",
        ),
    }
}

/// 60 requests a minute, counted in whole minutes from the first.
fn throttle(world: &World) -> Option<Response> {
    const LIMIT: u32 = 60;
    let mut desk = world.desk();
    if !desk.knobs.throttle {
        return None;
    }
    let time = desk.tokens.now();
    let (started, count) = &mut desk.throttle;
    if time - *started >= 60.0 {
        (*started, *count) = (time, 0);
    }
    *count += 1;
    if *count <= LIMIT {
        return None;
    }
    let wait = (60.0 - (time - *started)).ceil() as u64;
    let mut response = answer::message(429, "Too Many Attempts.");
    response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    response.headers_mut().insert("x-ratelimit-limit", LIMIT.into());
    response.headers_mut().insert("x-ratelimit-remaining", 0.into());
    Some(response)
}

pub fn success(issued: &Issued) -> Response {
    #[derive(serde::Serialize)]
    struct Reply<'a> {
        token_type: &'a str,
        expires_in: i64,
        access_token: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
    }
    let reply = Reply {
        token_type: "Bearer",
        expires_in: issued.expires_in,
        access_token: &issued.access_token,
        refresh_token: issued.refresh_token.as_deref(),
    };
    let mut response = answer::value(200, &reply);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// RFC 6749, section 5.2, with the `hint` and `message` that Passport adds.
pub fn failure(status: u16, error: &str, text: &str, hint: &str) -> Response {
    let mut body = json!({ "error": error, "error_description": text, "message": text });
    if !hint.is_empty() {
        body["hint"] = hint.into();
    }
    answer::value(status, &body)
}

pub fn missing(parameter: &str) -> Response {
    let hint = format!("Check the `{parameter}` parameter");
    failure(400, "invalid_request", "A required parameter is missing.", &hint)
}

fn refuse_refresh(refusal: Refusal, passport: Passport) -> Response {
    let hint = match refusal {
        Refusal::Unknown => "Cannot decrypt the refresh token",
        Refusal::Revoked => "Token has been revoked",
        Refusal::Expired => "Token has expired",
    };
    let text = "The refresh token is invalid.";
    match passport {
        Passport::V12 => failure(401, "invalid_request", text, hint),
        Passport::V13 => failure(400, "invalid_grant", text, hint),
    }
}
