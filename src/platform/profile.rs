//! Who is logged in: `GET /profile`.

use serde_json::Value;

use super::answer::{Answer, name, text};
use super::error::PlatformError;
use crate::domain::Tenant;

/// At least one of name and e-mail is there. The texts are printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    /// The tenant that the platform takes if none is sent.
    pub current_tenant: Option<Tenant>,
}

impl Profile {
    /// The e-mail address, else the name.
    pub fn user(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or_default()
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
            email: name(&json["email"]),
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
