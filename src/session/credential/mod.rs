//! A profile's token: read, refreshed when it is due, and `logins.toml` kept in line with it.

pub mod logins;
pub mod refresh;
pub mod stored;
