//! The pages that a person sees: one stylesheet, no script, nothing from elsewhere, and everything escaped.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::seed::{USERS, User};

const STYLE: &str = "
:root { color-scheme: light dark; --ground: #f3f4f1; --card: #fff; --ink: #1c2321; --soft: #5d6965; --line: #d9ddd8;
  --accent: #0b6b53; --on-accent: #fff; --bad: #a4262c }
@media (prefers-color-scheme: dark) { :root { --ground: #121715; --card: #1b2220; --ink: #e8ecea; --soft: #9aa8a3;
  --line: #323c38; --accent: #4fc3a1; --on-accent: #07211a; --bad: #ff8a85 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .9rem }
header { display: flex; gap: .6rem; align-items: center; margin-bottom: 1.5rem; color: var(--soft); font-size: .9rem }
header::before { content: ''; width: 1.1rem; height: 1.1rem; border-radius: .35rem; background: var(--accent) }
h1 { margin: 0 0 .75rem; font-size: 1.35rem; line-height: 1.3 }
p { margin: 0 0 1rem } .soft { color: var(--soft); font-size: .9rem } .bad { color: var(--bad) }
ul { margin: 0 0 1.25rem; padding-left: 1.2rem }
label { display: block; margin-bottom: 1rem; font-size: .9rem; color: var(--soft) }
input { width: 100%; margin-top: .3rem; padding: .6rem .7rem; font: inherit; color: var(--ink); background: var(--ground);
  border: 1px solid var(--line); border-radius: .5rem }
.buttons { display: flex; gap: .6rem } button { flex: 1; padding: .65rem 1rem; font: inherit; font-weight: 600;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .5rem; cursor: pointer }
button.quiet { color: var(--ink); background: none; border-color: var(--line) }
:is(input, button):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
table { width: 100%; margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line); border-spacing: 0;
  font-size: .85rem; color: var(--soft) } th { text-align: left; font-weight: 600 } td, th { padding: .1rem 0 }
code { font: .85rem ui-monospace, monospace }
";

/// Chromium applies `form-action` to where a form's answer redirects, so the callback has to be in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http://127.0.0.1:*; \
                      frame-ancestors 'none'; base-uri 'none'";

pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// `body` is markup; the other texts are escaped here.
fn page(status: StatusCode, platform: &str, title: &str, body: &str) -> Response {
    let (platform, title) = (escape(platform), escape(title));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} - {platform}</title><style>{STYLE}</style></head>\
         <body><main><header>{platform}</header><h1>{title}</h1>{body}</main></body></html>"
    );
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")];
    (status, headers, Html(html)).into_response()
}

pub fn error(status: StatusCode, text: &str) -> Response {
    let body = format!("<p class=\"soft\">The platform answered with status {}.</p>", status.as_u16());
    page(status, "Autocom", text, &body)
}

/// A request that may not be sent back to the client, because nothing proves that it came from it.
pub fn refused(platform: &str, status: StatusCode, reason: &str) -> Response {
    let body =
        format!("<p class=\"bad\">{}</p><p class=\"soft\">You can close this window.</p>", escape(reason));
    page(status, platform, "This request can't be authorized", &body)
}

pub fn notice(platform: &str, title: &str, text: &str) -> Response {
    page(StatusCode::OK, platform, title, &format!("<p>{}</p>", escape(text)))
}

pub fn login(platform: &str, csrf: &str, failed: bool) -> Response {
    let rows: String = USERS
        .iter()
        .map(|user| {
            let tenants: Vec<_> = user.memberships.iter().map(|(tenant, _)| *tenant).collect();
            let tenants = if tenants.is_empty() { "no tenant".to_owned() } else { tenants.join(", ") };
            let (name, password) = (user.username, user.password());
            format!("<tr><td><code>{name}</code></td><td><code>{password}</code></td><td>{tenants}</td></tr>")
        })
        .collect();
    let complaint =
        if failed { "<p class=\"bad\" role=\"alert\">That name and password don't match.</p>" } else { "" };
    let body = format!(
        "{complaint}<form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"_token\" value=\"{csrf}\">\
         <label>User name<input name=\"username\" autocomplete=\"username\" autofocus required></label>\
         <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
         <div class=\"buttons\"><button type=\"submit\">Log in</button></div></form>\
         <table><thead><tr><th>Demo user</th><th>Password</th><th>Tenants</th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    );
    let status = if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page(status, platform, "Log in", &body)
}

/// What the approval form sends back, beside the decision.
pub struct Approving<'a> {
    pub action: &'a str,
    pub csrf: &'a str,
    /// Name and value of the field that says what is being approved.
    pub subject: (&'a str, &'a str),
    /// Where the person ends up, in words.
    pub then: &'a str,
}

pub fn approve(platform: &str, user: &User, form: &Approving) -> Response {
    let Approving { action, csrf, subject: (field, subject), then } = form;
    let body = format!(
        "<p>You are signed in as <strong>{name}</strong> ({email}).</p>\
         <p class=\"soft\">It will be able to:</p>\
         <ul><li>read your profile and your tenants</li><li>read and change the orders of your tenants</li></ul>\
         <form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"_token\" value=\"{csrf}\">\
         <input type=\"hidden\" name=\"{field}\" value=\"{subject}\">\
         <div class=\"buttons\"><button class=\"quiet\" type=\"submit\" name=\"decision\" value=\"deny\">Deny</button>\
         <button type=\"submit\" name=\"decision\" value=\"approve\">Approve</button></div></form>\
         <p class=\"soft\" style=\"margin: 1rem 0 0\">{then}</p>",
        name = escape(user.name),
        email = escape(user.email),
        csrf = escape(csrf),
        subject = escape(subject),
        then = escape(then),
    );
    page(StatusCode::OK, platform, "Autocom CLI wants to access your account", &body)
}

pub fn device(platform: &str, user_code: &str, complaint: Option<&str>) -> Response {
    let complaint = complaint
        .map(|text| format!("<p class=\"bad\" role=\"alert\">{}</p>", escape(text)))
        .unwrap_or_default();
    let body = format!(
        "{complaint}<p>Enter the code that your terminal shows.</p><form method=\"post\" action=\"/oauth/device\">\
         <label>Code<input name=\"user_code\" value=\"{}\" autocomplete=\"off\" autofocus required></label>\
         <div class=\"buttons\"><button type=\"submit\">Continue</button></div></form>",
        escape(user_code)
    );
    page(StatusCode::OK, platform, "Connect a device", &body)
}
