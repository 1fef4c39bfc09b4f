//! What can go wrong between us and the platform's API.

use std::fmt;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::domain::printable;
use crate::system::http::HttpError;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The platform's words in it are made printable. No variant holds a token.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// 401: the token is not, or no longer, good.
    #[error("the platform rejected the token{request}")]
    Unauthenticated {
        request: RequestId,
        /// As the platform answers; a gateway may answer otherwise.
        is_json: bool,
    },

    /// 403. For a tenant that is not the user's, too.
    #[error("not permitted: {message}{request}")]
    Forbidden { message: String, request: RequestId },

    /// 404. For an unknown tenant, too.
    #[error("not found: {message}{request}")]
    NotFound { message: String, request: RequestId },

    /// 422: the fields, in the order of their names, with what is wrong with each.
    #[error("the platform found the request invalid: {message}{request}")]
    Invalid { message: String, fields: Vec<(String, Vec<String>)>, request: RequestId },

    /// 429, after the retries that are allowed.
    #[error("too many requests{}{request}", after(.retry_after))]
    Busy { retry_after: Option<Duration>, request: RequestId },

    /// 5xx.
    #[error("the platform failed with status {status}: {message}{request}")]
    Server { status: u16, message: String, request: RequestId },

    /// Any other 4xx.
    #[error("the platform refused with status {status}: {message}{request}")]
    Refused { status: u16, message: String, request: RequestId },

    /// What a GraphQL answer says went wrong; at least one message. Its status is 200 as a rule.
    #[error("GraphQL: {}{request}", .messages[0])]
    GraphQl { messages: Vec<String>, request: RequestId },

    /// A redirect that is not followed. `from` is an origin; `what` names the other one, no query.
    #[error("{from} {what}")]
    Redirected { from: String, what: String },

    /// A redirect to where people log in: what Laravel answers to a token that it doesn't know, and
    /// a website to any.
    #[error("the platform sent us to its login page {page} in place of an answer{request}")]
    LoginPage { page: String, request: RequestId },

    /// An answer of 2xx that is not what the API answers.
    #[error("the answer is {what}")]
    Nonsense { what: String },

    /// JSON of another shape than the API's: probably not an Autocom platform.
    #[error("the answer is {what}; is this address an Autocom platform's?")]
    OtherShape { what: String },

    /// An answer that arrived whole, but whose JSON did not: something on the way cut it.
    #[error("the JSON of the answer ends too soon")]
    CutShort,

    /// No answer, or none of the platform's.
    #[error(transparent)]
    Http(#[from] HttpError),

    /// It has characters that no header can carry, so it was never sent.
    #[error("the token is not one word of visible ASCII characters")]
    UnusableToken,

    /// Something of this machine's.
    #[error("{0}")]
    Local(String),
}

impl PlatformError {
    /// What a platform says that refuses with 403 or 404.
    pub fn refusal(&self) -> Option<(bool, &str)> {
        match self {
            PlatformError::Forbidden { message, .. } => Some((true, message)),
            PlatformError::NotFound { message, .. } => Some((false, message)),
            _ => None,
        }
    }

    /// Whether it may be what a platform says that requires `X-Tenant`, in whatever words.
    pub fn mentions_tenant(&self) -> bool {
        let mentions = |text: &str| text.to_ascii_lowercase().contains("tenant");
        match self {
            PlatformError::Forbidden { message, .. }
            | PlatformError::NotFound { message, .. }
            | PlatformError::Refused { message, .. } => mentions(message),
            PlatformError::Invalid { message, fields, .. } => {
                mentions(message) || fields.iter().any(|(field, _)| mentions(field))
            }
            _ => false,
        }
    }

    /// Whether the token is good, but not for this tenant.
    pub fn is_no_entry(&self) -> bool {
        matches!(self, PlatformError::Forbidden { .. } | PlatformError::NotFound { .. })
    }
}

/// The `X-Request-Id` of an answer, if there was one: what to give to support. Shown in brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestId(Option<String>);

impl RequestId {
    pub(super) fn new(headers: &HeaderMap) -> RequestId {
        let id = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        RequestId(id.map(|id| printable(id, 100)).filter(|id| !id.is_empty()))
    }

    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |id| write!(f, " (request {id})"))
    }
}

fn after(retry_after: &Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |time| format!("; the platform asks to wait {} s", time.as_secs()))
}
