//! What a request does to the platform: whether it only reads, by its method (RFC 9110, section 9.2.1)
//! and, for GraphQL, by the operation that it asks for.
//!
//! Two things hang on it: what may be sent twice, and what a protected profile lets through. So whatever
//! can't be told counts as a change.

use std::borrow::Cow;
use std::collections::BTreeMap;

use apollo_parser::Parser;
use apollo_parser::cst::{Definition, OperationDefinition, Selection};
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, UPGRADE};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::domain::{header_as_servers_read_it, printable};

const MAX_WORDS: usize = 120;
const MAX_DECODINGS: usize = 4;

/// Parts of the names of headers that a server may follow in place of the method or the address.
const OVERRIDES: [&str; 5] = ["method", "override", "verb", "original", "rewrite"];

/// A request that may change something, as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub method: Method,
    /// Below `api_url`, without the query: a secret may stand there.
    pub path: String,
    /// GraphQL's operation, such as `mutation cancelOrder`, where one can be read.
    pub operation: Option<String>,
}

/// What GraphQL over HTTP may say beside the address. A key more (a list of operations, the name of a
/// stored one) could say something else than the query that is read here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphqlDocument<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    #[serde(borrow, default, rename = "operationName")]
    operation_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    #[expect(dead_code, reason = "they choose nothing; naming them is what allows them")]
    variables: Option<&'a RawValue>,
    /// Nothing but nothing: a stored query is named here.
    #[serde(default)]
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// `None`: it only reads. A `body` that is not in memory could say anything.
pub(super) fn change(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Option<Change> {
    let (endpoint, query) = path.split_once('?').unwrap_or((path, ""));
    let (body, is_unread) = (body.unwrap_or_default(), body.is_none());
    let overridden = is_unread
        || headers.keys().any(|name| overrides(name.as_str()))
        || headers.contains_key(UPGRADE)
        || form_overrides(query)
        || body_overrides(headers, body);
    let reads = match *method {
        _ if overridden => false,
        Method::POST => {
            endpoint.strip_suffix('/').unwrap_or(endpoint) == GRAPHQL
                && query.is_empty()
                && is_plain(headers, "application/json")
                && asks(body)
        }
        _ if method.is_safe() => !mentions_graphql(endpoint) || (body.is_empty() && asks_by_address(query)),
        _ => false,
    };
    if reads {
        return None;
    }
    let operation = mentions_graphql(endpoint).then(|| what_is_asked(query, body)).flatten();
    Some(Change { method: method.clone(), path: endpoint.to_owned(), operation })
}

/// Whether a server may use its value as the method or address: `X-HTTP-Method-Override`, `X-Original-Method` and similar.
fn overrides(name: &str) -> bool {
    let name = header_as_servers_read_it(name);
    OVERRIDES.iter().any(|part| name.contains(part))
}

/// Whether PHP may take a parameter for `_method`: it drops what follows a NUL and blanks before the name, and makes
/// dots, blanks and a lone bracket underscores. `name[]` is a list of that name.
fn is_method(name: &str) -> bool {
    let name = name.split('\0').next().unwrap_or_default().trim();
    let Some(rest) = name.strip_prefix(['_', '.', '[']) else { return false };
    let rest = rest.split(['[', ']']).next().unwrap_or_default();
    rest.trim_end().eq_ignore_ascii_case("method")
}

fn form_overrides(form: &str) -> bool {
    // Some servers take a semicolon for an ampersand.
    let overridden =
        |name: &str| is_method(name) || name.to_ascii_lowercase().starts_with("x-") && overrides(name);
    form.split(';').flat_map(parameters).any(|(name, _)| overridden(&name))
}

/// Whether a body may name another method, or can't be read: one of several parts, or one that is compressed.
fn body_overrides(headers: &HeaderMap, body: &[u8]) -> bool {
    if body.is_empty() {
        false
    } else if is_plain(headers, "application/json") {
        let fields = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body);
        !fields.is_ok_and(|fields| !fields.keys().any(|name| is_method(name)))
    } else {
        let is_form = is_plain(headers, "application/x-www-form-urlencoded");
        !is_form || form_overrides(&String::from_utf8_lossy(body))
    }
}

fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
}

/// However it is spelled: a server may see the same place in it.
fn mentions_graphql(endpoint: &str) -> bool {
    let mut text = endpoint.to_ascii_lowercase();
    // As often as anybody on the way may decode it.
    for _ in 0..MAX_DECODINGS {
        let decoded = percent_decode_str(&text).decode_utf8_lossy().to_ascii_lowercase();
        if decoded == text {
            return text.contains("graphql");
        }
        text = decoded;
    }
    true // whoever wraps it up so often has something to hide
}

/// Whether the body is of this type alone, so that a server reads it as we do.
fn is_plain(headers: &HeaderMap, wanted: &str) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next().and_then(|it| it.to_str().ok()), types.next()) else {
        return false;
    };
    let mut parts = only.split(';').map(str::trim);
    let is_wanted = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
        && parts.all(|parameter| {
            let parameter = parameter.to_ascii_lowercase().replace('"', "");
            matches!(parameter.as_str(), "" | "charset=utf-8")
        });
    is_wanted && !headers.contains_key(CONTENT_ENCODING)
}

/// Whether the body asks GraphQL a query and nothing else.
fn asks(body: &[u8]) -> bool {
    serde_json::from_slice::<GraphqlDocument>(body).is_ok_and(|question| {
        let is_stored = question.extensions.is_some_and(|extensions| !extensions.is_empty());
        !is_stored
            && chosen(&question.query, question.operation_name.as_deref()).is_some_and(|it| it.is_query)
    })
}

/// As [`asks`], of a GET's parameters. Without any it is the page that explains GraphQL.
fn asks_by_address(query: &str) -> bool {
    let mut document = None;
    let mut name = None;
    for (key, value) in parameters(query) {
        let place = match key.as_ref() {
            "query" => &mut document,
            "operationName" => &mut name,
            "variables" => continue,
            _ => return false,
        };
        if place.replace(value).is_some() {
            return false;
        }
    }
    match document {
        Some(document) => chosen(&document, name.as_deref()).is_some_and(|it| it.is_query),
        None => name.is_none() && query.is_empty(),
    }
}

/// For people: the operation's own words, as far as they can be read.
fn what_is_asked(query: &str, body: &[u8]) -> Option<String> {
    if let Ok(question) = serde_json::from_slice::<GraphqlDocument>(body) {
        return chosen(&question.query, question.operation_name.as_deref()).map(|it| it.words);
    }
    let document = parameters(query).find(|(key, _)| key == "query")?.1;
    chosen(&document, None).map(|it| it.words)
}

struct Operation {
    is_query: bool,
    name: Option<String>,
    words: String,
}

impl Operation {
    fn new(definition: &OperationDefinition) -> Operation {
        let kind = definition.operation_type();
        let kind = match &kind {
            // The short form, a selection alone.
            None => "query",
            Some(kind) if kind.query_token().is_some() => "query",
            Some(kind) if kind.mutation_token().is_some() => "mutation",
            Some(_) => "subscription",
        };
        let name = definition.name().map(|name| name.text().to_string());
        let fields = definition.selection_set().into_iter().flat_map(|set| set.selections());
        let fields = fields.filter_map(|selection| match selection {
            Selection::Field(field) => Some(field.name()?.text().to_string()),
            _ => None,
        });
        let words = name.clone().unwrap_or_else(|| fields.collect::<Vec<_>>().join(", "));
        Operation { is_query: kind == "query", name, words: printable(&format!("{kind} {words}"), MAX_WORDS) }
    }
}

