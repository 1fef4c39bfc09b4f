//! The name under which a credential is stored.

use std::fmt;
use std::str::FromStr;

use super::{ApiUrl, Invalid, ProfileName};

/// The profile's `credential`, else its canonical `api_url`. It is also the account's name in the
/// OS keychain, so people see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialKey(String);

impl CredentialKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key as a file of ours holds it: canonical already, and too many to parse each again.
    pub fn stored(text: &str) -> Option<CredentialKey> {
        super::client_id::header_word(text, 255).ok().map(CredentialKey)
    }
}

impl From<&ApiUrl> for CredentialKey {
    fn from(url: &ApiUrl) -> CredentialKey {
        CredentialKey(url.as_str().to_owned())
    }
}

impl From<&ProfileName> for CredentialKey {
    fn from(name: &ProfileName) -> CredentialKey {
        CredentialKey(name.as_str().to_owned())
    }
}

impl FromStr for CredentialKey {
    type Err = Invalid;

    /// A key that is a URL is made canonical, so that it is the same key as that environment's own.
    fn from_str(text: &str) -> Result<CredentialKey, Invalid> {
        let word = super::client_id::header_word(text, 255)?;
        Ok(match word.parse::<ApiUrl>() {
            Ok(url) => CredentialKey::from(&url),
            Err(_) => CredentialKey(word),
        })
    }
}

impl fmt::Display for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
