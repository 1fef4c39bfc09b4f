//! The authorization endpoint and its approval page, with Passport's habits.

use std::sync::Arc;

use axum::Form;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use url::{Host, Url};

use super::answer::Refused;
use super::knobs::{Approval, DefaultScope, Knobs, Passport};
use super::oauth::{Failure, Params};
use super::seed::{CLIENT_ID, User};
use super::sessions::{self, Fields};
use super::tokens::Challenge;
use super::{Desk, World, answer, jwt, pages};

/// A valid request for authorization.
pub struct Wish {
    user: &'static User,
    redirect_uri: Url,
    /// As the client spelled it: the token endpoint compares texts.
    redirect_text: String,
    state: Option<String>,
    challenge: Challenge,
    scope: Option<String>,
}

impl Wish {
    fn mint_code(&self, desk: &mut Desk, knobs: &Knobs) -> String {
        let Wish { user, redirect_text, challenge, scope, .. } = self;
        desk.tokens.mint_code(user, redirect_text.clone(), challenge.clone(), scope.clone(), knobs)
    }
}

pub async fn authorize(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    let params = Params::parse(query.as_bytes());
    let knobs = world.desk().knobs.clone();
    let refuse = |failure: Failure| Ok(failure.answer(knobs.passport));
    if params.get("client_id").is_none() || params.get("response_type") != Some("code") {
        return refuse(Failure::grant_type());
    }
    let redirect_text = params.get("redirect_uri").unwrap_or_default();
    let Some(redirect_uri) = registered(redirect_text).filter(|_| params.get("client_id") == Some(CLIENT_ID))
    else {
        return refuse(Failure::client());
    };
    let state = params.get("state").map(str::to_owned);
    if let Some(scope) = params.unknown_scope() {
        let state = state.filter(|_| knobs.passport == Passport::V13);
        return Ok(send_error(&redirect_uri, &Failure::scope(scope), state, &knobs));
    }
    let scope = params.get("scope").map(str::to_owned);
    if scope.is_none() && knobs.default_scope == DefaultScope::Refused {
        return Ok(pages::refused(&world.name, StatusCode::BAD_REQUEST, "This request names no scope."));
    }
    let challenge = match challenge(&params) {
        Ok(challenge) => challenge,
        Err(hint) => return refuse(Failure::new("invalid_request", hint)),
    };
    if params.get("prompt") == Some("none") && !sessions::is_signed_in(&world, &headers) {
        let failure = match knobs.passport {
            Passport::V12 => Failure::new("access_denied", "Unauthenticated"),
            Passport::V13 => Failure::new("login_required", "The user is not authenticated"),
        };
        return Ok(send_error(&redirect_uri, &failure, state, &knobs));
    }
    let (user, csrf) = sessions::signed_in(&world, &headers, &format!("/oauth/authorize?{query}"))?;
    let wish = Wish { user, redirect_text: redirect_text.into(), redirect_uri, state, challenge, scope };
    let mut desk = world.desk();
    let ask = match knobs.approval {
        Approval::Ask => true,
        Approval::AskOnce => !desk.tokens.has_login(user),
        Approval::Skip => false,
    };
    if !ask {
        let code = wish.mint_code(&mut desk, &knobs);
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
        let code = wish.mint_code(&mut desk, &knobs);
        return Ok(send_code(&wish, &code, &knobs));
    }
    let state = wish.state.filter(|_| !knobs.deny_without_state);
    let failure = Failure::new("access_denied", "The user denied the request");
    Ok(send_error(&wish.redirect_uri, &failure, state, &knobs))
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

/// RFC 7636, section 4.3; no method means `plain`. Else Passport's hint.
fn challenge(params: &Params) -> Result<Challenge, &'static str> {
    let Some(text) = params.get("code_challenge") else {
        return Err("Code challenge must be provided for public clients");
    };
    let method = params.get("code_challenge_method").unwrap_or("plain");
    if !matches!(method, "plain" | "S256") {
        return Err("Code challenge method must be one of `S256`, `plain`");
    }
    if !Challenge::is_well_formed(text) {
        return Err("Code challenge must follow the specifications of RFC-7636.");
    }
    Ok(Challenge { text: text.into(), plain: method == "plain" })
}

fn send_code(wish: &Wish, code: &str, knobs: &Knobs) -> Response {
    let mut parameters = vec![("code", code)];
    parameters.extend(wish.state.as_deref().map(|state| ("state", state)));
    send_back(&wish.redirect_uri, &parameters, knobs)
}

fn send_error(redirect_uri: &Url, failure: &Failure, state: Option<String>, knobs: &Knobs) -> Response {
    let mut parameters: Vec<_> = state.as_deref().map(|state| ("state", state)).into_iter().collect();
    parameters.extend(failure.parameters(knobs.passport));
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
