//! The REST and GraphQL client of the platform.
//!
//! A [`Platform`] speaks to one `api_url` for one tenant and asks for its tokens through
//! [`TokenSource`], so it knows nothing of stores and refreshing. Its URLs are all made from
//! `api_url` and redirects are followed within its origin only: the bearer token can't reach another.
//!
//! # The API
//!
//! The platform is a Laravel application. Its API is below `api_url` (`<base>/api/v1`), and OAuth is below
//! `<base>/oauth`.
//!
//! - Every call carries `Authorization: Bearer` and, if there is a tenant, `X-Tenant`. Without `X-Tenant` the platform
//!   uses the user's current tenant. `GET /auth/tenants` needs none.
//! - `GET /profile` answers a flat object, or the same below Laravel's `data`.
//! - A tenant's `id` is what `X-Tenant` takes. It may have readable aliases that `GET /auth/tenants` does not list.
//! - Lists are below a key named after the resource, beside `pagination`. GraphQL is `POST /graphql`; its errors
//!   arrive with status 200.
//! - Totals are decimals with two places, so their digits are kept and never pass through a float.
//! - Errors are `{"message", "errors"}`: 401 unauthenticated, 403 not permitted, 422 invalid, 429 with `Retry-After`.
//!   Maintenance mode is 503.
//! - Without `Accept: application/json`, an unauthenticated call is redirected to an HTML login page. Every request
//!   sends it, the token endpoint's included.
//! - The platform derives the deployment ring from the tenant; the key `ring` is never sent.
//!
//! # Laravel Passport
//!
//! Measured with Passport 12.3 and 13:
//!
//! - The access token is a JWT of about 1 KiB whose `exp` is a fraction. Its lifetime differs by deployment, so only
//!   `expires_in` counts. Codes have about 860 characters, refresh tokens about 780. The reply names no scope.
//! - Refreshing rotates the refresh token and ends the old access token immediately, so a parallel command may see
//!   a 401. Passport 12 may let two concurrent refreshes of one token succeed.
//! - For a refresh token that is used, revoked or expired, Passport 12 answers 401 `invalid_request` and Passport 13
//!   answers 400 `invalid_grant`. The reason is in `hint`. A scope that no longer exists is 400 `invalid_scope`.
//! - There is no revocation endpoint. `POST /auth/logout` revokes the access token that made the call, and its refresh
//!   token still works: refresh first, then log out with the new token.
//! - After new signing keys, access tokens are rejected and refresh tokens still work. After the user was
//!   deleted, a refresh succeeds and its token is rejected.
//! - `/oauth/token` and `/oauth/device/code` share one limit of 60 requests a minute and address, then 429.
//! - An unknown client id or a wrong redirect address is answered in the browser; there is no callback. Passport 12
//!   sends `invalid_scope` to the callback without `state`.
//! - The redirect address may have any port of `127.0.0.1`, and never `localhost`.
//! - The device grant (RFC 8628) exists from Passport 13 on. Client ids are integers in 12 and UUIDs in 13.
//!
//! The habits of other OAuth servers are in `tests/other_servers.rs`, recorded answers in `tests/passport/`.

mod answer;
mod call;
mod client;
mod effect;
mod error;
mod graphql;
pub(crate) mod orders;
mod profile;
mod redirect;
mod reply;
mod tenants;

pub use answer::Answer;
pub use call::Call;
pub use client::{Admission, Outcome, Platform, TokenSource};
pub use effect::{Change, GRAPHQL};
pub use error::{PlatformError, RequestId};
pub use graphql::without_errors;
pub use orders::{Order, OrderFilter, OrderPages, STATUSES, Total};
pub use profile::Profile;
pub use reply::{Reply, Streamed};
pub use tenants::Membership;
