//! What autocom does, in rooms that only look down: here configuration, credentials, OAuth and the platform meet.
//!
//! ```text
//! context <- protection <- profile <- credential <- call <- login, answers <- doctor
//! ```

pub mod answers;
pub mod call;
pub(crate) mod context;
pub mod credential;
pub mod doctor;
pub mod login;
pub mod profile;
pub mod protection;

pub use context::{Context, no_environment};
