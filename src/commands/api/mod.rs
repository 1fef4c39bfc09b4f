mod answers;
mod documents;
mod fields;

use answers::Answers;
use clap::Args;
use documents::Documents;
use fields::Typed;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::Done;
use super::input::Input;
use super::several::Several;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::Resolved;
use crate::domain::text::decode;
use crate::domain::{ApiUrl, autocom, endpoint_path, header_as_servers_read_it, is_address, printable};
use crate::error::{Error, Result};
use crate::session::answers::api::{self, Request};
use crate::session::call::fan_out::{self, Scope};
use crate::session::context::{Context, no_environment};
use crate::session::profile::selected;
use crate::system::http::Body;
use crate::ui::output::Output;

/// Make an authenticated API request
///
/// The request carries the profile's token and tenant. PATH is relative to api_url; a whole URL must be below it. The method is
/// GET, or POST with fields or a body and without --paginate. Fields of a GET go into the query, others into a JSON object.
///
/// A pipe gets the answer byte for byte, even if it is an error. A terminal, -o json and -o yaml get it formatted. With several
/// profiles the output is always a list of {"profile", "response"}.
///
/// An answer of any size is written as it arrives, in little memory and without a limit on the total time: the request fails if
/// nothing arrives for --request-timeout. If the answer is cut short, the exit code is 1 after what arrived.
///
/// --input sends a body of any size. Up to 8 MiB are read first. A larger file is opened again if it must be sent twice, for
/// example after the token was refreshed. A larger pipe is sent once, so the token is checked with GET /profile before. JSON is
/// sent as UTF-8, even if the file is UTF-16 or has a byte order mark.
///
/// --paginate follows what the answer says about its pages: Laravel's three paginators, `next_page_url`, `next_cursor`, and
/// `Link: <...>; rel="next"`. Another origin is never asked. If there is a next page that cannot be followed, the exit code is 1.
#[derive(Debug, Args)]
#[command(
    override_usage = "autocom api [OPTIONS] [METHOD] PATH",
    after_help = "\
Examples:
  autocom api profile
  autocom api orders -f status=pending --paginate | jq '.orders[].total'
  autocom api orders --jq '.orders[] | [.order_number, .total] | @tsv'
  autocom api -X PATCH orders/ID -f status=shipped
  autocom api POST orders -F 'items[][sku]=A-1' -F 'items[][quantity]=2' -F note=@note.txt
  autocom api graphql -f query='query($n: Int!) { orders(first: $n) { id } }' -F n=3
  autocom api profile --profiles 'staging,prod-*' | jq '.[].response.email'
  autocom api PUT settings --input settings.json -H 'If-Match: \"7\"' -i"
)]
pub struct Api {
    /// HTTP method [default: GET, or POST with fields] and path
    #[arg(required = true, num_args = 1..=2, value_name = "[METHOD] PATH")]
    words: Vec<String>,
    /// HTTP method, as an option
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    #[command(flatten)]
    fields: Typed,
    /// Send this file as the body (-: stdin); fields go into the query
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    input: Option<String>,
    /// Add a request header
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Fetch all pages: follow page numbers, next_page_url, next_cursor and Link headers
    #[arg(long)]
    paginate: bool,
    /// With --paginate: all pages in one JSON array
    #[arg(long, requires = "paginate", conflicts_with = "include")]
    slurp: bool,
    /// Print status and headers of the answer too
    #[arg(short = 'i', long, conflicts_with_all = ["all_profiles", "profiles"])]
    include: bool,
    #[command(flatten)]
    several: Several,
}

impl Verb for Api {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.with_own_expectations().plain()
    }

    fn run(self: Box<Self>, context: &Context, invocation: &Invocation<'_>) -> Result<Done> {
        let output = invocation.output();
        if let Some(scope) = self.several.scope(context)? {
            return self.run_over_several(context, &scope, output);
        }
        let profile = selected::profile(context)?;
        let documents = Documents {
            output,
            include: self.include,
            several: self.paginate,
            slurp: self.slurp,
            written: 0,
            list: Vec::new(),
        };
        let request = self.request(self.path(&profile)?)?;
        let (only_json, streams) = (documents.only_json(), documents.streams());
        let request = Request { only_json, streams, ..request };
        if let Some(documents) = api::api(context, &profile, request, documents)? {
            documents.end()?;
        }
        Ok(Done::nothing())
    }
}

