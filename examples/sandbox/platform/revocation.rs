//! Token revocation (RFC 7009), which Passport does not have: there only with the knob for it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde_json::json;

use super::oauth::{Failure, Params};
use super::{World, answer, no_route};

pub async fn revoke(State(world): State<Arc<World>>, uri: Uri, body: Bytes) -> Response {
    let mut desk = world.desk();
    if !desk.knobs.revocation_endpoint {
        return no_route(&uri);
    }
    let params = Params::parse(&body);
    match params.get("token") {
        // Also for a token that is not known (section 2.2).
        Some(token) => {
            desk.tokens.revoke(token);
            answer::value(200, &json!({}))
        }
        None => Failure::parameter("token").answer(desk.knobs.passport),
    }
}

/// The server's metadata (RFC 8414), as far as it is about this.
pub async fn metadata(State(world): State<Arc<World>>, uri: Uri) -> Response {
    if !world.desk().knobs.revocation_endpoint {
        return no_route(&uri);
    }
    let origin = &world.origin;
    answer::value(200, &json!({ "issuer": origin, "revocation_endpoint": format!("{origin}/oauth/revoke") }))
}
