//! Who is logged in: `GET /profile`.

use serde_json::Value;

use super::answer::{Answer, name, text};
use super::error::PlatformError;
use crate::domain::redact::redacted;
use crate::domain::{ExpectedUser, Tenant, UserRef};

/// At least one of name and e-mail is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub id: Option<String>,
    /// Printable.
    pub name: Option<String>,
    /// As it came, to be compared: no printable text.
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
            Value::Object(tenant) => tenant.get("id").and_then(text),
            other => text(other),
        };
        let profile = Profile {
            id: name(&json["id"]),
            name: name(&json["name"]),
            email: json["email"].as_str().filter(|email| !email.trim().is_empty()).map(kept),
            current_tenant: current_tenant.and_then(|id| id.parse().ok()),
        };
        if profile.name.is_none() && profile.email.is_none() {
            return Err(PlatformError::Nonsense {
                what: "a profile with neither name nor e-mail".to_owned(),
            });
        }
        Ok(profile)
    }
}

/// Unchanged, but for secrets. One that is too long for an address stays too long.
fn kept(email: &str) -> String {
    redacted(email).chars().take(ExpectedUser::MAX_LENGTH + 1).collect()
}
