//! Users: as the platform sends them, and as a profile expects them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::{Invalid, one_line, steers};

/// A user as the platform sent them. They are compared unchanged: text that was cleaned for display can be the same
/// for two users.
#[derive(Debug, Clone, Copy)]
pub struct UserRef<'a> {
    email: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> UserRef<'a> {
    /// An empty text is none.
    pub fn new(email: Option<&'a str>, name: Option<&'a str>) -> UserRef<'a> {
        let given = |text: &&str| !text.is_empty();
        UserRef { email: email.filter(given), name: name.filter(given) }
    }

    /// The e-mail address, else the name, on one line.
    pub fn label(self) -> Option<Cow<'a, str>> {
        self.email.or(self.name).map(one_line)
    }

    /// Whether both are the same user: by address, and by name only if neither has an address, since a name can be
    /// chosen freely.
    pub fn is(self, other: UserRef<'_>) -> bool {
        match (self.email, other.email) {
            (None, None) => {
                self.name.zip(other.name).is_some_and(|(own, other)| own.eq_ignore_ascii_case(other))
            }
            (own, other) => own.zip(other).is_some_and(|(own, other)| is_equal(own, other)),
        }
    }
}

/// Who must be logged in: by e-mail address, or by name where the platform knows no address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExpectedUser(String);

impl ExpectedUser {
    /// The longest address that mail can have (RFC 5321, section 4.5.3.1.3, less the angle brackets).
    pub const MAX_LENGTH: usize = 254;

    /// The value that matches `user` only; `None`: there is none.
    pub fn new(user: UserRef<'_>) -> Option<ExpectedUser> {
        user.email.or(user.name)?.parse().ok().filter(|expected: &ExpectedUser| expected.is(user))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is that user. The name counts only where no address is expected and the user has none.
    pub fn is(&self, user: UserRef<'_>) -> bool {
        let name = user.name.filter(|_| !self.0.contains('@'));
        user.email.or(name).is_some_and(|own| is_equal(own, &self.0))
    }
}

/// Without ASCII case. A text that is too long, or has invisible characters, equals nothing.
fn is_equal(one: &str, other: &str) -> bool {
    let is_comparable = one.chars().count() <= ExpectedUser::MAX_LENGTH && !one.contains(is_invisible);
    is_comparable && one.eq_ignore_ascii_case(other)
}

/// Whether it steers the terminal or, by Unicode's Default_Ignorable_Code_Point, shows nothing.
fn is_invisible(c: char) -> bool {
    steers(c)
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl FromStr for ExpectedUser {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ExpectedUser, Invalid> {
        match text.trim() {
            "" => Err(Invalid("must not be empty".to_owned())),
            text if text.chars().count() > ExpectedUser::MAX_LENGTH => {
                Err(Invalid(format!("must be at most {} characters", ExpectedUser::MAX_LENGTH)))
            }
            text if text.contains(is_invisible) => {
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
        let user = UserRef::new;
        assert!(ada.is(user(Some("ada@EXAMPLE.test"), Some("whoever"))));
        let named = user(None, Some("ada@example.test"));
        assert!(!ada.is(user(Some("mary@example.test"), Some("Ada@example.test"))), "a name is no address");
        assert!(!ada.is(named) && !ada.is(user(Some(""), Some("ada@example.test"))));
        let name: ExpectedUser = "Ada Lovelace".parse().unwrap();
        assert!(name.is(user(None, Some("ada lovelace"))));
        assert!(!name.is(user(Some("a@b.test"), Some("Ada Lovelace"))));
        assert!(!ada.is(user(None, None)));
        assert_eq!(ExpectedUser::new(user(Some("Ada@example.test"), None)), Some(ada));
        assert_eq!(ExpectedUser::new(named), None);
        assert_eq!(ExpectedUser::new(user(Some("ada@example.test\u{200b}"), Some("Ada"))), None);
        for bad in ["", " ", "a\nb", "a\u{1b}[2J", "a\u{200b}b@c.test", "a\u{ad}b", &"x".repeat(255)] {
            assert!(bad.parse::<ExpectedUser>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn users_are_compared_as_the_platform_named_them() {
        let user = |email: &'static str, name: &'static str| UserRef::new(Some(email), Some(name));
        assert!(user("ada@example.test", "Ada").is(user("ADA@example.test", "Countess")));
        assert!(!user("ada@example.test", "Ada").is(user("", "Ada")));
        assert!(!user("ada@example.test", "").is(user("", "ada@example.test")));
        assert!(user("", "Ada").is(user("", "Ada")) && !user("", "").is(user("", "")));
        for seen in
            ["\u{202e}ada@example.test\0", "ada@example.test\u{3164}", "a\u{ad}da@example.test", "\u{e0041}"]
        {
            assert!(!user(seen, "Ada").is(user("ada@example.test", "Ada")), "{seen:?}");
            assert!(!user(seen, "Ada").is(user(seen, "Ada")), "{seen:?}");
        }
        let long = "a".repeat(255);
        assert!(!UserRef::new(Some(&long), None).is(UserRef::new(Some(&long), None)));
        assert!(!user(" ada@example.test", "").is(user("ada@example.test", "")));
    }
}
