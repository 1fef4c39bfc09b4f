//! One answer of the platform, and what its status means.

use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::error::{PlatformError, RequestId};
use crate::domain::redact::holds_secret;
use crate::domain::time::delay_seconds;
use crate::domain::{Tenant, printable};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How much of the platform's words is shown.
const LONGEST_TEXT: usize = 500;
/// As long as an e-mail address may be.
const LONGEST_NAME: usize = 254;

/// A whole answer of the platform, of any status.
#[derive(Debug)]
pub struct Answer(Response<Bytes>);

/// `{"message": "...", "errors": {field: [text]}}`
#[derive(Deserialize, Default)]
struct Complaint {
    #[serde(default)]
    message: Value,
    #[serde(default)]
    errors: Value,
}

impl Answer {
    pub(super) fn new(response: Response<Bytes>) -> Answer {
        Answer(response)
    }

    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The body as it came out of its compression.
    pub fn body(&self) -> &Bytes {
        self.0.body()
    }

    pub fn request_id(&self) -> RequestId {
        RequestId(self.header(X_REQUEST_ID).map(|id| printable(id, 100)).filter(|id| !id.is_empty()))
    }

    /// Whether the same call may well be answered otherwise a little later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.status().as_u16(), 429 | 502..=504)
    }

    /// Seconds, or a date, which is counted from the answer's own `Date`: our clock may be wrong.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header(RETRY_AFTER)?.trim();
        if let Some(wait) = delay_seconds(text) {
            return Some(wait);
        }
        let time = |text| rfc2822::parse(text).ok().map(|time| time.timestamp());
        let (until, now): (Timestamp, Timestamp) = (time(text)?, time(self.header(DATE)?)?);
        Some(until.duration_since(now).try_into().unwrap_or(Duration::ZERO))
    }

    /// This answer if its status is a success, else the error that it is.
    pub fn accepted(self) -> Result<Answer, PlatformError> {
        let status = self.status();
        if status.is_success() {
            return Ok(self);
        }
        let request = self.request_id();
        let complaint: Complaint = serde_json::from_slice(self.0.body()).unwrap_or_default();
        let message = complaint
            .message
            .as_str()
            .or_else(|| complaint.errors[0]["message"].as_str()) // GraphQL's
            .map(|text| printable(text, LONGEST_TEXT))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned());
        Err(match status.as_u16() {
            401 => PlatformError::Unauthenticated { request },
            403 => PlatformError::Forbidden { message, request },
            404 => PlatformError::NotFound { message, request },
            422 => PlatformError::Invalid { message, fields: fields(&complaint.errors), request },
            429 => PlatformError::Busy { retry_after: self.retry_after(), request },
            status @ 500.. => PlatformError::Server { status, message, request },
            status => PlatformError::Refused { status, message, request },
        })
    }

    /// The JSON in it.
    pub(super) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, PlatformError> {
        let body = self.0.body();
        serde_json::from_slice(body).map_err(|error| {
            let html = body.trim_ascii_start().starts_with(b"<");
            let what = match (body.trim_ascii().is_empty(), html) {
                (true, _) => "empty",
                (_, true) => "HTML instead of JSON",
                _ if error.is_eof() => return PlatformError::CutShort,
                _ if error.is_data() => "JSON of another shape",
                _ => "not JSON",
            };
            PlatformError::Nonsense { what: what.to_owned() }
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

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }
}

pub(super) fn fields(errors: &Value) -> Vec<(String, Vec<String>)> {
    let texts = |value: &Value| match value {
        Value::Array(texts) => {
            texts.iter().filter_map(Value::as_str).map(|text| printable(text, LONGEST_TEXT)).collect()
        }
        Value::String(text) => vec![printable(text, LONGEST_TEXT)],
        _ => Vec::new(),
    };
    let Value::Object(fields) = errors else { return Vec::new() };
    fields.iter().map(|(name, value)| (printable(name, 100), texts(value))).collect()
}

/// Somebody's or something's name, made printable where it comes in: everything after it (records,
/// `logins.toml`, sentences) holds clean text.
pub(super) fn name(value: &Value) -> Option<String> {
    text(value).map(|name| printable(&name, LONGEST_NAME)).filter(|name| !name.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_platforms_own_clock() {
        let wait = |value: &str| {
            let response = Response::builder()
                .header(DATE, "Sun, 06 Nov 1994 08:49:30 GMT")
                .header(RETRY_AFTER, value)
                .body(Bytes::new());
            Answer::new(response.unwrap()).retry_after().map(|time| time.as_secs())
        };
        assert_eq!(wait(" 7 "), Some(7));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(wait("99999999999999999999"), Some(u32::MAX.into()));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("soon"), None);
    }
}
