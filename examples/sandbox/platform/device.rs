//! The device grant (RFC 8628), which Passport 13 added.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::json;
use url::form_urlencoded;

use super::answer::Refused;
use super::knobs::{DefaultScope, Knobs};
use super::oauth::{Failure, Params};
use super::seed::{CLIENT_ID, User};
use super::sessions::{self, Fields};
use super::{Desk, World, answer, jwt, pages, token};

pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

const NO_DEVICE: &str = "No device is waiting with this code.";

enum Decision {
    Pending,
    Approved(&'static User),
    Denied,
}

/// One device that waits for its person.
pub struct Device {
    user_code: String,
    expires: f64,
    /// Seconds between two polls; grows by five whenever a poll comes too soon (section 3.5).
    interval: f64,
    polled: f64,
    decision: Decision,
    scope: Option<String>,
}

/// By device code.
pub type Devices = HashMap<String, Device>;

pub async fn start(State(world): State<Arc<World>>, uri: Uri, body: Bytes) -> Response {
    let mut desk = world.desk();
    if !desk.knobs.device_grant {
        return super::no_route(&uri);
    }
    let passport = desk.knobs.passport;
    let params = Params::parse(&body);
    if params.get("client_id") != Some(CLIENT_ID) {
        return Failure::client().answer(passport);
    }
    if let Some(scope) = params.unknown_scope() {
        return Failure::scope(scope).answer(passport);
    }
    let scope = params.get("scope").map(str::to_owned);
    if scope.is_none() && desk.knobs.default_scope == DefaultScope::Refused {
        return Failure { error: "invalid_scope", hint: None }.answer(passport);
    }
    let device_code = jwt::hex(80);
    // consonants only, as RFC 8628, section 6.1, suggests: no words, and nothing that looks like a digit
    let digits = jwt::hex(16);
    let user_code: String = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            char::from(b"BCDFGHJKLMNPQRSTVWXZ"[(usize::from(pair[0]) * 7 + usize::from(pair[1])) % 20])
        })
        .collect();
    let (ttl, interval) = (desk.knobs.device_ttl_seconds, desk.knobs.device_interval_seconds);
    let device = Device {
        user_code: user_code.clone(),
        expires: desk.tokens.now() + ttl as f64,
        interval: interval as f64,
        polled: 0.0,
        decision: Decision::Pending,
        scope,
    };
    desk.devices.insert(device_code.clone(), device);
    let page = format!("{}/oauth/device", world.origin);
    let answer = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "expires_in": ttl,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "interval": interval,
    });
    token::uncached(answer::value(200, &answer))
}

/// The token endpoint's answer to a device that asks whether its person has decided.
pub fn poll(desk: &mut Desk, device_code: Option<&str>, knobs: &Knobs) -> Result<Response, Failure> {
    let code = device_code.ok_or_else(|| Failure::parameter("device_code"))?;
    let time = desk.tokens.now();
    // an empty hint is Passport's
    let refused = |error| Err(Failure::new(error, ""));
    let Some(device) = desk.devices.get_mut(code) else { return refused("invalid_grant") };
    if device.expires <= time {
        return refused("expired_token");
    }
    let since = time - std::mem::replace(&mut device.polled, time);
    match device.decision {
        // a little slack: the interval is counted from the answer at the client, from the request here
        Decision::Pending if since + 0.2 < device.interval => {
            device.interval += 5.0;
            refused("slow_down")
        }
        Decision::Pending => refused("authorization_pending"),
        Decision::Denied => Err(Failure { error: "access_denied", hint: None }),
        Decision::Approved(user) => {
            let scope = desk.devices.remove(code).and_then(|device| device.scope);
            Ok(token::success(&desk.tokens.log_in(user, scope.as_deref(), knobs)))
        }
    }
}

/// The page where the code is typed in.
pub async fn ask(State(world): State<Arc<World>>, RawQuery(query): RawQuery) -> Response {
    if !world.desk().knobs.device_grant {
        return pages::error(StatusCode::NOT_FOUND, "There is nothing here");
    }
    match Params::parse(query.unwrap_or_default().as_bytes()).get("user_code") {
        Some(code) => to_approval(&world, code),
        None => pages::device(&world.name, "", None),
    }
}

/// Changes nothing, so it needs no session; a form that is posted is what every driver of browsers knows.
pub async fn typed(State(world): State<Arc<World>>, Form(fields): Form<Fields>) -> Response {
    to_approval(&world, &fields.user_code)
}

fn to_approval(world: &World, code: &str) -> Response {
    let code: String = form_urlencoded::byte_serialize(code.as_bytes()).collect();
    world.redirect(&format!("/oauth/device/authorize?user_code={code}"))
}

/// The approval page of the device that shows this code.
pub async fn confirm(
    State(world): State<Arc<World>>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let (user, csrf) = sessions::signed_in(&world, &headers, &uri.to_string())?;
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let typed = params.get("user_code").unwrap_or_default();
    let mut desk = world.desk();
    let Some(device) = waiting(&mut desk, typed) else {
        return Ok(pages::device(&world.name, typed, Some(NO_DEVICE)));
    };
    let form = pages::Approving {
        action: "/oauth/device/authorize",
        csrf: &csrf,
        subject: ("user_code", &device.user_code),
        then: "Go on only if your terminal shows this very code.",
    };
    Ok(pages::approve(&world.name, user, &form))
}

pub async fn decide(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    let user = sessions::form_sender(&world, &headers, &fields)?;
    let mut desk = world.desk();
    let Some(device) = waiting(&mut desk, &fields.user_code) else {
        return Ok(pages::device(&world.name, &fields.user_code, Some(NO_DEVICE)));
    };
    let (decision, title, text) = if fields.decision == "approve" {
        (Decision::Approved(user), "Device authorized", "Return to your terminal.")
    } else {
        (Decision::Denied, "Request denied", "The device gets no access.")
    };
    device.decision = decision;
    Ok(pages::notice(&world.name, title, text))
}

/// Typed by hand: any case, and the hyphen left out or not.
fn waiting<'a>(desk: &'a mut Desk, typed: &str) -> Option<&'a mut Device> {
    let time = desk.tokens.now();
    let plain =
        |code: &str| code.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    desk.devices.values_mut().find(|device| {
        plain(&device.user_code) == plain(typed)
            && device.expires > time
            && matches!(device.decision, Decision::Pending)
    })
}
