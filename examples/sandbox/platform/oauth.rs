//! What the OAuth endpoints share: parameters, scopes, and the errors in the words of RFC 6749 and 8628.

use axum::response::Response;
use serde_json::json;
use url::form_urlencoded;

use super::answer;
use super::knobs::Passport;

/// Query or form parameters, in the order sent.
pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The first scope that the platform does not have.
    pub fn unknown_scope(&self) -> Option<&str> {
        let mut scopes = self.get("scope").unwrap_or_default().split_whitespace();
        scopes.find(|scope| !matches!(*scope, "read" | "write" | "*"))
    }
}

/// An OAuth error, as an answer or in a callback. The `hint` is Passport's own, and there it carries the reason.
pub struct Failure {
    pub error: &'static str,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(error: &'static str, hint: &str) -> Self {
        Self { error, hint: Some(hint.into()) }
    }

    pub fn client() -> Self {
        Self { error: "invalid_client", hint: None }
    }

    pub fn parameter(name: &str) -> Self {
        Self::new("invalid_request", &format!("Check the `{name}` parameter"))
    }

    pub fn scope(scope: &str) -> Self {
        Self::new("invalid_scope", &format!("Check the `{scope}` scope"))
    }

    pub fn grant_type() -> Self {
        Self::new("unsupported_grant_type", "Check that all required parameters have been provided")
    }

    fn status(&self) -> u16 {
        match self.error {
            "invalid_client" | "access_denied" => 401,
            _ => 400,
        }
    }

    fn description(&self) -> &'static str {
        match self.error {
            "invalid_client" => "Client authentication failed",
            "invalid_grant" => {
                "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is \
                 invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued \
                 to another client."
            }
            "unsupported_grant_type" => {
                "The authorization grant type is not supported by the authorization server."
            }
            "invalid_scope" => "The requested scope is invalid, unknown, or malformed",
            "access_denied" => "The resource owner or authorization server denied the request.",
            "login_required" => "The authorization server requires end-user authentication.",
            "expired_token" => {
                "The device code has expired, and the device authorization session has concluded."
            }
            "authorization_pending" => {
                "The authorization request is still pending as the end user hasn't yet completed the user-interaction steps. \
                 The client repeats the request after waiting for the interval."
            }
            "slow_down" => {
                "The authorization request is still pending and polling should continue, but the interval MUST be increased by \
                 5 seconds for this and all subsequent requests."
            }
            _ => {
                "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more \
                 than once, or is otherwise malformed."
            }
        }
    }

    /// What a callback carries, in Passport's order. Passport 13 dropped the `message` that 12 adds.
    pub fn parameters(&self, passport: Passport) -> Vec<(&'static str, &str)> {
        let mut parameters = vec![("error", self.error), ("error_description", self.description())];
        parameters.extend(self.hint.as_deref().map(|hint| ("hint", hint)));
        parameters.extend((passport == Passport::V12).then(|| ("message", self.description())));
        parameters
    }

    pub fn answer(&self, passport: Passport) -> Response {
        self.answer_as(self.status(), self.description(), passport)
    }

    /// With other words than the RFC's.
    pub fn answer_as(&self, status: u16, description: &str, passport: Passport) -> Response {
        let mut body = json!({ "error": self.error, "error_description": description });
        if let Some(hint) = &self.hint {
            body["hint"] = hint.as_str().into();
        }
        if passport == Passport::V12 {
            body["message"] = description.into();
        }
        answer::value(status, &body)
    }
}
