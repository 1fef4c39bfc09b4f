//! Where an answer says that its next page is: by the numbers, addresses and cursors of Laravel's three paginators,
//! or by a `Link` header (RFC 8288).

use http::header::{HeaderMap, LINK};
use url::{Url, form_urlencoded};

use crate::domain::{ApiUrl, Json, printable};

/// How much of an address is shown.
const MAX_ADDRESS: usize = 200;

/// What an answer says of the page after it.
#[derive(Debug, PartialEq, Eq)]
pub enum Following {
    /// It says nothing of pages.
    Nothing,
    /// It was the last one.
    End,
    /// The path and query to ask for.
    Path(String),
    /// There is one, which cannot be asked for. A clause.
    Lost(String),
}

/// `path` is what was asked for, below `api_url`.
pub fn following(api_url: &ApiUrl, path: &str, headers: &HeaderMap, document: Option<&Json>) -> Following {
    let places = document.map(places).unwrap_or_default();
    let values = |name: &str| places.iter().filter_map(|place| place.get(name)).collect::<Vec<_>>();
    let mut is_known = false;
    let mut lost = None;
    // Before the numbers: an address has the name of the parameter, too.
    let addresses = values("next_page_url").into_iter().chain(places.iter().filter_map(|place| {
        let next = place.get("links")?.get("next")?;
        Some(next.get("href").unwrap_or(next))
    }));
    let addresses: Vec<&Json> = addresses.collect();
    is_known |= !addresses.is_empty();
    let linked = next_link(headers);
    for address in addresses.iter().filter_map(|address| address.as_str()).chain(linked.as_deref()) {
        match resolve(api_url, path, address) {
            Ok(path) => return Following::Path(path),
            Err(why) => lost = Some(why),
        }
    }
    is_known |= headers.contains_key(LINK);
    for cursor in values("next_cursor") {
        is_known = true;
        match cursor {
            Json::Text(cursor) | Json::Number(cursor) => {
                return Following::Path(with_parameters(path, &[("cursor".to_owned(), cursor.clone())]));
            }
            _ => {}
        }
    }
    if let Some((current, last)) = places.iter().find_map(|place| numbers(place)) {
        is_known = true;
        if current < last {
            let page = (current + 1).to_string();
            return Following::Path(with_parameters(path, &[("page".to_owned(), page)]));
        }
    }
    for name in ["has_more", "has_more_pages"] {
        let says = values(name);
        is_known |= !says.is_empty();
        if says.contains(&&Json::Bool(true)) {
            lost.get_or_insert_with(|| format!("`{name}` is true, but no next page is named"));
        }
    }
    match lost {
        Some(why) => Following::Lost(why),
        None if is_known => Following::End,
        None => Following::Nothing,
    }
}

/// The number of the page that an answer is, where it says so.
pub fn number(document: &Json) -> Option<u64> {
    places(document).iter().find_map(|place| integer(place, "current_page"))
}

/// Where a paginator may stand: the platform has it in `pagination`, Laravel's resources in `meta` and `links`, its
/// own paginators among the rest, and each of these may be in a `data` wrapper.
fn places(document: &Json) -> Vec<&Json> {
    let within = |root| {
        let meta = Json::get(root, "meta");
        let nested = meta.and_then(|meta| meta.get("pagination"));
        [Json::get(root, "pagination"), nested, meta, Some(root)].into_iter().flatten()
    };
    within(document).chain(document.get("data").into_iter().flat_map(within)).collect()
}

/// The number of a page and of the last one.
fn numbers(place: &Json) -> Option<(u64, u64)> {
    let last = integer(place, "last_page").or_else(|| {
        let (total, per_page) = (integer(place, "total")?, integer(place, "per_page")?);
        (per_page > 0).then(|| total.div_ceil(per_page))
    });
    Some((integer(place, "current_page")?, last?))
}

/// A number, or a text of digits.
fn integer(place: &Json, name: &str) -> Option<u64> {
    match place.get(name)? {
        Json::Text(digits) => digits.parse().ok(),
        other => other.as_u64(),
    }
}

/// The target of `Link: <...>; rel="next"`.
fn next_link(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split('<').skip(1)).find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        is_next.then(|| target.to_owned())
    })
}

/// The path below `api_url` that an address stands for. Another origin is never asked, since the token goes along: its
/// query is used if the path is the same, as of a proxy that does not know its own scheme or name.
fn resolve(api_url: &ApiUrl, path: &str, address: &str) -> Result<String, String> {
    let shown = || printable(address.split('?').next().unwrap_or_default(), MAX_ADDRESS);
    let own = Url::parse(&api_url.endpoint(path)).map_err(|_| "the address is invalid".to_owned())?;
    let next = own.join(address).map_err(|_| format!("{} is not an address", shown()))?;
    if next.path() == own.path() {
        let parameters: Vec<_> =
            next.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        return Ok(with_parameters(path, &parameters));
    }
    let base = Url::parse(&api_url.endpoint("/")).map_err(|_| "the address is invalid".to_owned())?;
    match next.path().strip_prefix(base.path()) {
        Some(below) if next.origin() == own.origin() => {
            let query = next.query().map(|query| format!("?{query}")).unwrap_or_default();
            Ok(format!("/{below}{query}"))
        }
        _ => Err(format!("the next page is at {}, which is not below {api_url}", shown())),
    }
}

