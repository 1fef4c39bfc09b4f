//! Pure values: what a URL, a profile name, a key or a secret *is*. No I/O, no clock, no environment.
//!
//! Everything that a user types or a file holds is parsed here once, at the edge, into a type that
//! can only hold a valid value; the other layers never look at raw text again.

mod api_url;
mod checksum;
mod client_id;
mod credential_key;
mod endpoint;
mod expectation;
mod hint;
mod home_path;
mod json;
pub mod jwt;
mod key;
mod nearest;
mod origin;
mod printable;
mod profile_name;
mod proxy;
pub mod redact;
mod revocation_url;
mod scopes;
mod secret;
mod store;
mod tenant;
pub mod text;
pub mod time;
mod token;
mod user;

pub use api_url::{ApiUrl, ApiUrlError, is_loopback};
pub use checksum::checksum;
pub use client_id::ClientId;
pub use credential_key::CredentialKey;
pub use endpoint::{endpoint_path, header_as_servers_read_it, is_address};
pub use expectation::Expectation;
pub use hint::{Argument, CommandOption, Hint, NextCommand, autocom};
pub use home_path::expand_home;
pub use json::Json;
pub use key::{Inheritance, Key, OutputFormat, Ring, Shape, unknown_key};
pub use nearest::{is_slip, likely, nearest};
pub use origin::{Layer, Origin};
pub use printable::{
    diagnostic, diagnostic_lines, has_invisible, one_line, printable, quoted, sanitized, shell_word, steers,
    with_escapes,
};
pub use profile_name::ProfileName;
pub use proxy::{CaBundle, Proxy, ProxyUrl};
pub use revocation_url::RevocationUrl;
pub use scopes::Scopes;
pub use secret::Secret;
pub use store::{StoreChoice, StoreKind};
pub use tenant::Tenant;
pub use token::{EXPIRING_WITHIN, Lifetime, SKEW, TokenKind, TokenStatus, flaw as token_flaw};
pub use user::{ExpectedUser, UserRef};

/// Why a text is not a value of its key: a lower-case clause that reads well after "`KEY` ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);
