//! One request to the platform as a value: owned, so that it can be sent again.

use std::fmt;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use url::{Position, Url};

use super::effect::{self, Change};
use super::error::PlatformError;
use crate::domain::{Secret, Tenant};
use crate::system::http::Body;

const X_TENANT: HeaderName = HeaderName::from_static("x-tenant");

/// Pages of orders are the largest answers of those that are read whole, at some 100 KiB.
const MAX_ANSWER: usize = 8 << 20;

/// What is asked of the platform, but for the address and the token, which [`super::Platform`] adds.
#[derive(Clone)]
pub struct Call {
    method: Method,
    path: String,
    tenant: InTenant,
    headers: HeaderMap,
    body: Body,
    ends_its_token: bool,
    max_answer: usize,
}

/// Which `X-Tenant` goes along.
#[derive(Clone)]
enum InTenant {
    ThePlatforms,
    Other(Option<Tenant>),
}

impl Call {
    /// `path` is below `api_url`, begins with a slash and may have a query.
    pub fn new(method: Method, path: impl Into<String>) -> Call {
        Call {
            method,
            path: path.into(),
            tenant: InTenant::ThePlatforms,
            headers: HeaderMap::new(),
            body: Body::from(Vec::new()),
            ends_its_token: false,
            max_answer: MAX_ANSWER,
        }
    }

    pub fn get(path: impl Into<String>) -> Call {
        Call::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>) -> Call {
        Call::new(Method::POST, path)
    }

    /// In this tenant, or in none, rather than in the platform's own.
    pub fn in_tenant(self, tenant: Option<Tenant>) -> Call {
        Call { tenant: InTenant::Other(tenant), ..self }
    }

    /// Headers besides these, or in place of `Accept` and the content type. Token and tenant stay ours.
    pub fn headers(mut self, headers: HeaderMap) -> Call {
        self.headers.extend(headers);
        self
    }

    pub fn body(mut self, content_type: HeaderValue, body: impl Into<Body>) -> Call {
        self.headers.insert(CONTENT_TYPE, content_type);
        Call { body: body.into(), ..self }
    }

    /// An answer that is read whole may have as many bytes.
    pub fn max_answer(self, max_answer: usize) -> Call {
        Call { max_answer, ..self }
    }

    pub(super) fn limit(&self) -> usize {
        self.max_answer
    }

    pub(super) fn asks_for_json(&self) -> bool {
        let accept = self.headers.get(ACCEPT).map(|value| value.to_str().unwrap_or_default());
        accept.is_none_or(|accept| accept.contains("json") || accept.contains("*/*"))
    }

    /// Whether it can be sent, once more if it has been sent before.
    pub(super) fn can_be_sent(&self) -> bool {
        self.body.can_be_sent()
    }

    /// Revokes the token that it is sent with, and changes nothing else.
    pub(super) fn logout() -> Call {
        Call { ends_its_token: true, ..Call::post("/auth/logout") }
    }

    /// Whether it is [`Call::logout`]: nobody need let that through.
    pub(super) fn ends_its_token(&self) -> bool {
        self.ends_its_token
    }

    /// What it may change at the platform; `None`: it only reads.
    pub fn change(&self) -> Option<Change> {
        effect::change(&self.method, &self.path, &self.headers, self.body.bytes().map(|bytes| &bytes[..]))
    }

    /// Whether it would change something at `url`, where it only reads at its own address.
    pub(super) fn would_change_at(&self, url: &Url) -> bool {
        let path = &url[Position::BeforePath..Position::AfterQuery];
        effect::change(&self.method, path, &self.headers, self.body.bytes().map(|bytes| &bytes[..])).is_some()
            && self.change().is_none()
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The tenant that goes along, where the platform's own is `own`.
    pub(super) fn tenant<'a>(&'a self, own: Option<&'a Tenant>) -> Option<&'a Tenant> {
        match &self.tenant {
            InTenant::ThePlatforms => own,
            InTenant::Other(other) => other.as_ref(),
        }
    }

    /// The request as it goes out. `url` belongs to the platform: the token goes there.
    pub(super) fn request(
        &self,
        url: &str,
        own: Option<&Tenant>,
        token: &Secret,
    ) -> Result<Request<Body>, PlatformError> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| PlatformError::UnusableToken)?;
        bearer.set_sensitive(true);
        let unusable = |_| PlatformError::Local("the request could not be built".to_owned());
        let mut request =
            Request::builder().method(&self.method).uri(url).body(self.body.clone()).map_err(unusable)?;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        request.headers_mut().remove(X_TENANT);
        if let Some(tenant) = self.tenant(own) {
            let tenant = HeaderValue::from_str(tenant.as_str())
                .map_err(|_| PlatformError::Local("the tenant can't be sent".to_owned()))?;
            request.headers_mut().insert(X_TENANT, tenant);
        }
        Ok(request)
    }
}

/// Neither the query nor a header nor the body: a user puts secrets there.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        f.debug_struct("Call").field("method", &self.method).field("path", &path).finish_non_exhaustive()
    }
}
