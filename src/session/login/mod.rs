//! Getting and giving up a credential.

pub mod again;
pub mod grant;
pub mod log_in;
pub mod logout;
pub mod request;
pub mod revocation;
pub mod target;
