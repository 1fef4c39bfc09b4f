//! The proxies that variables name: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.
//!
//! `HTTP_PROXY` is for plain http, which goes through no proxy here. What can't be read is an error once a request
//! would use it: without it the request would go out directly.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::failure::HttpError;
use crate::domain::Secret;
use crate::system::environment::Environment;

const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// A proxy that a variable names.
#[derive(Clone)]
pub struct EnvironmentProxy {
    variable: &'static str,
    /// With the user name and password, if there are some; or why it can't be read.
    address: Result<Secret, String>,
}

impl EnvironmentProxy {
    /// The one that requests use: the first that is set.
    pub fn new(environment: &Environment) -> Option<EnvironmentProxy> {
        VARIABLES.into_iter().find_map(|variable| {
            let text = environment.var(variable).filter(|text| !text.trim().is_empty())?;
            Some(EnvironmentProxy { variable, address: address(text.trim()) })
        })
    }

    pub(super) fn address(&self) -> Result<&Secret, HttpError> {
        self.address.as_ref().map_err(|why| HttpError::Misconfigured {
            message: format!("cannot use the proxy in {}: it {why}", self.variable),
            hint: Some(format!("export {0}=http://HOST:PORT, or unset {0}", self.variable).into()),
        })
    }
}

fn address(text: &str) -> Result<Secret, String> {
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Err("has quotes around it".to_owned());
    }
    // Without a scheme it is http, as everywhere; GNOME means by `socks` that the proxy resolves names.
    let text = match text.split_once("://") {
        None => format!("http://{text}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("socks") => format!("socks5h://{rest}"),
        Some(_) => text.to_owned(),
    };
    let url = Url::parse(&text).map_err(|error| format!("is not a URL: {error}"))?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err(format!("has another scheme than {} or socks", SCHEMES.join(", ")));
    }
    match url.host_str().filter(|host| !host.is_empty()) {
        Some(_) => Ok(Secret::unsearched(url.as_str())),
        None => Err("names no host".to_owned()),
    }
}

/// Whether `no_proxy`, as in `NO_PROXY`, exempts a URL: a list of hosts, which stand for what is below them, too, and
/// which may begin with `*.` and end with a port, of addresses and networks, or `*`.
pub(super) fn is_exempt(no_proxy: &str, url: &Url) -> bool {
    let entries =
        no_proxy.split([',', ' ', '\t', '\r', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    let mut hosts = Vec::new();
    for entry in entries {
        if entry == "*" {
            return true;
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (entry, None),
        };
        let is_port = port.is_none_or(|port| port.parse().ok() == url.port_or_known_default());
        if is_port {
            hosts.push(host.trim_start_matches("*").trim_matches(['[', ']']));
        }
    }
    let Ok(uri) = url.as_str().parse::<http::Uri>() else { return false };
    let matcher = Matcher::builder().all("http://proxy.invalid").no(hosts.join(",")).build();
    matcher.intercept(&uri).is_none()
}

/// Neither the user name nor the password.
impl fmt::Debug for EnvironmentProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentProxy").field("variable", &self.variable).finish_non_exhaustive()
    }
}

impl PartialEq for EnvironmentProxy {
    fn eq(&self, other: &EnvironmentProxy) -> bool {
        let exposed = |proxy: &EnvironmentProxy| {
            proxy.address.as_ref().map(|address| address.expose().to_owned()).map_err(Clone::clone)
        };
        self.variable == other.variable && exposed(self) == exposed(other)
    }
}

impl Eq for EnvironmentProxy {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_read_as_other_programs_write_it_or_named() {
        for (text, expected) in [
            ("http://p.test:3128", Ok("http://p.test:3128/")),
            (" p.test:3128\r\n", Ok("http://p.test:3128/")),
            ("socks://127.0.0.1:1080/", Ok("socks5h://127.0.0.1:1080/")),
            ("http://ada:hunter2@p.test", Ok("http://ada:hunter2@p.test/")),
            ("\"http://p.test\"", Err("quotes")),
            ("htp://p.test", Err("scheme")),
            ("http://", Err("URL")),
            ("http://p.test:port", Err("URL")),
        ] {
            let environment = Environment::default().with("ALL_PROXY", text);
            let proxy = EnvironmentProxy::new(&environment).unwrap();
            match (proxy.address(), expected) {
                (Ok(address), Ok(expected)) => {
                    assert_eq!(address.expose().trim_end_matches('/'), expected.trim_end_matches('/'))
                }
                (Err(error), Err(why)) => {
                    let said = error.to_string();
                    assert!(said.contains("ALL_PROXY") && said.contains(why), "{said}");
                }
                (address, _) => panic!("{text}: {address:?}"),
            }
            assert!(!format!("{proxy:?}").contains("hunter2"));
        }
        let both = Environment::default().with("all_proxy", "a.test").with("HTTPS_PROXY", "b.test");
        assert_eq!(EnvironmentProxy::new(&both).unwrap().variable, "HTTPS_PROXY");
        assert_eq!(EnvironmentProxy::new(&Environment::default().with("HTTPS_PROXY", " ")), None);
    }

    #[test]
    fn no_proxy_has_hosts_ports_wildcards_and_networks() {
        let exempt = |no_proxy: &str, url: &str| is_exempt(no_proxy, &url.parse().unwrap());
        for no_proxy in ["h.test", ".test", "*.test", "x, h.test:443", "*", "a.h.test h.test", "H.TEST:443"] {
            assert!(exempt(no_proxy, "https://h.test/api"), "{no_proxy}");
        }
        for no_proxy in ["", "other.test", "h.test:8443", "*.h.test.example", "st"] {
            assert!(!exempt(no_proxy, "https://h.test/api"), "{no_proxy}");
        }
        for no_proxy in ["10.0.0.0/8", "10.1.2.3", "10.1.2.3:8443", "*"] {
            assert!(exempt(no_proxy, "https://10.1.2.3:8443/"), "{no_proxy}");
        }
        assert!(
            exempt("[fd00::1]:8443", "https://[fd00::1]:8443/") && exempt("fd00::/8", "https://[fd00::1]/")
        );
        assert!(!exempt("10.1.2.3:1", "https://10.1.2.3:8443/"));
    }
}
