//! What a test can turn: how long things live, whose habits are imitated, and single faults.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Whose habits are imitated: the words of OAuth errors, which routes there are, how long codes and tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passport {
    /// A refused code or refresh token is `invalid_request`; `invalid_scope` comes back without `state`.
    V12,
    /// A refused code or refresh token is `invalid_grant`; no error has a `message`.
    V13,
}

/// When the person at the browser is asked to approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    Ask,
    /// Not again while a token of theirs is valid: what Passport does.
    AskOnce,
    Skip,
}

/// What a login gets that asks for no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultScope {
    /// The platform's own, unnamed, as Passport does.
    Unnamed,
    /// A token without a scope: `"scope":""`.
    Empty,
    /// Nothing: the login ends on an error page, a request for a device code with `invalid_scope`.
    Refused,
}

/// Behaviour that can be changed while the sandbox runs. Lifetimes are in seconds.
#[derive(Clone, Debug)]
pub struct Knobs {
    pub access_ttl_seconds: i64,
    /// Of an access token that a refresh issued; `None`: the same as at login.
    pub refreshed_ttl_seconds: Option<i64>,
    /// `None`: refresh tokens have no end.
    pub refresh_ttl_seconds: Option<i64>,
    pub code_ttl_seconds: i64,
    /// Every answer below `/api` comes this much later.
    pub api_delay: Duration,
    /// Every answer of `/oauth/token` comes this much later.
    pub token_delay: Duration,
    /// `false`: a refresh answers without a new refresh token and the old one lives on.
    pub rotate: bool,
    /// A refresh issues new tokens and ends neither of the old ones; revoking one ends no other.
    pub each_token_alone: bool,
    /// A login of a user who has one gets its tokens again (Doorkeeper's `reuse_access_token`).
    pub reuse_tokens: bool,
    pub default_scope: DefaultScope,
    /// Offer token revocation (RFC 7009) at `/oauth/revoke`, and name it in the metadata (RFC 8414).
    pub revocation_endpoint: bool,
    pub passport: Passport,
    /// Presenting a refresh token for the second time ends the whole login, the winner's tokens included.
    pub reuse_kills_login: bool,
    /// Sent as `iss` with the callback (RFC 9207).
    pub iss: Option<String>,
    /// A denial comes back without `state`.
    pub deny_without_state: bool,
    pub approval: Approval,
    /// Offer the device grant (RFC 8628) at `/oauth/device/code`.
    pub device_grant: bool,
    pub device_interval_seconds: u64,
    pub device_ttl_seconds: i64,
    /// Answer 429 from the 61st token request of a minute on, and from the 100,001st of the API.
    pub throttle: bool,
    /// Wrap the profile in `data`, as a Laravel resource does.
    pub wrap_profile: bool,
    /// How many orders a tenant has, in place of the seeded number; they are computed, so a million costs nothing.
    pub orders_count: HashMap<String, u64>,
    /// Access tokens are padded up to this many characters; Passport's have about 1,025 by themselves.
    pub token_length: usize,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            access_ttl_seconds: 3600,
            refreshed_ttl_seconds: None,
            refresh_ttl_seconds: None,
            code_ttl_seconds: 600,
            api_delay: Duration::ZERO,
            token_delay: Duration::ZERO,
            rotate: true,
            each_token_alone: false,
            reuse_tokens: false,
            default_scope: DefaultScope::Unnamed,
            revocation_endpoint: false,
            passport: Passport::V12,
            reuse_kills_login: false,
            iss: None,
            deny_without_state: false,
            approval: Approval::Ask,
            device_grant: false,
            device_interval_seconds: 5,
            device_ttl_seconds: 600,
            throttle: true,
            wrap_profile: false,
            orders_count: HashMap::new(),
            token_length: 0,
        }
    }
}

/// How far a faulty answer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Whole,
    /// The real answer in place of the fault's.
    Real,
    /// No answer ever, the connection stays open.
    Hang,
    /// Headers and half of the body, then silence.
    Stall,
    /// Headers and half of the body, then the connection is dropped.
    Close,
}

/// Keeps answers back until it is opened.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn shut() -> Gate {
        Gate(Arc::new(Semaphore::new(0)))
    }

    pub fn open(&self) {
        self.0.close();
    }

    pub(super) async fn pass(&self) {
        let _ = self.0.acquire().await; // fails once it is closed for good, which is what opens the gate
    }
}

/// An answer in place of the real one, for the next `times` requests to a path.
#[derive(Clone, Debug)]
pub struct Fault {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub times: u32,
    pub delay: Duration,
    pub gate: Option<Gate>,
    pub ending: Ending,
    /// Let the request do its work first and lose only the answer, as a network does.
    pub after_work: bool,
}

impl Fault {
    /// A whole answer with this status and a body in Laravel's shape.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: r#"{"message":"The sandbox was told to fail."}"#.into(),
            times: 1,
            delay: Duration::ZERO,
            gate: None,
            ending: Ending::Whole,
            after_work: false,
        }
    }

    /// The real answer, only late: see [`Fault::delay`] and [`Fault::behind`].
    pub fn late() -> Self {
        Self { ending: Ending::Real, ..Self::status(200) }
    }

    pub fn hang() -> Self {
        Self { ending: Ending::Hang, ..Self::status(200) }
    }

    pub fn stall() -> Self {
        Self { ending: Ending::Stall, ..Self::status(200) }
    }

    pub fn close() -> Self {
        Self { ending: Ending::Close, ..Self::status(200) }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Not before the gate is opened.
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }
}

/// The faults still to come, by exact path.
#[derive(Default)]
pub(super) struct Faults(HashMap<String, VecDeque<Fault>>);

impl Faults {
    pub fn add(&mut self, path: &str, fault: Fault) {
        self.0.entry(path.into()).or_default().push_back(fault);
    }

    pub fn take(&mut self, path: &str) -> Option<Fault> {
        let waiting = self.0.get_mut(path)?;
        while let Some(fault) = waiting.front_mut() {
            if fault.times > 0 {
                fault.times -= 1;
                return Some(fault.clone());
            }
            waiting.pop_front();
        }
        None
    }
}
