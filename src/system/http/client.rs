//! The reqwest clients, each built at its first call: parsing the system's authorities takes 5 to 15 ms.
//!
//! One is for loopback: it uses no proxy and asks no DNS server where `localhost` is (RFC 6761, section 6.3:
//! otherwise plain http to `shop.localhost` could leave this machine). The others are for the rest, by their way.
//! A `proxy` that was set for autocom itself is meant for loopback too, but only for https, where the proxy sees
//! nothing: plain http never goes through a proxy at all.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, HeaderMap, HeaderValue};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder, Url};

use super::authorities::{Bundle, missing_system_bundle};
use super::environment_proxy::is_exempt;
use super::failure::Flaw;
use super::failure::{self, Attempt, Cause, HttpError, Peer, Unreachable, Via};
use super::network::Network;
use crate::domain::{Proxy, is_loopback};
use crate::system::runtime;

const USER_AGENT: &str = concat!("autocom/", env!("CARGO_PKG_VERSION"));

/// How a request gets out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Loopback,
    /// Without a proxy.
    Direct,
    /// Through the one that the settings or the variables name.
    Proxy,
    /// As the operating system says.
    System,
}

pub(super) struct Clients {
    network: Network,
    /// By their way, and by whether they speak HTTP/1.1 only.
    clients: [[OnceLock<Client>; 2]; 4],
    /// The authorities that refuse HTTP/2.
    without_http2: Mutex<HashSet<String>>,
    /// Why an authority may be unknown.
    flaw: OnceLock<Option<Flaw>>,
}

impl Clients {
    pub(super) fn new(network: Network) -> Clients {
        Clients {
            network,
            clients: Default::default(),
            without_http2: Mutex::default(),
            flaw: OnceLock::new(),
        }
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    pub(super) fn for_url(&self, url: &Url) -> Result<&Client, HttpError> {
        let way = self.way(url)?;
        let refused = self.without_http2.lock().unwrap_or_else(PoisonError::into_inner);
        let http1_only = refused.contains(&failure::authority(url));
        drop(refused);
        let slot = &self.clients[way as usize][usize::from(http1_only)];
        match slot.get() {
            Some(client) => Ok(client),
            None => {
                let client = self.build(way, http1_only)?;
                Ok(slot.get_or_init(|| client))
            }
        }
    }

    /// From now on HTTP/1.1 is spoken with the server of `url`.
    pub(super) fn avoid_http2(&self, url: &Url) {
        tracing::debug!(at = failure::authority(url), "falling back to HTTP/1.1");
        let mut refused = self.without_http2.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(failure::authority(url));
    }

    /// The error as a sentence, without the URL's query. `answered`: its head had arrived.
    pub(super) fn unreachable(
        &self,
        url: &Url,
        error: reqwest::Error,
        answered: bool,
        timeout: Duration,
    ) -> HttpError {
        if let Some(reason) = failure::exhaustion(&error) {
            return HttpError::Exhausted { at: failure::authority(url), reason };
        }
        let connect_timeout = self.network.connect_timeout.min(timeout);
        let (via, flaw) = (self.via(url), self.flaw.get().cloned().flatten());
        let attempt = Attempt { url, answered, connect_timeout, timeout, via, flaw };
        HttpError::Unreachable(failure::classify(error, attempt))
    }

    /// No answer within the time-out.
    pub(super) fn timed_out(&self, url: &Url, timeout: Duration) -> HttpError {
        HttpError::Unreachable(Unreachable {
            at: Peer::Server(failure::authority(url)),
            cause: Cause::Timeout(timeout),
        })
    }

    pub(super) fn proxy(&self, url: &Url) -> Option<String> {
        self.via(url).map(|via| via.proxy)
    }

    fn way(&self, url: &Url) -> Result<Way, HttpError> {
        let exempt = self.network.no_proxy.as_ref().is_some_and(|no_proxy| is_exempt(no_proxy, url));
        match (self.own_proxy(), &self.network.environment_proxy) {
            (Some(Proxy::Through(_)), _) if url.scheme() == "https" && !exempt => Ok(Way::Proxy),
            _ if is_loopback(url) => Ok(Way::Loopback),
            (Some(_), _) | (None, Some(_)) if exempt => Ok(Way::Direct),
            (Some(Proxy::Direct), _) => Ok(Way::Direct),
            (Some(Proxy::Through(_)), _) => Ok(Way::Proxy),
            (None, Some(proxy)) => proxy.address().map(|_| Way::Proxy),
            (None, None) => Ok(Way::System),
        }
    }

    fn via(&self, url: &Url) -> Option<Via> {
        let proxy = match self.way(url).ok()? {
            Way::Loopback | Way::Direct => return None,
            Way::Proxy => Matcher::builder().all(self.proxy_address().ok()??).build().intercept(&uri(url))?,
            Way::System => Matcher::from_system().intercept(&uri(url))?,
        };
        let (host, port) = (proxy.uri().host()?, proxy.uri().port_u16());
        Some(Via {
            proxy: format!("{host}{}", port.map_or_else(String::new, |port| format!(":{port}"))),
            with_password: proxy.basic_auth().is_some() || proxy.raw_auth().is_some(),
            unset: self.network.proxy.as_ref().map(|own| own.unset.clone()),
        })
    }

    fn own_proxy(&self) -> Option<&Proxy> {
        self.network.proxy.as_ref().map(|own| &own.proxy)
    }

    /// Of the proxy that is set, by whom ever.
    fn proxy_address(&self) -> Result<Option<String>, HttpError> {
        match (self.own_proxy(), &self.network.environment_proxy) {
            (Some(Proxy::Through(proxy)), _) => Ok(Some(proxy.as_str().to_owned())),
            (Some(Proxy::Direct), _) | (None, None) => Ok(None),
            (None, Some(proxy)) => Ok(Some(proxy.address()?.expose().to_owned())),
        }
    }

    fn build(&self, way: Way, http1_only: bool) -> Result<Client, HttpError> {
        let bundle = self.network.authorities.as_ref().map(Bundle::read).transpose()?.unwrap_or_default();
        let missing = || missing_system_bundle(&self.network);
        self.flaw.get_or_init(|| bundle.flaw.clone().or_else(missing));
        let builder = || {
            Ok::<_, HttpError>(if http1_only { self.builder(way)?.http1_only() } else { self.builder(way)? })
        };
        let system = builder()?.tls_certs_merge(bundle.certificates.clone()).build();
        if let Ok(client) = system {
            return Ok(client);
        }
        // Without any CA store (slim containers) the platform's verifier can't be built, not even
        // for plain http: then Mozilla's roots, which are compiled in, are the best there is.
        let ours = bundle.certificates.into_iter().chain(compiled_in_roots());
        builder()?.tls_certs_only(ours).build().map_err(|error| failure::setup(&error))
    }

    fn builder(&self, way: Way) -> Result<ClientBuilder, HttpError> {
        let agent = format!("{USER_AGENT} ({} {})", std::env::consts::OS, std::env::consts::ARCH);
        let json = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let builder = Client::builder()
            .connect_timeout(self.network.connect_timeout)
            // No `timeout`: reqwest gives up before it looks at what has arrived (see `Http::call`).
            .redirect(reqwest::redirect::Policy::none())
            // `Retries` counts them all.
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(agent)
            .default_headers(json);
        Ok(match (way, self.proxy_address()) {
            (Way::Loopback, _) => builder.no_proxy().dns_resolver(LoopbackResolver),
            (Way::Direct, _) => builder.no_proxy().dns_resolver(SystemResolver),
            (Way::Proxy, Ok(Some(address))) => {
                let proxy = reqwest::Proxy::all(address).map_err(|error| failure::setup(&error))?;
                builder.no_proxy().proxy(proxy).dns_resolver(SystemResolver)
            }
            (Way::Proxy, Err(error)) => return Err(error),
            (Way::Proxy, Ok(None)) | (Way::System, _) => builder.dns_resolver(SystemResolver),
        })
    }
}

fn uri(url: &Url) -> http::Uri {
    // What is no URI for hyper is sent nowhere.
    url.as_str().parse().unwrap_or_default()
}

fn compiled_in_roots() -> impl Iterator<Item = Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok())
}

