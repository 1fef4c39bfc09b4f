//! What decides how a request gets to the network.

use std::path::PathBuf;
use std::time::Duration;

use super::environment_proxy::EnvironmentProxy;
use crate::domain::{Hint, Proxy};

/// How long a call may take unless `--request-timeout` says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long connecting may take, likewise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// For a whole call, its body included.
    pub request_timeout: Duration,
    /// For connecting, TLS included.
    pub connect_timeout: Duration,
    /// The setting `proxy`, which comes before any other.
    pub proxy: Option<OwnProxy>,
    /// What a variable names. `None`: what the operating system says.
    pub environment_proxy: Option<EnvironmentProxy>,
    /// `NO_PROXY`, for both.
    pub no_proxy: Option<String>,
    /// Besides the operating system's.
    pub authorities: Option<Authorities>,
    /// `SSL_CERT_FILE`, which stands for the operating system's.
    pub ssl_cert_file: Option<PathBuf>,
}

/// The setting `proxy`, and the command after which it is no longer set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnProxy {
    pub proxy: Proxy,
    pub unset: Hint,
}

/// A PEM file, and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    pub path: PathBuf,
    pub origin: String,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            request_timeout: REQUEST_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            proxy: None,
            environment_proxy: None,
            no_proxy: None,
            authorities: None,
            ssl_cert_file: None,
        }
    }
}