/// The operation that a server runs (GraphQL, section 6.1, `GetOperation`): the only one, or the only one
/// of that name. `None` where it would run none, or where the document can't be read.
fn chosen(document: &str, name: Option<&str>) -> Option<Operation> {
    let tree = Parser::new(document).parse();
    if tree.errors().len() > 0 {
        return None;
    }
    let mut operations = Vec::new();
    for definition in tree.document().definitions() {
        match definition {
            Definition::OperationDefinition(definition) => operations.push(Operation::new(&definition)),
            Definition::FragmentDefinition(_) => {}
            // A schema is nothing to ask.
            _ => return None,
        }
    }
    let is_meant = |operation: &Operation| match name {
        Some(name) if !name.is_empty() => operation.name.as_deref() == Some(name),
        _ => true,
    };
    let mut meant = operations.into_iter().filter(is_meant);
    meant.next().filter(|_| meant.next().is_none())
}

pub const GRAPHQL: &str = "/graphql";

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn json() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
    }

    fn posted(body: &str) -> Option<Change> {
        change(&Method::POST, GRAPHQL, &json(), Some(body.as_bytes()))
    }

    fn document(document: &str, name: Option<&str>) -> Option<Change> {
        posted(&serde_json::json!({ "query": document, "operationName": name }).to_string())
    }

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
            "query A { a } query B { b }",
            "type Query { a: Int }",
            "{ a ",
            "",
        ] {
            assert!(document(change, None).is_some(), "{change}");
        }
        for query in [
            "{ orders { id } }",
            "query mutations { mutation { subscription } }",
            "query Q($mutation: String = \"mutation {\") { x(mutation: $mutation) }",
            "# mutation\n{ a }",
            "query ($a: A) @mutation { b }",
            "fragment F on X { mutation: id } { a { ...F } }",
        ] {
            assert_eq!(document(query, None), None, "{query}");
        }
    }

    #[test]
    fn of_several_operations_the_named_one_counts() {
        let both = "query Look { a } mutation Cancel { cancelOrder(id: 1) { id } }";
        assert_eq!(document(both, Some("Look")), None);
        assert_eq!(document(both, Some("Cancel")).unwrap().operation.unwrap(), "mutation Cancel");
        for unclear in [Some("look"), Some(""), Some("Other"), None] {
            assert!(document(both, unclear).is_some(), "{unclear:?}");
        }
        assert!(document("query A { a } mutation A { b }", Some("A")).is_some(), "two of one name");
        let anonymous = document("mutation { cancelOrder(id: 1) { id } other }", None).unwrap();
        assert_eq!(anonymous.operation.unwrap(), "mutation cancelOrder, other");
    }

    #[test]
    fn what_a_server_might_read_otherwise_counts_as_a_change() {
        for body in [
            r#"[{"query":"{ a }"}]"#,
            r#"{"query":"{ a }","query":"mutation { a }"}"#,
            r#"{"query":"{ a }","\u0071uery":"mutation { a }"}"#,
            r#"{"query":"{ a }","id":"stored"}"#,
            r#"{"query":"{ a }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}"#,
            r#"{"extensions":{}}"#,
            "{}",
            "query { a }",
            "",
        ] {
            assert!(posted(body).is_some(), "{body}");
        }
        let query = r#"{"query":"{ a }","variables":{"n":[1e400]},"operationName":null,"extensions":{}}"#;
        assert_eq!(posted(query), None);
        let with = |name: &'static str, value: &'static str| {
            let mut headers = json();
            headers.append(name, HeaderValue::from_static(value));
            headers
        };
        for headers in [
            HeaderMap::new(),
            with("content-type", "application/x-www-form-urlencoded"),
            with("content-encoding", "gzip"),
            with("x-http-method-override", "DELETE"),
            with("x_http_method_override", "DELETE"),
            with("content-type", "application/json; charset=utf-16"),
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/graphql"))]),
        ] {
            assert!(
                change(&Method::POST, GRAPHQL, &headers, Some(query.as_bytes())).is_some(),
                "{headers:?}"
            );
        }
        let quoted = HeaderValue::from_static("application/json ; charset=\"UTF-8\"");
        let quoted = HeaderMap::from_iter([(CONTENT_TYPE, quoted)]);
        assert_eq!(change(&Method::POST, "/graphql/", &quoted, Some(query.as_bytes())), None);
        for path in ["/graphql?query=mutation{a}", "/graphql//", "/GraphQL", "/graphql/../orders", "/orders"]
        {
            assert!(change(&Method::POST, path, &json(), Some(query.as_bytes())).is_some(), "{path}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_method_that_reads_is_believed_unless_graphql_or_an_override_stands_in_the_address() {
        let get = |path: &str| change(&Method::GET, path, &HeaderMap::new(), Some(b""));
        for path in [
            "/orders/50%25?status=a",
            "/orders?query=mutation",
            "/graphql",
            "/graphql?query=%7Ba%7D",
            "/x?status=a&status=b",
        ] {
            assert_eq!(get(path), None, "{path}");
        }
        for path in [
            "/graphql?query=mutation%7Ba%7D",
            "/%67raph%71l/?query=mutation+M{a}",
            "/api%2fGraphQL?query={a}&query=mutation{a}",
            "/%2567raphql?query=mutation{a}",
            "/%25252567raphql?query=mutation{a}",
            "/%252525252567raphql?query=mutation{a}",
            "/graphql?id=stored",
            "/graphql?operationName=A",
            "/orders/7?_method=DELETE",
        ] {
            assert!(get(path).is_some(), "{path}");
        }
        let with_body = |kind: &'static str, body: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            change(&Method::GET, "/orders", &headers, Some(body.as_bytes())).is_some()
        };
        let (json, form) = ("application/json", "application/x-www-form-urlencoded");
        for name in [
            "_method",
            "_METHOD",
            ".method",
            "[method",
            " _method",
            "  .Method",
            "_method\0",
            "_method\0x",
            "_method[]",
            "_method[a][b]",
            "_method[",
            "_method ",
        ] {
            let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, "DELETE").finish();
            assert!(get(&format!("/orders?page=1&{pair}")).is_some(), "{name:?}");
            assert!(get(&format!("/orders?page=1;{pair}")).is_some(), "{name:?}");
            assert!(get(&format!("/orders?{name}=DELETE")).is_some(), "{name:?}");
            assert!(with_body(form, &format!("page=1&{pair}")), "{name:?}");
            assert!(with_body(json, &serde_json::json!({ name: "DELETE" }).to_string()), "{name:?}");
        }
        for name in ["method", "payment_method", "_methods", "__method", "filter[_method]", "a._method"] {
            let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, "DELETE").finish();
            assert_eq!(get(&format!("/orders?{pair}")), None, "{name}");
            assert!(!with_body(form, &pair), "{name}");
            assert!(!with_body(json, &serde_json::json!({ name: "DELETE" }).to_string()), "{name}");
        }
        assert!(get("/orders?X-HTTP-Method-Override=PUT").is_some());
        assert!(with_body(json, "{") && with_body(json, "[1]"));
        let part = "--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--";
        assert!(with_body("multipart/form-data; boundary=x", part));
        for header in [
            "x-http-method-override",
            "x_http_method_override",
            "x-http-method",
            "x-method-override",
            "x-override-method",
            "x-original-method",
            "x_original_url",
            "x-http-verb",
            "x-envoy-original-path",
        ] {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(header), HeaderValue::from_static("DELETE"))]);
            assert!(change(&Method::GET, "/orders", &headers, Some(b"")).is_some(), "{header}");
        }
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::CONNECT] {
            let change = change(&method, "/orders/7?token=hunter2", &HeaderMap::new(), Some(b"")).unwrap();
            assert_eq!((change.method, change.path.as_str()), (method, "/orders/7"));
        }
        for method in [Method::HEAD, Method::OPTIONS] {
            assert_eq!(change(&method, "/orders/7", &HeaderMap::new(), Some(b"")), None);
        }
    }
}
