//! GraphQL over HTTP: `POST /graphql`, whose errors come with status 200.

use bytes::Bytes;
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
    /// `query` must be one: it may be sent twice.
    pub(super) fn query(query: &str, variables: impl Serialize) -> Result<Call, PlatformError> {
        #[derive(Serialize)]
        struct Body<'a, V> {
            query: &'a str,
            variables: V,
        }
        let body = serde_json::to_vec(&Body { query, variables })
            .map_err(|_| PlatformError::Local("the query could not be built".to_owned()))?;
        Ok(Call::post(GRAPHQL).body(HeaderValue::from_static("application/json"), body).changing_nothing())
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

/// Whether all that a body asks of [`GRAPHQL`] is a query. What can't be told counts as a change.
pub fn only_queries(body: &Bytes) -> bool {
    #[derive(Deserialize)]
    struct Request {
        query: String,
    }
    serde_json::from_slice::<Request>(body).is_ok_and(|request| !has_change(&request.query))
}

/// Whether the document holds a mutation or a subscription. Those words stand at the beginning of a
/// definition only, outside all braces; a field or a variable of that name is something else.
fn has_change(document: &str) -> bool {
    let (mut depth, mut rest) = (0_usize, document);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' => string_length(rest),
            '{' | '(' | '[' => {
                depth += 1;
                1
            }
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                1
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '@') => {
                let word = &rest[..rest[1..]
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .map_or(rest.len(), |at| at + 1)];
                if depth == 0 && matches!(word, "mutation" | "subscription") {
                    return true;
                }
                word.len()
            }
            other => other.len_utf8(),
        };
        rest = &rest[length..];
    }
    false
}

/// Of the string at the beginning of `text`, a block string or a plain one.
fn string_length(text: &str) -> usize {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        let mut from = 0;
        while let Some(at) = block[from..].find("\"\"\"") {
            let end = from + at;
            if !block[..end].ends_with('\\') {
                return end + 6;
            }
            from = end + 3;
        }
        return text.len();
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '\n' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_wherever_it_hides_and_nowhere_else() {
        for change in [
            "mutation { cancelOrder(id: 1) { id } }",
            "mutation M($id: ID!) { x }",
            "query A { a } mutation B { b }",
            "# query\nmutation{a}",
            "fragment F on Order { id } subscription { x }",
            "query A { a(text: \"}\") } mutation B { b }",
            "query A { a(text: \"\"\" { \\\"\"\" \"\"\") } mutation B { b }",
            "query A { a(text: \"\\\\\") }mutation{b}",
            "\u{feff}mutation{a}",
            "query A { a # {\n } ,,mutation{b}",
        ] {
            assert!(has_change(change), "{change}");
        }
        for query in [
            "{ orders { id } }",
            "query mutations { mutation { subscription } }",
            "query Q($mutation: String = \"mutation {\") { x(mutation: $mutation) }",
            "# mutation\n{ a }",
            "query ($a: A) @mutation { b }",
            "fragment F on X { mutation: id } { a { ...F } }",
        ] {
            assert!(!has_change(query), "{query}");
        }
        let only = |body: &'static str| only_queries(&Bytes::from_static(body.as_bytes()));
        assert!(only(r#"{"query":"{ a }"}"#));
        for body in [r#"[{"query":"{ a }"}]"#, r#"{"query":"mutation { a }"}"#, "{}", "query { a }"] {
            assert!(!only(body), "{body}");
        }
    }
}
