//! The OAuth client id (RFC 6749, section 2.2).

use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// The public identifier of this program at one platform. Not a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ClientId, Invalid> {
        header_word(text, 255).map(ClientId)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One word of visible ASCII, at most `longest` characters: what any header or form field can carry.
pub(super) fn header_word(text: &str, longest: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        Err(Invalid("must not be empty".to_owned()))
    } else if text.len() > longest {
        Err(Invalid(format!("must be at most {longest} characters long")))
    } else if !text.chars().all(|c| c.is_ascii_graphic()) {
        Err(Invalid("must be one word of visible ASCII characters".to_owned()))
    } else {
        Ok(text.to_owned())
    }
}
