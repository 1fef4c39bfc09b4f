//! What a person types as an endpoint, as a path below the environment's `api_url`.
//!
//! Read as the URL parser reads it that will make the request: its idea of what leaves the
//! environment is the one that counts.

use url::Url;

use super::{ApiUrl, Invalid};

/// Whether `text` is an address of its own rather than a path below one.
pub fn is_address(text: &str) -> bool {
    text.starts_with("//") || has_scheme(text.split(['?', '#']).next().unwrap_or_default())
}

/// The path and query of `text` below this address: what [`ApiUrl::endpoint`] takes. `text` is
/// relative to this address, with or without a leading slash, or a whole URL.
///
/// # Errors
/// Whatever would not end below this very address: the token goes nowhere else. Such a URL's own
/// query is not repeated.
pub fn endpoint_path(api_url: &ApiUrl, text: &str) -> Result<String, Invalid> {
    let invalid = |why: &str| Err(Invalid(why.to_owned()));
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return invalid("must not hold blanks or control characters: encode them (%20)");
    }
    let path = text.split(['?', '#']).next().unwrap_or_default();
    if path.contains('\\') {
        return invalid("must not hold a backslash");
    }
    if text.contains('#') {
        return invalid("must not hold a fragment (#): that is never sent");
    }
    let base = Url::parse(api_url.as_str()).map_err(|error| Invalid(error.to_string()))?;
    let url = if is_address(text) {
        base.join(text)
    } else {
        Url::parse(&api_url.endpoint(&format!("/{}", text.trim_start_matches('/'))))
    };
    let url = url.map_err(|error| Invalid(format!("is no URL: {error}")))?;
    if url.origin() != base.origin() {
        let origin = url.origin().ascii_serialization();
        let elsewhere = if origin == "null" { format!("a {}: URL", url.scheme()) } else { origin };
        return Err(Invalid(format!("leads to {elsewhere}, and the token belongs to {}", api_url.origin())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("must not carry a user name or password");
    }
    let below = url.path().strip_prefix(base.path().trim_end_matches('/'));
    let Some(below) = below.filter(|below| below.is_empty() || below.starts_with('/')) else {
        return Err(Invalid(format!("leads to {}, which is not below {api_url}", url.path())));
    };
    Ok(url.query().map_or_else(|| below.to_owned(), |query| format!("{below}?{query}")))
}

/// Whether it begins as a URL does. `orders:export` is a path; `https:x` is not, to a URL parser.
fn has_scheme(path: &str) -> bool {
    let Some((scheme, rest)) = path.split_once(':') else { return false };
    let word = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    word && (web || rest.starts_with("//"))
}

/// The header that a server may take this one for: some hand an application underscores for whatever is no
/// letter and no digit, as CGI does.
pub fn header_as_servers_read_it(name: &str) -> String {
    name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> ApiUrl {
        "https://api.example.test/shop/api/v1".parse().unwrap()
    }

    #[test]
    fn paths_below_the_address_in_every_spelling() {
        for (text, path) in [
            ("profile", "/profile"),
            ("/profile", "/profile"),
            ("orders?page=2&q=a/../b", "/orders?page=2&q=a/../b"),
            ("orders/../profile", "/profile"),
            ("orders:export", "/orders:export"),
            ("a@evil.test/x", "/a@evil.test/x"),
            ("@evil.test", "/@evil.test"),
            (".evil.test", "/.evil.test"),
            ("x//evil.test", "/x//evil.test"),
            ("?page=1", "/?page=1"),
            ("", "/"),
            ("/käse", "/k%C3%A4se"),
            ("HTTPS://API.example.test:443/shop/api/v1/orders?x=1", "/orders?x=1"),
            ("https://api.example.test/shop/api/v1", ""),
            ("//api.example.test/shop/api/v1/orders", "/orders"),
            ("orders?next=https://evil.test/", "/orders?next=https://evil.test/"),
        ] {
            assert_eq!(endpoint_path(&url(), text).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_path_of_this_environment() {
        for text in [
            "https://evil.test/shop/api/v1/orders?token=hunter2",
            "http://api.example.test/shop/api/v1/orders",
            "https://api.example.test:8443/shop/api/v1/orders",
            "https://api.example.test@evil.test/shop/api/v1",
            "https://ada:hunter2@api.example.test/shop/api/v1/orders",
            "https:evil.test/x",
            "https:/evil.test/x",
            "https:///evil.test/x",
            "//evil.test/x",
            "///evil.test/x",
            "/\\evil.test/x",
            "\\\\evil.test/x",
            "https:\\\\evil.test",
            "ftp://api.example.test/x",
            "file:///etc/passwd",
            "../v2/orders",
            "/../../admin",
            "%2e%2e/v2",
            "orders/.%2E/%2e./x",
            "https://api.example.test/shop/api/v10/orders",
            "https://api.example.test/",
            "ht\ttps://evil.test",
            " https://evil.test",
            "orders#x",
            "orders\r\nX-Tenant: other",
        ] {
            let why = endpoint_path(&url(), text).unwrap_err().to_string();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_stays_below_the_address(text in "[/\\\\.@:a?#%2ehtps \\[\\]-]{0,24}") {
            if let Ok(path) = endpoint_path(&url(), &text) {
                let sent = Url::parse(&url().endpoint(&path)).unwrap();
                proptest::prop_assert_eq!(sent.host_str(), Some("api.example.test"));
                proptest::prop_assert!(sent.path().starts_with("/shop/api/v1"));
                proptest::prop_assert!(sent.username().is_empty() && sent.port().is_none());
            }
        }
    }
}
