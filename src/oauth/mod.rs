//! OAuth as a public native client does it: RFC 6749 (the framework), 7636 (PKCE), 8252 (loopback
//! redirects), 8628 (device codes) and 9207 (`iss`).
//!
//! ```text
//! AuthorizationRequest::new ── url ──> the user's browser
//!          └─ pending ── Listener::receive or paste::code ──> code ── pending.exchange ──> Grant
//! DeviceRequest::new ── code and page ──> the user's other device; request.grant ──> Grant
//! ```
//!
//! No configuration, no stores, no printing: what comes out is a [`Grant`] or an [`OAuthError`] that
//! the session can act on. The crate `oauth2` is used here and nowhere else.

mod answer;
pub mod callback;
mod device;
mod endpoints;
mod error;
mod flow;
pub mod page;
pub mod paste;
mod revocation;
mod token;

pub use callback::{BrowserReply, Callback, Listener};
pub use device::DeviceRequest;
pub use endpoints::Endpoints;
pub use error::OAuthError;
pub use flow::{AuthorizationRequest, Pending, RedirectUri};
pub use revocation::{revocation_endpoint, revoke_refresh_token};
pub use token::{Grant, REFRESH_ATTEMPTS, refresh};

/// The ports whose redirect URIs are registered on the platform's client.
pub const CALLBACK_PORTS: std::ops::RangeInclusive<u16> = 8765..=8769;

/// The port in the redirect URI of a login without a browser here: nothing listens on it.
pub const PASTE_PORT: u16 = *CALLBACK_PORTS.start();
