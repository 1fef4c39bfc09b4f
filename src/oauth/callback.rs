//! The loopback listener that the browser is sent back to (RFC 8252, section 7.3).
//!
//! It answers one login, on one port of 127.0.0.1 that is bound once and kept until the last page
//! is sent. Anybody on this machine, and any web page, can send requests to it; so only `GET
//! /callback` with the right `state` and our own `Host` (a rebound DNS name has another) ends the
//! wait, whatever else is asked gets a plain no, and no connection can hold up another: each has its
//! own task, ten seconds to send its headers, 32 KiB for them, and when there are many, or no descriptor
//! is left for the next, the oldest that has not sent its request is dropped.
//!
//! On the port: tokio sets `SO_REUSEADDR` on Unix, which lets us bind while old connections are in
//! `TIME_WAIT`; of two listeners the second still fails, as it should. On Windows it is not set.
//!
//! The page is sent only when the session knows how the login ended, through [`BrowserReply`]. Until then the port
//! is served: whoever asks for the same page once more (a reload, a prefetch) gets it too.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};

use super::answer::EndpointAnswer;
use super::error::OAuthError;
use super::flow::{Pending, RedirectUri};
use super::page;
use crate::domain::Secret;
use crate::system::reporter::Reporter;
use crate::system::runtime;

/// From the first byte to the last of a request's headers.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);
/// A callback has about 1.5 KiB, with the browser's cookies for 127.0.0.1 perhaps 20.
const MAX_HEADERS: usize = 32 << 10;
/// Browsers open one to three; the rest is for whoever else comes along.
const MAX_CONNECTIONS: usize = 64;
/// Each reload drops the connection of the one before.
const MAX_RELOADS: usize = 8;
/// How long the last page may take to reach the browser.
const PAGE_DEADLINE: Duration = Duration::from_secs(2);
/// How long a connection is kept for the peer to take what was sent and close.
const LINGER: Duration = Duration::from_secs(1);
const OTHER_LOGIN: &str = "This link belongs to another login, or is out of date.";
/// Errors without `state` that are shown: anybody can send them.
const MAX_NOTICES: usize = 3;

/// Bound to its port, not yet listening to anybody.
pub struct Listener {
    socket: TcpListener,
    redirect_uri: RedirectUri,
}

/// The answer to the login. The browser is still waiting for its page.
#[derive(Debug)]
pub struct Callback {
    pub code: Secret,
    pub reply: BrowserReply,
}

/// The page that is due to the browser. Dropped unsent, it says that autocom stopped.
#[derive(Debug)]
pub struct BrowserReply {
    page: watch::Sender<Option<Page>>,
    /// Ends when the page is sent: until then the port stays ours.
    server: JoinHandle<()>,
}

type Page = (StatusCode, String);

impl Listener {
    /// Takes the first of `ports` that is free on 127.0.0.1; never another address.
    pub async fn bind(ports: impl IntoIterator<Item = u16>) -> Result<Listener, OAuthError> {
        let (mut taken, mut reason) = (Vec::new(), "no port given".to_owned());
        for port in ports {
            match TcpListener::bind(("127.0.0.1", port)).await.and_then(|it| Ok((it.local_addr()?, it))) {
                Ok((address, socket)) => {
                    tracing::debug!(port = address.port(), "callback listener bound");
                    return Ok(Listener { socket, redirect_uri: RedirectUri::on(address.port()) });
                }
                Err(error) => {
                    taken.push(port);
                    reason = error.to_string();
                }
            }
        }
        Err(OAuthError::NoPort { ports: taken, reason })
    }

    pub fn redirect_uri(&self) -> RedirectUri {
        self.redirect_uri
    }

