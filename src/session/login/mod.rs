//! Getting and giving up a credential.

pub mod again;
pub mod grant;
pub mod login;
pub mod logout;
pub mod request;
pub mod revocation;
pub mod target;
