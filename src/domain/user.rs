//! The user that a profile is for.

use std::fmt;
use std::str::FromStr;

use super::{Invalid, printable};

/// The longest address that mail can have (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const LONGEST: usize = 254;

/// Who must be logged in: by e-mail address, or by name where the platform knows no address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExpectedUser(String);

impl ExpectedUser {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the user of that address and name. The name counts only where no address is expected and
    /// the user has none: anybody can call themselves what they like.
    pub fn is(&self, email: Option<&str>, name: Option<&str>) -> bool {
        let name = name.filter(|name| !name.is_empty() && !self.0.contains('@'));
        let own = email.filter(|email| !email.is_empty()).or(name);
        own.is_some_and(|own| own.eq_ignore_ascii_case(&self.0))
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl FromStr for ExpectedUser {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ExpectedUser, Invalid> {
        match text.trim() {
            "" => Err(Invalid("must not be empty".to_owned())),
            text if text.chars().count() > LONGEST => {
                Err(Invalid(format!("must be at most {LONGEST} characters")))
            }
            // Invisible ones too: two names that look alike would not be.
            text if printable(text, LONGEST) != text || text.contains(is_invisible) => {
                Err(Invalid("must be an e-mail address or a name".to_owned()))
            }
            text => Ok(ExpectedUser(text.to_owned())),
        }
    }
}

impl fmt::Display for ExpectedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_address_and_by_name_only_without_one() {
        let ada: ExpectedUser = "Ada@example.test".parse().unwrap();
        assert!(ada.is(Some("ada@EXAMPLE.test"), Some("whoever")));
        assert!(!ada.is(Some("mary@example.test"), Some("Ada@example.test")), "a name is no address");
        assert!(!ada.is(None, Some("ada@example.test")) && !ada.is(Some(""), Some("ada@example.test")));
        let name: ExpectedUser = "Ada Lovelace".parse().unwrap();
        assert!(name.is(None, Some("ada lovelace")) && !name.is(Some("a@b.test"), Some("Ada Lovelace")));
        assert!(!ada.is(None, None));
        for bad in ["", " ", "a\nb", "a\u{1b}[2J", "a\u{200b}b@c.test", "a\u{ad}b", &"x".repeat(255)] {
            assert!(bad.parse::<ExpectedUser>().is_err(), "{bad:?}");
        }
    }
}
