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
use super::oauth::{self, Params};
use super::seed::{CLIENT_ID, User};
use super::sessions::{self, Fields};
use super::{Desk, World, answer, jwt, pages};

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
}

/// By device code.
pub type Devices = HashMap<String, Device>;

pub async fn start(State(world): State<Arc<World>>, uri: Uri, body: Bytes) -> Response {
    let mut desk = world.desk();
    if !desk.knobs.device_grant {
        return super::no_route(&uri);
    }
    if Params::parse(&body).get("client_id") != Some(CLIENT_ID) {
        return oauth::failure(401, "invalid_client", "Client authentication failed", "");
    }
    let device_code = jwt::opaque(320);
    // consonants only, as section 6.1 suggests: no vowels, no words; nothing to be mistaken for a digit
    let letters: Vec<char> = jwt::hex(16)
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            char::from(b"BCDFGHJKLMNPQRSTVWXZ"[(usize::from(pair[0]) * 7 + usize::from(pair[1])) % 20])
        })
        .collect();
    let user_code =
        format!("{}-{}", letters[..4].iter().collect::<String>(), letters[4..].iter().collect::<String>());
    let (ttl, interval) = (desk.knobs.device_ttl_seconds, desk.knobs.device_interval_seconds);
    let device = Device {
        user_code: user_code.clone(),
        expires: desk.tokens.now() + ttl as f64,
        interval: interval as f64,
        polled: 0.0,
        decision: Decision::Pending,
    };
    desk.devices.insert(device_code.clone(), device);
    let page = format!("{}/oauth/device", world.origin);
    answer::value(
        200,
        &json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "expires_in": ttl,
            "interval": interval,
        }),
    )
}

/// The token endpoint's answer to a device that asks whether its person has decided.
pub fn poll(desk: &mut Desk, device_code: Option<&str>) -> Response {
    let Some(code) = device_code else { return oauth::missing("device_code") };
    let refuse = |error, text| oauth::failure(400, error, text, "");
    let time = desk.tokens.now();
    let Some(device) = desk.devices.get_mut(code) else {
        return refuse("invalid_grant", "The device code is unknown or used.");
    };
    if device.expires <= time {
        return refuse("expired_token", "The device code has expired.");
    }
    let since = time - std::mem::replace(&mut device.polled, time);
    match device.decision {
        // a little slack: the interval is counted from the answer at the client, from the request here
        Decision::Pending if since + 0.2 < device.interval => {
            device.interval += 5.0;
            refuse("slow_down", "Poll less often.")
        }
        Decision::Pending => refuse("authorization_pending", "Nobody has decided yet."),
        Decision::Denied => refuse("access_denied", "The request was denied."),
        Decision::Approved(user) => {
            desk.devices.remove(code);
            oauth::success(&desk.tokens.log_in(user, &desk.knobs))
        }
    }
}

/// The page where the code is typed in.
pub async fn ask(
    State(world): State<Arc<World>>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    if !world.desk().knobs.device_grant {
        return Ok(pages::error(StatusCode::NOT_FOUND, "There is nothing here"));
    }
    sessions::signed_in(&world, &headers, &uri.to_string())?;
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    Ok(pages::device(&world.name, params.get("user_code").unwrap_or_default(), None))
}

/// Changes nothing, so it needs no session; a form that is posted is what every driver of browsers knows.
pub async fn typed(Form(fields): Form<Fields>) -> Response {
    let code: String = form_urlencoded::byte_serialize(fields.user_code.as_bytes()).collect();
    answer::redirect(&format!("/oauth/device/confirm?user_code={code}"))
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
        action: "/oauth/device/confirm",
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
