//! Where an authorization server serves OAuth.

use oauth2::{AuthUrl, DeviceAuthorizationUrl, TokenUrl};

use crate::domain::ApiUrl;

/// Where Passport serves OAuth, and who it says it is.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub(super) authorize: AuthUrl,
    pub(super) token: TokenUrl,
    pub(super) device: DeviceAuthorizationUrl,
    /// Scheme, host and port: what `iss` (RFC 9207) must share.
    pub(super) origin: String,
}

impl Endpoints {
    pub fn new(api_url: &ApiUrl) -> Endpoints {
        Endpoints {
            authorize: AuthUrl::from_url(api_url.below_base("/oauth/authorize")),
            token: TokenUrl::from_url(api_url.below_base("/oauth/token")),
            device: DeviceAuthorizationUrl::from_url(api_url.below_base("/oauth/device/code")),
            origin: api_url.origin(),
        }
    }
}
