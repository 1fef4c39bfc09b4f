//! The orders of a profile's tenant.

use tokio::sync::mpsc::Sender;

use super::Session;
use super::protection::Access;
use super::several::Member;
use super::stream::{Sink, stream};
use crate::config::Resolved;
use crate::domain::ProfileName;
use crate::error::{Error, Result};
pub use crate::platform::{Order, OrderFilter, STATUSES, Total};
use crate::platform::{OrderPages, Platform};

/// How a list ended.
pub struct Listed<S> {
    /// `None`: its reader has gone away.
    pub sink: Option<S>,
    /// Whether there may be more than were asked for.
    pub stopped_at_limit: bool,
}

impl Session {
    /// As [`Session::orders`], of every member, with what failed.
    pub fn orders_of<S: Sink<(ProfileName, Vec<Order>)>>(
        &self,
        members: &[Member],
        filter: &OrderFilter,
        sink: S,
    ) -> Result<(Option<S>, Vec<Error>)> {
        let feed = async |platform: &Platform<Access>, pages: &Sender<Vec<Order>>| {
            let mut walk = OrderPages::new(filter.clone());
            while let Some(page) = walk.next(platform).await? {
                if pages.send(page).await.is_err() {
                    break; // Nobody reads on.
                }
            }
            Ok(())
        };
        self.each_in_pages(members, feed, sink)
    }

    /// Shows them page by page.
    pub fn orders<S: Sink<Vec<Order>>>(
        &self,
        profile: &Resolved,
        filter: OrderFilter,
        sink: S,
    ) -> Result<Listed<S>> {
        self.call(profile, async |platform| {
            let mut pages = OrderPages::new(filter);
            let sink = stream(async || pages.next(platform).await, sink).await?;
            Ok(Listed { sink, stopped_at_limit: pages.stopped_at_limit() })
        })
    }
}
