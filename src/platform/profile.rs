//! Who is logged in: `GET /profile`.

use serde_json::Value;

use super::answer::{Answer, name, tenant};
use super::error::PlatformError;
use crate::domain::redact::{holds_secret, redacted};
use crate::domain::{ExpectedUser, Tenant, UserRef};

/// At least one of name and e-mail is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub id: Option<String>,
    /// As it came: not printable.
    pub name: Option<String>,
    /// As it came: not printable.
    pub email: Option<String>,
    /// The tenant that the platform takes if none is sent.
    pub current_tenant: Option<Tenant>,
}

impl Profile {
    pub fn user(&self) -> UserRef<'_> {
        UserRef::new(self.email.as_deref(), self.name.as_deref())
    }

    pub(super) fn read(answer: &Answer) -> Result<Profile, PlatformError> {
        let json = answer.json()?;
        let current_tenant = match &json["current_tenant"] {
            Value::Object(tenant) => tenant.get("id"),
            other => Some(other),
        };
        let profile = Profile {
            id: name(&json["id"]),
            name: kept(&json["name"]),
            email: kept(&json["email"]),
            current_tenant: current_tenant.and_then(tenant),
        };
        if profile.name.is_none() && profile.email.is_none() {
            return Err(PlatformError::OtherShape {
                what: "a profile with neither name nor e-mail".to_owned(),
            });
        }
        Ok(profile)
    }
}

/// As it came: text that is cleaned for display can be the same for two users. What is too long for an address stays
/// too long, and a value that is no text is no absent one.
fn kept(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = if holds_secret(&text) { redacted(&text).into_owned() } else { text };
    Some(text.chars().take(ExpectedUser::MAX_LENGTH + 1).collect())
}
