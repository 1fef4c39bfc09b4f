use clap::Args;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::names::name_cell;
use crate::commands::verb::{Invocation, Verb};
use crate::domain::TokenStatus;
use crate::domain::time::{relative, rfc3339};
use crate::error::Result;
use crate::session::Context;
use crate::session::answers::listing::{self, ProfileRow};
use crate::session::call::check::{Check, CheckStatus};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

/// List every profile with the state of its token; without --check no platform is asked and no keychain opened
///
/// With --check every platform is asked at once, with the real credentials, renewed where that is due. A
/// check that fails decides the exit code; that nobody is logged in to a profile is no failure.
#[derive(Debug, Args)]
pub struct List {
    /// Ask every platform whether it takes the token
    #[arg(long)]
    check: bool,
}

/// `autocom profiles list -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles list")]
#[serde(transparent)]
pub struct ListAnswer {
    rows: Vec<ProfileRow>,
    #[serde(skip)]
    now: Timestamp,
    #[serde(skip)]
    checked: bool,
}

impl Viewed for ListAnswer {
    fn view(&self) -> View {
        let mut columns = vec![
            Column::kept("PROFILE"),
            Column::expendable("API URL", 3),
            Column::expendable("TENANT", 5),
            Column::expendable("USER", 4),
            Column::kept("TOKEN"),
            Column::expendable("EXPIRES", 2),
            Column::expendable("STORE", 6),
        ];
        columns.extend(self.checked.then_some(Column::asked("CHECK")));
        columns.push(Column::for_programs("ACTIVE"));
        View::Table {
            columns,
            rows: self.rows.iter().map(|row| self.cells(row)).collect(),
            empty: "no profiles yet: autocom auth login --api-url https://api.example.test --client-id ID",
        }
    }
}

impl ListAnswer {
    fn cells(&self, row: &ProfileRow) -> Vec<Cell> {
        let mut cells = cells(row, self.now);
        if self.checked {
            cells.push(row.check.as_ref().map_or_else(Cell::absent, check_cell));
        }
        cells.push(Cell::flag(row.active));
        cells
    }
}

fn cells(row: &ProfileRow, now: Timestamp) -> Vec<Cell> {
    let name = row.name.as_deref().unwrap_or("(unnamed)");
    vec![
        name_cell(Cell::starred(name, row.active), row.protection_state, now),
        Cell::or_absent(row.api_url.clone()),
        Cell::or_absent(row.tenant.clone()),
        user_cell(row),
        token_cell(row.token),
        row.expires_at.map_or_else(Cell::absent, |end| Cell::new(relative(end, now)).plain(rfc3339(end))),
        match (&row.store, &row.token_variable) {
            (Some(store), _) => Cell::new(store.as_str()),
            (None, Some(variable)) => Cell::new(variable),
            (None, None) => Cell::absent(),
        },
    ]
}

/// Who is logged in, marked where the profile is somebody else's.
pub fn user_cell(row: &ProfileRow) -> Cell {
    match &row.user {
        Some(user) if row.other_user => {
            Cell::new(format!("{user} (stranger)")).plain(user.clone()).tone(Tone::Bad)
        }
        user => Cell::or_absent(user.clone()),
    }
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

/// `ok 23 ms`, or in a word what is wrong, with the reason where the word alone says little.
fn check_cell(check: &Check) -> Cell {
    match check.status {
        CheckStatus::Unreachable | CheckStatus::Failed | CheckStatus::Locked => checked_cell(check),
        CheckStatus::Ok => checked_cell(check),
        CheckStatus::Missing => Cell::new(check.status.as_str()).tone(Tone::Faint),
        CheckStatus::Rejected | CheckStatus::Forbidden => Cell::new(check.status.as_str()).tone(Tone::Bad),
    }
}

/// `ok 23 ms`, or what is wrong and why.
pub fn checked_cell(check: &Check) -> Cell {
    let status = check.status.as_str();
    let (text, tone) = match (check.status, check.ms, &check.reason) {
        (CheckStatus::Ok, Some(ms), _) => (format!("{status} {ms} ms"), Tone::Good),
        (_, _, Some(reason)) => (format!("{status}: {reason}"), Tone::Bad),
        _ => (status.to_owned(), Tone::Plain),
    };
    Cell::new(text).tone(tone)
}

impl Verb for List {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let listing =
            if self.check { listing::checked_listing(context)? } else { listing::listing(context)? };
        let answer = ListAnswer { rows: listing.rows, now: context.clock().now(), checked: self.check };
        Ok(Done::answer(answer).with_failures(listing.failures))
    }
}
