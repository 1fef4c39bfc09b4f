//! The page that the browser ends on: one self-contained document, no script, nothing fetched.
//!
//! Whatever is put into it is somebody else's text (a name, a server's words), so everything goes
//! through [`escape`].

use std::fmt::Write;

use crate::domain::sanitized;

const STYLE: &str = include_str!("page.css");

/// The head of an arrow in a bent line: an A, and a way through.
const LOGO: &str = r#"<svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M2.5 17 10 3l7.5 14M7 12.5h6"/></svg>"#;

const CHECK: &str = r#"<path d="m12.8 20.7 4.9 4.8 9.5-10.4"/>"#;
const CROSS: &str = r#"<path d="m14.8 14.8 10.4 10.4m0-10.4L14.8 25.2"/>"#;

/// Who is logged in, and where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Success<'a> {
    pub name: Option<&'a str>,
    pub email: Option<&'a str>,
    pub profile: &'a str,
    /// The host, and port if any, of `api_url`.
    pub environment: &'a str,
    pub tenant: Option<&'a str>,
}

pub fn success(details: &Success<'_>) -> String {
    let Success { name, email, profile, environment, tenant } = *details;
    let mut rows = String::new();
    let account = match (name, email) {
        (Some(name), Some(email)) => format!("{}<small>{}</small>", escape(name), escape(email)),
        (one, other) => escape(one.or(other).unwrap_or_default()),
    };
    let code =
        |text: &str| if text.is_empty() { String::new() } else { format!("<code>{}</code>", escape(text)) };
    let values = [
        ("Account", account),
        ("Tenant", code(tenant.unwrap_or_default())),
        ("Profile", code(profile)),
        ("Environment", code(environment)),
    ];
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(rows, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    let body =
        format!("<p class=\"lead\">Close this tab and return to your terminal.</p>\n<dl>\n{rows}</dl>");
    document("Logged in", "success", CHECK, &body)
}

/// `what` went wrong, and what to do `next`.
pub fn failure(what: &str, next: Option<&str>) -> String {
    let next = next.unwrap_or("Return to your terminal: it says what to do.");
    let body =
        format!("<p class=\"lead\">{}</p>\n<p class=\"next\">{}</p>", escape(&sentence(what)), escape(next));
    document("Login failed", "failure", CROSS, &body)
}

fn document(title: &str, class: &str, mark: &str, body: &str) -> String {
    let tint = if class == "success" { "%230a7d4d" } else { "%23bb3a1d" };
    let icon = mark.replace('"', "'");
    format!(
        r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · Autocom</title>
<link rel="icon" href="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40' fill='{tint}' stroke='white' stroke-width='4' stroke-linecap='round' stroke-linejoin='round'><circle cx='20' cy='20' r='20' stroke='none'/>{icon}</svg>">
<style>
{STYLE}</style>
</head>
<body class="{class}">
<header>{LOGO}Autocom<span>CLI</span></header>
<main>
<svg class="mark" viewBox="0 0 40 40" fill="none" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="20" cy="20" r="20"/>{mark}</svg>
<h1>{title}</h1>
{body}
</main>
<footer>Served by autocom {version} from your own computer.</footer>
</body>
</html>
"##,
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// A clause of an error as a sentence: a capital letter, and a full stop if there is no other end.
fn sentence(clause: &str) -> String {
    let mut rest = clause.trim().chars();
    let mut sentence: String = rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect();
    if !sentence.ends_with(['.', '!', '?', ')']) {
        sentence.push('.');
    }
    sentence
}

/// Safe as text and inside quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in sanitized(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_put_in_becomes_markup() {
        let bad = "<script>\"'&\u{202e}";
        let details =
            Success { name: Some(bad), email: Some(bad), profile: bad, environment: bad, tenant: Some(bad) };
        for page in [success(&details), failure(bad, Some(bad))] {
            assert!(!page.contains("<script") && !page.contains(bad), "{page}");
            assert!(page.contains("&lt;script&gt;&quot;&#39;&amp; ") && !page.contains('\u{202e}'));
        }
    }

    #[test]
    fn what_is_not_known_has_no_row() {
        let page = success(&Success { email: Some("a@b.test"), profile: "p", ..Success::default() });
        assert!(page.contains("a@b.test") && page.contains("<code>p</code>"));
        assert!(!page.contains("Tenant") && !page.contains("Environment"));
    }

    #[test]
    fn an_error_clause_becomes_a_sentence() {
        assert_eq!(sentence("the login was denied: no"), "The login was denied: no.");
        assert_eq!(sentence("is it?"), "Is it?");
    }
}
