//! The outside world as values and small traits: what a test wants to replace enters here, once.
//!
//! `std::env`, the system clock and direct file writes are refused elsewhere by clippy's
//! disallowed methods.

pub mod accounts;
pub mod browser;
pub mod clock;
#[cfg(target_os = "linux")]
pub mod command_line;
pub mod editor;
pub mod environment;
mod file_path;
pub mod file_status;
pub mod files;
pub mod http;
pub mod interrupt;
pub mod keyboard;
pub mod lock_holder;
pub mod locks;
pub mod paths;
pub mod process;
pub mod prompter;
pub mod question;
pub mod replace;
pub mod reporter;
pub mod runtime;
pub mod terminal;
pub mod words;
