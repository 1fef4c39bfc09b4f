//! The token endpoint, with Passport's habits.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use super::knobs::{Knobs, Passport};
use super::oauth::{Failure, Params};
use super::seed::CLIENT_ID;
use super::tokens::{CodeRefusal, Issued, Refusal};
use super::{Desk, World, answer, device};

pub async fn token(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let form = kind.starts_with("application/x-www-form-urlencoded");
    let params = Params::parse(if form { &body } else { b"" });
    let mut desk = world.desk();
    let knobs = desk.knobs.clone();
    match grant(&mut desk, &params, &knobs) {
        Ok(response) => response,
        Err(failure) => failure.answer(knobs.passport),
    }
}

fn grant(desk: &mut Desk, params: &Params, knobs: &Knobs) -> Result<Response, Failure> {
    let grant_type = params.get("grant_type").unwrap_or_default();
    let known = match grant_type {
        "authorization_code" | "refresh_token" | "client_credentials" => true,
        device::GRANT_TYPE => knobs.device_grant,
        _ => false,
    };
    if !known {
        return Err(Failure::grant_type());
    }
    let client_id = params.get("client_id").ok_or_else(|| Failure::parameter("client_id"))?;
    // the client is public, so it cannot ask for a token of its own
    if client_id != CLIENT_ID || grant_type == "client_credentials" {
        return Err(Failure::client());
    }
    match grant_type {
        "authorization_code" => redeem_code(desk, params, knobs),
        "refresh_token" => refresh(desk, params, knobs),
        _ => device::poll(desk, params.get("device_code"), knobs),
    }
}

fn redeem_code(desk: &mut Desk, params: &Params, knobs: &Knobs) -> Result<Response, Failure> {
    let code = params.get("code").ok_or_else(|| Failure::parameter("code"))?;
    let redirect_uri = params.get("redirect_uri");
    let redeemed = desk.tokens.redeem(code, redirect_uri, params.get("code_verifier"));
    let (user, scope) = redeemed.map_err(|refusal| code_refused(refusal, knobs.passport))?;
    Ok(success(&desk.tokens.log_in(user, scope.as_deref(), knobs)))
}

fn code_refused(refusal: CodeRefusal, passport: Passport) -> Failure {
    let (error, hint) = match (refusal, passport) {
        (CodeRefusal::Parameter(name), _) => return Failure::parameter(name),
        (CodeRefusal::RedirectUri, _) => ("invalid_request", "Invalid redirect URI"),
        (CodeRefusal::MalformedVerifier, _) => {
            ("invalid_request", "Code Verifier must follow the specifications of RFC-7636.")
        }
        (CodeRefusal::WrongVerifier, _) => ("invalid_grant", "Failed to verify `code_verifier`."),
        (CodeRefusal::Unknown, Passport::V12) => ("invalid_request", "Cannot decrypt the authorization code"),
        (CodeRefusal::Unknown, Passport::V13) => {
            ("invalid_grant", "Cannot validate the provided authorization code")
        }
        (CodeRefusal::Used, Passport::V12) => ("invalid_request", "Authorization code has been revoked"),
        (CodeRefusal::Used, Passport::V13) => ("invalid_grant", "Authorization code has been revoked"),
        (CodeRefusal::Expired, Passport::V12) => ("invalid_request", "Authorization code has expired"),
        (CodeRefusal::Expired, Passport::V13) => ("invalid_grant", "Authorization code has expired"),
    };
    Failure::new(error, hint)
}

fn refresh(desk: &mut Desk, params: &Params, knobs: &Knobs) -> Result<Response, Failure> {
    let token = params.get("refresh_token").ok_or_else(|| Failure::parameter("refresh_token"))?;
    if let Some(scope) = params.unknown_scope()
        && desk.tokens.accepts(token)
    {
        return Err(Failure::scope(scope));
    }
    match desk.tokens.renew(token, knobs) {
        Ok(issued) => Ok(success(&issued)),
        Err(refusal) => Ok(refresh_refused(refusal, knobs.passport)),
    }
}

fn refresh_refused(refusal: Refusal, passport: Passport) -> Response {
    let hint = match refusal {
        Refusal::Unknown => "Cannot decrypt the refresh token",
        Refusal::Revoked => "Token has been revoked",
        Refusal::Expired => "Token has expired",
    };
    let (status, error) = match passport {
        Passport::V12 => (401, "invalid_request"),
        Passport::V13 => (400, "invalid_grant"),
    };
    Failure::new(error, hint).answer_as(status, "The refresh token is invalid.", passport)
}

pub fn success(issued: &Issued) -> Response {
    #[derive(serde::Serialize)]
    struct Reply<'a> {
        token_type: &'a str,
        expires_in: i64,
        access_token: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        scope: Option<&'a str>,
    }
    let reply = Reply {
        token_type: "Bearer",
        expires_in: issued.expires_in,
        access_token: &issued.access_token,
        refresh_token: issued.refresh_token.as_deref(),
        // Passport names none.
        scope: issued.scope.as_deref(),
    };
    uncached(answer::value(200, &reply))
}

/// RFC 6749, section 5.1.
pub fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, private"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