impl Api {
    /// A list of each profile's answers. What fails is told on stderr and stands in no list.
    fn run_over_several(&self, context: &Context, scope: &Scope, output: Output) -> Result<Done> {
        let members = fan_out::targets(context, scope)?;
        // The same path below every address: so it is the path that is given, no address.
        if self.words.last().is_some_and(|endpoint| is_address(endpoint)) {
            return Err(Error::usage(
                "an address belongs to one profile; over several, give the path below it",
            )
            .hint(autocom("api --all-profiles profile")));
        }
        let resolved = members.iter().filter_map(|member| member.profile.as_ref().ok());
        let path = match resolved.into_iter().find(|profile| profile.api_url.is_some()) {
            Some(profile) => self.path(profile)?,
            // Each will say what it lacks.
            None => "/".to_owned(),
        };
        let request = self.request(path)?;
        let (answers, failures) = api::api_of(context, &members, &request, Answers::new(output))?;
        if let Some(answers) = answers {
            answers.end()?;
        }
        Ok(Done::nothing().with_failures(failures))
    }

    /// The endpoint, below `api_url`.
    fn path(&self, profile: &Resolved) -> Result<String> {
        let Some(url) = &profile.api_url else { return Err(no_environment(profile)) };
        let Some(endpoint) = self.words.last() else { return Err(Error::usage("no endpoint")) };
        check_spelling(endpoint, &url.value)?;
        endpoint_path(&url.value, endpoint).map_err(|why| {
            Error::usage(format!("the endpoint {why}"))
                .hint(autocom("api profile").after(format!("endpoints are below {}: ", url.value)))
        })
    }

    fn request(&self, path: String) -> Result<Request> {
        let mut input = Input::default();
        let fields = self.fields.read(&mut input)?;
        let graphql = Request::is_graphql(&path);
        let has_body = self.input.is_some() || !fields.is_empty() || graphql;
        let method = match (self.words.as_slice(), &self.method) {
            ([_, _], Some(_)) => {
                return Err(Error::usage("the method is given twice").hint(autocom("api -X METHOD PATH")));
            }
            ([method, _], None) | ([_], Some(method)) => method_of(method)?,
            ([word], None) if METHODS.contains(&word.as_str()) => {
                return Err(Error::usage(format!("the path to {word} is missing")).hint(
                    autocom("api")
                        .value(word)
                        .words("PATH")
                        .text("; for a path of that name: ")
                        .command(autocom("api").value(format_args!("/{word}"))),
                ));
            }
            // Pages are there to be read.
            _ if has_body && (graphql || !self.paginate) => Method::POST,
            _ => Method::GET,
        };
        if graphql && (method != Method::POST || self.paginate) {
            return Err(Error::usage("GraphQL is asked by POST, a page at a time")
                .hint("autocom api graphql -f query='{ orders(first: 3) { id } }'"));
        }
        if self.paginate && method != Method::GET {
            return Err(Error::usage(format!("--paginate is for GET, not for {method}")));
        }
        let mut headers = self.headers()?;
        let json = HeaderValue::from_static("application/json");
        let content_type = headers.remove(CONTENT_TYPE).unwrap_or(json);
        let (path, body) = match &self.input {
            Some(file) => {
                let body = input.body(file)?;
                let is_json =
                    content_type.as_bytes().to_ascii_lowercase().windows(4).any(|part| part == b"json");
                let body = if is_json { in_utf8(body, file)? } else { body };
                (fields::in_query(path, &fields), Some(body))
            }
            None if method == Method::GET || method == Method::HEAD => {
                (fields::in_query(path, &fields), None)
            }
            None if fields.is_empty() && !graphql => (path, None),
            None => {
                let object = if graphql { fields::graphql(fields)? } else { fields::object(fields)? };
                if graphql && object.get("query").is_none() {
                    return Err(Error::usage("there is no query to ask")
                        .hint("autocom api graphql -f query='{ orders(first: 3) { id } }'"));
                }
                let body = serde_json::to_vec(&object);
                let body = body.map_err(|error| Error::usage("the fields are no JSON").cause(error))?;
                (path, Some(Body::from(body)))
            }
        };
        let body = body.map(|body| (content_type, body));
        let paginate = self.paginate;
        Ok(Request { method, path, headers, body, paginate, only_json: false, streams: false })
    }

