//! The profile manager and login CLI of the Autocom commerce platform.
//!
//! A folder tells the layer, a file tells the noun:
//!
//! ```text
//! domain <- system <- { config, credentials, oauth, platform } <- session <- commands <- app
//! domain <- ui <- commands
//! context <- protection <- profile <- credential <- call <- login, answers <- doctor      (inside session)
//! ```
//!
//! The four siblings never name each other, no two files lead to each other, the inherent methods of a type are in
//! the file that defines it, and each fenced crate has one home. `tests/architecture.rs` reads this folder and fails,
//! naming the line, where that does not hold.

// The unit tests stand in files of their own, too.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod credentials;
pub mod domain;
pub mod error;
mod logging;
pub mod oauth;
pub mod platform;
pub mod session;
pub mod system;
pub mod ui;
