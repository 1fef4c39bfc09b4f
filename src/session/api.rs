//! Any endpoint of a profile's platform, as `autocom api` asks it.

use std::cell::OnceCell;

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
    /// Whether an answer that is not JSON is nonsense. One without a body is, too, if there may be pages.
    pub only_json: bool,
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
    /// Read at most once, and not at all where only its bytes are wanted.
    document: OnceCell<Option<Json>>,
}

impl Page {
    fn of(answer: &Answer) -> Page {
        let (headers, body) = (answer.headers().clone(), answer.body().clone());
        Page { status: answer.status(), headers, body, document: OnceCell::new() }
    }

    /// The JSON that it is, if it is any.
    pub fn json(&self) -> Option<&Json> {
        self.document.get_or_init(|| Json::parse(&self.body)).as_ref()
    }
}

const AS_IT_IS: &str =
    "check the address: autocom config get api_url; or have the answer as it is: autocom api -o table";
const NOTHING_TO_PAGE_BY: &str = "there is no current_page and last_page in the answer to page by: \
     what it holds is all that --paginate shows";

impl Session {
    /// Shows every answer, one that is an error included, and then fails if the last was one.
    /// `None`: the sink's reader has gone away.
    pub fn api<S: Sink<Page>>(&self, profile: &Resolved, request: Request, sink: S) -> Result<Option<S>> {
        self.call(profile, async |platform| {
            let mut walk = Walk::new(request);
            let sink = stream(async || walk.next(platform).await, sink).await?;
            if walk.nothing_to_page_by {
                self.notices.warn(NOTHING_TO_PAGE_BY);
            }
            Ok(sink)
        })
    }

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
            let mut walk = Walk::new(request.clone());
            while let Some(page) = walk.next(platform).await? {
                if page.status.is_success() && pages.send(page).await.is_err() {
                    break; // Nobody reads on.
                }
            }
            if walk.nothing_to_page_by {
                self.notices.warn(NOTHING_TO_PAGE_BY);
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
    /// Whether pages were wanted of an answer that has none.
    nothing_to_page_by: bool,
}

enum Next {
    Ask(Option<u64>),
    /// The page that was just given says so.
    Fail(CallError),
    End,
}

impl Walk {
    fn new(request: Request) -> Walk {
        Walk { request, next: Next::Ask(None), nothing_to_page_by: false }
    }

    async fn next(&mut self, platform: &Platform<Access>) -> Result<Option<Page>, CallError> {
        let asked = match std::mem::replace(&mut self.next, Next::End) {
            Next::End => return Ok(None),
            Next::Fail(error) => return Err(error),
            Next::Ask(page) => page,
        };
        let answer = platform.send(self.request.call(asked)).await?;
        let page = Page::of(&answer);
        self.next = self.after(answer, &page, asked).unwrap_or_else(Next::Fail);
        Ok(Some(page))
    }

    /// What follows this answer, which was asked for as that page.
    fn after(&mut self, answer: Answer, page: &Page, asked: Option<u64>) -> Result<Next, CallError> {
        let answer = match Request::is_graphql(&self.request.path) {
            true => answer.without_graphql_errors()?,
            false => answer.accepted()?,
        };
        let Request { paginate, only_json, .. } = self.request;
        let empty_will_do = page.body.is_empty() && !paginate;
        if (only_json && !empty_will_do || asked.is_some()) && page.json().is_none() {
            let error = answer.not_json();
            return Err(match (paginate, &error) {
                (false, PlatformError::Nonsense { .. }) => CallError::Own(Error::from(error).hint(AS_IT_IS)),
                _ => error.into(),
            });
        }
        if !paginate {
            return Ok(Next::End);
        }
        match (page.json().and_then(place), asked) {
            (None, None) => {
                self.nothing_to_page_by = true;
                Ok(Next::End)
            }
            (None, Some(asked)) => {
                let what = format!("without current_page and last_page, where page {asked} was asked for");
                Err(PlatformError::Nonsense { what }.into())
            }
            // One that always gives its first page would be asked for ever.
            (Some((current, _)), Some(asked)) if current != asked => {
                let what = format!("page {current} where page {asked} was asked for");
                Err(PlatformError::Nonsense { what }.into())
            }
            (Some((current, last)), _) if current < last => Ok(Next::Ask(Some(current + 1))),
            _ => Ok(Next::End),
        }
    }
}

/// `current_page` and `last_page`: the platform has them in `pagination`, Laravel's resources in `meta`, its
/// paginator among the rest, and each of these may be in a `data` wrapper. Numbers, or strings of digits.
fn place(document: &Json) -> Option<(u64, u64)> {
    let number = |at: &Json, name| match at.get(name)? {
        Json::Text(digits) => digits.parse().ok(),
        other => other.as_u64(),
    };
    let of = |at: &Json| Some((number(at, "current_page")?, number(at, "last_page")?));
    let within = |root: &Json| {
        let meta = root.get("meta");
        let places = [root.get("pagination"), meta.and_then(|meta| meta.get("pagination")), meta, Some(root)];
        places.into_iter().flatten().find_map(of)
    };
    within(document).or_else(|| within(document.get("data")?))
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
    use super::{place, with_page};
    use crate::domain::Json;

    #[test]
    fn a_page_is_placed_in_every_shape_that_laravel_gives_it() {
        let of = |text: &str| place(&Json::parse(text.as_bytes()).unwrap());
        let numbers = r#""current_page":1,"last_page":"3""#;
        for text in [
            format!(r#"{{"orders":[],"pagination":{{{numbers}}}}}"#),
            format!(r#"{{"data":{{"orders":[],"pagination":{{{numbers}}}}}}}"#),
            format!(r#"{{"data":[],"links":{{}},"meta":{{{numbers}}}}}"#),
            format!(r#"{{"data":[],"meta":{{"pagination":{{{numbers}}}}}}}"#),
            format!(r#"{{"data":[],{numbers}}}"#),
            format!(r#"{{"data":{{"data":[],{numbers}}}}}"#),
        ] {
            assert_eq!(of(&text), Some((1, 3)), "{text}");
        }
        for text in ["[]", "7", r#"{"data":[]}"#, r#"{"pagination":{"current_page":1,"last_page":"x"}}"#] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn the_page_is_changed_and_the_rest_of_the_query_is_not() {
        assert_eq!(with_page("/orders", 2), "/orders?page=2");
        assert_eq!(
            with_page("/orders?status=a%20b&page=7&per_page=3", 8),
            "/orders?status=a%20b&per_page=3&page=8"
        );
    }
}
