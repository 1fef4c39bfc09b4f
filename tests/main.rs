//! The suite: one binary, a file a topic. What needs a part of the real world (a browser, a Secret
//! Service, a third party's OAuth server) is ignored by `cargo test` and run by `tests/run`.

#[path = "../examples/sandbox/platform/mod.rs"]
mod platform;
mod support;

mod architecture;
mod config_files;
mod errors;
mod listing;
mod login_browser;
mod login_paste;
mod login_target;
mod login_token;
mod logout;
mod precedence;
mod secrecy;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
mod terminal;
mod without_writes;
