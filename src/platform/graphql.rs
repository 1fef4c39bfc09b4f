//! GraphQL over HTTP: `POST /graphql`, whose errors come with status 200.

use super::effect::GRAPHQL;
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{Answer, fields};
use super::call::Call;
use super::error::PlatformError;
use crate::domain::printable;
use crate::system::http::without_bom;

const MAX_MESSAGE: usize = 500;
const MAX_MESSAGES: usize = 20;

#[derive(Deserialize, Default)]
struct GraphqlReply<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Value,
}

pub(super) fn query(query: &str, variables: impl Serialize) -> Result<Call, PlatformError> {
    #[derive(Serialize)]
    struct GraphqlBody<'a, V> {
        query: &'a str,
        variables: V,
    }
    let body = serde_json::to_vec(&GraphqlBody { query, variables })
        .map_err(|_| PlatformError::Local("the query could not be built".to_owned()))?;
    Ok(Call::post(GRAPHQL).body(HeaderValue::from_static("application/json"), body))
}

/// This answer, if neither its status nor GraphQL's `errors` say that it is an error. What is wrong with a
/// query is in `errors` whatever the status is; who may ask it, and how often, is told by the status.
pub fn without_errors(answer: Answer) -> Result<Answer, PlatformError> {
    let status = answer.status();
    let tells_by_status = matches!(status.as_u16(), 401 | 403 | 404 | 429);
    if (status.is_success() || status.is_client_error() && !tells_by_status)
        && let Some(error) = graphql_errors(&answer)
    {
        return Err(error);
    }
    answer.accepted()
}

/// The errors that GraphQL answers with: a list by its specification; other servers send a text or an
/// object. An empty one of any kind is none: PHP doesn't tell them apart.
fn graphql_errors(answer: &Answer) -> Option<PlatformError> {
    let reply: GraphqlReply = serde_json::from_slice(without_bom(answer.body())).ok()?;
    let words = |text: &str| printable(text, MAX_MESSAGE);
    let message = |error: &Value| {
        let text = error.as_str().or_else(|| error["message"].as_str()).filter(|text| !text.is_empty());
        text.map_or_else(|| "no reason given".to_owned(), words)
    };
    let messages: Vec<String> = match &reply.errors {
        Value::Array(errors) => errors.iter().take(MAX_MESSAGES).map(message).collect(),
        Value::Null | Value::Bool(false) => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        // Laravel's fields, which another status than 200 tells better.
        Value::Object(object) if !object.contains_key("message") => {
            if answer.status().is_success() {
                fields(&reply.errors).iter().map(|(name, why)| format!("{name}: {}", why.join(" "))).collect()
            } else {
                Vec::new()
            }
        }
        other => vec![message(other)],
    };
    (!messages.is_empty()).then(|| PlatformError::GraphQl { messages, request: answer.request_id() })
}

/// What is in `data`. [`Answer::without_errors`] comes first: half an answer is none.
pub(super) fn data<T: for<'de> Deserialize<'de>>(answer: &Answer, what: &str) -> Result<T, PlatformError> {
    let reply: GraphqlReply = answer.parse()?;
    let data = reply.data.and_then(|data| serde_json::from_str(data.get()).ok());
    data.ok_or_else(|| PlatformError::OtherShape { what: format!("JSON without {what}") })
}
