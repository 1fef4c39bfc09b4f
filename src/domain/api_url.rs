//! An environment's address in its one canonical spelling.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use super::redact::looks_like_a_token;

/// The path that an address without one means.
const API_PATH: &str = "/api/v1";

/// What systems call this machine, besides the names below `localhost`.
const LOCAL_NAMES: [&str; 4] = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];

/// The canonical `api_url` of an environment: two spellings of one address compare equal.
///
/// Scheme and host are lower case, the default port is gone, there is no trailing slash, query,
/// fragment or user info, and the scheme is `https` unless the host is loopback.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiUrl(Url);

/// Why a text is no `api_url`. Never repeats the text where it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiUrlError {
    #[error("is not a URL: {0}")]
    Malformed(url::ParseError),
    #[error("is not a URL: it has no scheme, and it is not a host name with a dot or a port")]
    NotAHost,
    #[error("has no scheme: use http://{0} or https://{0}")]
    NoScheme(String),
    #[error("must start with https:// (or http:// for a loopback host), not {0}:")]
    Scheme(String),
    #[error("must use https: plain http would show the token to the network, and {0} is not a loopback host")]
    PlainHttp(String),
    #[error("must not carry a user name or password")]
    UserInfo,
    #[error("must not carry a query or a fragment")]
    QueryOrFragment,
    #[error("is the GraphQL endpoint, not the API's address")]
    GraphQl { instead: String },
}

impl ApiUrlError {
    /// The value that was probably meant.
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            ApiUrlError::GraphQl { instead } => Some(instead),
            _ => None,
        }
    }

    /// The error, and the value that was probably meant.
    pub fn with_suggestion(&self) -> String {
        match self.suggestion() {
            Some(instead) => format!("{self}: use {instead}"),
            None => self.to_string(),
        }
    }
}

impl ApiUrl {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// `scheme://host[:port]`: who a credential belongs to.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The port, if it is not the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.0.port()
    }

    /// The port that is meant, also where it is the scheme's own.
    pub fn effective_port(&self) -> Option<u16> {
        self.0.port_or_known_default()
    }

    /// `host[:port]`: what people call the environment.
    pub fn authority(&self) -> String {
        self.origin().split_once("://").map_or_else(String::new, |(_, authority)| authority.to_owned())
    }

    /// Whether the two are the same scheme, host and port.
    pub fn same_origin(&self, other: &ApiUrl) -> bool {
        self == other || self.0.origin() == other.0.origin()
    }

    /// Whether the two most likely lead to one machine: the same host by another spelling or scheme. For
    /// caution only; who a credential belongs to is [`ApiUrl::same_origin`].
    pub fn same_place(&self, other: &ApiUrl) -> bool {
        self.place() == other.place() && self.0.port_or_known_default() == other.0.port_or_known_default()
    }

    /// The host without the spellings that one machine can have; this machine is `localhost`.
    fn place(&self) -> String {
        let address = match self.0.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_local = LOCAL_NAMES.contains(&name) || name.ends_with(".localhost");
                return if is_local { LOCAL_NAMES[0] } else { name }.to_owned();
            }
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical(),
            None => return String::new(),
        };
        // Whoever connects to the unspecified address comes to this machine.
        let is_local = address.is_loopback() || address.is_unspecified();
        if is_local { LOCAL_NAMES[0].to_owned() } else { address.to_string() }
    }

    /// `path` (starting with `/`) below the platform base: this address without its trailing `/api/v1`,
    /// where OAuth lives.
    pub fn below_base(&self, path: &str) -> Url {
        let own = self.0.path();
        let base = own.strip_suffix(API_PATH).unwrap_or(own).trim_end_matches('/');
        let mut url = self.0.clone();
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// `path` (starting with `/`) below the API's address.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.as_str().trim_end_matches('/'))
    }

    /// The path that every endpoint is below, such as `/api/v1`.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The profile name that a login to this address suggests: the first label of the host that
    /// says something, or `local`.
    pub fn suggested_name(&self) -> String {
        let Some(Host::Domain(host)) = self.0.host() else { return "local".to_owned() };
        if self.is_loopback() {
            return "local".to_owned();
        }
        let label =
            host.split('.').find(|label| !matches!(*label, "api" | "www" | "app" | "")).unwrap_or(host);
        let name: String =
            label.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').take(60).collect();
        let name = name.trim_start_matches(['-', '_']);
        if name.is_empty() { "local".to_owned() } else { name.to_owned() }
    }
}

