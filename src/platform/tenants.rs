//! The tenants that a user is in: `GET /auth/tenants`.

use serde_json::Value;

use super::answer::{Answer, name, tenant};
use super::error::PlatformError;
use crate::domain::Tenant;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub id: Tenant,
    /// For people; the id where the platform has no name.
    pub name: String,
    pub role: Option<String>,
}

impl Membership {
    pub(super) fn read_all(answer: &Answer) -> Result<Vec<Membership>, PlatformError> {
        let json = answer.json()?;
        let list = match &json {
            Value::Array(list) => list,
            other => other["tenants"].as_array().ok_or_else(nonsense)?,
        };
        list.iter().map(|entry| Membership::read(entry).ok_or_else(nonsense)).collect()
    }

    fn read(entry: &Value) -> Option<Membership> {
        let id = tenant(&entry["id"])?;
        Some(Membership {
            name: name(&entry["name"]).unwrap_or_else(|| id.to_string()),
            role: name(&entry["role"]),
            id,
        })
    }
}

fn nonsense() -> PlatformError {
    PlatformError::OtherShape { what: "JSON without a list of tenants".to_owned() }
}
