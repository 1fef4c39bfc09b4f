//! The name of a profile.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// 1 to 64 of ASCII letters, digits, `_` and `-`, starting with a letter or a digit: safe in a
/// TOML key, a shell word, a file name and (upper-cased) a variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

impl ProfileName {
    /// The profile that the top level of `config.toml` is.
    pub const DEFAULT: &'static str = "default";

    pub fn default_profile() -> ProfileName {
        ProfileName(Self::DEFAULT.to_owned())
    }

    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The variable that may hold a token for this profile.
    pub fn token_variable(&self) -> String {
        ProfileName::token_variable_of(&self.0)
    }

    /// The variable that a profile of that name would have, valid or not.
    pub fn token_variable_of(name: &str) -> String {
        format!("AUTOCOM_TOKEN_{}", name.to_ascii_uppercase().replace('-', "_"))
    }

    /// Whether a profile named `other` would have the same token variable.
    pub fn shares_token_variable(&self, other: &str) -> bool {
        let folded = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_uppercase() };
        self.0.bytes().map(folded).eq(other.bytes().map(folded))
    }
}

impl FromStr for ProfileName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ProfileName, Invalid> {
        let well_formed = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if well_formed {
            Ok(ProfileName(text.to_owned()))
        } else {
            Err(Invalid(
                "must be 1 to 64 letters, digits, `_` or `-`, starting with a letter or a digit".to_owned(),
            ))
        }
    }
}

impl AsRef<str> for ProfileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_shell_and_a_variable_can_carry() {
        for good in ["a", "0", "eu-west_2", &"x".repeat(64)] {
            assert!(good.parse::<ProfileName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "a.b", "a b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<ProfileName>().is_err(), "{bad}");
        }
        let name: ProfileName = "eu-west_2".parse().unwrap();
        assert_eq!(name.token_variable(), "AUTOCOM_TOKEN_EU_WEST_2");
        assert!(name.shares_token_variable("EU_west-2") && !name.shares_token_variable("eu-west-3"));
    }
}
