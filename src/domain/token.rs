//! What is known of a token without the token itself.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::Invalid;

/// A token that ends within this time counts as expired: the clocks differ and requests take time.
pub const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// A token that ends within this time, and can't renew itself, is shown as expiring.
pub const EXPIRING_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// What keeps a text from being a token that a header can carry (RFC 6750, section 2.1; the platform's
/// may have a `|`). Said without a word of it.
pub fn flaw(text: &str) -> Option<&'static str> {
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        Some("is not one word of visible ASCII characters")
    } else if text.contains(['"', '\'']) {
        Some("has quotation marks in it")
    } else {
        None
    }
}

/// How a credential was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// An OAuth grant: it may have a refresh token.
    Oauth,
    /// A personal access token: it lives until it is revoked or ends.
    Pat,
}

impl TokenKind {
    pub fn as_str(self) -> &'static str {
        match self {
            TokenKind::Oauth => "oauth",
            TokenKind::Pat => "pat",
        }
    }
}

impl FromStr for TokenKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<TokenKind, Invalid> {
        match text {
            "oauth" => Ok(TokenKind::Oauth),
            "pat" => Ok(TokenKind::Pat),
            _ => Err(Invalid("must be oauth or pat".to_owned())),
        }
    }
}

/// When a token ends and whether it can be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// `None`: the platform named no end.
    pub expires_at: Option<Timestamp>,
    /// Whether there is a refresh token.
    pub renewable: bool,
    /// Whether the platform has rejected the token before its end.
    pub refused: bool,
}

impl Lifetime {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.refused || self.ends_within(SKEW, now)
    }

    pub fn status(&self, now: Timestamp) -> TokenStatus {
        match (self.is_expired(now), self.renewable) {
            (true, true) => TokenStatus::Refreshable,
            (true, false) => TokenStatus::Expired,
            (false, false) if self.ends_within(EXPIRING_WITHIN, now) => TokenStatus::Expiring,
            (false, _) => TokenStatus::Valid,
        }
    }

    /// Whether it is over: at its end a token is not accepted any more (RFC 7519, section 4.1.4).
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether less than `time` is left of it.
    pub fn ends_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end.duration_since(now) < time)
    }
}

/// The column TOKEN of `profiles list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    Valid,
    /// Under five minutes left, and it can't renew itself.
    Expiring,
    Expired,
    /// Expired, but the next call renews it.
    Refreshable,
    LoggedOut,
    /// Nothing was captured here; `--check` tells.
    Unknown,
    /// A variable supplies it.
    Env,
    /// It belongs to another origin than the profile's.
    Foreign,
}

impl TokenStatus {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            TokenStatus::Valid => "valid",
            TokenStatus::Expiring => "expiring",
            TokenStatus::Expired => "expired",
            TokenStatus::Refreshable => "refreshable",
            TokenStatus::LoggedOut => "logged out",
            TokenStatus::Unknown => "unknown",
            TokenStatus::Env => "env",
            TokenStatus::Foreign => "foreign",
        }
    }
}

impl fmt::Display for TokenStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_the_clock() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let status = |seconds: Option<i64>, renewable| {
            let expires_at = seconds.map(|s| now + SignedDuration::from_secs(s));
            Lifetime { expires_at, renewable, refused: false }.status(now)
        };
        assert_eq!(status(None, false), TokenStatus::Valid);
        assert_eq!(status(Some(300), false), TokenStatus::Valid);
        assert_eq!(status(Some(299), false), TokenStatus::Expiring);
        assert_eq!(status(Some(299), true), TokenStatus::Valid);
        assert_eq!(status(Some(30), false), TokenStatus::Expiring);
        assert_eq!(status(Some(29), false), TokenStatus::Expired);
        assert_eq!(status(Some(29), true), TokenStatus::Refreshable);
        assert_eq!(status(Some(-5), true), TokenStatus::Refreshable);
        let refused = Lifetime { expires_at: None, renewable: false, refused: true };
        assert_eq!((refused.status(now), refused.has_ended(now)), (TokenStatus::Expired, false));
    }
}
