//! The orders of a tenant, newest first, page by page: GraphQL's `orders(first, after, status)`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::call::Call;
use super::error::PlatformError;
use super::{Platform, TokenSource};

/// The most that the platform gives at once.
const LARGEST_PAGE: u64 = 100;

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
    orders: Vec<Order>,
}

/// A walk through the orders. It holds one page's place, however many there are.
pub struct OrderPages {
    status: Option<String>,
    /// How many are still wanted; `None`: all.
    left: Option<u64>,
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
    pub fn new(status: Option<String>, limit: Option<u64>) -> OrderPages {
        OrderPages { status, left: limit, after: None, ended: limit == Some(0), mark: None, pages: 0 }
    }

    /// Whether the walk stopped at its limit, so that there may be more.
    pub fn stopped_at_limit(&self) -> bool {
        self.left == Some(0)
    }

    /// The next orders, never none at all. The walk ends at an empty page: one that is not full may be the
    /// platform's own limit.
    pub async fn next<T: TokenSource>(
        &mut self,
        platform: &Platform<T>,
    ) -> Result<Option<Vec<Order>>, T::Error> {
        if self.ended {
            return Ok(None);
        }
        let first = self.left.map_or(LARGEST_PAGE, |left| left.min(LARGEST_PAGE));
        let variables = Variables { first, after: self.after.as_deref(), status: self.status.as_deref() };
        let answer = platform.send(Call::query(QUERY, variables)?).await?;
        let Data { mut orders } = answer.without_graphql_errors()?.data("a list of orders")?;
        orders.truncate(usize::try_from(first).unwrap_or(usize::MAX));
        self.left = self.left.map(|left| left - orders.len() as u64);
        self.ended = orders.is_empty() || self.left == Some(0);
        let Some(last) = orders.last() else { return Ok(None) };
        if self.mark.as_ref() == Some(&last.id) || self.after.as_ref() == Some(&last.id) {
            let what = format!("the same orders again and again (after {} pages)", self.pages);
            return Err(PlatformError::Nonsense { what }.into());
        }
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.mark = Some(last.id.clone());
        }
        self.after = Some(last.id.clone());
        Ok(Some(orders))
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
