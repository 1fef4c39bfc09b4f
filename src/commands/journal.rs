use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::commands::verb::{Invocation, Verb};
use crate::domain::Key;
use crate::error::Result;
use crate::session::Context;
use crate::session::protection::journal::{self, EntryEvent, JournalEntry, Permit};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

/// List what was sent to protected profiles from here, the newest last
///
/// Every request that may change something is written down before it is sent, with who or what let it
/// through. With --profile only that profile's.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom journal --limit 5
  autocom journal -p prod --all -o json | jq '.[] | select(.permit == \"lease\")'")]
pub struct Journal {
    /// How many, the newest
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
    limit: usize,
    /// All there are
    #[arg(long)]
    all: bool,
}

/// `autocom journal -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom journal")]
#[serde(transparent)]
pub struct JournalAnswer(Vec<JournalEntry>);

impl Viewed for JournalAnswer {
    fn view(&self) -> View {
        View::Table {
            columns: vec![
                Column::kept("TIME"),
                Column::kept("PROFILE"),
                Column::expendable("USER", 3),
                Column::expendable("TENANT", 4),
                Column::expendable("WHAT", 1),
                Column::expendable("PERMIT", 2),
                Column::kept("STATUS"),
            ],
            rows: self.0.iter().map(cells).collect(),
            empty: "no request to a protected profile is in the journal",
        }
    }
}

fn cells(entry: &JournalEntry) -> Vec<Cell> {
    vec![
        Cell::new(&entry.at),
        Cell::new(&entry.profile).tone(Tone::Strong),
        Cell::or_absent(entry.user.clone().or_else(|| entry.token_variable.clone())),
        Cell::or_absent(entry.tenant.clone()),
        Cell::new(what(entry)),
        permit(entry),
        status(entry),
    ]
}

fn what(entry: &JournalEntry) -> String {
    match (entry.event, &entry.until) {
        (EntryEvent::Unlocked, Some(until)) => format!("unlocked until {until}"),
        (EntryEvent::Unlocked, None) => "unlocked".to_owned(),
        (EntryEvent::Locked, _) => "locked".to_owned(),
        (EntryEvent::Loosened, _) => entry.operation.clone().unwrap_or_default(),
        (EntryEvent::Request, _) => {
            let words = [&entry.method, &entry.path, &entry.operation];
            words.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
        }
    }
}

fn permit(entry: &JournalEntry) -> Cell {
    let reason = entry.reason.as_deref().unwrap_or_default();
    match entry.permit {
        Some(Permit::Typed) => Cell::new("typed"),
        Some(Permit::Flag) => Cell::new("--confirm"),
        Some(Permit::Lease) => Cell::new(format!("unlocked: {reason}")),
        None if reason.is_empty() => Cell::absent(),
        None => Cell::new(reason),
    }
}

fn status(entry: &JournalEntry) -> Cell {
    match (entry.event, entry.status, &entry.failure) {
        (EntryEvent::Request, Some(status), _) if status < 400 => {
            Cell::new(status.to_string()).tone(Tone::Good)
        }
        (EntryEvent::Request, Some(status), _) => Cell::new(status.to_string()).tone(Tone::Bad),
        // It may have been done all the same.
        (EntryEvent::Request, None, Some(_)) => Cell::new("no answer").tone(Tone::Warn),
        (EntryEvent::Request, None, None) => Cell::new("unknown").tone(Tone::Warn),
        _ => Cell::absent(),
    }
}

impl Verb for Journal {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let most = if self.all { usize::MAX } else { self.limit };
        let entries = journal::newest(context, context.config()?.flags.get(Key::Profile), most)?;
        Ok(Done::answer(JournalAnswer(entries)))
    }
}
