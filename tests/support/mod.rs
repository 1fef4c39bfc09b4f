//! What tests share.

pub mod commands;
#[cfg(target_os = "linux")]
pub mod driver;
pub mod echo;
pub mod http;
pub mod in_process;
#[cfg(target_os = "linux")]
pub mod locks;
#[cfg(target_os = "linux")]
pub mod mock_keychain;
pub mod platform;
pub mod ports;
#[cfg(target_os = "linux")]
pub mod real_server;
pub mod schemas;
#[cfg(target_os = "linux")]
pub mod secret_service;
pub mod server;
pub mod site;
pub mod time;
#[cfg(target_os = "linux")]
pub mod tinyproxy;
pub mod world;

pub use world::{Outcome, World};
