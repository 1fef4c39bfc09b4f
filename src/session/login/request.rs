//! What a login is asked for.

use std::time::Duration;

/// How the token is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Browser,
    Paste,
    /// A code that is typed in on another device (RFC 8628).
    Device,
    /// A personal access token.
    Token,
}

#[derive(Debug)]
pub struct LoginRequest {
    pub method: Method,
    /// `--use`: make the profile the active one.
    pub make_active: bool,
    /// `--lock-user`: from now on the profile is for who logs in now.
    pub lock_user: bool,
    /// How long to wait for the person; `None`: five minutes, or as long as a device's code is good.
    pub timeout: Option<Duration>,
}
