//! The REST client of the platform, as `PLATFORM.md` describes it.
//!
//! A [`Platform`] speaks to one `api_url` for one tenant and asks for its tokens through
//! [`TokenSource`], so it knows nothing of stores and refreshing. Its URLs are all made from
//! `api_url` and redirects are followed within its origin only: the bearer token can't reach another.

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
