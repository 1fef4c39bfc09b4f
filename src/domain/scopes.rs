//! The scopes that a login asks for (RFC 6749, section 3.3).

use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// All of them go into the address of the login page.
const MAX_LENGTH: usize = 2048;

/// Scopes separated by single spaces, one at least. They are the server's words: their order and case are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(String);

impl Scopes {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ')
    }
}

impl FromStr for Scopes {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Scopes, Invalid> {
        let scopes = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let is_allowed = |c: char| c == ' ' || c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        if scopes.is_empty() {
            Err(Invalid("must not be empty".to_owned()))
        } else if scopes.len() > MAX_LENGTH {
            Err(Invalid(format!("must be at most {MAX_LENGTH} characters long")))
        } else if !scopes.chars().all(is_allowed) {
            Err(Invalid(
                "must be scopes separated by spaces, of visible ASCII characters without `\"` and `\\`"
                    .to_owned(),
            ))
        } else {
            Ok(Scopes(scopes))
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_separated_by_single_spaces_and_otherwise_kept() {
        let parse = |text: &str| text.parse::<Scopes>().map(|scopes| scopes.to_string()).map_err(|why| why.0);
        assert_eq!(parse("  write:b  read\tA!x "), Ok("write:b read A!x".to_owned()));
        assert_eq!(parse(" "), Err("must not be empty".to_owned()));
        for invalid in ["a\"b", "a\\b", "ä", "a\u{7f}", &"x".repeat(MAX_LENGTH + 1)] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
    }
}
