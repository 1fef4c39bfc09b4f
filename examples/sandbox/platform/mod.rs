//! A local Autocom platform for the example, the tour and the tests: OAuth as Laravel Passport does it, the REST and
//! GraphQL API, and a log of every request. Everything is in memory and on 127.0.0.1.
//!
//! ```no_run
//! let sandbox = Sandbox::start(Options::default())?;
//! sandbox.knobs(|knobs| knobs.access_ttl_seconds = 5);
//! sandbox.fault("/oauth/token", Fault::status(503).header("Retry-After", "1"));
//! let token = sandbox.mint_pat("ada", None);
//! // ... run the program under test against sandbox.api_url() ...
//! assert!(sandbox.requests().iter().all(|request| request.accept.is_some()));
//! ```

#![allow(
    dead_code,
    unused_imports,
    reason = "each of the programs that include this module uses another part of it"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a server has its own clock and threads; only autocom's code is fenced"
)]

mod answer;
mod api;
mod authorize;
mod device;
mod graphql;
mod jwt;
mod knobs;
mod log;
mod oauth;
mod pages;
mod revocation;
mod seed;
mod sessions;
mod throttle;
mod token;
mod tokens;
mod traffic;
mod visitor;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, post};
use axum::{Router, middleware};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::oneshot;

pub use self::knobs::{Approval, DefaultScope, Ending, Fault, Gate, Knobs, Passport};
pub use self::log::{Request, fingerprint};
pub use self::seed::{CLIENT_ID, TENANTS, USERS, User};
pub use self::visitor::{Action, VisitError, Visited, Visitor, visit, visit_blocking};

use self::knobs::Faults;
use self::log::Log;
use self::seed::{Order, Orders, Tenant};
use self::sessions::Sessions;
use self::tokens::Tokens;

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Shown on its pages.
    pub name: String,
    /// 0: any that is free.
    pub port: u16,
    pub knobs: Knobs,
}

impl Default for Options {
    fn default() -> Self {
        Self { name: "Sandbox".into(), port: 0, knobs: Knobs::default() }
    }
}

/// A running platform. Dropping it ends its connections, its thread and everything that it knew.
pub struct Sandbox {
    world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Listens when this returns.
    pub fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let world = Arc::new(World {
            name: options.name,
            origin: format!("http://127.0.0.1:{port}"),
            port,
            log: Log::default(),
            desk: Mutex::new(Desk { knobs: options.knobs, ..Desk::default() }),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let router = router(Arc::clone(&world));
        let thread = thread::Builder::new().name("sandbox".into()).spawn(move || {
            runtime.block_on(async {
                // it is registered with this runtime's reactor, so not before it runs
                if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                    tokio::select! {
                        _ = axum::serve(listener, router) => {}
                        _ = stopped => {}
                    }
                }
            });
            // the runtime's end drops the connections, those that hang included
        })?;
        Ok(Self { world, stop: Some(stop), thread: Some(thread) })
    }

    /// Such as `http://127.0.0.1:43210`.
    pub fn origin(&self) -> String {
        self.world.origin.clone()
    }

    /// Such as `http://127.0.0.1:43210/api/v1`.
    pub fn api_url(&self) -> String {
        format!("{}/api/v1", self.world.origin)
    }

    /// A personal access token; `None` lasts for years.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    pub fn mint_pat(&self, user: &str, ttl_seconds: Option<i64>) -> String {
        let Some(user) = seed::user(user) else { panic!("the sandbox has no user {user}") };
        let mut desk = self.world.desk();
        let knobs = desk.knobs.clone();
        desk.tokens.mint_personal(user, ttl_seconds.unwrap_or(5 * 365 * 86_400), &knobs)
    }

    /// Ends this one token, access or refresh, and nothing that came with it.
    pub fn revoke(&self, token: &str) {
        self.world.desk().tokens.revoke(token);
    }

    /// Whether this access or refresh token would be honoured now.
    pub fn accepts(&self, token: &str) -> bool {
        self.world.desk().tokens.accepts(token)
    }

    /// Whether any token that a login of this user was granted is honoured now.
    pub fn has_live_tokens(&self, user: &str) -> bool {
        seed::user(user).is_some_and(|user| self.world.desk().tokens.has_login(user))
    }

    /// Sets the platform's clock to so much after the real one. Everything that ends goes by it: codes, tokens, what is
    /// written into them, the throttle's minute.
    pub fn turn_clock(&self, ahead: Duration) {
        self.world.desk().tokens.turn_clock(ahead);
    }

    /// Changes the behaviour from the next request on.
    pub fn knobs(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut self.world.desk().knobs);
    }

    /// The next requests to exactly this path (`/oauth/token`) fail like that; several faults queue up.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.world.desk().faults.add(path, fault);
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.world.log.all()
    }

    /// The first request, past ones included, that matches. A request is there as soon as it has arrived; match on
    /// `status` to wait for its answer.
    pub fn wait_for_request(
        &self,
        matches: impl Fn(&Request) -> bool,
        deadline: Duration,
    ) -> Option<Request> {
        self.world.log.wait(matches, deadline)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // a panic there has been printed by then
            let _ = thread.join();
        }
    }
}

