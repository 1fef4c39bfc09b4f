//! What a user brings back by hand after a login in a browser elsewhere (`--no-browser`).

use url::Url;

use super::answer::EndpointAnswer;
use super::error::OAuthError;
use super::flow::Pending;
use crate::domain::Secret;

/// Passport's codes have about 860 characters.
const MAX_CODE: usize = 8192;

/// The code in `text`: the whole address that the browser ended on, whose `state` must be this
/// login's, or the bare code, which has no `state` and relies on PKCE alone. Quotes around it and
/// the line breaks of a terminal are no part of it.
pub fn code(text: &str, pending: &Pending) -> Result<Secret, OAuthError> {
    check_page(text, pending)?;
    let text = stripped(text);
    match query(&text, pending)? {
        Some(query) => judge(&query, pending),
        None => bare(&text),
    }
}

/// As [`code`], but of an address alone: where a browser may come back by itself, a stray word must not
/// be taken for a code and end the wait.
pub fn address(text: &str, pending: &Pending) -> Result<Secret, OAuthError> {
    check_page(text, pending)?;
    match query(&stripped(text), pending)? {
        Some(query) => judge(&query, pending),
        None => Err(no_code(format!(
            "that is not the address that the browser ends on, which starts with {}",
            pending.redirect_uri()
        ))),
    }
}

/// Whether it is what Passport shows in place of its login page, where it does not know the client.
fn check_page(text: &str, pending: &Pending) -> Result<(), OAuthError> {
    let page = text.trim().as_bytes();
    if page.starts_with(b"{") { pending.client_error(page).map_or(Ok(()), Err) } else { Ok(()) }
}

fn stripped(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    text.trim_matches(['"', '\'', '`', '<', '>']).to_owned()
}

/// The query of an address, or `None`: it is none.
fn query(text: &str, pending: &Pending) -> Result<Option<String>, OAuthError> {
    if text.is_empty() {
        return Err(no_code("nothing was pasted".to_owned()));
    }
    if ["?", "code=", "state=", "error="].iter().any(|start| text.starts_with(start)) {
        return Ok(Some(text.trim_start_matches('?').to_owned()));
    }
    if has_scheme(text) || text.starts_with(&pending.redirect_uri().authority()) {
        return query_of_redirect(text, pending).map(Some);
    }
    Ok(None)
}

fn judge(query: &str, pending: &Pending) -> Result<Secret, OAuthError> {
    match EndpointAnswer::read(query, pending) {
        EndpointAnswer::Code(code) => Ok(code),
        EndpointAnswer::Failed(error) => Err(error),
        EndpointAnswer::Unbound(words) => Err(OAuthError::Rejected { error: "an error".to_owned(), description: words }),
        EndpointAnswer::NotOurs => Err(no_code(
            "that address belongs to another login (its state is not this one's): open the address shown above \
             and paste where it ends"
                .to_owned(),
        )),
        EndpointAnswer::CutOff => Err(no_code(
            "that address is cut off: it ends before its state is complete; copy and paste the whole address"
                .to_owned(),
        )),
        EndpointAnswer::Ambiguous => Err(no_code("that address names a parameter twice".to_owned())),
    }
}

fn query_of_redirect(text: &str, pending: &Pending) -> Result<String, OAuthError> {
    let redirect_uri = pending.redirect_uri().to_string();
    // Browsers like to leave the scheme out.
    let text = if has_scheme(text) { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&text).map_err(|error| no_code(format!("that is no address: {error}")))?;
    if url.query_pairs().any(|(name, _)| name == "code_challenge") {
        return Err(no_code(format!(
            "that is the address to open; paste the one that the browser ends on, which starts with {redirect_uri}"
        )));
    }
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    if bare.as_str() != redirect_uri {
        return Err(no_code(format!(
            "that address is on {}; the one that the browser ends on starts with {redirect_uri}",
            url.host_str().unwrap_or("no host")
        )));
    }
    Ok(url.query().unwrap_or_default().to_owned())
}

/// Whether it is an absolute URL; an `iss` in a query is one too, but not this one.
fn has_scheme(text: &str) -> bool {
    text.split('?').next().is_some_and(|start| start.contains("://"))
}

