//! What happens to every request before and after its handler: the log, delays, faults, and the request's id.

use std::future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::Frame;

use super::knobs::{Ending, Fault};
use super::{World, answer, jwt, log};

const MAX_BODY: usize = 64 << 20;

/// A response extension: what a GraphQL request asked for, for the log.
#[derive(Clone)]
pub struct Operation(pub String);

pub async fn watch(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return answer::message(413, "The request is too large.");
    };
    let path = parts.uri.path().to_owned();
    let (delay, fault) = {
        let mut desk = world.desk();
        let delay = match path.as_str() {
            "/oauth/token" => desk.knobs.token_delay,
            path if path.starts_with("/api/") => desk.knobs.api_delay,
            _ => Duration::ZERO,
        };
        (delay, desk.faults.take(&path))
    };
    let place = world.log.push(log::Request::arrived(&parts, &body));
    if !delay.is_zero() {
        // a timer takes a millisecond or two even for nothing
        tokio::time::sleep(delay).await;
    }
    let request = Request::from_parts(parts, Body::from(body));
    let mut operation = None;
    let mut response = match fault {
        Some(fault) if !fault.after_work && fault.ending != Ending::Real => fail(fault).await,
        fault => {
            if let Some(fault) = fault.as_ref().filter(|fault| !fault.after_work) {
                wait(fault).await;
            }
            let mut response = next.run(request).await;
            operation = response.extensions_mut().remove().map(|Operation(text)| text);
            match fault {
                Some(fault) if fault.ending != Ending::Real => fail(fault).await,
                Some(fault) if fault.after_work => {
                    wait(&fault).await;
                    response
                }
                _ => response,
            }
        }
    };
    world.log.answered(place, response.status().as_u16(), operation);
    if let Ok(id) = HeaderValue::from_str(&jwt::hex(16)) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn wait(fault: &Fault) {
    tokio::time::sleep(fault.delay).await;
    if let Some(gate) = &fault.gate {
        gate.pass().await;
    }
}

async fn fail(fault: Fault) -> Response {
    wait(&fault).await;
    if fault.ending == Ending::Hang {
        return future::pending().await;
    }
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = status.into_response();
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    let whole = Bytes::from(fault.body);
    *response.body_mut() = if fault.ending == Ending::Whole {
        Body::from(whole)
    } else {
        response.headers_mut().insert(header::CONTENT_LENGTH, whole.len().into());
        let half = whole.slice(..whole.len() / 2);
        Body::new(Severed { half: Some(half), flushed: false, drop: fault.ending == Ending::Close })
    };
    response
}

/// Half a body, and then either silence or the end of the connection.
struct Severed {
    half: Option<Bytes>,
    flushed: bool,
    drop: bool,
}

impl http_body::Body for Severed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.drop {
            return Poll::Pending;
        }
        if !self.flushed {
            // hyper writes out what it has while a body is not ready, and throws it away when one fails
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
