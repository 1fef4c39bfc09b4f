//! Answers that are not the server's: those of a captive portal, a gateway, a firewall or a web site.

use bytes::Bytes;
use http::header::{LOCATION, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use url::Url;

use super::failure::HttpError;
use super::retry::retry_after;
use crate::domain::printable;

/// How much of an address is shown.
const MAX_ADDRESS: usize = 200;

/// What a proxy or a gateway in front of a server asks for, and no API with bearer tokens.
const GATEWAY_SCHEMES: [&str; 4] = ["basic", "digest", "negotiate", "ntlm"];

/// The error that an answer is which something between here and the server gave, where JSON was asked for. It is
/// told by what it is, never by its content type: servers of JSON say `text/html`, too.
pub fn from_in_between(answer: &Response<Bytes>) -> Option<HttpError> {
    let status = answer.status();
    let what = if status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED {
        "network authentication required"
    } else if status == StatusCode::UNAUTHORIZED && asks_for_password(answer) {
        "WWW-Authenticate: Basic"
    } else if is_markup(answer.body()) {
        "HTML"
    } else {
        return None;
    };
    Some(in_between(what.to_owned(), answer))
}

/// The error that an answer is which redirects from `asked` to another origin.
pub fn redirect_elsewhere(asked: &Url, answer: &Response<Bytes>) -> Option<HttpError> {
    let to = redirect_target(asked, answer).filter(|to| to.origin() != asked.origin())?;
    Some(in_between(format!("redirect to {}", shown_url(&to)), answer))
}

/// Where a redirect leads.
pub fn redirect_target(asked: &Url, answer: &Response<Bytes>) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    asked.join(location).ok()
}

/// Without the query, which may hold a code.
pub fn shown_url(url: &Url) -> String {
    printable(&format!("{}{}", url.origin().ascii_serialization(), url.path()), MAX_ADDRESS)
}

fn in_between(what: String, answer: &Response<Bytes>) -> HttpError {
    let retry_after = retry_after(answer.headers());
    HttpError::InBetween { what, status: answer.status().as_u16(), retry_after }
}

fn asks_for_password(answer: &Response<Bytes>) -> bool {
    let schemes = answer.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| {
        let scheme = value.to_str().ok()?.split([' ', ',']).next()?;
        Some(scheme.to_ascii_lowercase())
    });
    let schemes: Vec<String> = schemes.collect();
    schemes.iter().any(|scheme| GATEWAY_SCHEMES.contains(&scheme.as_str()))
        && !schemes.iter().any(|scheme| scheme == "bearer")
}

/// Whether it is HTML, or XML: JSON begins with no `<`.
fn is_markup(body: &[u8]) -> bool {
    without_bom(body).trim_ascii_start().starts_with(b"<")
}

/// JSON has no byte order mark (RFC 8259, section 8.1), but some servers send one.
pub fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}
