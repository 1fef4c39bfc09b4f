//! Which profile a command works with, what it must be, and how it is changed. No credential and no network.

pub mod config_file;
pub mod expectation;
pub mod hints;
pub mod login_command;
pub mod loosening;
pub mod protection_state;
pub mod selected;
pub mod settings;
pub mod switch;