    /// Waits for this login's answer, without a deadline: drop the future to give up. If the answer
    /// is an error, the browser has been shown it before this returns.
    pub async fn receive(self, pending: &Pending, reporter: &Reporter) -> Result<Callback, OAuthError> {
        let mut server = Server::new(self.socket, self.redirect_uri.authority().into());
        let mut shown = 0;
        loop {
            let visit = server.visit().await;
            let retry = Some("The terminal is still waiting: go back to it and open the link it shows.");
            match EndpointAnswer::read(&visit.query, pending) {
                EndpointAnswer::Code(code) => {
                    let (page, due) = watch::channel(None);
                    let server = tokio::spawn(server.serve_until(due, visit));
                    return Ok(Callback { code, reply: BrowserReply { page, server } });
                }
                EndpointAnswer::Failed(error) => {
                    let page = page::failure(&error.to_string(), None);
                    finish(vec![visit], (StatusCode::OK, page)).await;
                    return Err(error);
                }
                EndpointAnswer::Unbound(words) => {
                    if shown < MAX_NOTICES {
                        shown += 1;
                        reporter.warn(format!("the browser came back with an error: {words}"));
                    }
                    visit.answer(StatusCode::BAD_REQUEST, page::failure(&words, retry));
                }
                EndpointAnswer::NotOurs | EndpointAnswer::CutOff | EndpointAnswer::Ambiguous => {
                    tracing::debug!("a callback that is not this login's");
                    visit.answer(StatusCode::BAD_REQUEST, page::failure(OTHER_LOGIN, retry));
                }
            }
        }
    }
}

impl BrowserReply {
    pub async fn success(self, details: &page::Success<'_>) {
        self.finish(page::success(details)).await;
    }

    /// `what` went wrong, and what to do `next`.
    pub async fn failure(self, what: &str, next: Option<&str>) {
        self.finish(page::failure(what, next)).await;
    }

    async fn finish(self, page: String) {
        self.page.send_replace(Some((StatusCode::OK, page)));
        let _ = self.server.await;
    }
}

/// The port and its connections.
struct Server {
    socket: TcpListener,
    host: Arc<str>,
    visits: mpsc::Sender<Visit>,
    arrivals: mpsc::Receiver<Visit>,
    /// Those that have not brought a visit, the oldest first.
    idle: VecDeque<AbortHandle>,
    max_idle: usize,
}

impl Server {
    fn new(socket: TcpListener, host: Arc<str>) -> Server {
        let (visits, arrivals) = mpsc::channel(1);
        // The login itself needs descriptors, too.
        let max_idle = MAX_CONNECTIONS.min(runtime::max_descriptors() / 4);
        Server { socket, host, visits, arrivals, idle: VecDeque::new(), max_idle }
    }

    /// The next `GET /callback`, whatever it asks for.
    async fn visit(&mut self) -> Visit {
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        self.idle.retain(|connection| !connection.is_finished());
                        if self.idle.len() >= self.max_idle {
                            self.drop_idle(1).await;
                        }
                        let task = tokio::spawn(serve(stream, self.host.clone(), self.visits.clone()));
                        self.idle.push_back(task.abort_handle());
                    }
                    // Out of descriptors, most likely.
                    Err(_) if !self.idle.is_empty() => self.drop_idle(1).await,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(visit) = self.arrivals.recv() => {
                    self.idle.retain(|connection| connection.id() != visit.task);
                    return visit;
                }
            }
        }
    }

    async fn drop_idle(&mut self, most: usize) {
        let count = most.min(self.idle.len());
        self.idle.drain(..count).for_each(|connection| connection.abort());
        // They are closed when their tasks are at the turn.
        tokio::task::yield_now().await;
    }

    /// Waits for the page that is `due` to `first`, and gives it also to whoever asks for the same meanwhile.
    async fn serve_until(mut self, mut due: watch::Receiver<Option<Page>>, first: Visit) {
        self.drop_idle(usize::MAX).await;
        let (query, mut waiting) = (first.query.clone(), vec![first]);
        loop {
            tokio::select! {
                biased;
                sent = due.changed() => {
                    // Without a page, the end of their visits tells that whoever waits.
                    if let Some(page) = sent.ok().and_then(|()| due.borrow_and_update().clone()) {
                        finish(waiting, page).await;
                    }
                    return;
                }
                visit = self.visit() => {
                    waiting.retain(|visit| !visit.page.is_closed());
                    if visit.query != query {
                        visit.answer(StatusCode::BAD_REQUEST, page::failure(OTHER_LOGIN, None));
                        continue;
                    }
                    if waiting.len() == MAX_RELOADS {
                        waiting.remove(0);
                    }
                    waiting.push(visit);
                }
            }
        }
    }
}

