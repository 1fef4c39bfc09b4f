//! The suite: one binary, a file a topic. What needs a part of the real world (a browser, a Secret
//! Service, a third party's OAuth server) is ignored by `cargo test` and run by `tests/run`.

#![allow(clippy::disallowed_methods, reason = "only autocom's code is fenced")]

#[path = "../examples/sandbox/platform/mod.rs"]
mod platform;
mod support;

mod architecture;
#[cfg(target_os = "linux")]
mod keychain_login;
mod precedence;
#[cfg(target_os = "linux")]
mod real_server;
mod schemas;
#[cfg(target_os = "linux")]
mod secret_service;
