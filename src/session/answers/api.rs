//! Any endpoint of a profile's platform, as `autocom api` asks it.

use std::cell::OnceCell;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::mpsc::Sender;

use crate::config::Resolved;
use crate::domain::{ApiUrl, Json, ProfileName, autocom};
use crate::error::{Error, Kind, Result};
use crate::platform::{Answer, Call, GRAPHQL, Platform, PlatformError, Reply, Streamed, without_errors};
use crate::session::answers::pages::{self, Following};
use crate::session::call::fan_out::{self, Target};
use crate::session::call::guard::Access;
use crate::session::call::stream::{Sink, stream};
use crate::session::call::tokens::CallError;
use crate::session::call::{bearer, leave};
use crate::session::context::Context;
use crate::system::http::Body;

/// An answer that is read whole may have as many bytes.
const MAX_DOCUMENT: usize = 64 << 20;

/// What is asked.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    /// Below `api_url`, with its query.
    pub path: String,
    pub headers: HeaderMap,
    /// With its content type.
    pub body: Option<(HeaderValue, Body)>,
    /// Whether to go on to the pages that follow.
    pub paginate: bool,
    /// Whether an answer that is not JSON is nonsense. One without a body is, too, if there may be pages.
    pub only_json: bool,
    /// Whether a success is handed on as it comes, whatever its size.
    pub streams: bool,
}

impl Request {
    pub fn is_graphql(path: &str) -> bool {
        path.split('?').next().unwrap_or_default().trim_end_matches('/') == GRAPHQL
    }

    fn call(&self, path: &str) -> Call {
        let call =
            Call::new(self.method.clone(), path).headers(self.headers.clone()).max_answer(MAX_DOCUMENT);
        let Some((content_type, body)) = &self.body else { return call };
        call.body(content_type.clone(), body.clone())
    }

    /// Whether its body can be sent once only.
    pub fn is_sent_once(&self) -> bool {
        matches!(self.body, Some((_, Body::Once(_))))
    }
}

/// What comes of an answer: all of it, or its head and then its body in parts.
pub enum Part {
    Page(Page),
    Head(StatusCode, HeaderMap),
    Chunk(Bytes),
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
    fn new(answer: &Answer) -> Page {
        let (headers, body) = (answer.headers().clone(), answer.body().clone());
        Page { status: answer.status(), headers, body, document: OnceCell::new() }
    }

    /// The JSON that it is, if it is any.
    pub fn json(&self) -> Option<&Json> {
        self.document.get_or_init(|| Json::parse(&self.body)).as_ref()
    }
}

const NOTHING_TO_PAGE_BY: &str = "the answer names no other page: what it holds is all that --paginate shows";

/// Shows every answer, one that is an error included, and then fails if the last was one.
/// `None`: the sink's reader has gone away.
pub fn api<S: Sink<Part>>(
    context: &Context,
    profile: &Resolved,
    request: Request,
    sink: S,
) -> Result<Option<S>> {
    bearer::call(context, profile, async |platform| {
        check_token(platform, &request).await?;
        let mut walk = LinkedPages::new(request);
        let sink = stream(async || walk.next(platform).await, sink).await?;
        if walk.nothing_to_page_by {
            context.reporter.warn(NOTHING_TO_PAGE_BY);
        }
        Ok(sink)
    })
}

/// As [`api`], of every member: their answers that are no errors, and what failed.
pub fn api_of<S: Sink<(ProfileName, Page)>>(
    context: &Context,
    targets: &[Target],
    request: &Request,
    sink: S,
) -> Result<(Option<S>, Vec<Error>)> {
    if request.is_sent_once() {
        return Err(Error::usage("a body of over 8 MiB from a pipe can be sent to one profile only")
            .hint("write it to a file: --input FILE"));
    }
    if let Some(change) = request.call(&request.path).change() {
        leave::ask_leave(context, targets, &change)?;
    }
    let feed = async |platform: &Platform<Access>, pages: &Sender<Page>| {
        let mut walk = LinkedPages::new(request.clone());
        while let Some(part) = walk.next(platform).await? {
            let Part::Page(page) = part else { continue };
            if page.status.is_success() && pages.send(page).await.is_err() {
                break; // Nobody reads on.
            }
        }
        if walk.nothing_to_page_by {
            context.reporter.warn(NOTHING_TO_PAGE_BY);
        }
        Ok(())
    };
    fan_out::each_in_pages(context, targets, feed, sink)
}

