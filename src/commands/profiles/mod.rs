pub mod current;
pub mod diff;
pub mod explain;
pub mod export;
pub mod import;
pub mod list;
pub mod lock;
pub(super) mod names;
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

use super::Done;
use crate::error::Result;
use crate::session::context::Session;

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
