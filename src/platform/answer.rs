//! One answer of the platform, and what its status means.

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::error::{PlatformError, RequestId};
use crate::domain::redact::holds_secret;
use crate::domain::{Tenant, printable};
use crate::system::http::retry::retry_after;
use crate::system::http::{from_in_between, without_bom};

/// How much of the platform's words is shown.
const MAX_TEXT: usize = 500;
/// As long as an e-mail address may be.
const MAX_NAME: usize = 254;

/// A whole answer of the platform, of any status.
#[derive(Debug)]
pub struct Answer {
    response: Response<Bytes>,
    /// Whether the request asked for JSON.
    asked_for_json: bool,
}

/// `{"message": "...", "errors": {field: [text]}}`
#[derive(Deserialize, Default)]
struct Complaint {
    #[serde(default)]
    message: Value,
    #[serde(default)]
    errors: Value,
}

impl Answer {
    pub(super) fn new(response: Response<Bytes>, asked_for_json: bool) -> Answer {
        Answer { response, asked_for_json }
    }

    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The body as it came out of its compression.
    pub fn body(&self) -> &Bytes {
        self.response.body()
    }

    pub fn request_id(&self) -> RequestId {
        RequestId::new(self.headers())
    }

    /// The answer itself, for what judges answers of any kind.
    pub(super) fn response(&self) -> &Response<Bytes> {
        &self.response
    }

    /// Whether the platform rejects the token: something in between knows nothing of it.
    pub(super) fn rejects_token(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED && self.in_between_error().is_none()
    }

    /// The error that it is if the platform did not give it.
    fn in_between_error(&self) -> Option<PlatformError> {
        from_in_between(&self.response).filter(|_| self.asked_for_json).map(PlatformError::from)
    }

    /// This answer if its status is a success, else the error that it is.
    pub fn accepted(self) -> Result<Answer, PlatformError> {
        let status = self.status();
        if status.is_success() {
            return Ok(self);
        }
        if let Some(error) = self.in_between_error() {
            return Err(error);
        }
        let request = self.request_id();
        let complaint: Complaint =
            serde_json::from_slice(without_bom(self.response.body())).unwrap_or_default();
        let message = complaint
            .message
            .as_str()
            .or_else(|| complaint.errors[0]["message"].as_str()) // GraphQL's
            .map(|text| printable(text, MAX_TEXT))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned());
        Err(match status.as_u16() {
            401 => {
                let body = without_bom(self.response.body());
                let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
                PlatformError::Unauthenticated { request, is_json }
            }
            403 => PlatformError::Forbidden { message, request },
            404 => PlatformError::NotFound { message, request },
            422 => PlatformError::Invalid { message, fields: fields(&complaint.errors), request },
            429 => PlatformError::Busy { retry_after: retry_after(self.headers()), request },
            status @ 500.. => PlatformError::Server { status, message, request },
            status => PlatformError::Refused { status, message, request },
        })
    }

    /// The JSON in it.
    pub(super) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, PlatformError> {
        let body = without_bom(self.response.body());
        serde_json::from_slice(body).map_err(|error| {
            if let Some(error) = self.in_between_error() {
                return error;
            }
            match () {
                () if body.trim_ascii().is_empty() => PlatformError::Nonsense { what: "empty".to_owned() },
                () if error.is_eof() => PlatformError::CutShort,
                () if error.is_data() => {
                    PlatformError::OtherShape { what: "JSON of another shape".to_owned() }
                }
                () => PlatformError::Nonsense { what: "not JSON".to_owned() },
            }
        })
    }

    /// The error that an answer is which should be JSON and is not.
    pub fn not_json(&self) -> PlatformError {
        let error = self.parse::<IgnoredAny>().err();
        error.unwrap_or_else(|| PlatformError::Nonsense { what: "not JSON".to_owned() })
    }

    /// The JSON object or array in it, out of Laravel's `data` wrapper if it is in one.
    pub fn json(&self) -> Result<Value, PlatformError> {
        match self.parse()? {
            Value::Object(mut object)
                if object.get("data").is_some_and(|it| it.is_object() || it.is_array()) =>
            {
                Ok(object.remove("data").unwrap_or_default())
            }
            other => Ok(other),
        }
    }
}

pub(super) fn fields(errors: &Value) -> Vec<(String, Vec<String>)> {
    let texts = |value: &Value| match value {
        Value::Array(texts) => {
            texts.iter().filter_map(Value::as_str).map(|text| printable(text, MAX_TEXT)).collect()
        }
        Value::String(text) => vec![printable(text, MAX_TEXT)],
        _ => Vec::new(),
    };
    let Value::Object(fields) = errors else { return Vec::new() };
    fields.iter().map(|(name, value)| (printable(name, 100), texts(value))).collect()
}

/// Somebody's or something's name, made printable where it comes in: everything after it (records,
/// `logins.toml`, sentences) holds clean text.
pub(super) fn name(value: &Value) -> Option<String> {
    text(value).map(|name| printable(&name, MAX_NAME)).filter(|name| !name.is_empty())
}

/// A tenant's id. One that repeats a token is none: it would be kept in `config.toml`.
pub(super) fn tenant(value: &Value) -> Option<Tenant> {
    text(value).filter(|id| !holds_secret(id))?.parse().ok()
}

/// A text, or a number as one: ids are both, on different servers.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
