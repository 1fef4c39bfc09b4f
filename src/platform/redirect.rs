//! Redirects, each of them looked at: the token goes along, so it goes nowhere but to its own origin.

use http::Method;
use url::Url;

use super::answer::Answer;
use super::error::PlatformError;
use crate::system::http::{redirect_elsewhere, redirect_target, shown_url};

pub(super) const MAX_REDIRECTS: u32 = 5;

/// Where to go on to from the answer of `from`; `None`: it is no redirect.
///
/// # Errors
/// A redirect that is not followed: to another origin, to a login page, of a request that is not a
/// plain reading one (RFC 9110, section 15.4: its method or its body would change), or to nowhere.
pub(super) fn next(from: &Url, method: &Method, answer: &Answer) -> Result<Option<Url>, PlatformError> {
    let status = answer.status();
    if !status.is_redirection() || matches!(status.as_u16(), 300 | 304) {
        return Ok(None);
    }
    if let Some(elsewhere) = redirect_elsewhere(from, answer.response()) {
        return Err(elsewhere.into());
    }
    let Some(mut to) = redirect_target(from, answer.response()) else {
        return Err(refused(
            from,
            format!("answered with status {} but no address to go on to", status.as_u16()),
        ));
    };
    to.set_fragment(None);
    // Of the same origin, so these change nothing but what would be sent along with the token.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    if is_login_page(&to) {
        return Err(PlatformError::LoginPage { page: shown_url(&to), request: answer.request_id() });
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(refused(
            from,
            format!("sent a {method} on to {}, which is not followed", shown_url(&to)),
        ));
    }
    Ok(Some(to))
}

/// A redirect from what reads to what may change something.
pub(super) fn to_a_change(from: &Url, to: &Url) -> PlatformError {
    refused(from, format!("sent us on to {}, which may change something: not followed", shown_url(to)))
}

pub(super) fn too_many(from: &Url) -> PlatformError {
    refused(from, format!("sent us on {MAX_REDIRECTS} times and then once more"))
}

fn refused(from: &Url, what: String) -> PlatformError {
    let from = from.origin().ascii_serialization();
    PlatformError::Redirected { from, what }
}

/// Where Laravel, and gateways, send somebody whom they don't know.
fn is_login_page(url: &Url) -> bool {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    matches!(last.to_ascii_lowercase().as_str(), "login" | "signin" | "sign-in" | "sign_in")
}