/// Whether plain http to this URL stays on this machine (127.0.0.0/8, ::1, localhost, *.localhost).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

impl FromStr for ApiUrl {
    type Err = ApiUrlError;

    fn from_str(text: &str) -> Result<ApiUrl, ApiUrlError> {
        let text = text.trim();
        let mut url = if text.contains("://") {
            Url::parse(text).map_err(ApiUrlError::Malformed)?
        } else {
            without_scheme(text)?
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ApiUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ApiUrlError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ApiUrlError::QueryOrFragment);
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(ApiUrlError::PlainHttp(url.host_str().unwrap_or_default().to_owned()));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if let Some(parent) = path.strip_suffix("/graphql") {
            url.set_path(if parent.is_empty() { API_PATH } else { parent });
            return Err(ApiUrlError::GraphQl { instead: url.to_string() });
        }
        url.set_path(if path.is_empty() { API_PATH } else { &path });
        Ok(ApiUrl(url))
    }
}

/// A host without a scheme, and perhaps a port and a path: https, where it can only be a host. A word is none, and a
/// token that was pasted in the wrong place must not reach a name server.
fn without_scheme(text: &str) -> Result<Url, ApiUrlError> {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, Some(port))
        }
        _ => (authority, None),
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let labels: Vec<&str> = host.split('.').collect();
    let is_name = (labels.len() > 1 || port.is_some())
        && labels.iter().all(|label| is_label(label) && !looks_like_a_token(label))
        && labels.last().is_some_and(|last| !is_number(last));
    if !is_name && host.trim_matches(['[', ']']).parse::<IpAddr>().is_err() {
        return Err(ApiUrlError::NotAHost);
    }
    let url = Url::parse(&format!("https://{text}")).map_err(ApiUrlError::Malformed)?;
    // Most servers on this machine have no certificate.
    if is_loopback(&url) { Err(ApiUrlError::NoScheme(authority.to_owned())) } else { Ok(url) }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        text.parse::<ApiUrl>().unwrap().to_string()
    }

    #[test]
    fn spellings_of_one_address_become_one() {
        let wanted = "https://api.example.test/api/v1";
        for text in [
            "https://api.example.test",
            "https://api.example.test/",
            "HTTPS://API.Example.Test:443/api/v1/",
            "https://api.example.test/api/v1///",
            " https://api.example.test/api/./v1 ",
        ] {
            assert_eq!(canonical(text), wanted, "{text}");
        }
        assert_eq!(canonical("http://127.1:80"), "http://127.0.0.1/api/v1");
        assert_eq!(canonical("https://[0:0::1]:8443/x/"), "https://[::1]:8443/x");
        assert_eq!(canonical("https://münchen.test"), "https://xn--mnchen-3ya.test/api/v1");
    }

    #[test]
    fn one_machine_is_one_place_by_all_its_names() {
        let place = |host: &str| format!("https://{host}:8800").parse::<ApiUrl>().unwrap();
        for host in [
            "localhost",
            "LOCALHOST.",
            "shop.localhost",
            "a.b.localhost.",
            "127.0.0.1",
            "127.1.2.3",
            "127.1",
            "0x7f000001",
            "127.0.0.1.",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:0.0.0.0]",
            "[0:0:0:0:0:ffff:7f01:203]",
            "ip6-localhost",
        ] {
            assert!(place(host).same_place(&place("127.0.0.1")), "{host}");
            assert!(!place(host).same_place(&"https://127.0.0.1:8801".parse().unwrap()), "{host}");
        }
        assert!(place("[::ffff:203.0.113.9]").same_place(&place("203.0.113.9")));
        assert!(place("API.example.test.").same_place(&place("api.example.test")));
        for host in ["notlocalhost", "localhost.example.test", "10.0.0.1", "[::2]", "203.0.113.9"] {
            assert!(!place(host).same_place(&place("localhost")), "{host}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for text in ["http://127.9.9.9", "http://localhost:1", "http://shop.localhost", "http://[::1]"] {
            assert!(text.parse::<ApiUrl>().is_ok(), "{text}");
        }
        for text in
            ["http://example.test", "http://10.0.0.1", "http://localhost.example.test", "http://notlocalhost"]
        {
            assert!(matches!(text.parse::<ApiUrl>(), Err(ApiUrlError::PlainHttp(_))), "{text}");
        }
    }

    #[test]
    fn secrets_and_leftovers_in_the_address_are_refused_without_repeating_them() {
        for text in ["https://u:hunter2@h.test", "https://h.test/?k=hunter2", "https://h.test/#hunter2"] {
            let error = text.parse::<ApiUrl>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"));
        }
        assert!("ftp://h.test".parse::<ApiUrl>().is_err());
    }

    #[test]
    fn a_host_without_a_scheme_is_https_unless_it_may_be_something_else() {
        for (text, wanted) in [
            ("api.example.test", "https://api.example.test/api/v1"),
            ("API.example.test:8443/api/v1/", "https://api.example.test:8443/api/v1"),
            ("intranet:8443", "https://intranet:8443/api/v1"),
            ("203.0.113.9", "https://203.0.113.9/api/v1"),
        ] {
            assert_eq!(canonical(text), wanted, "{text}");
        }
        for text in [
            "staging",
            "",
            "eyJ0eXAiOiJKV1Qi.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "ada:hunter2@h.test",
            "h.test:port",
            "-h.test",
            "a_b.test",
            "1.5",
            "h..test",
            "mailto:ada@h.test",
            "C:/h.test",
        ] {
            assert_eq!(text.parse::<ApiUrl>(), Err(ApiUrlError::NotAHost), "{text}");
        }
        for text in ["localhost:8000", "127.0.0.1:8000", "shop.localhost", "localhost:8000/api/v1"] {
            let why = text.parse::<ApiUrl>().unwrap_err().to_string();
            let host = text.split('/').next().unwrap();
            assert_eq!(why, format!("has no scheme: use http://{host} or https://{host}"));
        }
    }

    #[test]
    fn the_graphql_endpoint_names_the_address_that_was_meant() {
        let error = "https://h.test/api/v1/graphql/".parse::<ApiUrl>().unwrap_err();
        assert_eq!(error.suggestion(), Some("https://h.test/api/v1"));
        assert_eq!(
            "https://h.test/graphql".parse::<ApiUrl>().unwrap_err().suggestion(),
            Some("https://h.test/api/v1")
        );
    }

    #[test]
    fn the_base_and_the_endpoints() {
        let url: ApiUrl = "https://h.test/shop/api/v1".parse().unwrap();
        assert_eq!(url.endpoint("/profile"), "https://h.test/shop/api/v1/profile");
        assert_eq!(url.below_base("/oauth/token").as_str(), "https://h.test/shop/oauth/token");
        assert_eq!((url.origin().as_str(), url.authority().as_str()), ("https://h.test", "h.test"));
        let bare: ApiUrl = "https://h.test/v2".parse().unwrap();
        assert_eq!(bare.below_base("/oauth/token").as_str(), "https://h.test/v2/oauth/token");
    }

    #[test]
    fn names_that_an_address_suggests() {
        for (text, name) in [
            ("https://api.staging.autocom.io", "staging"),
            ("https://www.shop.test", "shop"),
            ("https://app.api.www", "app.api.www"),
            ("https://127.0.0.1", "local"),
            ("http://x.localhost:8800", "local"),
            ("https://203.0.113.9", "local"),
        ] {
            let expected = if name.contains('.') { "appapiwww" } else { name };
            assert_eq!(text.parse::<ApiUrl>().unwrap().suggested_name(), expected, "{text}");
        }
    }
}
