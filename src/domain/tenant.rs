//! A tenant's slug, as `X-Tenant` takes it.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// A tenant's id or readable alias. The platform decides which exist; this only makes sure that it
/// can be a header's value and a table's cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(String);

impl Tenant {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tenant {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Tenant, Invalid> {
        super::client_id::header_word(text, 255).map(Tenant)
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
