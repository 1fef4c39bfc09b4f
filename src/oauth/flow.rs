//! The authorization code flow with PKCE: a request that becomes a pending login, that becomes a grant.

use std::fmt;

use bytes::Bytes;
use oauth2::basic::BasicClient;
use oauth2::{CsrfToken, PkceCodeChallenge, Scope};
use tokio::time::Instant;
use url::Url;

use super::endpoints::Endpoints;
use super::error::OAuthError;
use super::token::{self, CodeExchange, Grant};
use crate::domain::{ClientId, Secret};
use crate::system::http::Http;

/// A login page has some 10 KiB; that of an unknown client less than one.
const MAX_ANSWER: usize = 1 << 20;

/// `http://127.0.0.1:PORT/callback` (RFC 8252, section 7.3: the address, not `localhost`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedirectUri {
    port: u16,
}

impl RedirectUri {
    pub(super) const PATH: &str = "/callback";

    pub fn on(port: u16) -> RedirectUri {
        RedirectUri { port }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a browser's `Host` header says.
    pub(super) fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://127.0.0.1:{}{}", self.port, RedirectUri::PATH)
    }
}

/// A login that was begun: the URL for the browser, and what is needed to finish it.
pub struct AuthorizationRequest {
    pub url: Url,
    pub pending: Pending,
}

/// The half of a login that stays here. It has what makes the code useless to others.
#[derive(Debug)]
pub struct Pending {
    pub(super) endpoints: Endpoints,
    pub(super) redirect_uri: RedirectUri,
    pub(super) state: Secret,
    pub(super) client_id: ClientId,
    pub(super) scopes: Vec<String>,
    pub(super) verifier: Secret,
}

impl AuthorizationRequest {
    /// With a fresh verifier and S256 challenge (RFC 7636) and a fresh `state` of 256 bits.
    pub fn new(
        endpoints: Endpoints,
        client_id: ClientId,
        redirect_uri: RedirectUri,
        scopes: Vec<String>,
    ) -> AuthorizationRequest {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = BasicClient::new(oauth2::ClientId::new(client_id.as_str().to_owned()))
            .set_auth_uri(endpoints.authorize.clone())
            .authorize_url(|| CsrfToken::new_random_len(32))
            .set_pkce_challenge(challenge)
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            // Not `set_redirect_uri`: it would parse what can't be wrong.
            .add_extra_param("redirect_uri", redirect_uri.to_string())
            .url();
        let state = Secret::unsearched(state.into_secret());
        let verifier = Secret::new(verifier.into_secret());
        let pending = Pending { endpoints, redirect_uri, state, client_id, scopes, verifier };
        AuthorizationRequest { url, pending }
    }
}

impl Pending {
    pub fn redirect_uri(&self) -> RedirectUri {
        self.redirect_uri
    }

    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Asks the platform once whether it knows the client and its redirect address, with a state and a challenge
    /// that are not this login's. Passport tells that to the browser only, so nothing comes back here.
    /// Returns only if the platform says that it does not.
    pub async fn unknown_client(&self, http: &Http) -> OAuthError {
        let Pending { endpoints, redirect_uri, client_id, scopes, .. } = self;
        let request =
            AuthorizationRequest::new(endpoints.clone(), client_id.clone(), *redirect_uri, scopes.clone());
        let request = http::Request::get(request.url.as_str()).body(Bytes::new());
        if let Ok(request) = request
            && let Ok(answer) = http.call(request, MAX_ANSWER).await
            && answer.status().is_client_error()
            && let Some(error) = self.client_error(answer.body())
        {
            return error;
        }
        std::future::pending().await
    }

    /// The error that a page is which the platform shows in place of its login page.
    pub(super) fn client_error(&self, page: &[u8]) -> Option<OAuthError> {
        token::client_error(page).map(|description| OAuthError::UnknownClient {
            client_id: self.client_id.to_string(),
            redirect_uri: self.redirect_uri.to_string(),
            description,
        })
    }

    /// Turns the code into tokens (RFC 6749, section 4.1.3). A platform that is too busy is asked again until
    /// `deadline`.
    pub async fn exchange(&self, http: &Http, code: &Secret, deadline: Instant) -> Result<Grant, OAuthError> {
        let with = CodeExchange {
            endpoints: &self.endpoints,
            client_id: &self.client_id,
            redirect_uri: self.redirect_uri.to_string(),
            verifier: &self.verifier,
        };
        token::exchange(http, with, code, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::ApiUrl;

    #[test]
    fn the_url_asks_for_a_code_with_a_fresh_challenge_and_state() {
        let new = || {
            let api_url: ApiUrl = "https://h.test/shop/api/v1".parse().unwrap();
            let redirect = RedirectUri::on(8765);
            AuthorizationRequest::new(Endpoints::new(&api_url), "cli".parse().unwrap(), redirect, Vec::new())
        };
        let AuthorizationRequest { url, pending } = new();
        assert!(url.as_str().starts_with("https://h.test/shop/oauth/authorize?"));
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], "cli");
        assert_eq!(query["redirect_uri"], "http://127.0.0.1:8765/callback");
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["state"], pending.state.expose());
        assert!(!query.contains_key("scope"));
        assert!(query["state"].len() >= 43 && query["code_challenge"].len() == 43);
        let other = new();
        assert_ne!(other.pending.state.expose(), pending.state.expose());
        assert_ne!(other.pending.verifier.expose(), pending.verifier.expose());
        assert!(!format!("{pending:?}").contains(pending.verifier.expose()));
    }
}
