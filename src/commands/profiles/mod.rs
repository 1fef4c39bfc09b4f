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

use super::verb::Verb;

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
    pub fn verb(self) -> Box<dyn Verb> {
        match self {
            Profiles::List(list) => Box::new(list),
            Profiles::Show(show) => Box::new(show),
            Profiles::Diff(diff) => Box::new(diff),
            Profiles::Current(current) => Box::new(current),
            Profiles::Use(verb) => Box::new(verb),
            Profiles::Pin(pin) => Box::new(pin),
            Profiles::Unpin(unpin) => Box::new(unpin),
            Profiles::Set(set) => Box::new(set),
            Profiles::Rename(rename) => Box::new(rename),
            Profiles::Remove(remove) => Box::new(remove),
            Profiles::Unlock(unlock) => Box::new(unlock),
            Profiles::Lock(lock) => Box::new(lock),
            Profiles::Export(export) => Box::new(export),
            Profiles::Import(import) => Box::new(import),
        }
    }
}
