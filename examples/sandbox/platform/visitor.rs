//! A stand-in for the person at the browser: walks the sandbox's own login and approval forms over HTTP.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, redirect};
use url::{Url, form_urlencoded};

pub type VisitError = Box<dyn Error + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Approve,
    Deny,
    /// Opens the page and walks away.
    Abandon,
}

/// Who sits there and what they do.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub user: String,
    pub action: Action,
    /// Follow the redirect to the callback; else it is returned, to be pasted.
    pub deliver: bool,
}

impl Visitor {
    pub fn approving(user: &str) -> Self {
        Self { user: user.into(), action: Action::Approve, deliver: true }
    }

    pub fn denying(user: &str) -> Self {
        Self { action: Action::Deny, ..Self::approving(user) }
    }

    pub fn abandoning(user: &str) -> Self {
        Self { action: Action::Abandon, ..Self::approving(user) }
    }

    pub fn without_delivery(mut self) -> Self {
        self.deliver = false;
        self
    }
}

/// Where a visit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visited {
    /// The callback was requested, and this came back.
    Delivered {
        status: u16,
        page: String,
    },
    /// The callback's URL, which nobody has requested.
    Callback(String),
    /// A page of the platform that leads nowhere: an error, or a device's last page.
    Stopped {
        status: u16,
        page: String,
    },
    Abandoned,
}

/// [`visit`], on a runtime of its own.
pub fn visit_blocking(url: &str, who: Visitor) -> Result<Visited, VisitError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(visit(url, who))
}

/// Goes from `url` to the callback as `who`.
pub async fn visit(url: &str, who: Visitor) -> Result<Visited, VisitError> {
    let mut browser = Browser::new()?;
    let mut place = browser.open(Url::parse(url)?, None).await?;
    // login, device code, approval; more is going round in circles
    for _ in 0..5 {
        let (url, status, page) = match place {
            Place::Callback(url) if who.deliver => return browser.deliver(url).await,
            Place::Callback(url) => return Ok(Visited::Callback(url.into())),
            Place::Page { .. } if who.action == Action::Abandon => return Ok(Visited::Abandoned),
            Place::Page { url, status, html } => (url, status, html),
        };
        let Some((action, body)) = fill(&page, &who) else {
            return Ok(Visited::Stopped { status, page });
        };
        place = browser.open(url.join(&action)?, Some(body)).await?;
    }
    Err("the forms do not end".into())
}

enum Place {
    Page { url: Url, status: u16, html: String },
    Callback(Url),
}

struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new() -> Result<Self, VisitError> {
        let client = Client::builder()
            // a proxy of the machine has no business with loopback
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            // plain http only: not worth reading the system's certificates, which a slim container may lack
            .tls_certs_only([])
            .build()?;
        Ok(Self { client, cookies: BTreeMap::new() })
    }

    /// Follows redirects up to a page, or up to a callback, which it does not request.
    async fn open(&mut self, mut url: Url, mut form: Option<String>) -> Result<Place, VisitError> {
        for _ in 0..10 {
            if url.path() == "/callback" {
                return Ok(Place::Callback(url));
            }
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = match form.take() {
                Some(body) => self
                    .client
                    .post(url.clone())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body),
                None => self.client.get(url.clone()),
            };
            let response =
                request.header("accept", "text/html").header(COOKIE, cookies.join("; ")).send().await?;
            for cookie in response.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
                if let Some((name, value)) = pair.split_once('=') {
                    self.cookies.insert(name.into(), value.into());
                }
            }
            let status = response.status();
            match response.headers().get(LOCATION) {
                Some(location) if status.is_redirection() => url = url.join(location.to_str()?)?,
                _ => return Ok(Place::Page { url, status: status.as_u16(), html: response.text().await? }),
            }
        }
        Err("too many redirects".into())
    }

    /// Without the cookies: they are the platform's.
    async fn deliver(&self, callback: Url) -> Result<Visited, VisitError> {
        let response = self.client.get(callback).header("accept", "text/html").send().await?;
        Ok(Visited::Delivered { status: response.status().as_u16(), page: response.text().await? })
    }
}

/// Where the page's form goes, and the body it gets from this person; `None` if there is nothing to fill in. Knows
/// just as much HTML as the sandbox's pages use: attributes in double quotes, one form a page.
fn fill(page: &str, who: &Visitor) -> Option<(String, String)> {
    let form = tags(page, "form").next()?;
    let inputs: Vec<&str> = tags(page, "input").collect();
    let logging_in = inputs.iter().any(|input| attribute(input, "type").as_deref() == Some("password"));
    if logging_in && page.contains("role=\"alert\"") {
        return None;
    }
    let mut body = form_urlencoded::Serializer::new(String::new());
    for input in inputs {
        let name = attribute(input, "name")?;
        let value = match name.as_str() {
            "username" => who.user.clone(),
            "password" => format!("pw-{}", who.user),
            _ => attribute(input, "value").unwrap_or_default(),
        };
        body.append_pair(&name, &value);
    }
    let decision = if who.action == Action::Deny { "deny" } else { "approve" };
    for button in tags(page, "button") {
        if attribute(button, "value").as_deref() == Some(decision) {
            body.append_pair(&attribute(button, "name")?, decision);
        }
    }
    Some((attribute(form, "action")?, body.finish()))
}

/// The insides of all start tags of this name.
fn tags<'a>(page: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let opening = format!("<{name} ");
    let starts: Vec<usize> = page.match_indices(&opening).map(|(at, _)| at + opening.len()).collect();
    starts.into_iter().filter_map(|start| page[start..].split('>').next())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let opening = format!("{name}=\"");
    let start = tag.find(&opening)? + opening.len();
    let value = tag[start..].split('"').next()?;
    let plain = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    Some(plain.replace("&amp;", "&"))
}
