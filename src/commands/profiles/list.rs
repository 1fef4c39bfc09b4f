use clap::Args;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::domain::TokenStatus;
use crate::domain::time::{relative, rfc3339};
use crate::error::Result;
use crate::session::Session;
use crate::session::listing::ProfileRow;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

/// List every profile with the state of its token; asks no platform and opens no keychain
#[derive(Debug, Args)]
pub struct List {}

/// `autocom profiles list -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles list")]
#[serde(transparent)]
pub struct ListAnswer {
    rows: Vec<ProfileRow>,
    #[serde(skip)]
    #[schemars(skip)]
    now: Timestamp,
}

impl Viewed for ListAnswer {
    fn view(&self) -> View {
        View::Table {
            columns: vec![
                Column::kept("PROFILE"),
                Column::expendable("API URL", 2),
                Column::expendable("TENANT", 4),
                Column::expendable("USER", 3),
                Column::kept("TOKEN"),
                Column::expendable("EXPIRES", 1),
                Column::expendable("STORE", 5),
            ],
            rows: self.rows.iter().map(|row| cells(row, self.now)).collect(),
            empty: "no profiles yet: autocom auth login --api-url https://api.example.test --client-id ID",
        }
    }
}

fn cells(row: &ProfileRow, now: Timestamp) -> Vec<Cell> {
    let name = row.name.as_deref().unwrap_or("(unnamed)");
    vec![
        Cell::starred(name, row.active),
        Cell::or_absent(row.api_url.clone()),
        Cell::or_absent(row.tenant.clone()),
        Cell::or_absent(row.user.clone()),
        token_cell(row.token),
        row.expires_at.map_or_else(Cell::absent, |end| Cell::new(relative(end, now)).plain(rfc3339(end))),
        match (&row.store, &row.token_variable) {
            (Some(store), _) => Cell::new(store.as_str()),
            (None, Some(variable)) => Cell::new(variable),
            (None, None) => Cell::absent(),
        },
    ]
}

/// The state of a token in its colour.
pub fn token_cell(status: TokenStatus) -> Cell {
    Cell::new(status.as_str()).tone(match status {
        TokenStatus::Valid | TokenStatus::Refreshable | TokenStatus::Env => Tone::Good,
        TokenStatus::Expiring => Tone::Warn,
        TokenStatus::Expired | TokenStatus::Foreign => Tone::Bad,
        TokenStatus::LoggedOut | TokenStatus::Unknown => Tone::Faint,
    })
}

impl List {
    pub fn run(self, session: &Session) -> Result<Done> {
        let listing = session.listing()?;
        let answer = ListAnswer { rows: listing.rows, now: session.clock().now() };
        Ok(Done::answer(answer).with_failures(listing.failures))
    }
}