/// reqwest's own resolver panics where no thread can be started.
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // reqwest puts the URL's port in place of 0.
            let found = runtime::blocking(move || (name.as_str(), 0).to_socket_addrs()).await?;
            Ok(Box::new(found.ok_or("the resolver broke off")??) as Addrs)
        })
    }
}

struct LoopbackResolver;

impl Resolve for LoopbackResolver {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses =
            [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::OwnProxy;
    use super::*;

    #[test]
    fn the_compiled_in_roots_make_a_client() {
        assert!(Client::builder().tls_certs_only(compiled_in_roots()).build().is_ok());
    }

    #[test]
    fn plain_http_never_goes_through_a_proxy_and_loopback_only_through_our_own() {
        let with = |proxy: Option<&str>, no_proxy: Option<&str>| {
            let proxy = proxy.map(|text| OwnProxy { proxy: text.parse().unwrap(), unset: "".into() });
            Clients::new(Network { proxy, no_proxy: no_proxy.map(str::to_owned), ..Network::default() })
        };
        let via = |clients: &Clients, url: &str| clients.via(&url.parse().unwrap()).map(|via| via.proxy);
        let ours = with(Some("http://p.test:3128"), Some("inside.test"));
        assert_eq!(via(&ours, "https://a.test/").as_deref(), Some("p.test:3128"));
        assert_eq!(via(&ours, "https://localhost/").as_deref(), Some("p.test:3128"));
        assert_eq!(via(&ours, "https://a.inside.test/"), None);
        for url in ["http://127.0.0.1:1/", "http://[::1]/", "http://shop.localhost/"] {
            assert_eq!(via(&ours, url), None);
            assert_eq!(ours.way(&url.parse().unwrap()).unwrap(), Way::Loopback);
        }
        let exempt = with(Some("http://p.test:3128"), Some("localhost"));
        assert_eq!(exempt.way(&"https://localhost/".parse().unwrap()).unwrap(), Way::Loopback);
        let none = with(Some("none"), None);
        assert_eq!(via(&none, "https://a.test/"), None);
        assert_eq!(none.way(&"https://a.test/".parse().unwrap()).unwrap(), Way::Direct);
    }
}
