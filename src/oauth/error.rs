//! What can go wrong between us and an authorization server, in the kinds that a caller acts on.

use std::time::Duration;

use crate::domain::time::spelled_out;
use crate::system::http::HttpError;

/// No variant holds a token, code, verifier or state. Texts of the server are made printable.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    #[error("no callback port available: {} on 127.0.0.1 can't be bound ({reason})", list(.ports))]
    NoPort { ports: Vec<u16>, reason: String },

    /// `access_denied` (RFC 6749, section 4.1.2.1): a person said no.
    #[error("the login was denied: {description}")]
    Denied { description: String },

    /// No endpoint for device codes (RFC 8628), or not for this client.
    #[error("this platform offers no login with a device code: {reason}")]
    NoDeviceGrant { reason: String },

    /// The code was not entered in the time that was given to wait.
    #[error("timed out after {} waiting for the code to be entered", spelled_out(*.after))]
    TimedOut { after: Duration },

    /// `expired_token` (RFC 8628, section 3.5).
    #[error("the device code expired before it was entered")]
    CodeExpired,

    /// The code or refresh token is used up, revoked or expired: the same call can't succeed later.
    #[error("the platform refused the grant: {description}")]
    Refused { description: String },

    /// Any other error in OAuth's words, such as `invalid_client`.
    #[error("the platform answered {error}{}", described(.error, .description))]
    Rejected { error: String, description: String },

    /// The `iss` of the callback is another server's (RFC 9207): its code must not be exchanged here.
    #[error("the answer came from {actual}, but the login was begun at {expected}")]
    WrongIssuer { expected: String, actual: String },

    /// What was pasted is not what the browser ended on. A whole sentence on what to do.
    #[error("{0}")]
    NotACode(String),

    #[error("too many requests{}", after(.retry_after))]
    Busy { retry_after: Option<Duration> },

    /// 5xx.
    #[error("the platform failed with status {status}{}", after(.retry_after))]
    Server { status: u16, retry_after: Option<Duration> },

    /// Another refusal, in Laravel's words or as plain text.
    #[error("the platform refused with status {status}: {message}")]
    Message { status: u16, message: String },

    /// Not OAuth: probably not an Autocom platform.
    #[error("{what}; is this address an Autocom platform's?")]
    Nonsense { what: String },

    /// The revocation endpoint refused (RFC 7009, section 2.2.1).
    #[error("the revocation endpoint answered with status {status}")]
    Revocation { status: u16 },

    #[error("the token endpoint's answer is empty (status {status})")]
    Empty { status: u16 },

    /// The client id or the redirect address is not registered.
    #[error("the platform answered invalid_client: {description}")]
    UnknownClient { client_id: String, redirect_uri: String, description: String },

    /// No answer, or none of the platform's.
    #[error(transparent)]
    Http(#[from] HttpError),

    /// Something of this machine's, such as no socket.
    #[error("{0}")]
    Local(String),
}

impl OAuthError {
    /// An error in OAuth's words as the end of the grant.
    pub(super) fn into_refusal(self) -> OAuthError {
        match self {
            OAuthError::Rejected { description, .. } => OAuthError::Refused { description },
            other => other,
        }
    }

    /// Whether the platform refused the client, and has not looked at the grant.
    pub fn is_about_client(&self) -> bool {
        matches!(self, OAuthError::Rejected { error, .. }
            if matches!(error.as_str(), "invalid_client" | "unauthorized_client"))
    }

    /// A person's refusal in the server's words. Where it has none (Django's toolkit) they are the code again.
    pub(super) fn denied(words: String) -> OAuthError {
        let said_nothing = is_refusal_by_user(&words);
        OAuthError::Denied { description: if said_nothing { "you refused access".to_owned() } else { words } }
    }
}

/// A server that has no words is not quoted twice.
fn described(error: &str, description: &str) -> String {
    if error == description { String::new() } else { format!(": {description}") }
}

/// Whether a person has refused access: `access_denied` (RFC 6749, section 4.1.2.1), or `consent_required` (OpenID
/// Connect Core, section 3.1.2.6) from servers that ask for consent on a page of its own.
pub(super) fn is_refusal_by_user(error: &str) -> bool {
    matches!(error, "access_denied" | "consent_required")
}

fn list(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

fn after(retry_after: &Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |time| format!("; the platform asks to wait {} s", time.as_secs()))
}
