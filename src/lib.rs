//! The profile manager and login CLI of the Autocom commerce platform.
//!
//! A folder tells the layer, a file tells the noun:
//!
//! ```text
//! domain <- system <- { config, credentials, oauth, platform } <- session <- commands <- app
//! domain <- ui <- commands
//! ```
//!
//! The four siblings never import each other; `tests/architecture.rs` reads this folder and fails,
//! naming the line, when an import breaks the table or a fenced crate appears outside its room.

#![forbid(unsafe_code)]

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
