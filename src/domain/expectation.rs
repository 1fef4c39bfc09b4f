//! What a script expects of the profile that it works with: `tenant=acme,host=api.example.test`.

use std::fmt;
use std::str::FromStr;

use super::{ApiUrl, ExpectedUser, Invalid, ProfileName, Tenant, likely};

/// One thing that must be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    Profile(ProfileName),
    Tenant(Tenant),
    User(ExpectedUser),
    /// In lower case; without a port it is the host at any.
    Host(String, Option<u16>),
    ApiUrl(ApiUrl),
}

impl Expectation {
    /// What can be expected.
    pub const KEYS: [&str; 5] = ["profile", "tenant", "user", "host", "api_url"];

    /// All of a list, separated by commas.
    ///
    /// # Errors
    /// Names the part that is none.
    pub fn parse_all(text: &str) -> Result<Vec<Expectation>, Invalid> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let all = parts.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            Err(Invalid("says nothing: KEY=VALUE, such as tenant=acme".to_owned()))
        } else {
            Ok(all)
        }
    }

    pub fn key(&self) -> &'static str {
        match self {
            Expectation::Profile(_) => "profile",
            Expectation::Tenant(_) => "tenant",
            Expectation::User(_) => "user",
            Expectation::Host(..) => "host",
            Expectation::ApiUrl(_) => "api_url",
        }
    }

    /// Whether `url` is at the host that is expected.
    pub fn is_host(expected: &str, port: Option<u16>, url: &ApiUrl) -> bool {
        let authority = url.authority();
        let own = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = authority.strip_suffix(&own).unwrap_or(&authority);
        host == expected && port.is_none_or(|port| Some(port) == url.effective_port())
    }
}

impl FromStr for Expectation {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Expectation, Invalid> {
        let (key, value) = text
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
            .ok_or_else(|| Invalid(format!("`{text}` is not KEY=VALUE, such as tenant=acme")))?;
        let of_value = |why: Invalid| Invalid(format!("its `{key}` {why}"));
        match key {
            "profile" => value.parse().map(Expectation::Profile).map_err(of_value),
            "tenant" => value.parse().map(Expectation::Tenant).map_err(of_value),
            "user" => value.parse().map(Expectation::User).map_err(of_value),
            "host" => host(value).map(|(host, port)| Expectation::Host(host, port)).map_err(of_value),
            "api_url" => value
                .parse::<ApiUrl>()
                .map(Expectation::ApiUrl)
                .map_err(|error| of_value(Invalid(error.with_suggestion()))),
            _ => Err(Invalid(match likely(key, Expectation::KEYS) {
                Some(near) => format!("`{key}` can't be expected: did you mean `{near}`?"),
                None => format!("`{key}` can't be expected; what can is {}", Expectation::KEYS.join(", ")),
            })),
        }
    }
}

/// Not an address: a slash in it would never match.
fn host(text: &str) -> Result<(String, Option<u16>), Invalid> {
    let is_host = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-._:[]".contains(c));
    // An IPv6 address has colons of its own, and brackets around them.
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port.parse::<u16>())),
        _ => (text, None),
    };
    // As an address has it: in lower case, names of other scripts in ASCII.
    let canonical = format!("https://{name}").parse::<ApiUrl>().map(|url| url.authority());
    match (canonical, port.transpose()) {
        (Ok(host), Ok(port)) if is_host => Ok((host, port)),
        _ => Err(Invalid("must be a host, or host:port".to_owned())),
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expectation::Profile(name) => name.fmt(f),
            Expectation::Tenant(tenant) => tenant.fmt(f),
            Expectation::User(user) => user.fmt(f),
            Expectation::Host(host, None) => host.fmt(f),
            Expectation::Host(host, Some(port)) => write!(f, "{host}:{port}"),
            Expectation::ApiUrl(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_must_be_so_and_a_slip_is_named() {
        let all = Expectation::parse_all(
            "tenant=acme, profile=staging,user=Ada@Example.test,host=API.example.test:8443",
        )
        .unwrap();
        let keys: Vec<_> = all.iter().map(|one| format!("{}={one}", one.key())).collect();
        assert_eq!(
            keys,
            ["tenant=acme", "profile=staging", "user=Ada@Example.test", "host=api.example.test:8443"]
        );
        for (text, why) in [
            ("", "says nothing"),
            ("acme", "`acme` is not KEY=VALUE"),
            ("tennant=acme", "did you mean `tenant`?"),
            ("wat=x", "what can is profile, tenant, user, host, api_url"),
            ("tenant=", "its `tenant` must not be empty"),
            ("host=https://a.test/api", "must be a host"),
            ("api_url=http://a.test", "its `api_url` "),
        ] {
            let error = Expectation::parse_all(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_host_without_a_port_is_the_host_at_any() {
        let is_host = |expected: &str, url: &str| {
            let Ok(Expectation::Host(expected, port)) = format!("host={expected}").parse() else {
                panic!("{expected}")
            };
            Expectation::is_host(&expected, port, &url.parse().unwrap())
        };
        assert!(is_host("A.test", "https://a.test") && is_host("a.test", "https://a.test:8443"));
        assert!(is_host("a.test:8443", "https://a.test:8443") && is_host("a.test:443", "https://a.test"));
        assert!(is_host("[::1]", "http://[::1]:8800") && is_host("[::1]:8800", "http://[::1]:8800"));
        for (expected, url) in [
            ("a.test:8443", "https://a.test"),
            ("b.a.test", "https://a.test"),
            ("a.test", "https://b.a.test"),
        ] {
            assert!(!is_host(expected, url), "{expected} {url}");
        }
    }
}