/// Answers, and waits until the browser has the page: the process may end right after.
async fn finish(visits: Vec<Visit>, (status, page): Page) {
    let sent = visits.into_iter().map(|mut visit| {
        let _ = visit.page.send((status, page.clone()));
        async move { visit.connection.changed().await }
    });
    let _ = tokio::time::timeout(PAGE_DEADLINE, futures_util::future::join_all(sent)).await;
}

/// One `GET /callback`, waiting for its page.
struct Visit {
    query: String,
    page: oneshot::Sender<(StatusCode, String)>,
    /// Closed when its connection is.
    connection: watch::Receiver<()>,
    task: tokio::task::Id,
}

impl std::fmt::Debug for Visit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Visit(..)") // The query holds the code.
    }
}

impl Visit {
    fn answer(self, status: StatusCode, page: String) {
        let _ = self.page.send((status, page)); // It fails if the browser has gone.
    }
}

/// One connection from its first byte to the peer's close.
async fn serve(stream: TcpStream, host: Arc<str>, visits: mpsc::Sender<Visit>) {
    let (_open, connection) = watch::channel(());
    let service = service_fn(move |request: Request<Incoming>| {
        let (host, visits, connection) = (host.clone(), visits.clone(), connection.clone());
        let answer: Pin<Box<dyn Future<Output = Result<_, Infallible>> + Send>> =
            Box::pin(async move { Ok(route(request, &host, visits, connection).await) });
        answer
    });
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = poll_fn(|context| http.poll_without_shutdown(context)).await;
    // Closing a socket with unread bytes resets it, and the peer may lose the page: so say that we
    // are done, and read on until the peer is too.
    let mut stream = http.into_parts().io.into_inner();
    let _ = tokio::time::timeout(LINGER, async {
        stream.shutdown().await?;
        while stream.read(&mut [0; 4096]).await? > 0 {}
        std::io::Result::Ok(())
    })
    .await;
}

async fn route(
    request: Request<Incoming>,
    host: &str,
    visits: mpsc::Sender<Visit>,
    connection: watch::Receiver<()>,
) -> Response<Full<Bytes>> {
    let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // RFC 9112, section 3.2: exactly one.
    let hosts: Vec<_> = request.headers().get_all(HOST).iter().collect();
    let refusal = if hosts != [host] {
        Some((StatusCode::BAD_REQUEST, "This address is only for the browser that is logging in."))
    } else if request.uri().path() != RedirectUri::PATH {
        Some((StatusCode::NOT_FOUND, "There is nothing here."))
    } else if request.method() != Method::GET {
        Some((StatusCode::METHOD_NOT_ALLOWED, "Only GET works here."))
    } else if header("sec-fetch-dest").is_some_and(|destination| destination != "document") {
        // A login ends with a page that opens, never with an image or a script of another page.
        Some((StatusCode::BAD_REQUEST, "This address is to be opened as a page."))
    } else {
        None
    };
    if let Some((status, words)) = refusal {
        return respond(status, page::failure(words, None));
    }
    let (sender, page) = oneshot::channel();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let _ = visits.send(Visit { query, page: sender, connection, task: tokio::task::id() }).await;
    // Either channel closes when nobody waits any longer.
    let (status, page) = page.await.unwrap_or_else(|_| {
        let words = "autocom stopped before the login was complete.";
        (StatusCode::GONE, page::failure(words, Some("Start again in the terminal: autocom auth login")))
    });
    respond(status, page)
}