/// The path with these parameters in its query, in place of those of the same names. What else is in the query stays:
/// Laravel's paginators leave it out of their addresses.
fn with_parameters(path: &str, parameters: &[(String, String)]) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let is_replaced = |pair: &&str| {
        form_urlencoded::parse(pair.as_bytes())
            .any(|(name, _)| parameters.iter().any(|(replaced, _)| *replaced == name))
    };
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_replaced(pair)).map(str::to_owned);
    let added = parameters.iter().map(|(name, value)| {
        form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
    });
    let pairs: Vec<String> = kept.chain(added).collect();
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const API_URL: &str = "https://h.test/api/v1";

    fn after(path: &str, link: Option<&str>, document: &str) -> Following {
        let headers = link.map(|link| (LINK, link.parse().unwrap())).into_iter().collect();
        following(&API_URL.parse().unwrap(), path, &headers, Json::parse(document.as_bytes()).as_ref())
    }

    fn path(path: &str) -> Following {
        Following::Path(path.to_owned())
    }

    #[test]
    fn numbers_are_found_in_every_shape_that_laravel_gives_them() {
        let numbers = r#""current_page":1,"last_page":"3""#;
        for text in [
            format!(r#"{{"orders":[],"pagination":{{{numbers}}}}}"#),
            format!(r#"{{"data":{{"orders":[],"pagination":{{{numbers}}}}}}}"#),
            format!(r#"{{"data":[],"links":{{}},"meta":{{{numbers}}}}}"#),
            format!(r#"{{"data":[],"meta":{{"pagination":{{{numbers}}}}}}}"#),
            format!(r#"{{"data":[],{numbers}}}"#),
            format!(r#"{{"data":{{"data":[],{numbers}}}}}"#),
            r#"{"orders":[],"pagination":{"current_page":1,"per_page":2,"total":3}}"#.to_owned(),
        ] {
            assert_eq!(
                after("/orders?page=1&status=a%20b", None, &text),
                path("/orders?status=a%20b&page=2"),
                "{text}"
            );
        }
        for text in ["[]", "7", r#"{"data":[]}"#, r#"{"pagination":{"current_page":1,"last_page":"x"}}"#] {
            assert_eq!(after("/orders", None, text), Following::Nothing, "{text}");
        }
        assert_eq!(after("/orders", None, r#"{"current_page":3,"last_page":3}"#), Following::End);
    }

    #[test]
    fn addresses_and_cursors_are_followed_below_the_api_only() {
        let next = |address: &str| format!(r#"{{"data":[],"next_page_url":"{address}","current_page":1}}"#);
        for (text, expected) in [
            (next("https://h.test/api/v1/orders?page=2"), "/orders?status=new&page=2"),
            (next("http://inside.test:8000/api/v1/orders?orders=2"), "/orders?status=new&orders=2"),
            (next("/api/v1/orders/more?cursor=x"), "/orders/more?cursor=x"),
            (next("?cursor=a%2Bb"), "/orders?status=new&cursor=a%2Bb"),
            (
                r#"{"links":{"next":"/api/v1/orders?page=2"},"meta":{}}"#.to_owned(),
                "/orders?status=new&page=2",
            ),
            (
                r#"{"data":[],"next_cursor":"eyJpZCI6MX0"}"#.to_owned(),
                "/orders?status=new&cursor=eyJpZCI6MX0",
            ),
        ] {
            assert_eq!(after("/orders?status=new", None, &text), path(expected), "{text}");
        }
        for elsewhere in
            ["https://evil.test/other?page=2", "https://h.test/other", "https://h.test/api/v1x/orders"]
        {
            assert!(matches!(after("/orders", None, &next(elsewhere)), Following::Lost(_)), "{elsewhere}");
        }
        assert!(matches!(after("/orders", None, r#"{"has_more":true}"#), Following::Lost(_)));
        for end in [r#"{"next_page_url":null}"#, r#"{"next_cursor":null}"#, r#"{"has_more":false}"#] {
            assert_eq!(after("/orders", None, end), Following::End, "{end}");
        }
    }

    #[test]
    fn a_link_header_names_the_next_page() {
        let link = r#"<https://h.test/api/v1/orders?page=1>; rel="prev", </api/v1/orders?page=3>; title=x; rel="last next""#;
        assert_eq!(after("/orders?page=2", Some(link), "[]"), path("/orders?page=3"));
        assert_eq!(after("/orders", Some("</api/v1/orders>; rel=first"), "[]"), Following::End);
    }
}
