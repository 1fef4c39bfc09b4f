//! The REST client of the platform, as `PLATFORM.md` describes it.
//!
//! A [`Platform`] speaks to one `api_url` for one tenant and asks for its tokens through
//! [`TokenSource`], so it knows nothing of stores and refreshing. Its URLs are all made from
//! `api_url` and redirects are never followed: the bearer token can't reach another origin.

mod answer;
mod call;
mod error;
mod profile;
mod tenants;

use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::HeaderName;

pub use answer::Answer;
pub use call::Call;
pub use error::{PlatformError, RequestId};
pub use profile::Profile;
pub use tenants::Membership;

use crate::domain::{ApiUrl, Secret, Tenant};
use crate::system::http::{Cause, Http, Unreachable};

const X_TENANT: HeaderName = HeaderName::from_static("x-tenant");
/// Pages of orders are the largest answers, at some 100 KiB.
const LARGEST_ANSWER: usize = 8 << 20;
/// A longer `Retry-After` is left to the user.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const MOST_RETRIES: u32 = 3;
/// Revoking is best effort: a logout must not hang on it.
const LOGOUT_DEADLINE: Duration = Duration::from_secs(5);

/// Where a platform gets the token that it sends.
///
/// Its error is the caller's own, so that "not logged in" comes back as what the session threw:
/// every call of a [`Platform`] fails with it.
pub trait TokenSource: Sync {
    type Error: From<PlatformError>;

    /// The token to send now. Asked once for each call.
    fn current(&self) -> impl Future<Output = Result<Secret, Self::Error>> + Send;

    /// Another token in place of one that looked good and was rejected with 401, most likely because
    /// somebody has renewed it meanwhile. Asked at most once for each call; `None`: there is none.
    fn instead_of(
        &self,
        rejected: &Secret,
    ) -> impl Future<Output = Result<Option<Secret>, Self::Error>> + Send;
}

/// A token that is simply there: a login that is not stored yet, or one from a variable.
impl TokenSource for Secret {
    type Error = PlatformError;

    async fn current(&self) -> Result<Secret, PlatformError> {
        Ok(self.clone())
    }

    async fn instead_of(&self, _: &Secret) -> Result<Option<Secret>, PlatformError> {
        Ok(None)
    }
}

impl<T: TokenSource> TokenSource for &T {
    type Error = T::Error;

    fn current(&self) -> impl Future<Output = Result<Secret, T::Error>> + Send {
        T::current(self)
    }

    fn instead_of(&self, rejected: &Secret) -> impl Future<Output = Result<Option<Secret>, T::Error>> + Send {
        T::instead_of(self, rejected)
    }
}

/// One environment of the platform, seen by one user in one tenant.
pub struct Platform<T> {
    http: Http,
    api_url: ApiUrl,
    tokens: T,
    tenant: Option<Tenant>,
}

impl<T: TokenSource> Platform<T> {
    /// Without a tenant no `X-Tenant` is sent, and the platform takes the user's current one.
    pub fn new(http: Http, api_url: ApiUrl, tokens: T, tenant: Option<Tenant>) -> Platform<T> {
        Platform { http, api_url, tokens, tenant }
    }

    /// Who the token belongs to: `GET /profile`.
    pub async fn profile(&self) -> Result<Profile, T::Error> {
        let answer = self.send(Call::get("/profile")).await?.accepted()?;
        Ok(Profile::read(&answer)?)
    }

    /// The user's tenants: `GET /auth/tenants`. Sent without `X-Tenant`, so that it also answers
    /// who chose a tenant that they are not in.
    pub async fn tenants(&self) -> Result<Vec<Membership>, T::Error> {
        let answer = self.send(Call::get("/auth/tenants").in_tenant(None)).await?.accepted()?;
        Ok(Membership::read_all(&answer)?)
    }

    /// Revokes the token: `POST /auth/logout`. Gives up after 5 seconds. A token that is dead
    /// already is [`PlatformError::Unauthenticated`].
    pub async fn logout(&self) -> Result<(), T::Error> {
        let call = self.send(Call::post("/auth/logout"));
        match tokio::time::timeout(LOGOUT_DEADLINE, call).await {
            Ok(answer) => Ok(answer?.accepted().map(drop)?),
            Err(_) => {
                let at = self.api_url.authority();
                Err(PlatformError::Unreachable(Unreachable { at, cause: Cause::Timeout(LOGOUT_DEADLINE) })
                    .into())
            }
        }
    }

    /// Every request goes through here: token, tenant, waiting, a second token. Answers with whatever
    /// status there was in the end; [`Answer::accepted`] judges it.
    pub async fn send(&self, call: Call) -> Result<Answer, T::Error> {
        let mut token = self.tokens.current().await?;
        let (mut retries, mut rejected) = (0, false);
        loop {
            let answer = self.once(&call, &token).await?;
            // A 401 did nothing, so any method may be sent again.
            if answer.status() == StatusCode::UNAUTHORIZED && !rejected {
                rejected = true;
                if let Some(another) = self.tokens.instead_of(&token).await? {
                    token = another;
                    continue;
                }
            }
            let wait = answer.retry_after().filter(|wait| *wait <= LONGEST_WAIT);
            match wait {
                Some(wait) if call.changes_nothing() && retries < MOST_RETRIES && answer.asks_to_wait() => {
                    tracing::debug!(
                        path = call.path(),
                        wait = wait.as_secs(),
                        "waiting as the platform asks"
                    );
                    retries += 1;
                    tokio::time::sleep(wait).await;
                }
                _ => return Ok(answer),
            }
        }
    }

