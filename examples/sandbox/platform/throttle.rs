//! Laravel's rate limits: so many requests a minute, then 429 with `Retry-After` until the minute is over.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use super::{World, answer, api};

/// `/oauth/token` and `/oauth/device/code` together.
const OAUTH_LIMIT: u32 = 60;
const API_LIMIT: u32 = 100_000;

/// The requests of the running minute, counted from the first.
#[derive(Default)]
pub struct Minute {
    started: f64,
    count: u32,
}

impl Minute {
    /// How many more are allowed after this one; else in how many seconds.
    fn count(&mut self, now: f64, limit: u32) -> Result<u32, u64> {
        if now - self.started >= 60.0 {
            *self = Self { started: now, count: 0 };
        }
        if self.count == limit {
            return Err((60.0 - (now - self.started)).ceil() as u64);
        }
        self.count += 1;
        Ok(limit - self.count)
    }
}

pub async fn oauth(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let allowed = {
        let mut desk = world.desk();
        let now = desk.tokens.now();
        // without the device grant there is no such route
        let exists = desk.knobs.device_grant || request.uri().path() == "/oauth/token";
        (desk.knobs.throttle && exists).then(|| desk.oauth_minute.count(now, OAUTH_LIMIT))
    };
    limited(OAUTH_LIMIT, allowed, request, next).await
}

/// Behind the authentication, as Laravel orders them: who is not logged in is not counted.
pub async fn api(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let allowed = {
        let mut desk = world.desk();
        let now = desk.tokens.now();
        let counted = desk.knobs.throttle && desk.tokens.holder(api::bearer(request.headers())).is_some();
        counted.then(|| desk.api_minute.count(now, API_LIMIT))
    };
    limited(API_LIMIT, allowed, request, next).await
}

async fn limited(limit: u32, allowed: Option<Result<u32, u64>>, request: Request, next: Next) -> Response {
    let (remaining, mut response) = match allowed {
        None => return next.run(request).await,
        Some(Ok(remaining)) => (remaining, next.run(request).await),
        Some(Err(seconds)) => {
            let mut response = answer::message(429, "Too Many Attempts.");
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            (0, response)
        }
    };
    response.headers_mut().insert("x-ratelimit-limit", limit.into());
    response.headers_mut().insert("x-ratelimit-remaining", remaining.into());
    response
}