fn respond(status: StatusCode, page: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::endpoints::Endpoints;
    use super::super::flow::AuthorizationRequest;
    use super::*;

    struct Login {
        address: String,
        state: String,
        pending: Pending,
        listener: Listener,
    }

    async fn login() -> Login {
        let listener = Listener::bind([0]).await.unwrap();
        let redirect_uri = listener.redirect_uri();
        let api_url = "https://h.test/api/v1".parse().unwrap();
        let pending = AuthorizationRequest::new(
            Endpoints::new(&api_url),
            "cli".parse().unwrap(),
            redirect_uri,
            Vec::new(),
        )
        .pending;
        let state = pending.state.expose().to_owned();
        Login { address: redirect_uri.authority(), state, pending, listener }
    }

    async fn raw(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    async fn get(address: &str, target: &str) -> String {
        raw(address, &format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n")).await
    }

    fn status(answer: &str) -> &str {
        answer.get(9..12).unwrap_or(answer)
    }

    #[tokio::test]
    async fn the_right_answer_ends_the_wait_and_the_page_comes_last() {
        let Login { address, state, pending, listener } = login().await;
        let code = "c".repeat(900);
        let target = format!("/callback?code={code}&state={state}");
        let browser = tokio::spawn(async move { get(&address, &target).await });
        let callback = listener.receive(&pending, &Reporter::silent()).await.unwrap();
        assert_eq!(callback.code.expose(), code);
        assert!(!browser.is_finished(), "the page waits for the session");
        let details = page::Success { name: Some("Ada"), environment: "h.test", ..Default::default() };
        callback.reply.success(&details).await;
        let answer = browser.await.unwrap();
        assert_eq!(status(&answer), "200");
        assert!(answer.contains("Ada") && answer.ends_with("</html>\n"), "{answer}");
        for header in [
            "connection: close",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "content-length: ",
        ] {
            assert!(answer.to_ascii_lowercase().contains(header), "{header}");
        }
    }

    #[tokio::test]
    async fn whatever_else_is_asked_gets_a_no_and_the_wait_goes_on() {
        let Login { address, state, pending, listener } = login().await;
        let said = Arc::new(Mutex::new(Vec::new()));
        let sink = said.clone();
        let reporter = Reporter::new(move |_, words| sink.lock().unwrap().push(words.to_owned()));
        let strangers = async {
            // Neither finishes its request, and a crowd of them does not keep others out.
            let mut idle = Vec::new();
            for _ in 0..MAX_CONNECTIONS + 9 {
                let mut stream = TcpStream::connect(&address).await.unwrap();
                let _ = stream.write_all(b"GET /callback HT").await;
                idle.push(stream);
            }
            let right = format!("/callback?code=x&state={state}");
            for (target, wanted) in [
                ("/favicon.ico", "404"),
                ("/callback/", "404"),
                ("/callback", "400"),
                ("/callback?code=x&state=wrong", "400"),
                (&format!("/callback?code=x&code=y&state={state}"), "400"),
                ("/callback?error=invalid_scope&error_description=no+such%0Ascope", "400"),
            ] {
                assert_eq!(status(&get(&address, target).await), wanted, "{target}");
            }
            for (request, wanted) in [
                (format!("POST {right} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n"), "405"),
                (format!("HEAD {right} HTTP/1.1\r\nHost: {address}\r\n\r\n"), "405"),
                (format!("GET {right} HTTP/1.1\r\nHost: evil.test\r\n\r\n"), "400"),
                (format!("GET {right} HTTP/1.0\r\n\r\n"), "400"),
                (format!("GET {right} HTTP/1.1\r\nHost: {address}\r\nHost: evil.test\r\n\r\n"), "400"),
                (format!("GET {right} HTTP/1.1\r\nHost: {address}\r\nHost: {address}\r\n\r\n"), "400"),
                (format!("GET {right} HTTP/1.1\r\nHost: {address}\r\nSec-Fetch-Dest: image\r\n\r\n"), "400"),
                (format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(2 * MAX_HEADERS)), "431"),
                ("\x16\x03\x01 no HTTP\r\n\r\n".to_owned(), "400"),
            ] {
                assert_eq!(status(&raw(&address, &request).await), wanted, "{request:.60}");
            }
            drop(idle);
            get(&address, &right).await
        };
        let login = async {
            let callback = listener.receive(&pending, &reporter).await.unwrap();
            callback.reply.failure("<b>no</b>", None).await;
        };
        let (answer, ()) = tokio::join!(strangers, login);
        assert!(answer.contains("&lt;b&gt;no"), "{answer}");
        assert_eq!(
            *said.lock().unwrap(),
            ["the browser came back with an error: invalid_scope: no such scope"]
        );
    }

    #[tokio::test]
    async fn a_denial_is_shown_in_the_browser_and_ends_the_wait() {
        let Login { address, state, pending, listener } = login().await;
        let target = format!("/callback?error=access_denied&error_description=Ada+said+no&state={state}");
        let quiet = Reporter::silent();
        let (error, answer) = tokio::join!(listener.receive(&pending, &quiet), get(&address, &target));
        assert!(
            matches!(error.unwrap_err(), OAuthError::Denied { description } if description == "Ada said no")
        );
        assert!(answer.contains("Ada said no"), "{answer}");
    }

    #[tokio::test]
    async fn whoever_asks_again_while_the_login_runs_gets_the_same_page() {
        let Login { address, state, pending, listener } = login().await;
        let target = format!("/callback?code=x&state={state}");
        let browser = |target: String| {
            let address = address.clone();
            tokio::spawn(async move { get(&address, &target).await })
        };
        let first = browser(target.clone());
        let callback = listener.receive(&pending, &Reporter::silent()).await.unwrap();
        // Another request, answered after it, tells that a reload has arrived.
        let mut reload = TcpStream::connect(&address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        reload.write_all(request.as_bytes()).await.unwrap();
        // Nor does a crowd drop them; whatever was sent before a request that is answered has arrived.
        let mut crowd = Vec::new();
        for _ in 0..MAX_CONNECTIONS + 9 {
            crowd.push(TcpStream::connect(&address).await.unwrap());
        }
        assert_eq!(status(&browser(format!("{target}&x=1")).await.unwrap()), "400");
        assert!(!first.is_finished(), "the page waits for the session");
        let details = page::Success { name: Some("Ada"), ..Default::default() };
        let sending = callback.reply.success(&details);
        let (_, first) = tokio::join!(sending, first);
        let mut again = String::new();
        reload.read_to_string(&mut again).await.unwrap();
        for answer in [first.unwrap(), again] {
            assert!(status(&answer) == "200" && answer.contains("Ada"), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_reply_that_is_dropped_still_leaves_a_page() {
        let Login { address, state, pending, listener } = login().await;
        let target = format!("/callback?code=x&state={state}");
        let browser = tokio::spawn(async move { get(&address, &target).await });
        drop(listener.receive(&pending, &Reporter::silent()).await.unwrap());
        assert_eq!(status(&browser.await.unwrap()), "410");
    }

    #[tokio::test]
    async fn a_port_is_taken_once_and_the_next_one_tried() {
        let first = Listener::bind([0]).await.unwrap();
        let port = first.socket.local_addr().unwrap().port();
        assert!(
            matches!(Listener::bind([port]).await, Err(OAuthError::NoPort { ports, .. }) if ports == [port])
        );
        let second = Listener::bind([port, 0]).await.unwrap();
        assert_ne!(second.redirect_uri(), first.redirect_uri());
        drop(first);
        assert!(Listener::bind([port]).await.is_ok());
    }
}
