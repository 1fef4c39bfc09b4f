//! What tests share.

#[cfg(target_os = "linux")]
pub mod driver;
pub mod http;
pub mod ports;
#[cfg(target_os = "linux")]
pub mod real_server;
#[cfg(target_os = "linux")]
pub mod secret_service;
pub mod site;
#[cfg(target_os = "linux")]
pub mod tinyproxy;
pub mod world;

pub use world::{Outcome, World};
