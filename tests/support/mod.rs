//! What tests share.

#[cfg(target_os = "linux")]
pub mod driver;
pub mod echo;
pub mod http;
#[cfg(target_os = "linux")]
pub mod locks;
#[cfg(target_os = "linux")]
pub mod mock_keychain;
pub mod ports;
#[cfg(target_os = "linux")]
pub mod real_server;
#[cfg(target_os = "linux")]
pub mod secret_service;
pub mod server;
pub mod site;
#[cfg(target_os = "linux")]
pub mod tinyproxy;
pub mod world;

pub use world::{Outcome, World};

/// How often a platform was asked to renew a token.
pub fn refreshes(sandbox: &crate::platform::Sandbox) -> usize {
    let asked = sandbox.requests();
    asked.iter().filter(|request| request.form_field("grant_type") == Some("refresh_token")).count()
}
