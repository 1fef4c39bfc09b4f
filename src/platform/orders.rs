//! The orders of a tenant, newest first, page by page: GraphQL's `orders(first, after, status)`.

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::error::PlatformError;
use super::graphql;
use super::{Platform, TokenSource};

/// The most that the platform gives at once.
const MAX_PAGE: u64 = 100;

/// What an order can be. The platform's word counts: it may know more of them.
pub const STATUSES: [&str; 11] = [
    "pending",
    "confirmed",
    "processing",
    "ready_to_ship",
    "shipped",
    "out_for_delivery",
    "delivered",
    "rto_initiated",
    "rto_received",
    "cancelled",
    "failed",
];

const QUERY: &str = "query Orders($first: Int!, $after: String, $status: String) \
    { orders(first: $first, after: $after, status: $status) \
    { id order_number status total currency created_at } }";

/// As the platform has it.
#[derive(Debug, Deserialize)]
pub struct Order {
    #[serde(deserialize_with = "text")]
    pub id: String,
    pub order_number: Option<String>,
    pub status: Option<String>,
    pub total: Total,
    pub currency: Option<String>,
    pub created_at: Option<String>,
}

impl Order {
    /// When it was created, if that is told.
    fn created(&self) -> Option<Timestamp> {
        self.created_at.as_deref()?.parse().ok()
    }
}

/// A decimal with all the digits that were sent: a number, or a string that is one.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Total(Box<RawValue>);

impl Total {
    /// Its digits; `None`: there is no total.
    pub fn digits(&self) -> Option<&str> {
        let token = self.0.get();
        (token != "null").then(|| token.trim_matches('"'))
    }
}

impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Total, D::Error> {
        let token = Box::<RawValue>::deserialize(from)?;
        let text = token.get();
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let plain = inner.bytes().all(|b| b.is_ascii_digit() || b"+-.,eE".contains(&b)) && !inner.is_empty();
        if plain || text == "null" {
            Ok(Total(token))
        } else {
            Err(serde::de::Error::custom("a total that is no decimal"))
        }
    }
}

#[derive(Deserialize)]
struct Data {
    orders: VecDeque<Order>,
}

/// Which orders.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    /// In one of these; none: in any.
    pub statuses: Vec<String>,
    /// Created then or later.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
    /// `None`: all of them.
    pub limit: Option<u64>,
}

/// The orders that are wanted, newest first, whatever their statuses. It holds a page of each status, however many
/// orders there are.
pub struct OrderPages {
    walks: Vec<OrderCursor>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// How many are still wanted; `None`: all.
    left: Option<u64>,
}

/// A walk through the orders of one status.
struct OrderCursor {
    status: Option<String>,
    /// Fetched, and not given yet.
    orders: VecDeque<Order>,
    after: Option<String>,
    ended: bool,
    /// A place on the way, moved on at every power of two: to come by it again is to go in circles
    /// (Brent), at the price of one id.
    mark: Option<String>,
    pages: u64,
}

#[derive(Serialize)]
struct Variables<'a> {
    first: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
}

impl OrderPages {
    pub fn new(filter: OrderFilter) -> OrderPages {
        let OrderFilter { mut statuses, since, until, limit } = filter;
        let mut seen = HashSet::new();
        statuses.retain(|status| seen.insert(status.clone()));
        let of_any = statuses.is_empty().then_some(None);
        let walks = statuses.into_iter().map(Some).chain(of_any).map(OrderCursor::new).collect();
        OrderPages { walks, since, until, left: limit }
    }

    /// Whether the walk stopped at its limit, so that there may be more.
    pub fn stopped_at_limit(&self) -> bool {
        self.left == Some(0)
    }

