//! The suite: one binary, a file a topic. What needs a part of the real world (a browser, a Secret
//! Service, a third party's OAuth server) is ignored by `cargo test` and run by `tests/run`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    clippy::too_many_lines,
    clippy::excessive_nesting,
    reason = "a test that finds something else than it expects is to panic"
)]
#![allow(clippy::disallowed_methods, reason = "only autocom's code is fenced")]

#[path = "../examples/sandbox/platform/mod.rs"]
mod platform;
mod support;

mod api;
mod architecture;
mod at_once;
#[cfg(unix)]
mod ci;
mod completions;
#[cfg(target_os = "linux")]
mod config_edit;
mod config_files;
#[cfg(target_os = "linux")]
mod decisions;
#[cfg(unix)]
mod doctor;
mod echoed_secrets;
mod errors;
mod exchange;
#[cfg(unix)]
mod exec;
mod expectations;
mod explain;
mod hints;
#[cfg(unix)]
mod hostile_repository;
#[cfg(target_os = "linux")]
mod keychain_login;
#[cfg(target_os = "linux")]
mod keychain_trouble;
#[cfg(target_os = "linux")]
mod limits;
mod listing;
mod login_browser;
mod login_device;
mod login_paste;
mod login_target;
#[cfg(target_os = "linux")]
mod login_terminal;
mod login_token;
mod logout;
mod man;
mod matrix;
mod network;
mod odd_input;
mod orders;
mod other_servers;
mod outside_text;
#[cfg(target_os = "linux")]
mod passport;
#[cfg(target_os = "linux")]
mod picker;
mod precedence;
#[cfg(unix)]
mod prompt;
mod protected;
#[cfg(target_os = "linux")]
mod proxy;
mod real_answers;
#[cfg(target_os = "linux")]
mod real_server;
#[cfg(target_os = "linux")]
mod real_server_work;
mod renewal_clock;
mod renewal_faults;
#[cfg(target_os = "linux")]
mod renewal_races;
mod sample_configs;
mod schemas;
mod scripts;
mod secrecy;
#[cfg(target_os = "linux")]
mod secret_service;
mod selection;
mod several;
#[cfg(target_os = "linux")]
mod shared_files;
mod streaming;
#[cfg(unix)]
mod switching;
mod tenants;
#[cfg(target_os = "linux")]
mod terminal;
mod token_commands;
mod user_lock;
mod variables;
mod without_writes;