    /// No value is repeated: it may be a secret.
    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for header in &self.headers {
            let (name, value) = header
                .split_once(':')
                .and_then(|(name, value)| {
                    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
                    Some((name, HeaderValue::from_str(value.trim()).ok()?))
                })
                .ok_or_else(|| {
                    Error::usage("a header is not `NAME: VALUE`")
                        .hint("autocom api -H 'Accept: text/csv' PATH")
                })?;
            let instead = match header_as_servers_read_it(name.as_str()).as_str() {
                "authorization" => "the token is the profile's: --profile, or AUTOCOM_TOKEN",
                "x-tenant" => "name a tenant with --tenant",
                "host" => "the host is the profile's: --profile, or --api-url",
                "content-length" | "transfer-encoding" => "the body tells its own length",
                name if is_of_the_connection(name) => "it is about the connection, which autocom sees to",
                _ => {
                    headers.append(name, value);
                    continue;
                }
            };
            return Err(Error::usage(format!("the header {name} is not yours to set")).hint(instead));
        }
        Ok(headers)
    }
}

/// JSON is UTF-8 without a byte order mark (RFC 8259, section 8.1), whatever the editor added. A body that is not read
/// before it is sent stays as it is.
fn in_utf8(body: Body, file: &str) -> Result<Body> {
    const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    match &body {
        Body::Whole(bytes) if MARKS.iter().any(|mark| bytes.starts_with(mark)) => {
            let text = decode(bytes).map_err(|_| {
                Error::usage(format!("cannot read `{}`: invalid UTF-8 or UTF-16", printable(file, 200)))
            })?;
            Ok(text.into_bytes().into())
        }
        _ => Ok(body),
    }
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Refuses what shells and habits make of an endpoint, with the spelling that was meant.
fn check_spelling(endpoint: &str, api_url: &ApiUrl) -> Result<()> {
    let bytes = endpoint.as_bytes();
    if let [drive, b':', b'/' | b'\\', ..] = bytes
        && drive.is_ascii_alphabetic()
    {
        let path = endpoint.replace('\\', "/");
        let meant = path.rsplit_once("/Git/").map_or(&path[3..], |(_, meant)| meant);
        return Err(Error::usage(format!(
            "`{}` is a Windows path, not an endpoint",
            printable(endpoint, 100)
        ))
        .cause("Git Bash converts a word that starts with a slash")
        .hint(autocom("api").value(meant).after("omit the leading slash: ")));
    }
    let prefix = api_url.path().trim_matches('/').to_owned();
    let rest = endpoint.trim_start_matches('/').strip_prefix(&prefix).filter(|_| !prefix.is_empty());
    if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
        let meant = rest.trim_start_matches('/');
        let meant = if meant.is_empty() { "/" } else { meant };
        return Err(Error::usage(format!("the endpoint repeats the path of {api_url}"))
            .hint(autocom("api").value(meant)));
    }
    Ok(())
}

/// RFC 9110, section 7.6.1. `Proxy-` also has what a proxy of ours is told.
fn is_of_the_connection(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "te" | "trailer" | "upgrade" | "http2-settings")
        || name.starts_with("proxy-")
}

fn method_of(word: &str) -> Result<Method> {
    let method = word.to_ascii_uppercase();
    let known =
        METHODS.contains(&method.as_str()).then(|| Method::from_bytes(method.as_bytes()).ok()).flatten();
    known.ok_or_else(|| {
        Error::usage(format!("`{}` is not an HTTP method", printable(word, 40)))
            .hint("GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, then PATH")
    })
}
