//! Any endpoint of a profile's platform, as `autocom api` asks it.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::mpsc::Sender;
use url::form_urlencoded;

use super::Session;
use super::bearer::CallError;
use super::protection::Access;
use super::several::Member;
use super::stream::{Sink, stream};
use crate::config::Resolved;
use crate::domain::{Json, ProfileName};
use crate::error::{Error, Result};
use crate::platform::{Answer, Call, GRAPHQL, Platform, PlatformError};

/// What is asked.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    /// Below `api_url`, with its query.
    pub path: String,
    pub headers: HeaderMap,
    /// With its content type.
    pub body: Option<(HeaderValue, Bytes)>,
    /// Whether to go on to the pages that follow.
    pub paginate: bool,
}

impl Request {
    pub fn is_graphql(path: &str) -> bool {
        path.split('?').next().unwrap_or_default().trim_end_matches('/') == GRAPHQL
    }

    fn call(&self, page: Option<u64>) -> Call {
        let path = page.map_or_else(|| self.path.clone(), |page| with_page(&self.path, page));
        let call = Call::new(self.method.clone(), path).headers(self.headers.clone());
        let Some((content_type, body)) = &self.body else { return call };
        call.body(content_type.clone(), body.clone())
    }
}

/// An answer, whatever its status.
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Session {
    /// Shows every answer, one that is an error included, and then fails if the last was one.
    /// `None`: the sink's reader has gone away.
    pub fn api<S: Sink<Page>>(&self, profile: &Resolved, request: Request, sink: S) -> Result<Option<S>> {
        self.call(profile, async |platform| {
            let mut walk = Walk { request, next: Next::Ask(None) };
            stream(async || walk.next(platform).await, sink).await
        })
    }
}

impl Session {
    /// As [`Session::api`], of every member: their answers that are no errors, and what failed.
    pub fn api_of<S: Sink<(ProfileName, Page)>>(
        &self,
        members: &[Member],
        request: &Request,
        sink: S,
    ) -> Result<(Option<S>, Vec<Error>)> {
        if let Some(change) = request.call(None).change() {
            self.ask_leave(members, &change)?;
        }
        let feed = async |platform: &Platform<Access>, pages: &Sender<Page>| {
            let mut walk = Walk { request: request.clone(), next: Next::Ask(None) };
            while let Some(page) = walk.next(platform).await? {
                if page.status.is_success() && pages.send(page).await.is_err() {
                    break; // Nobody reads on.
                }
            }
            Ok(())
        };
        self.each_in_pages(members, feed, sink)
    }
}

/// One profile's pages.
struct Walk {
    request: Request,
    next: Next,
}

enum Next {
    Ask(Option<u64>),
    /// The page that was just given says so.
    Fail(PlatformError),
    End,
}

impl Walk {
    async fn next(&mut self, platform: &Platform<Access>) -> Result<Option<Page>, CallError> {
        let page = match std::mem::replace(&mut self.next, Next::End) {
            Next::End => return Ok(None),
            Next::Fail(error) => return Err(error.into()),
            Next::Ask(page) => page,
        };
        let answer = platform.send(self.request.call(page)).await?;
        let shown =
            Page { status: answer.status(), headers: answer.headers().clone(), body: answer.body().clone() };
        self.next = self.after(answer, page).unwrap_or_else(Next::Fail);
        Ok(Some(shown))
    }

    /// What follows this answer, which was asked for as that page.
    fn after(&self, answer: Answer, asked: Option<u64>) -> Result<Next, PlatformError> {
        let answer = match Request::is_graphql(&self.request.path) {
            true => answer.without_graphql_errors()?,
            false => answer.accepted()?,
        };
        if !self.request.paginate {
            return Ok(Next::End);
        }
        let document = Json::parse(answer.body());
        let number = |name| document.as_ref()?.get("pagination")?.get(name)?.as_u64();
        let (Some(current), Some(last)) = (number("current_page"), number("last_page")) else {
            return Ok(Next::End);
        };
        // One that always gives its first page would be asked for ever.
        if let Some(asked) = asked.filter(|asked| *asked != current) {
            let what = format!("page {current} where page {asked} was asked for");
            return Err(PlatformError::Nonsense { what });
        }
        Ok(if current < last { Next::Ask(Some(current + 1)) } else { Next::End })
    }
}

/// The path with this `page` in its query, which is left alone otherwise.
fn with_page(path: &str, page: u64) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let is_page = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "page");
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_page(pair)).collect();
    let page = format!("page={page}");
    pairs.push(&page);
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::with_page;

    #[test]
    fn the_page_is_changed_and_the_rest_of_the_query_is_not() {
        assert_eq!(with_page("/orders", 2), "/orders?page=2");
        assert_eq!(
            with_page("/orders?status=a%20b&page=7&per_page=3", 8),
            "/orders?status=a%20b&per_page=3&page=8"
        );
    }
}
