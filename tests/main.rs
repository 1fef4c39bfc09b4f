//! The one integration binary: a file a topic.

#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
mod support {
    pub mod secret_service;
}
