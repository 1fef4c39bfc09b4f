//! The revocation of a token (RFC 7009), where a server has an endpoint for it. Passport has none.

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::error::OAuthError;
use crate::domain::{ApiUrl, ClientId, RevocationUrl, Secret};
use crate::system::http::Http;

/// Metadata has some 2 KiB.
const MAX_ANSWER: usize = 1 << 20;

/// What is read of a server's metadata (RFC 8414, section 2).
#[derive(Deserialize)]
struct Metadata {
    revocation_endpoint: Option<String>,
}

/// The revocation endpoint that the server's metadata names, at the address of RFC 8414, section 3.1, else at that of
/// OpenID Connect Discovery 1.0, section 4. `None` also if it is on another origin than `api_url`: the tokens are not
/// sent there.
pub async fn revocation_endpoint(http: &Http, api_url: &ApiUrl) -> Option<Url> {
    let issuer = api_url.below_base("");
    let mut of_rfc_8414 = issuer.clone();
    let path = issuer.path().trim_end_matches('/');
    of_rfc_8414.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    for url in [of_rfc_8414, api_url.below_base("/.well-known/openid-configuration")] {
        let request =
            Request::get(url.as_str()).header(ACCEPT, "application/json").body(Bytes::new()).ok()?;
        let answer = http.call(request, MAX_ANSWER).await.ok().filter(|answer| answer.status().is_success());
        let metadata = answer.and_then(|answer| serde_json::from_slice::<Metadata>(answer.body()).ok());
        let endpoint =
            metadata.and_then(|metadata| metadata.revocation_endpoint?.parse::<RevocationUrl>().ok());
        if let Some(endpoint) = endpoint {
            return endpoint.for_tokens_of(api_url).cloned();
        }
    }
    None
}

/// Asks to revoke a refresh token (section 2.1). Success proves nothing: a server answers so for any token that it
/// does not know, too (section 2.2).
pub async fn revoke_refresh_token(
    http: &Http,
    endpoint: &Url,
    client_id: &ClientId,
    token: &Secret,
) -> Result<(), OAuthError> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token.expose())
        .append_pair("token_type_hint", "refresh_token")
        .append_pair("client_id", client_id.as_str())
        .finish();
    let request = Request::post(endpoint.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Bytes::from(form))
        .map_err(|error| OAuthError::Local(error.to_string()))?;
    let status = http.call(request, MAX_ANSWER).await?.status();
    if status.is_success() { Ok(()) } else { Err(OAuthError::Revocation { status: status.as_u16() }) }
}
