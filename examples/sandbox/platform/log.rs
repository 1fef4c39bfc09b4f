//! What the clients really sent. Secrets are kept as fingerprints only, so a failing test can print it all.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

/// Form fields that may be read in a log; everything else is fingerprinted.
const PUBLIC_FIELDS: [&str; 7] =
    ["grant_type", "client_id", "redirect_uri", "scope", "username", "decision", "code_challenge_method"];

/// One request, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query_keys: Vec<String>,
    /// `None` while the answer is being made, and for good if it never was.
    pub status: Option<u16>,
    pub tenant: Option<String>,
    pub accept: Option<String>,
    pub user_agent: Option<String>,
    pub content_type: Option<String>,
    /// The fingerprint of the bearer token, or of the whole header if it is no bearer token.
    pub authorization: Option<String>,
    /// Fields of a form body; secrets as fingerprints.
    pub form: Vec<(String, String)>,
    /// What a GraphQL request asked for, such as `mutation cancelOrder`.
    pub operation: Option<String>,
    pub body_length: usize,
}

impl Request {
    pub(super) fn arrived(parts: &Parts, body: &[u8]) -> Self {
        let text = |name| header_text(&parts.headers, name);
        let content_type = text(header::CONTENT_TYPE.as_str());
        let form = match &content_type {
            Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => {
                form_urlencoded::parse(body)
                    .map(|(name, value)| {
                        let public = PUBLIC_FIELDS.contains(&name.as_ref());
                        let value = if public { value.into_owned() } else { fingerprint(&value) };
                        (name.into_owned(), value)
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().into(),
            query_keys: form_urlencoded::parse(query).map(|(name, _)| name.into_owned()).collect(),
            status: None,
            tenant: text("x-tenant"),
            accept: text(header::ACCEPT.as_str()),
            user_agent: text(header::USER_AGENT.as_str()),
            content_type,
            authorization: text(header::AUTHORIZATION.as_str())
                .map(|value| fingerprint(value.strip_prefix("Bearer ").unwrap_or(&value))),
            form,
            operation: None,
            body_length: body.len(),
        }
    }

    pub fn form_field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// How a secret appears in the log: enough to tell two apart, too little to use one.
pub fn fingerprint(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    let start: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{start} len={}", secret.len())
}

/// All requests so far, and a bell that rings at every change.
#[derive(Default)]
pub(super) struct Log {
    requests: Mutex<Vec<Request>>,
    changed: Condvar,
}

impl Log {
    /// Returns the place of the entry, for [`Log::answered`].
    pub fn push(&self, request: Request) -> usize {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request);
        self.changed.notify_all();
        requests.len() - 1
    }

    pub fn answered(&self, place: usize, status: u16, operation: Option<String>) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = requests.get_mut(place) {
            request.status = Some(status);
            request.operation = operation;
        }
        self.changed.notify_all();
    }

    pub fn all(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn wait(&self, matches: impl Fn(&Request) -> bool, deadline: Duration) -> Option<Request> {
        let end = Instant::now() + deadline;
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = requests.iter().find(|request| matches(request)) {
                return Some(found.clone());
            }
            let left = end.checked_duration_since(Instant::now())?;
            requests = self.changed.wait_timeout(requests, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