fn bare(text: &str) -> Result<Secret, OAuthError> {
    // Codes are VSCHAR (RFC 6749, appendix A.11); what has quotes or brackets inside is something else.
    let plausible = text.len() <= MAX_CODE
        && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '{' | '}' | '\\'));
    if plausible {
        Ok(Secret::new(text))
    } else {
        Err(no_code("that is neither an address nor a code".to_owned()))
    }
}

fn no_code(text: String) -> OAuthError {
    OAuthError::NotACode(text)
}

#[cfg(test)]
mod tests {
    use super::super::endpoints::Endpoints;
    use super::super::flow::{AuthorizationRequest, RedirectUri};
    use super::*;

    fn login() -> (AuthorizationRequest, String) {
        let api_url = "https://h.test/api/v1".parse().unwrap();
        let redirect = RedirectUri::on(8765);
        let login =
            AuthorizationRequest::new(Endpoints::new(&api_url), "cli".parse().unwrap(), redirect, Vec::new());
        let state = login.pending.state.expose().to_owned();
        (login, state)
    }

    #[test]
    fn the_address_or_the_bare_code_is_accepted_however_it_is_wrapped() {
        let (login, state) = login();
        let url = format!("http://127.0.0.1:8765/callback?code=a%2Fb%2bc&state={state}&iss=https://h.test");
        let (head, tail) = url.split_at(40);
        for text in [
            url.clone(),
            format!("  '{url}'\r\n"),
            format!("{head}\n{tail}"),
            format!("<{url}#fragment>"),
            url.replace("http://", ""),
            url.split_once('?').unwrap().1.to_owned(),
            "a/b+c\n".to_owned(),
            "\"a/b+c\"".to_owned(),
        ] {
            assert_eq!(code(&text, &login.pending).unwrap().expose(), "a/b+c", "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_to_this_login_is_refused_with_the_reason() {
        let (login, state) = login();
        let refused = |text: &str| match code(text, &login.pending).unwrap_err() {
            OAuthError::NotACode(words) => words,
            other => panic!("{text}: {other:?}"),
        };
        let callback = "http://127.0.0.1:8765/callback";
        assert!(refused(" \n").contains("nothing"));
        assert!(refused(login.url.as_str()).contains("address to open"));
        assert!(refused(&format!("http://evil.test/callback?code=x&state={state}")).contains("evil.test"));
        assert!(refused(&format!("http://127.0.0.1:8766/callback?code=x&state={state}")).contains("8765"));
        assert!(refused(&format!("{callback}?code=x&state=other")).contains("another login"));
        for cut in [String::new(), "&sta".to_owned(), "&state=".to_owned(), format!("&state={}", &state[..9])]
        {
            assert!(refused(&format!("{callback}?code=x{cut}")).contains("cut off"), "{cut}");
        }
        assert!(refused(&format!("{callback}?code=x&code=y&state={state}")).contains("twice"));
        assert!(refused("{\"code\":1}").contains("neither"));
        assert!(refused(&"x".repeat(9000)).contains("neither"));
    }

    #[test]
    fn the_page_of_an_unknown_client_is_recognized() {
        let (login, _) = login();
        let page = "{\"error\":\"invalid_client\",\n \"error_description\":\"Client authentication failed\"}";
        for read in [code, address] {
            assert!(matches!(read(page, &login.pending), Err(OAuthError::UnknownClient { description, .. })
                if description == "Client authentication failed"));
        }
    }

    #[test]
    fn the_servers_refusal_and_another_issuer_are_told() {
        let (login, state) = login();
        let error = |query: &str| {
            let url = format!("http://127.0.0.1:8765/callback?{query}&state={state}");
            code(&url, &login.pending).unwrap_err()
        };
        assert!(matches!(error("error=access_denied&error_description=The+owner+said+no"),
            OAuthError::Denied { description } if description == "The owner said no"));
        assert!(
            matches!(error("error=server_error"), OAuthError::Rejected { error, .. } if error == "server_error")
        );
        assert!(matches!(error("code=x&iss=https%3A%2F%2Fevil.test%2Fa"),
            OAuthError::WrongIssuer { expected, actual } if expected == "https://h.test" && actual == "https://evil.test"));
        assert!(matches!(error("code=x&iss=nonsense"), OAuthError::WrongIssuer { .. }));
        assert!(matches!(error("foo=1"), OAuthError::Nonsense { .. }));
    }
}
