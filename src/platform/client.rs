//! The client: a [`Platform`] speaks to one `api_url` for one tenant, with tokens from a [`TokenSource`].

use std::time::{Duration, Instant};

use url::Url;

use super::answer::Answer;
use super::call::Call;
use super::effect::Change;
use super::error::{PlatformError, RequestId};
use super::profile::Profile;
use super::redirect::{self, MAX_REDIRECTS};
use super::reply::Reply;
use super::tenants::Membership;
use crate::domain::{ApiUrl, Secret, Tenant};
use crate::system::http::retry::{Backoff, Repeat, Retries};
use crate::system::http::{Cause, Http, HttpError, Peer, Unreachable};

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

    /// Leave to send what may change something. No such request goes out without it, so a source that
    /// doesn't say otherwise serves for reading, and for revoking its token.
    fn admit(&self, change: &Change) -> impl Future<Output = Result<Admission, Self::Error>> + Send {
        let refusal = PlatformError::Local(format!(
            "{} {} is not to be sent with this token",
            change.method, change.path
        ));
        async { Err(refusal.into()) }
    }
}

/// Leave to send one request, and who wants to know what came of it.
#[derive(Default)]
pub struct Admission(Option<Told>);

type Told = Box<dyn FnOnce(Outcome<'_>) + Send>;

/// What came of a request that was admitted.
pub enum Outcome<'a> {
    /// With whatever status.
    Answered(u16, RequestId),
    Failed(&'a PlatformError),
    /// The token was rejected and there was no other: nothing was done.
    Rejected,
}

impl Admission {
    /// `told` hears of the outcome, unless the command is broken off before there is one.
    pub fn telling(told: impl FnOnce(Outcome<'_>) + Send + 'static) -> Admission {
        Admission(Some(Box::new(told)))
    }

    fn tell(self, outcome: Outcome<'_>) {
        if let Some(told) = self.0 {
            told(outcome);
        }
    }
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

    fn admit(&self, change: &Change) -> impl Future<Output = Result<Admission, T::Error>> + Send {
        T::admit(self, change)
    }
}

/// One environment of the platform, seen by one user in one tenant.
pub struct Platform<T> {
    http: Http,
    api_url: ApiUrl,
    tokens: T,
    tenant: Option<Tenant>,
    backoff: Backoff,
}

impl<T: TokenSource> Platform<T> {
    /// Without a tenant no `X-Tenant` is sent, and the platform takes the user's current one.
    pub fn new(http: Http, api_url: ApiUrl, tokens: T, tenant: Option<Tenant>) -> Platform<T> {
        Platform { http, api_url, tokens, tenant, backoff: Backoff::default() }
    }

    /// All its calls and their retries together take no longer than `time` from now.
    pub fn within(self, time: Duration) -> Platform<T> {
        Platform { http: self.http.within(time), ..self }
    }

    pub fn tokens(&self) -> &T {
        &self.tokens
    }

    pub fn api_url(&self) -> &ApiUrl {
        &self.api_url
    }

    /// Who the token belongs to: `GET /profile`.
    pub async fn profile(&self) -> Result<Profile, T::Error> {
        let answer = self.send(Call::get("/profile")).await?.accepted()?;
        Ok(Profile::read(&answer)?)
    }

    /// Who the token belongs to, without any tenant.
    pub async fn profile_anywhere(&self) -> Result<Profile, T::Error> {
        let call = Call::get("/profile").in_tenant(None);
        Ok(Profile::read(&self.send(call).await?.accepted()?)?)
    }

    /// Who the token belongs to, as a member of that tenant: 403 or 404 where they are none.
    pub async fn profile_in(&self, tenant: &Tenant) -> Result<Profile, T::Error> {
        let call = Call::get("/profile").in_tenant(Some(tenant.clone()));
        Ok(Profile::read(&self.send(call).await?.accepted()?)?)
    }

    /// The user's tenants: `GET /auth/tenants`. Sent without `X-Tenant`, so that it also answers
    /// who chose a tenant that they are not in.
    pub async fn tenants(&self) -> Result<Vec<Membership>, T::Error> {
        let answer = self.send(Call::get("/auth/tenants").in_tenant(None)).await?.accepted()?;
        Ok(Membership::read_all(&answer)?)
    }

    /// The tenant of calls that name no other.
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// Revokes the token: `POST /auth/logout`. A token that is dead already is [`PlatformError::Unauthenticated`].
    pub async fn logout(&self) -> Result<(), T::Error> {
        Ok(self.send(Call::logout()).await?.accepted().map(drop)?)
    }

    /// Sends a call and reads its answer whole. Answers with whatever status there was in the end;
    /// [`Answer::accepted`] judges it.
    pub async fn send(&self, call: Call) -> Result<Answer, T::Error> {
        match self.deliver(&call, false).await? {
            Reply::Whole(answer) => Ok(answer),
            Reply::Streamed(streamed) => Ok(streamed.whole(call.limit()).await?),
        }
    }

    /// As [`Platform::send`], but the body of a success is still to come.
    pub async fn open(&self, call: &Call) -> Result<Reply, T::Error> {
        self.deliver(call, true).await
    }

    /// Every request goes through here: token, leave, tenant, waiting, a second token.
    async fn deliver(&self, call: &Call, streams: bool) -> Result<Reply, T::Error> {
        let token = self.tokens.current().await?;
        let Some(change) = call.change() else {
            return Ok(self.repeat(call, token, Repeat::Safe, streams).await??);
        };
        let admission =
            if call.ends_its_token() { Admission::default() } else { self.tokens.admit(&change).await? };
        let outcome = self.repeat(call, token, Repeat::Unprocessed, streams).await;
        admission.tell(match &outcome {
            Ok(Ok(reply)) => Outcome::Answered(reply.status().as_u16(), reply.request_id()),
            Ok(Err(error)) => Outcome::Failed(error),
            Err(_) => Outcome::Rejected,
        });
        Ok(outcome??)
    }

    /// The outer error: the platform rejected the token, and another could not be had.
    async fn repeat(
        &self,
        call: &Call,
        mut token: Secret,
        repeat: Repeat,
        streams: bool,
    ) -> Result<Result<Reply, PlatformError>, T::Error> {
        let deadline = self.http.deadline();
        let mut retries = Retries::new(repeat, self.backoff, self.http.request_timeout()).until(deadline);
        let (mut rejected, mut last) = (false, None);
        loop {
            let answer = match self.follow(call, &token, streams).await {
                Ok(Reply::Whole(answer)) => Ok(answer),
                Ok(streamed) => return Ok(Ok(streamed)),
                Err(error) => Err(error),
            };
            // A 401 did nothing, so any method may be sent again.
            let is_rejected = answer.as_ref().is_ok_and(Answer::rejects_token);
            if is_rejected && !rejected && call.can_be_sent() {
                rejected = true;
                if let Some(another) = self.tokens.instead_of(&token).await? {
                    token = another;
                    continue;
                }
            }
            let outcome = match &answer {
                Ok(answer) => Ok(answer.response()),
                Err(PlatformError::Http(error)) => Err(error),
                Err(_) => return Ok(answer.map(Reply::Whole)),
            };
            let wait = retries.wait_after(outcome).filter(|_| call.can_be_sent());
            match wait {
                Some(wait) if self.http.pause(wait, self.api_url.as_str(), outcome).await => {
                    last = answer.ok().or(last);
                }
                // Where a deadline ends a retry, what was answered before tells more.
                _ => match last.filter(|_| is_timeout(outcome)) {
                    Some(last) => return Ok(Ok(Reply::Whole(last))),
                    None => return Ok(answer.map(Reply::Whole)),
                },
            }
        }
    }

    /// The call and what its redirects lead to.
    async fn follow(&self, call: &Call, token: &Secret, streams: bool) -> Result<Reply, PlatformError> {
        let mut url = Url::parse(&self.api_url.endpoint(call.path()))
            .map_err(|_| PlatformError::Local("the request could not be built".to_owned()))?;
        let started = Instant::now();
        for _ in 0..=MAX_REDIRECTS {
            // A chain of slow answers is one request to whoever waits for it.
            if started.elapsed() >= self.http.request_timeout() {
                let cause = Cause::Timeout(self.http.request_timeout());
                let unreachable = Unreachable { at: Peer::Server(self.api_url.authority()), cause };
                return Err(HttpError::Unreachable(unreachable).into());
            }
            let answer = match self.once(&url, call, token, streams).await? {
                Reply::Whole(answer) => answer,
                streamed => return Ok(streamed),
            };
            match redirect::next(&url, call.method(), &answer)? {
                // A server must not turn what reads into what changes.
                Some(next) if call.would_change_at(&next) => return Err(redirect::to_a_change(&url, &next)),
                Some(next) => url = next,
                None => return Ok(Reply::Whole(answer)),
            }
        }
        Err(redirect::too_many(&url))
    }

    async fn once(
        &self,
        url: &Url,
        call: &Call,
        token: &Secret,
        streams: bool,
    ) -> Result<Reply, PlatformError> {
        let tenant = self.tenant.as_ref();
        let request = call.request(url.as_str(), tenant, token)?;
        let started = Instant::now();
        let reply = if streams {
            Reply::open(&self.http, request, call).await?
        } else {
            let response = self.http.call(request, call.limit()).await?;
            Reply::Whole(Answer::new(response, call.asks_for_json()))
        };
        tracing::info!(
            method = %call.method(),
            path = url.path(),
            tenant = call.tenant(tenant).map(Tenant::as_str),
            status = reply.status().as_u16(),
            ms = started.elapsed().as_millis(),
            request_id = reply.request_id().as_str(),
            "platform"
        );
        Ok(reply)
    }
}

fn is_timeout<T>(outcome: Result<T, &HttpError>) -> bool {
    matches!(
        outcome,
        Err(HttpError::Unreachable(Unreachable { cause: Cause::Timeout(_) | Cause::ConnectTimeout(_), .. }))
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
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
        let platform = Platform {
            backoff: Backoff { first: Duration::from_micros(10), most: Duration::from_micros(10) },
            ..Platform::new(Http::default(), api_url, Secret::new("hunter2"), tenant)
        };
        let server = async {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                requests.push(String::from_utf8_lossy(&request[..length]).to_lowercase());
                let (head, body) = answer.split_once('|').unwrap_or((answer, ""));
                if head.is_empty() {
                    continue; // hangs up
                }
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
            matches!(error("404 Not Found|{}").await, E::NotFound { message, .. } if message == "Not Found")
        );
        assert!(matches!(error(r#"422 x|{"message":"m","errors":{"b":["2","3"],"a":["1"]}}"#).await,
            E::Invalid { fields, .. } if fields == [("a".into(), vec!["1".into()]),
                ("b".into(), vec!["2".into(), "3".into()])]));
        assert!(matches!(error("503 x\r\nretry-after: 11|").await, E::Server { status: 503, .. }));
        assert!(matches!(error("418 x|").await, E::Refused { status: 418, .. }));
        assert!(matches!(error("200 OK|").await, E::Nonsense { .. }));
        for other in ["200 OK|[]", r#"200 OK|{"id":1}"#] {
            assert!(matches!(error(other).await, E::OtherShape { .. }), "{other}");
        }
        for html in ["200 OK|<!doctype html>", "401 x|<html>", "403 x|\u{feff} <html>", "511 x|{}"] {
            assert!(matches!(error(html).await, E::Http(HttpError::InBetween { .. })), "{html}");
        }
        let text = error("500 x\r\nx-request-id: abc-1|{\"message\":\"Server Error\"}").await.to_string();
        assert_eq!(text, "the platform failed with status 500: Server Error (request abc-1)");
    }

    #[tokio::test]
    async fn only_what_changes_nothing_is_tried_again_three_times() {
        let ada = r#"200 OK|{"name":"Ada"}"#;
        let profile = async |platform: Platform<Secret>| platform.profile().await;
        for busy in ["429 x\r\nretry-after: 0|{}", "429 x|{}", "502 x|", "503 x|", "504 x|<html>"] {
            let (result, _) = with(&[busy, busy, busy, ada], None, profile).await;
            assert_eq!(result.unwrap().name.as_deref(), Some("Ada"), "{busy}");
        }
        let (result, _) = with(&["", ada], None, profile).await;
        assert_eq!(result.unwrap().name.as_deref(), Some("Ada"), "a connection that just ends");
        let busy = "429 x\r\nretry-after: 0|{}";
        let (result, _) = with(&[busy; 4], None, profile).await;
        assert!(matches!(result, Err(PlatformError::Busy { retry_after: Some(Duration::ZERO), .. })));
        let logout = async |platform: Platform<Secret>| platform.logout().await;
        let (result, requests) = with(&["429 x|{}"], None, logout).await;
        assert!(matches!(result, Err(PlatformError::Busy { .. })));
        assert!(requests[0].starts_with("post /api/v1/auth/logout "));
        // Where it is asked to come back, it was not processed.
        let (result, _) = with(&[busy, busy, "204 x|"], None, logout).await;
        result.unwrap();
        // A query of GraphQL is a POST that changes nothing; its body goes along each time.
        let query = async |platform: Platform<Secret>| {
            let json = HeaderValue::from_static("application/json");
            platform.send(Call::post("/graphql").body(json, Vec::from("{\"query\":\"{a}\"}"))).await
        };
        let (result, requests) = with(&["503 x|", "200 OK|{}"], None, query).await;
        assert_eq!(result.unwrap().status(), 200);
        for request in requests {
            assert!(request.contains("content-type: application/json\r\n"), "{request}");
            assert!(request.ends_with("\r\n\r\n{\"query\":\"{a}\"}"), "{request}");
        }
    }

    #[tokio::test]
    async fn a_bare_token_serves_for_reading_and_for_revoking_itself_only() {
        let send = async |platform: Platform<Secret>| {
            let sent = platform.send(Call::post("/orders")).await;
            assert!(matches!(sent, Err(PlatformError::Local(_))), "{sent:?}");
            platform.logout().await.unwrap();
        };
        let ((), requests) = with(&["204 x|"], None, send).await;
        assert!(requests[0].starts_with("post /api/v1/auth/logout "));
    }

    #[tokio::test]
    async fn redirects_are_followed_within_the_origin_and_by_reading_requests_only() {
        let profile = async |platform: Platform<Secret>| platform.profile().await;
        let on = "302 x\r\nlocation: /api/v2/me?page=1#x|";
        let (result, requests) = with(&[on, r#"200 OK|{"name":"Ada"}"#], Some("acme"), profile).await;
        assert_eq!(result.unwrap().name.as_deref(), Some("Ada"));
        assert!(requests[1].starts_with("get /api/v2/me?page=1 http/1.1\r\n"), "{}", requests[1]);
        for header in ["authorization: bearer hunter2", "x-tenant: acme"] {
            assert!(requests[1].contains(&format!("{header}\r\n")), "{}", requests[1]);
        }
        let (result, requests) = with(&[on; 6], None, profile).await;
        assert!(result.unwrap_err().to_string().ends_with("sent us on 5 times and then once more"));
        assert_eq!(requests.len(), 6);
        let elsewhere = "307 x\r\nlocation: https://ada:hunter2@h.test/login?code=hunter2|";
        let error = profile_error(elsewhere).await.to_string();
        assert!(error.ends_with("the platform (redirect to https://h.test/login, status 307)"), "{error}");
        let login = profile_error("302 x\r\nlocation: /login?next=hunter2|<html>").await;
        assert!(matches!(login, PlatformError::LoginPage { page, .. } if page.ends_with("/login")));
        let nowhere = profile_error("301 x|").await.to_string();
        assert!(nowhere.ends_with("answered with status 301 but no address to go on to"), "{nowhere}");
        let logout = async |platform: Platform<Secret>| platform.logout().await;
        let (result, requests) = with(&["308 x\r\nlocation: /other|"], None, logout).await;
        let error = result.unwrap_err().to_string();
        assert!(
            error.contains("sent a POST on to http://127.0.0.1:")
                && error.ends_with("/other, which is not followed")
        );
        assert_eq!(requests.len(), 1);
    }
}