/// Makes sure that the token is accepted before the first byte of a body is sent that can be sent once only.
async fn check_token(platform: &Platform<Access>, request: &Request) -> Result<(), CallError> {
    if !request.is_sent_once() {
        return Ok(());
    }
    match platform.send(Call::get("/profile")).await?.accepted() {
        // Whether the user may do this, the request itself tells.
        Ok(_) | Err(PlatformError::Forbidden { .. } | PlatformError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// One profile's pages.
struct LinkedPages {
    request: Request,
    next: Next,
    /// The number of the page before, where it had one.
    number: Option<u64>,
    /// Whether that page was JSON.
    was_json: bool,
    /// A place on the way, moved on at every power of two: to come by it again is to go in circles (Brent).
    mark: Option<String>,
    pages: u64,
    /// Whether pages were wanted of an answer that has none.
    nothing_to_page_by: bool,
}

enum Next {
    /// The path, with its query.
    Ask(String),
    /// The rest of an answer.
    Read(Box<Streamed>),
    /// The page that was just given says so.
    Fail(CallError),
    End,
}

impl LinkedPages {
    fn new(request: Request) -> LinkedPages {
        let next = Next::Ask(request.path.clone());
        LinkedPages {
            request,
            next,
            number: None,
            was_json: false,
            mark: None,
            pages: 0,
            nothing_to_page_by: false,
        }
    }

    async fn next(&mut self, platform: &Platform<Access>) -> Result<Option<Part>, CallError> {
        let path = match std::mem::replace(&mut self.next, Next::End) {
            Next::End => return Ok(None),
            Next::Fail(error) => return Err(error),
            Next::Read(mut streamed) => {
                let chunk = streamed.chunk().await?;
                if chunk.is_some() {
                    self.next = Next::Read(streamed);
                }
                return Ok(chunk.map(Part::Chunk));
            }
            Next::Ask(path) => path,
        };
        let call = self.request.call(&path);
        // GraphQL tells its errors in the body of a success.
        let answer = if self.request.streams && !Request::is_graphql(&self.request.path) {
            match platform.open(&call).await? {
                Reply::Whole(answer) => answer,
                Reply::Streamed(streamed) => {
                    let head = Part::Head(streamed.status(), streamed.headers().clone());
                    self.next = Next::Read(streamed);
                    return Ok(Some(head));
                }
            }
        } else {
            platform.send(call).await?
        };
        let page = Page::new(&answer);
        self.next = self.after(platform.api_url(), answer, &page, path).unwrap_or_else(Next::Fail);
        Ok(Some(Part::Page(page)))
    }

    /// What follows this answer to `path`.
    fn after(
        &mut self,
        api_url: &ApiUrl,
        answer: Answer,
        page: &Page,
        path: String,
    ) -> Result<Next, CallError> {
        let answer = if Request::is_graphql(&self.request.path) {
            without_errors(answer)?
        } else {
            answer.accepted()?
        };
        let Request { paginate, only_json, .. } = self.request;
        let may_be_empty = !paginate || page.status == StatusCode::NO_CONTENT;
        let is_json_due = only_json || self.was_json;
        if is_json_due && !(page.body.is_empty() && may_be_empty) && page.json().is_none() {
            let error = answer.not_json();
            return Err(match (paginate, &error) {
                (false, PlatformError::Nonsense { .. }) => CallError::Own(
                    Error::from(error).hint(autocom("api -o table").after("print the answer unchanged: ")),
                ),
                _ => error.into(),
            });
        }
        if !paginate {
            return Ok(Next::End);
        }
        let is_first = self.pages == 0;
        let number = page.json().and_then(pages::number);
        // One that always gives its first page would be asked for ever.
        if let (Some(number), Some(before)) = (number, self.number)
            && number <= before
        {
            return Err(lost(format!(
                "page {number} was answered where the page after {before} was requested"
            )));
        }
        (self.number, self.was_json) = (number, page.json().is_some());
        match pages::following(api_url, &path, &page.headers, page.json()) {
            Following::Nothing if is_first => {
                self.nothing_to_page_by = true;
                Ok(Next::End)
            }
            Following::Nothing => Err(lost("the answer no longer says which page it is".to_owned())),
            Following::End => Ok(Next::End),
            Following::Lost(why) => Err(lost(why)),
            Following::Path(next) if next == path || self.mark.as_ref() == Some(&next) => {
                Err(lost(format!("the same pages again (after {} of them)", self.pages + 1)))
            }
            Following::Path(next) => {
                self.pages += 1;
                if self.pages.is_power_of_two() {
                    self.mark = Some(next.clone());
                }
                Ok(Next::Ask(next))
            }
        }
    }
}

fn lost(why: String) -> CallError {
    CallError::Own(Error::new(Kind::Failed, "cannot fetch the next page").cause(why))
}
