//! The authorization response (RFC 6749, section 4.1.2): what the redirect's query says, whether it
//! arrived over the loopback listener or was pasted.

use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

use super::error::{OAuthError, is_refusal_by_user};
use super::flow::Pending;
use crate::domain::{Secret, printable};

/// How much of a server's words is shown.
const MAX_TEXT: usize = 400;

/// What a query means for the pending login.
#[derive(Debug)]
pub(super) enum EndpointAnswer {
    Code(Secret),
    /// It is this login's answer, and it is final.
    Failed(OAuthError),
    /// An error without `state`: the platform's (Passport 12 sends one for `invalid_scope`) or
    /// anybody's. Worth showing, not worth believing.
    Unbound(String),
    /// The state of another login.
    NotOurs,
    /// No `state`, or only the beginning of this login's: what is pasted may lose its end.
    CutOff,
    /// A parameter more than once (forbidden by section 3.1), so there is no telling which counts.
    Ambiguous,
}

#[derive(Default)]
struct Parameters {
    code: Option<Secret>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    description: Option<String>,
    message: Option<String>,
}

impl Parameters {
    /// `None` if one of ours is there twice.
    fn parse(query: &str) -> Option<Parameters> {
        let mut parameters = Parameters::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                // A secret from here on: the other parameters may repeat it.
                "code" => {
                    if parameters.code.replace(Secret::new(value)).is_some() {
                        return None;
                    }
                    continue;
                }
                "state" => &mut parameters.state,
                "iss" => &mut parameters.iss,
                "error" => &mut parameters.error,
                "error_description" => &mut parameters.description,
                "message" => &mut parameters.message,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(parameters)
    }
}

impl EndpointAnswer {
    pub(super) fn read(query: &str, pending: &Pending) -> EndpointAnswer {
        let Some(Parameters { code, state, iss, error, description, message }) = Parameters::parse(query)
        else {
            return EndpointAnswer::Ambiguous;
        };
        let error = error.filter(|error| !error.is_empty()).map(|error| {
            let error = printable(&error, MAX_TEXT);
            let words = description.or(message).map(|text| printable(&text, MAX_TEXT));
            let description = words.filter(|text| !text.is_empty()).unwrap_or_else(|| error.clone());
            (error, description)
        });
        match (state, &error) {
            (None, Some((error, description))) if error == description => {
                return EndpointAnswer::Unbound(error.clone());
            }
            (None, Some((error, description))) => {
                return EndpointAnswer::Unbound(format!("{error}: {description}"));
            }
            (None, None) => return EndpointAnswer::CutOff,
            (Some(state), _) => {
                let (state, ours) = (state.as_bytes(), pending.state.expose().as_bytes());
                if !bool::from(state.ct_eq(ours)) {
                    let is_start =
                        ours.get(..state.len()).is_some_and(|start| bool::from(start.ct_eq(state)));
                    return if is_start { EndpointAnswer::CutOff } else { EndpointAnswer::NotOurs };
                }
            }
        }
        let expected = &pending.endpoints.origin;
        if let Some(iss) = iss.filter(|iss| origin(iss).as_ref() != Some(expected)) {
            let actual = origin(&iss).unwrap_or_else(|| printable(&iss, 100));
            return EndpointAnswer::Failed(OAuthError::WrongIssuer { expected: expected.clone(), actual });
        }
        match (error, code.filter(|code| !code.expose().is_empty())) {
            (Some((error, description)), _) if is_refusal_by_user(&error) => {
                EndpointAnswer::Failed(OAuthError::denied(description))
            }
            (Some((error, description)), _) => {
                EndpointAnswer::Failed(OAuthError::Rejected { error, description })
            }
            (None, Some(code)) => EndpointAnswer::Code(code),
            (None, None) => EndpointAnswer::Failed(OAuthError::Nonsense {
                what: "the answer to the login has neither a code nor an error".to_owned(),
            }),
        }
    }
}

fn origin(url: &str) -> Option<String> {
    let origin = Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}
