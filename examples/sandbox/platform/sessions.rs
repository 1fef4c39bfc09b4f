//! The login page and the browser's session behind it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::answer::Refused;
use super::seed::User;
use super::{World, answer, jwt, pages, seed};

#[derive(Default)]
pub struct Session {
    pub user: Option<&'static User>,
    /// Repeated by every form, so that no other page can submit one.
    pub csrf: String,
    /// Where the person wanted to go when the login page came up.
    intended: Option<String>,
}

#[derive(Default)]
pub struct Sessions(HashMap<String, Session>);

impl Sessions {
    pub fn find(&mut self, id: &str) -> Option<&mut Session> {
        self.0.get_mut(id)
    }

    fn start(&mut self) -> (String, &mut Session) {
        let id = jwt::hex(40);
        let session = Session { csrf: jwt::hex(40), ..Session::default() };
        (id.clone(), self.0.entry(id).or_insert(session))
    }
}

/// The form fields of the pages; each form uses some of them.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub struct Fields {
    pub _token: String,
    pub username: String,
    pub password: String,
    pub decision: String,
    pub request: String,
    pub user_code: String,
}

/// The session id in the request's cookies. Cookies know no ports, hence one in the name: two sandboxes on one machine
/// would else log each other out.
pub fn session_id(world: &World, headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(world);
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split("; "))
        .filter_map(|cookie| cookie.split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}

fn cookie_name(world: &World) -> String {
    format!("sandbox_{}", world.port)
}

/// The person behind a page request and the token for their forms; or the way to the login page and back.
pub fn signed_in(
    world: &World,
    headers: &HeaderMap,
    wanted: &str,
) -> Result<(&'static User, String), Refused> {
    if answer::wants_json(headers) && !is_signed_in(world, headers) {
        return Err(answer::message(401, "Unauthenticated.").into());
    }
    let known = session_id(world, headers);
    let mut desk = world.desk();
    if let Some(id) = &known
        && let Some(session) = desk.sessions.find(id)
    {
        if let Some(user) = session.user {
            return Ok((user, session.csrf.clone()));
        }
        session.intended = Some(wanted.into());
        return Err(world.redirect("/login").into());
    }
    let (id, session) = desk.sessions.start();
    session.intended = Some(wanted.into());
    Err(with_cookie(world, &id, world.redirect("/login")).into())
}

pub fn is_signed_in(world: &World, headers: &HeaderMap) -> bool {
    let id = session_id(world, headers);
    let mut desk = world.desk();
    id.and_then(|id| desk.sessions.find(&id)).is_some_and(|session| session.user.is_some())
}

/// The person who sent a form, if it carries their session's token; else the page that says no.
pub fn form_sender(world: &World, headers: &HeaderMap, fields: &Fields) -> Result<&'static User, Refused> {
    let id = session_id(world, headers);
    let mut desk = world.desk();
    let session = id.and_then(|id| desk.sessions.find(&id)).filter(|session| session.csrf == fields._token);
    session.and_then(|session| session.user).ok_or_else(|| expired().into())
}

fn expired() -> Response {
    let status = StatusCode::from_u16(419).unwrap_or(StatusCode::FORBIDDEN);
    pages::error(status, "This page has expired")
}

fn with_cookie(world: &World, id: &str, mut response: Response) -> Response {
    let cookie = format!("{}={id}; Path=/; HttpOnly; SameSite=Lax", cookie_name(world));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

pub async fn login_page(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let known = session_id(&world, &headers);
    let mut desk = world.desk();
    if let Some(session) = known.and_then(|id| desk.sessions.find(&id)) {
        return pages::login(&world.name, &session.csrf, false);
    }
    let (id, session) = desk.sessions.start();
    with_cookie(&world, &id, pages::login(&world.name, &session.csrf, false))
}

pub async fn log_in(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let Some(id) = session_id(&world, &headers) else { return expired() };
    let mut desk = world.desk();
    let Some(session) = desk.sessions.find(&id).filter(|session| session.csrf == fields._token) else {
        return expired();
    };
    let Some(user) = seed::user(&fields.username).filter(|user| user.password() == fields.password) else {
        return pages::login(&world.name, &session.csrf, true);
    };
    session.user = Some(user);
    let next = session.intended.take();
    desk.last_logins.insert(user.id, jiff::Timestamp::now());
    world.redirect(next.as_deref().unwrap_or("/"))
}
