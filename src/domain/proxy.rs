//! How to get to the network: the settings `proxy` and `ca_bundle`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use super::{Invalid, expand_home};

/// The setting `proxy`. It holds no password: it is shown, and `config.toml` holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// `none`: straight to the platform, whatever the environment says.
    Direct,
    Through(ProxyUrl),
}

/// Scheme, host and port of a forward proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyUrl(String);

impl ProxyUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

impl FromStr for Proxy {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Proxy, Invalid> {
        let invalid = |why: &str| Err(Invalid(why.to_owned()));
        let text = text.trim();
        if text == "none" {
            return Ok(Proxy::Direct);
        }
        let Ok(url) = Url::parse(text) else {
            return invalid("must be a URL such as http://proxy.example.test:3128, or none");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("must not carry a user name or password; the variable HTTPS_PROXY may");
        }
        if !SCHEMES.contains(&url.scheme()) {
            return invalid("must begin with http://, https://, socks5:// or socks5h://, or be none");
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return invalid("must name a host");
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return invalid("must be a scheme, a host and a port, nothing else");
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Proxy::Through(ProxyUrl(format!("{}://{host}{port}", url.scheme()))))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proxy::Direct => "none",
            Proxy::Through(url) => url.as_str(),
        })
    }
}

/// The setting `ca_bundle`: a PEM file of authorities to trust besides the system's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaBundle(String);

impl CaBundle {
    /// Where the file is. `~/` is the home, and a relative path counts from `folder`.
    pub fn path(&self, home: Option<&Path>, folder: Option<&Path>) -> PathBuf {
        // Without a home it stays as it is, and the error names it so.
        let path = expand_home(Path::new(&self.0), home).unwrap_or_else(|_| PathBuf::from(&self.0));
        folder.map_or(path.clone(), |folder| folder.join(&path))
    }
}

impl FromStr for CaBundle {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<CaBundle, Invalid> {
        if text.trim().is_empty() || text.contains(char::is_control) {
            return Err(Invalid("must be the path of a PEM file".to_owned()));
        }
        // Only the form is looked at here: which home it is does not matter.
        expand_home(Path::new(text), Some(Path::new("")))?;
        Ok(CaBundle(text.to_owned()))
    }
}

impl fmt::Display for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_scheme_a_host_and_a_port_and_never_a_password() {
        for (text, canonical) in [
            ("HTTP://Proxy.Example.test:3128/", "http://proxy.example.test:3128"),
            ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
            ("none", "none"),
        ] {
            assert_eq!(text.parse::<Proxy>().unwrap().to_string(), canonical);
        }
        for text in ["http://ada:hunter2@p.test", "http://hunter2@p.test", "socks5://a:hunter2@p.test:1"] {
            let why = text.parse::<Proxy>().unwrap_err().to_string();
            assert_eq!(why, "must not carry a user name or password; the variable HTTPS_PROXY may");
        }
        for text in
            ["p.test:3128", "ftp://p.test", "http://p.test/x", "http://p.test?hunter2", "", "socks5:///"]
        {
            let why = text.parse::<Proxy>().unwrap_err().to_string();
            assert!(!why.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_bundles_path_counts_from_the_home_or_from_who_named_it() {
        let path = |text: &str| {
            let bundle: CaBundle = text.parse().unwrap();
            bundle.path(Some("/home/ada".as_ref()), Some("/etc/autocom".as_ref())).display().to_string()
        };
        assert_eq!(path("~/ca.pem"), "/home/ada/ca.pem");
        assert_eq!(path("ca/all.pem"), "/etc/autocom/ca/all.pem");
        assert_eq!(path("/ca.pem"), "/ca.pem");
        assert_eq!(path("~ada.pem"), "/etc/autocom/~ada.pem");
    }
}
