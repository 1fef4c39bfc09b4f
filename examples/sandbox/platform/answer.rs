//! Answers in Laravel's shapes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::{World, pages};

/// The answer in place of the one that was asked for; as the error of a handler, it is sent as it is. Boxed, because
/// responses are large and refusals rare.
pub struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

pub fn json(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}

pub fn value(status: u16, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => json(status, body),
        Err(error) => json(500, format!("{{\"message\":\"{error}\"}}")),
    }
}

pub fn message(status: u16, text: &str) -> Response {
    value(status, &json!({ "message": text }))
}

/// 422 with the complaints by field, the first of them as the message.
pub fn invalid(errors: &[(&str, String)]) -> Response {
    let fields: serde_json::Map<_, _> =
        errors.iter().map(|(field, text)| ((*field).to_owned(), json!([text]))).collect();
    value(422, &json!({ "message": errors.first().map(|(_, text)| text), "errors": fields }))
}

/// With a page, as Laravel's redirects have.
pub fn redirect(to: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html>\n<html><body><a href=\"{}\">Redirecting</a></body></html>",
        pages::escape(to)
    );
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::FOUND, [(header::LOCATION, to)], Html(page)).into_response(),
        Err(_) => message(500, "A redirect to nowhere."),
    }
}

pub fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("json"))
}

/// Who does not ask for JSON is taken for a browser: sent to the login page, or shown the error as a page.
pub async fn pages_for_browsers(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let json = wants_json(request.headers());
    let api = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    match response.status() {
        _ if json => response,
        StatusCode::UNAUTHORIZED if api => world.redirect("/login"),
        StatusCode::UNPROCESSABLE_ENTITY if api => world.redirect("/"),
        status if status.is_client_error() || status.is_server_error() => {
            pages::error(status, status.canonical_reason().unwrap_or("Error"))
        }
        _ => response,
    }
}
