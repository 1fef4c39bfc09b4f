//! The orders of a profile's tenant.

pub use crate::platform::{Order, OrderFilter, STATUSES, Total};

use tokio::sync::mpsc::Sender;

use crate::config::Resolved;
use crate::domain::ProfileName;
use crate::error::{Error, Result};
use crate::platform::{OrderPages, Platform};
use crate::session::call::bearer;
use crate::session::call::fan_out::{self, Target};
use crate::session::call::guard::Access;
use crate::session::call::stream::{Sink, stream};
use crate::session::context::Context;

/// How a list ended.
pub struct ListedOrders<S> {
    /// `None`: its reader has gone away.
    pub sink: Option<S>,
    /// Whether there may be more than were asked for.
    pub stopped_at_limit: bool,
}

/// As [`orders`], of every member, with what failed.
pub fn orders_of<S: Sink<(ProfileName, Vec<Order>)>>(
    context: &Context,
    targets: &[Target],
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
    fan_out::each_in_pages(context, targets, feed, sink)
}

/// Shows them page by page.
pub fn orders<S: Sink<Vec<Order>>>(
    context: &Context,
    profile: &Resolved,
    filter: OrderFilter,
    sink: S,
) -> Result<ListedOrders<S>> {
    bearer::call(context, profile, async |platform| {
        let mut pages = OrderPages::new(filter);
        let sink = stream(async || pages.next(platform).await, sink).await?;
        Ok(ListedOrders { sink, stopped_at_limit: pages.stopped_at_limit() })
    })
}
