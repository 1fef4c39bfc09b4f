//! The address at which an authorization server revokes tokens (RFC 7009).

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::{ApiUrl, Invalid, is_loopback};

/// `https`, or `http` to a loopback host. Tokens go there, so it must have the origin of the `api_url` that issued
/// them: ask [`RevocationUrl::for_tokens_of`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationUrl(Url);

impl RevocationUrl {
    /// The address, if tokens of `api_url` may be sent there.
    pub fn for_tokens_of(&self, api_url: &ApiUrl) -> Option<&Url> {
        Some(&self.0).filter(|url| url.origin().ascii_serialization() == api_url.origin())
    }
}

impl FromStr for RevocationUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<RevocationUrl, Invalid> {
        let invalid = |why: &str| Err(Invalid(why.to_owned()));
        let Ok(url) = Url::parse(text.trim()) else { return invalid("is not a URL") };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return invalid("must start with https:// (or http:// for a loopback host)"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("must not contain a user name or password");
        }
        if url.fragment().is_some() {
            return invalid("must not contain a fragment");
        }
        Ok(RevocationUrl(url))
    }
}

impl fmt::Display for RevocationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
