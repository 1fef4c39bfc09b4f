//! GraphQL over HTTP: `POST /graphql`, whose errors come with status 200.

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::call::Call;
use super::error::PlatformError;
use crate::domain::printable;

pub const GRAPHQL: &str = "/graphql";
const LONGEST_MESSAGE: usize = 500;
const MOST_MESSAGES: usize = 20;

#[derive(Deserialize, Default)]
struct Reply<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Value,
}

impl Call {
    pub(super) fn query(query: &str, variables: impl Serialize) -> Result<Call, PlatformError> {
        #[derive(Serialize)]
        struct Body<'a, V> {
            query: &'a str,
            variables: V,
        }
        let body = serde_json::to_vec(&Body { query, variables })
            .map_err(|_| PlatformError::Local("the query could not be built".to_owned()))?;
        Ok(Call::post(GRAPHQL).body(HeaderValue::from_static("application/json"), body))
    }
}

impl Answer {
    /// The errors that GraphQL answers with, whatever the status.
    pub fn graphql_errors(&self) -> Option<PlatformError> {
        let reply: Reply = serde_json::from_slice(self.body()).ok()?;
        let Value::Array(errors) = &reply.errors else { return None };
        let message = |error: &Value| {
            error["message"]
                .as_str()
                .map_or_else(|| "no reason given".to_owned(), |text| printable(text, LONGEST_MESSAGE))
        };
        let messages: Vec<String> = errors.iter().take(MOST_MESSAGES).map(message).collect();
        (!messages.is_empty()).then(|| PlatformError::GraphQl { messages, request: self.request_id() })
    }

    /// What is in `data`, if there are no errors beside it: half an answer is none.
    pub(super) fn data<T: for<'de> Deserialize<'de>>(&self, what: &str) -> Result<T, PlatformError> {
        let reply: Reply = self.parse()?;
        if !reply.errors.is_null()
            && let Some(error) = self.graphql_errors()
        {
            return Err(error);
        }
        let data = reply.data.and_then(|data| serde_json::from_str(data.get()).ok());
        data.ok_or_else(|| PlatformError::Nonsense { what: format!("without {what}") })
    }
}
