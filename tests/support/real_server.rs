//! The platform of `tests/real-server`: Django and django-oauth-toolkit, started once for all tests.
//! Needs what `tests/run --install` installs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real-server");
/// What `tests/run` installs is in here.
pub const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/.cache");

/// A running server. It ends with its standard input, which is the end of this process at the latest,
/// however that comes about, and takes its state along.
pub struct RealServer {
    origin: String,
    state: PathBuf,
    /// The private CA of an https server.
    ca: Option<PathBuf>,
    _child: Child,
}

/// A request as the server logged it; secrets are fingerprints.
#[derive(Debug, Deserialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub status: u16,
    pub query_keys: Vec<String>,
    pub headers: BTreeMap<String, String>,
    pub form: BTreeMap<String, String>,
    pub auth: Option<Authorization>,
}

#[derive(Debug, Deserialize)]
pub struct Authorization {
    pub scheme: String,
    pub cred: String,
}

impl RealServer {
    /// The one that all tests share. It has state: what a test does there must not be in the way of
    /// another, so each has tokens of its own.
    pub fn shared() -> &'static RealServer {
        static SERVER: LazyLock<RealServer> = LazyLock::new(|| RealServer::start(None, &[]));
        &SERVER
    }

    /// One of a test's own, with these knobs (see its README).
    pub fn with(knobs: &[(&str, &str)]) -> RealServer {
        RealServer::start(None, knobs)
    }

    /// A second environment, shared likewise: https with a certificate of a private CA.
    pub fn shared_with_tls() -> &'static RealServer {
        static SERVER: LazyLock<RealServer> =
            LazyLock::new(|| RealServer::start(Some(&Path::new(CACHE).join("tls")), &[]));
        &SERVER
    }

    fn start(tls: Option<&Path>, knobs: &[(&str, &str)]) -> RealServer {
        let mut command = python();
        command.arg(format!("{FOLDER}/serve.py")).env("STANDIN_UNTIL_EOF", "1").env_remove("STANDIN_STATE");
        command.envs(knobs.iter().copied());
        if let Some(folder) = tls {
            assert!(folder.join("server.pem").exists(), "no certificate: run tests/run --install");
            command.env("STANDIN_TLS", folder);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Among others a line for each refused request.
            .stderr(Stdio::null())
            .spawn()
            .expect("the server's Python is installed: run tests/run --install");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let found = line
            .trim()
            .strip_prefix("platform on ")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|rest| rest.split_once("/api/v1 (state "));
        let Some((origin, state)) = found else {
            panic!("the server did not start; it says why: {FOLDER}/serve.py (it answered {line:?})")
        };
        RealServer {
            origin: origin.to_owned(),
            state: state.into(),
            ca: tls.map(|folder| folder.join("ca.pem")),
            _child: child,
        }
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn api_url(&self) -> String {
        format!("{}/api/v1", self.origin)
    }

    /// The CA that signed an https server's certificate.
    pub fn ca(&self) -> &str {
        self.ca.as_ref().and_then(|path| path.to_str()).expect("an https server")
    }

    /// A CA that signed nothing.
    pub fn other_ca(&self) -> String {
        self.ca().replace("/ca.pem", "/other-ca.pem")
    }

    /// A personal access token of this user.
    pub fn mint(&self, user: &str) -> String {
        self.manage(&["mintpat", user])
    }

    /// One of that many characters.
    pub fn mint_long(&self, user: &str, length: usize) -> String {
        self.manage(&["mintpat", user, "--length", &length.to_string()])
    }

    pub fn revoke(&self, token: &str) {
        // The command wants a user too, and does not care which.
        self.manage(&["mintpat", "ada", "--revoke", token]);
    }

    fn manage(&self, arguments: &[&str]) -> String {
        let output = python()
            .arg(format!("{FOLDER}/manage.py"))
            .args(arguments)
            .env("STANDIN_STATE", &self.state)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "manage.py {} failed", arguments[0]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Whether the platform takes this token: asked directly, not through autocom.
    pub fn accepts(&self, token: &str) -> bool {
        let authority = self
            .ca
            .as_ref()
            .map(|path| reqwest::Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap());
        let client = reqwest::Client::builder().no_proxy().tls_certs_only(authority).build().unwrap();
        let request = client
            .get(format!("{}/profile", self.api_url()))
            .header("accept", "application/json")
            .bearer_auth(token);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match runtime.block_on(request.send()).unwrap().status().as_u16() {
            200 => true,
            401 => false,
            other => panic!("the platform answered {other}"),
        }
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        let log = std::fs::read_to_string(self.state.join("requests.jsonl")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The requests that this token was sent with, as `METHOD path status`.
    pub fn requests_with(&self, token: &str) -> Vec<String> {
        let fingerprint = fingerprint(token);
        self.requests()
            .iter()
            .filter(|request| request.auth.as_ref().is_some_and(|auth| auth.cred == fingerprint))
            .map(|Request { method, path, status, .. }| format!("{method} {path} {status}"))
            .collect()
    }
}

/// A secret as the server logs it.
fn fingerprint(secret: &str) -> String {
    let digest: String = Sha256::digest(secret).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digest} len={}", secret.len())
}

fn python() -> Command {
    let mut command = Command::new(format!("{CACHE}/venv/bin/python"));
    command.current_dir(FOLDER);
    command
}
