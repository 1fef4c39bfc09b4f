use std::io;

use clap::Args;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;

use super::super::Done;
use super::super::several::{Of, Several};
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::domain::time::{point_in_time, rfc3339};
use crate::domain::{ProfileName, autocom, likely, printable};
use crate::error::{Error, Kind, Result};
use crate::platform::orders::{Order, OrderFilter, STATUSES, Total};
use crate::session::answers::orders;
use crate::session::call::fan_out;
use crate::session::call::stream::Sink;
use crate::session::context::Context;
use crate::session::profile::selected;
use crate::ui::rows::{Row, Rows};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column};

/// List the orders of the profile's tenant, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom orders list --status pending
  autocom orders list --limit 200 -o json | jq -r '.[].order_number'
  autocom -p prod --tenant globex orders list --all > orders.tsv
  autocom orders list --profiles 'prod-*' --status failed
  autocom orders list --status failed --status cancelled --since 7d

Statuses: pending, confirmed, processing, ready_to_ship, shipped, out_for_delivery,
delivered, rto_initiated, rto_received, cancelled, failed")]
pub struct List {
    /// Show only orders in this status; may be repeated
    #[arg(long)]
    status: Vec<String>,
    /// Show only orders created at this time or later: RFC 3339, a date (its local midnight), or 7d, 12h, 30m, 2w
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show only orders created before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Maximum number of orders, for each profile
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = limit)]
    limit: u64,
    /// List every order, each page as it comes
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    several: Several,
}

/// An order of `autocom orders list -o json`.
#[derive(Serialize, JsonSchema)]
pub struct OrderRow {
    id: String,
    order_number: Option<String>,
    status: Option<String>,
    #[schemars(schema_with = "total")]
    total: Total,
    /// ISO 4217.
    currency: Option<String>,
    /// RFC 3339, UTC.
    created_at: Option<String>,
}

/// `autocom orders list -o json`.
#[derive(JsonSchema)]
#[schemars(title = "autocom orders list")]
#[serde(transparent)]
pub struct ListAnswer(pub Vec<OrderRow>);

fn total(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({
        "description": "A decimal with every digit that the platform sent, as the number or the string that it sent. \
            Read it as a decimal, not as a float.",
        "type": ["number", "string", "null"]
    })
}

impl From<Order> for OrderRow {
    fn from(order: Order) -> OrderRow {
        let Order { id, order_number, status, total, currency, created_at } = order;
        OrderRow { id, order_number, status, total, currency, created_at: created_at.map(in_utc) }
    }
}

/// An RFC 3339 time in UTC with whole seconds. Text that is not a time is kept unchanged.
fn in_utc(time: String) -> String {
    let is_so_already = time.len() == 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T';
    if is_so_already {
        return time;
    }
    time.parse::<Timestamp>().map_or(time, rfc3339)
}

impl Row for OrderRow {
    const EMPTY: &'static str = "no orders";

    fn columns() -> Vec<Column> {
        vec![
            Column::kept("ORDER"),
            Column::expendable("STATUS", 1),
            Column::kept("TOTAL").right(),
            Column::expendable("CURRENCY", 3),
            Column::expendable("CREATED", 2),
        ]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.order_number.as_ref().unwrap_or(&self.id)),
            self.status.as_deref().map_or_else(Cell::absent, |status| Cell::new(status).tone(tone(status))),
            Cell::or_absent(self.total.digits()),
            Cell::or_absent(self.currency.clone()),
            Cell::or_absent(self.created_at.clone()),
        ]
    }
}

fn tone(status: &str) -> Tone {
    match status {
        "delivered" => Tone::Good,
        "pending" | "rto_initiated" => Tone::Warn,
        "cancelled" | "failed" | "rto_received" => Tone::Bad,
        _ => Tone::Plain,
    }
}

impl Sink<Vec<Order>> for Rows {
    fn take(&mut self, page: Vec<Order>) -> io::Result<()> {
        self.add(&page.into_iter().map(OrderRow::from).collect::<Vec<_>>())
    }
}

impl Sink<(ProfileName, Vec<Order>)> for Rows {
    fn take(&mut self, (name, page): (ProfileName, Vec<Order>)) -> io::Result<()> {
        let row = |order| Of { profile: name.to_string(), row: OrderRow::from(order) };
        self.add(&page.into_iter().map(row).collect::<Vec<_>>())
    }
}

impl Verb for List {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.with_own_expectations()
    }

    fn run(self: Box<Self>, context: &Context, invocation: &Invocation<'_>) -> Result<Done> {
        let output = invocation.output();
        let filter = self.filter(context)?;
        if let Some(scope) = self.several.scope(context)? {
            let members = fan_out::targets(context, &scope)?;
            let rows = Rows::new::<Of<OrderRow>>(output);
            let (rows, failures) = orders::orders_of(context, &members, &filter, rows)?;
            if let Some(rows) = rows {
                rows.end()?;
            }
            return Ok(
                Done::nothing().with_failures(failures.into_iter().map(|error| self.with_statuses(error)))
            );
        }
        let profile = selected::profile(context)?;
        let rows = Rows::new::<OrderRow>(output);
        let listed =
            orders::orders(context, &profile, filter, rows).map_err(|error| self.with_statuses(error))?;
        let Some(rows) = listed.sink else { return Ok(Done::nothing()) };
        rows.end()?;
        if listed.stopped_at_limit {
            context.reporter().note(format!("these are the first {}; all of them: --all", self.limit));
        }
        Ok(Done::nothing())
    }
}

impl List {
    fn filter(&self, context: &Context) -> Result<OrderFilter> {
        let now = context.clock().now();
        let time = |flag: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => point_in_time(text, now).map(Some).ok_or_else(|| {
                Error::usage(format!("{flag} is not a time: `{}`", printable(text, 40)))
                    .hint(format!("{flag} 2026-11-27T09:00:00Z, {flag} 2026-11-27, or {flag} 7d"))
            }),
        };
        let (since, until) = (time("--since", &self.since)?, time("--until", &self.until)?);
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(Error::usage("--since is not before --until")
                .hint(autocom("orders list --since 7d --until 1d")));
        }
        let limit = (!self.all).then_some(self.limit);
        Ok(OrderFilter { statuses: self.status.clone(), since, until, limit })
    }

    /// The platform may know more statuses than we do; only if it refuses is ours the next guess.
    fn with_statuses(&self, error: Error) -> Error {
        let unknown = self.status.iter().map(String::as_str).find(|status| !STATUSES.contains(status));
        let Some(status) = unknown.filter(|_| error.kind == Kind::Failed) else { return error };
        let meant = likely(status, STATUSES).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        error.hint_if_none(|| format!("{meant}statuses: {}", STATUSES.join(", ")))
    }
}

fn limit(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| "must be a number of at least 1; for all orders: --all".to_owned())
}
