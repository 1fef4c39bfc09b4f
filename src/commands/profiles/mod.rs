pub mod current;
pub mod diff;
pub mod explain;
pub mod export;
pub mod import;
pub mod list;
pub mod lock;
mod picker;
pub mod pin;
pub mod remove;
pub mod rename;
pub mod set;
pub mod shell;
pub mod show;
pub mod unlock;
pub mod unpin;
pub mod r#use;

use clap::Subcommand;
use jiff::Timestamp;

use super::Done;
use crate::domain::time::span;
use crate::domain::{Origin, ProfileName};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::session::protection::Openness;
use crate::ui::style::Tone;
use crate::ui::view::Cell;

#[derive(Debug, Subcommand)]
pub enum Profiles {
    #[command(visible_alias = "ls")]
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
    Current(current::Current),
    Use(r#use::Use),
    Pin(pin::Pin),
    Unpin(unpin::Unpin),
    Set(set::Set),
    Rename(rename::Rename),
    #[command(visible_alias = "rm")]
    Remove(remove::Remove),
    Unlock(unlock::Unlock),
    Lock(lock::Lock),
    Export(export::Export),
    Import(import::Import),
}

impl Profiles {
    pub fn run(self, session: &Session) -> Result<Done> {
        match self {
            Profiles::List(list) => list.run(session),
            Profiles::Show(show) => show.run(session),
            Profiles::Diff(diff) => diff.run(session),
            Profiles::Current(current) => current.run(session),
            Profiles::Use(verb) => verb.run(session),
            Profiles::Pin(pin) => pin.run(session),
            Profiles::Unpin(unpin) => unpin.run(session),
            Profiles::Set(set) => set.run(session),
            Profiles::Rename(rename) => rename.run(session),
            Profiles::Remove(remove) => remove.run(session),
            Profiles::Unlock(unlock) => unlock.run(session),
            Profiles::Lock(lock) => lock.run(session),
            Profiles::Export(export) => export.run(session),
            Profiles::Import(import) => import.run(session),
        }
    }
}

/// The cell of a profile's name, in which a protected one stands out. Programs read the name alone.
pub fn name_cell(cell: Cell, openness: Openness, now: Timestamp) -> Cell {
    let plain = cell.plain_text().to_owned();
    let Some((note, tone)) = note_on(openness, now) else { return cell };
    Cell::new(format!("{} ({note})", cell.text())).plain(plain).tone(tone)
}

/// What is said of a profile behind its name, and in which tone.
fn note_on(openness: Openness, now: Timestamp) -> Option<(String, Tone)> {
    match openness {
        Openness::Open | Openness::Unknown => None,
        Openness::Protected => Some(("protected".to_owned(), Tone::Guarded)),
        Openness::Unlocked { until } => {
            Some((format!("unlocked, {} left", span(until.duration_since(now))), Tone::Warn))
        }
    }
}

/// A name from the command line, which need not exist.
fn name(text: &str) -> Result<ProfileName> {
    text.parse()
        .map_err(|why| Error::usage(format!("the profile name `{text}` {why}")).hint("autocom profiles list"))
}

/// A name from the command line that must exist.
fn existing(session: &Session, text: &str) -> Result<ProfileName> {
    let config = session.config()?;
    config.document.check_usable(text)?;
    let name = name(text)?;
    if config.exists(&name) {
        Ok(name)
    } else {
        Err(config.unknown(text, Origin::Flag("the command line")).into())
    }
}
