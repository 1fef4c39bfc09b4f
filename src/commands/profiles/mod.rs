pub mod current;
pub mod export;
pub mod import;
pub mod list;
pub mod remove;
pub mod rename;
pub mod set;
pub mod show;
pub mod r#use;

use clap::Subcommand;

use super::Done;
use crate::domain::{Origin, ProfileName};
use crate::error::{Error, Result};
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Profiles {
    #[command(visible_alias = "ls")]
    List(list::List),
    Show(show::Show),
    Current(current::Current),
    Use(r#use::Use),
    Set(set::Set),
    Rename(rename::Rename),
    #[command(visible_alias = "rm")]
    Remove(remove::Remove),
    Export(export::Export),
    Import(import::Import),
}

impl Profiles {
    pub fn run(self, session: &Session) -> Result<Done> {
        match self {
            Profiles::List(list) => list.run(session),
            Profiles::Show(show) => show.run(session),
            Profiles::Current(current) => current.run(session),
            Profiles::Use(verb) => verb.run(session),
            Profiles::Set(set) => set.run(session),
            Profiles::Rename(rename) => rename.run(session),
            Profiles::Remove(remove) => remove.run(session),
            Profiles::Export(export) => export.run(session),
            Profiles::Import(import) => import.run(session),
        }
    }
}

/// A name from the command line, which need not exist.
fn name(text: &str) -> Result<ProfileName> {
    text.parse().map_err(|why| Error::usage(format!("the profile name `{text}` {why}")))
}

/// A name from the command line that must exist.
fn existing(session: &Session, text: &str) -> Result<ProfileName> {
    let (config, name) = (session.config()?, name(text)?);
    if config.exists(&name) {
        Ok(name)
    } else {
        Err(config.unknown(text, Origin::Flag("the command line")).into())
    }
}