    async fn once(&self, call: &Call, token: &Secret) -> Result<Answer, PlatformError> {
        let tenant = self.tenant.as_ref();
        let request = call.request(&self.api_url.endpoint(call.path()), tenant, token)?;
        let started = Instant::now();
        let answer = Answer::new(self.http.call(request, LARGEST_ANSWER).await?);
        tracing::debug!(
            method = %call.method(),
            path = call.path(),
            tenant = call.tenant(tenant).map(Tenant::as_str),
            status = answer.status().as_u16(),
            ms = started.elapsed().as_millis(),
            request_id = answer.request_id().as_str(),
            "platform"
        );
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A platform with these answers, one a connection, and the requests that it got.
    async fn with<R>(
        answers: &[&str],
        tenant: Option<&str>,
        call: impl AsyncFnOnce(Platform<Secret>) -> R,
    ) -> (R, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let tenant = tenant.map(|text| text.parse().unwrap());
        let platform = Platform::new(Http::default(), api_url, Secret::new("hunter2"), tenant);
        let server = async {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                requests.push(String::from_utf8_lossy(&request[..length]).to_lowercase());
                let (head, body) = answer.split_once('|').unwrap_or((answer, ""));
                let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            requests
        };
        tokio::join!(call(platform), server)
    }

    async fn profile_error(answer: &str) -> PlatformError {
        let (result, _) = with(&[answer], None, async |platform| platform.profile().await).await;
        let error = result.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        error
    }

    #[tokio::test]
    async fn a_call_carries_token_and_tenant_and_reads_the_profile() {
        for body in [
            r#"{"id":7,"name":"Ada","email":"a@b.test","current_tenant":{"id":"acme","role":"owner"},"new":[]}"#,
            r#"{"data":{"id":"7","name":"Ada","email":"a@b.test","current_tenant":"acme"}}"#,
        ] {
            let answer = format!("200 OK|{body}");
            let call = async |platform: Platform<Secret>| platform.profile().await.unwrap();
            let (profile, requests) = with(&[&answer], Some("globex"), call).await;
            assert_eq!((profile.id.as_deref(), profile.name.as_deref()), (Some("7"), Some("Ada")));
            assert_eq!(profile.email.as_deref(), Some("a@b.test"));
            assert_eq!(profile.current_tenant.unwrap().as_str(), "acme");
            assert!(requests[0].starts_with("get /api/v1/profile http/1.1\r\n"));
            for header in ["authorization: bearer hunter2", "x-tenant: globex", "accept: application/json"] {
                assert!(requests[0].contains(&format!("{header}\r\n")), "{header}: {}", requests[0]);
            }
        }
    }

    #[tokio::test]
    async fn the_list_of_tenants_is_asked_for_without_one() {
        let answer = r#"200 OK|{"tenants":[{"id":"acme","name":"Acme","role":"owner"},{"id":7}]}"#;
        let call = async |platform: Platform<Secret>| platform.tenants().await.unwrap();
        let (tenants, requests) = with(&[answer], Some("globex"), call).await;
        assert!(!requests[0].contains("x-tenant"));
        let rows: Vec<_> =
            tenants.iter().map(|it| (it.id.as_str(), it.name.as_str(), it.role.as_deref())).collect();
        assert_eq!(rows, [("acme", "Acme", Some("owner")), ("7", "7", None)]);
    }

    #[tokio::test]
    async fn every_status_is_told_apart_with_the_platforms_words() {
        use PlatformError as E;
        let error = profile_error;
        assert!(matches!(error("401 x|{}").await, E::Unauthenticated { .. }));
        assert!(matches!(error("403 x|{\"message\":\"no\\u001b[2J\"}").await,
            E::Forbidden { message, .. } if message == "no [2J"));
        assert!(
            matches!(error("404 Not Found|<html>").await, E::NotFound { message, .. } if message == "Not Found")
        );
        assert!(matches!(error(r#"422 x|{"message":"m","errors":{"b":["2","3"],"a":["1"]}}"#).await,
            E::Invalid { fields, .. } if fields == [("a".into(), vec!["1".into()]),
                ("b".into(), vec!["2".into(), "3".into()])]));
        assert!(matches!(error("503 x\r\nretry-after: 11|").await, E::Server { status: 503, .. }));
        assert!(matches!(error("418 x|").await, E::Refused { status: 418, .. }));
        assert!(matches!(error("302 x\r\nlocation: https://h.test/login?code=hunter2").await,
            E::Redirected { to } if to == "https://h.test/login"));
        for nonsense in ["200 OK|<!doctype html>", "200 OK|", "200 OK|[]", r#"200 OK|{"id":1}"#] {
            assert!(matches!(error(nonsense).await, E::Nonsense { .. }), "{nonsense}");
        }
        let text = error("500 x\r\nx-request-id: abc-1|{\"message\":\"Server Error\"}").await.to_string();
        assert_eq!(text, "the platform failed with status 500: Server Error (request abc-1)");
    }

    #[tokio::test]
    async fn a_short_retry_after_is_obeyed_three_times_and_only_for_reading() {
        let busy = "429 x\r\nretry-after: 0|{}";
        let call = async |platform: Platform<Secret>| platform.profile().await;
        let (result, _) = with(&[busy, busy, busy, r#"200 OK|{"name":"Ada"}"#], None, call).await;
        assert_eq!(result.unwrap().name.as_deref(), Some("Ada"));
        let (result, _) = with(&[busy; 4], None, call).await;
        assert!(matches!(result, Err(PlatformError::Busy { retry_after: Some(Duration::ZERO), .. })));
        let logout = async |platform: Platform<Secret>| platform.logout().await;
        let (result, requests) = with(&[busy], None, logout).await;
        assert!(matches!(result, Err(PlatformError::Busy { .. })));
        assert!(requests[0].starts_with("post /api/v1/auth/logout "));
    }
}
