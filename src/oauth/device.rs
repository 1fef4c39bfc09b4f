//! The device authorization grant (RFC 8628): a code that is entered on another device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use oauth2::{DeviceCodeErrorResponseType, RequestTokenError, Scope, StandardDeviceAuthorizationResponse};
use url::Url;

use super::error::OAuthError;
use super::flow::Endpoints;
use super::token::{self, Call, Grant, adapter, client};
use crate::domain::{ClientId, Secret, printable};
use crate::system::http::Http;
use crate::system::interrupt;

/// A code that claims a longer life is not waited for.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// What is left to do about a grant that comes when nobody wants it any more.
const UNDOING: Duration = Duration::from_secs(10);
/// However often the platform says that it may be asked.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// A login that waits for somebody to enter its code. Its texts are printable.
pub struct DeviceRequest {
    endpoints: Endpoints,
    client_id: ClientId,
    scopes: Vec<String>,
    user_code: String,
    verification_uri: String,
    complete_uri: Option<String>,
    reply: StandardDeviceAuthorizationResponse,
}

impl DeviceRequest {
    /// Asks for a code (section 3.1).
    ///
    /// # Errors
    /// [`OAuthError::NoDeviceGrant`] where the platform has no such endpoint, or not for this client.
    pub async fn new(
        http: &Http,
        endpoints: Endpoints,
        client_id: ClientId,
        scopes: Vec<String>,
    ) -> Result<DeviceRequest, OAuthError> {
        let status = Arc::new(AtomicU16::new(0));
        let reply: Result<StandardDeviceAuthorizationResponse, _> = client(&endpoints, &client_id)
            .set_device_authorization_url(endpoints.device.clone())
            .exchange_device_code()
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .request_async(&adapter(http, &status))
            .await;
        let reply = reply.map_err(|error| {
            let status = status.load(Ordering::Relaxed);
            match token::failure(error, status) {
                OAuthError::Nonsense { .. } if matches!(status, 404 | 405 | 501) => {
                    OAuthError::NoDeviceGrant { reason: format!("it answers with status {status}") }
                }
                OAuthError::Rejected { error, description }
                    if matches!(error.as_str(), "unauthorized_client" | "unsupported_grant_type") =>
                {
                    OAuthError::NoDeviceGrant { reason: description }
                }
                other => other,
            }
        })?;
        Secret::new(reply.device_code().secret()); // known from now on
        let user_code = printable(reply.user_code().secret(), 40);
        let complete_uri = reply.verification_uri_complete().and_then(|uri| page(uri.secret()));
        match page(reply.verification_uri().as_str()) {
            Some(verification_uri) if !user_code.is_empty() => Ok(DeviceRequest {
                endpoints,
                client_id,
                scopes,
                user_code,
                verification_uri,
                complete_uri,
                reply,
            }),
            _ => Err(OAuthError::Nonsense {
                what: "the device code comes without a code or a page".to_owned(),
            }),
        }
    }

    /// What the person enters.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where they enter it.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// A page that has the code already.
    pub fn complete_uri(&self) -> Option<&str> {
        self.complete_uri.as_deref()
    }

    /// How long the code is good for.
    pub fn expires_in(&self) -> Duration {
        self.reply.expires_in().min(LONGEST_LIFE)
    }

    /// Asks for the token until somebody has decided, at the platform's pace (section 3.5), for `life` at
    /// most. Network trouble and a platform that is out of order are waited out.
    pub async fn grant(self, http: &Http, life: Duration) -> Result<Grant, OAuthError> {
        let status = Arc::new(AtomicU16::new(0));
        let (ask, longest) = (adapter(http, &status), http.request_timeout() + UNDOING);
        // Any poll may be the one that is granted: a signal waits for its answer.
        let http = move |request| {
            let (asked, shield) = (ask(request), interrupt::shield("Hearing the platform out", longest));
            let shielded: Call = Box::pin(async move {
                let _shield = shield;
                asked.await
            });
            shielded
        };
        let client = client(&self.endpoints, &self.client_id);
        // The crate shortens a long interval when the network fails; the platform's is the least.
        let least = self.reply.interval().max(SHORTEST_INTERVAL);
        let polled = client.exchange_device_access_token(&self.reply).request_async(
            &http,
            |pause| tokio::time::sleep(pause.max(least)),
            Some(LONGEST_LIFE),
        );
        let expired = || OAuthError::CodeExpired { after: life };
        let reply = tokio::time::timeout(life, polled).await.map_err(|_| expired())?;
        let reply = reply.map_err(|error| match error {
            RequestTokenError::ServerResponse(reply) => match reply.error() {
                DeviceCodeErrorResponseType::ExpiredToken => expired(),
                error => {
                    let description = reply.error_description().map(|text| printable(text, 400));
                    token::refusal(error.as_ref(), description, status.load(Ordering::Relaxed))
                }
            },
            RequestTokenError::Request(error) => error,
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                token::no_reply(status.load(Ordering::Relaxed))
            }
        });
        token::grant(reply?, self.scopes)
    }
}

/// A page that a browser can be sent to.
fn page(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(printable(url.as_str(), 2000))
}