/// What every handler sees.
struct World {
    name: String,
    origin: String,
    port: u16,
    log: Log,
    desk: Mutex<Desk>,
}

impl World {
    /// Everything that changes, under one lock: what a handler does under it, it does in one step.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To one of the platform's own pages.
    fn redirect(&self, path: &str) -> Response {
        answer::redirect(&format!("{}{path}", self.origin))
    }
}

#[derive(Default)]
struct Desk {
    knobs: Knobs,
    faults: Faults,
    tokens: Tokens,
    sessions: Sessions,
    /// Requests for authorization that wait for a decision, by what their approval form carries.
    wishes: HashMap<String, authorize::Wish>,
    devices: device::Devices,
    oauth_minute: throttle::Minute,
    api_minute: throttle::Minute,
    /// By user id.
    last_logins: HashMap<u32, Timestamp>,
    /// Statuses that somebody changed, by tenant and index.
    statuses: HashMap<(&'static str, u64), &'static str>,
}

impl Desk {
    fn orders(&self, tenant: &Tenant) -> Orders {
        let count = self.knobs.orders_count.get(tenant.id).copied().unwrap_or(tenant.orders);
        Orders { tenant: tenant.id, count }
    }

    fn order(&self, tenant: &Tenant, index: u64) -> Option<Order> {
        let mut order = self.orders(tenant).get(index)?;
        order.status = self.status(tenant, index);
        Some(order)
    }

    fn status(&self, tenant: &Tenant, index: u64) -> &'static str {
        let changed = if self.statuses.is_empty() { None } else { self.statuses.get(&(tenant.id, index)) };
        changed.copied().unwrap_or_else(|| seed::status_of(index))
    }

    fn set_status(&mut self, tenant: &Tenant, index: u64, status: &'static str) {
        self.statuses.insert((tenant.id, index), status);
    }
}

fn router(world: Arc<World>) -> Router {
    let api_limit = middleware::from_fn_with_state(Arc::clone(&world), throttle::api);
    let oauth_limit = middleware::from_fn_with_state(Arc::clone(&world), throttle::oauth);
    let api = |methods, route: Route| supporting(methods, route.route_layer(api_limit.clone()));
    let oauth = |methods, route: Route| supporting(methods, route.route_layer(oauth_limit.clone()));
    let platform = Router::new()
        .route("/api/v1/profile", api("GET, HEAD", get(api::profile)))
        .route("/api/v1/auth/tenants", api("GET, HEAD", get(api::tenants)))
        .route("/api/v1/auth/logout", api("POST", post(api::log_out)))
        .route("/api/v1/orders", api("GET, HEAD", get(api::orders)))
        .route("/api/v1/orders/{id}", api("GET, HEAD, PATCH", get(api::order).patch(api::change_order)))
        .route("/api/v1/graphql", api("POST", post(graphql::endpoint)))
        .route("/oauth/token", oauth("POST", post(token::token)))
        .route("/oauth/device/code", oauth("POST", post(device::start)))
        .route("/oauth/revoke", any(revocation::revoke))
        .route("/.well-known/oauth-authorization-server", get(revocation::metadata))
        .route("/oauth/tokens", get(passport_12_only))
        .route("/oauth/clients", get(passport_12_only))
        .fallback(async |uri: Uri| no_route(&uri))
        .layer(middleware::from_fn_with_state(Arc::clone(&world), answer::pages_for_browsers));
    Router::new()
        .route("/", get(home))
        .route("/login", get(sessions::login_page).post(sessions::log_in))
        .route("/oauth/authorize", get(authorize::authorize).post(authorize::decide))
        .route("/oauth/device", get(device::ask).post(device::typed))
        .route("/oauth/device/authorize", get(device::confirm).post(device::decide))
        .merge(platform)
        // `traffic::watch` has a limit of its own
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&world), traffic::watch))
        .with_state(world)
}

type Route = MethodRouter<Arc<World>>;

/// With the answer to every other method.
fn supporting(methods: &'static str, route: Route) -> Route {
    route.fallback(async move |method: Method, uri: Uri| {
        let path = uri.path().trim_start_matches('/');
        let text =
            format!("The {method} method is not supported for route {path}. Supported methods: {methods}.");
        answer::message(405, &text)
    })
}

async fn home(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    if answer::wants_json(&headers) {
        return answer::value(200, &json!({ "name": world.name }));
    }
    pages::notice(
        &world.name,
        "A platform to try things on",
        "There is nothing to see here. Log in from a terminal.",
    )
}

fn no_route(uri: &Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    answer::message(404, &format!("The route {path} could not be found."))
}

/// Routes for pages of the platform's own, which need its session.
async fn passport_12_only(State(world): State<Arc<World>>, uri: Uri) -> Response {
    match world.desk().knobs.passport {
        Passport::V12 => answer::message(401, "Unauthenticated."),
        Passport::V13 => no_route(&uri),
    }
}
