//! The suite: one binary, a file a topic. What needs a part of the real world (a browser, a Secret
//! Service, a third party's OAuth server) is ignored by `cargo test` and run by `tests/run`.

#![allow(clippy::disallowed_methods, reason = "only autocom's code is fenced")]

#[path = "../examples/sandbox/platform/mod.rs"]
mod platform;
mod support;

mod api;
mod architecture;
mod at_once;
mod config_files;
mod errors;
#[cfg(target_os = "linux")]
mod keychain_login;
#[cfg(target_os = "linux")]
mod keychain_trouble;
mod listing;
mod login_browser;
mod login_paste;
mod login_target;
mod login_token;
mod logout;
mod network;
mod orders;
mod precedence;
#[cfg(target_os = "linux")]
mod proxy;
#[cfg(target_os = "linux")]
mod real_server;
#[cfg(target_os = "linux")]
mod real_server_work;
mod schemas;
mod secrecy;
#[cfg(target_os = "linux")]
mod secret_service;
mod tenants;
#[cfg(target_os = "linux")]
mod terminal;
mod without_writes;