    /// The next orders, never none at all.
    pub async fn next<T: TokenSource>(
        &mut self,
        platform: &Platform<T>,
    ) -> Result<Option<Vec<Order>>, T::Error> {
        // What is filtered here says nothing of how many there are.
        let first = if self.until.is_some() {
            MAX_PAGE
        } else {
            self.left.map_or(MAX_PAGE, |left| left.min(MAX_PAGE))
        };
        while self.left != Some(0) {
            for walk in &mut self.walks {
                if walk.orders.is_empty() && !walk.ended {
                    walk.fetch(platform, first).await?;
                }
            }
            let page = self.merged();
            if !page.is_empty() {
                return Ok(Some(page));
            }
            if self.walks.iter().all(|walk| walk.ended && walk.orders.is_empty()) {
                break;
            }
        }
        Ok(None)
    }

    /// The newest orders of all walks, as far as each walk's next one is known.
    fn merged(&mut self) -> Vec<Order> {
        let mut page = Vec::new();
        while self.left != Some(0) && self.walks.iter().all(|walk| walk.ended || !walk.orders.is_empty()) {
            // Of orders of the same time, the one whose status was named first; one without a time keeps its place.
            let next = |walk: &&mut OrderCursor| walk.orders.front().map(Order::created);
            let newest = self.walks.iter_mut().filter(|walk| !walk.orders.is_empty()).reduce(|best, walk| {
                let (best_time, time) = (next(&&mut *best).flatten(), next(&&mut *walk).flatten());
                if best_time.is_none() || time.is_some() && time <= best_time { best } else { walk }
            });
            let Some(walk) = newest else { break };
            let Some(order) = walk.orders.pop_front() else { break };
            let created = order.created();
            if let (Some(since), Some(created)) = (self.since, created)
                && created < since
            {
                // The rest of them is older still.
                walk.orders.clear();
                walk.ended = true;
                continue;
            }
            let is_known = created.is_some() || self.since.is_none() && self.until.is_none();
            if is_known && self.until.is_none_or(|until| created.is_some_and(|created| created < until)) {
                page.push(order);
                self.left = self.left.map(|left| left - 1);
            }
        }
        page
    }
}

impl OrderCursor {
    fn new(status: Option<String>) -> OrderCursor {
        OrderCursor { status, orders: VecDeque::new(), after: None, ended: false, mark: None, pages: 0 }
    }

    /// The next page. The walk ends at an empty one: one that is not full may be the platform's own limit.
    async fn fetch<T: TokenSource>(&mut self, platform: &Platform<T>, first: u64) -> Result<(), T::Error> {
        let variables = Variables { first, after: self.after.as_deref(), status: self.status.as_deref() };
        let answer = platform.send(graphql::query(QUERY, variables)?).await?;
        let Data { mut orders } = graphql::data(&graphql::without_errors(answer)?, "a list of orders")?;
        orders.truncate(usize::try_from(first).unwrap_or(usize::MAX));
        self.ended = orders.is_empty();
        let Some(last) = orders.back() else { return Ok(()) };
        if self.mark.as_ref() == Some(&last.id) || self.after.as_ref() == Some(&last.id) {
            let what = format!("the same orders again and again (after {} pages)", self.pages);
            return Err(PlatformError::Nonsense { what }.into());
        }
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.mark = Some(last.id.clone());
        }
        self.after = Some(last.id.clone());
        self.orders = orders;
        Ok(())
    }
}

/// A string, or a number as one: ids are both, on different servers.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(u64),
    }
    Ok(match Id::deserialize(from)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_keeps_its_digits_as_a_number_and_as_a_string() {
        for (token, digits) in [
            ("2999.00", Some("2999.00")),
            ("9007199254740993.01", Some("9007199254740993.01")),
            ("\"0.10\"", Some("0.10")),
            ("null", None),
        ] {
            let total: Total = serde_json::from_str(token).unwrap();
            assert_eq!(total.digits(), digits);
            assert_eq!(serde_json::to_string(&total).unwrap(), token);
        }
        for token in ["{}", "\"\\u001b[31m\"", "\"\"", "true", "[1]"] {
            assert!(serde_json::from_str::<Total>(token).is_err(), "{token}");
        }
    }
}
