//! The orders of a profile's tenant.

use super::Session;
use super::stream::{Sink, stream};
use crate::config::Resolved;
use crate::error::Result;
use crate::platform::OrderPages;
pub use crate::platform::{Order, STATUSES, Total};

/// Which orders.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub status: Option<String>,
    /// `None`: all of them.
    pub limit: Option<u64>,
}

/// How a list ended.
pub struct Listed<S> {
    /// `None`: its reader has gone away.
    pub sink: Option<S>,
    /// Whether there may be more than were asked for.
    pub stopped_at_limit: bool,
}

impl Session {
    /// Shows them page by page.
    pub fn orders<S: Sink<Vec<Order>>>(
        &self,
        profile: &Resolved,
        wanted: Wanted,
        sink: S,
    ) -> Result<Listed<S>> {
        self.call(profile, async |platform| {
            let mut pages = OrderPages::new(wanted.status, wanted.limit);
            let sink = stream(async || pages.next(platform).await, sink).await?;
            Ok(Listed { sink, stopped_at_limit: pages.stopped_at_limit() })
        })
    }
}
