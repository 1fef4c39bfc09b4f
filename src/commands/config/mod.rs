pub mod edit;
pub mod get;
pub(super) mod keys;
pub mod list;
pub mod path;
pub mod set;
pub mod unset;

use clap::Subcommand;

use super::Done;
use crate::error::Result;
use crate::session::context::Session;

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    #[command(visible_alias = "ls")]
    List(list::List),
    Get(get::Get),
    Set(set::Set),
    Unset(unset::Unset),
    Edit(edit::Edit),
    Path(path::Path),
}

impl ConfigCommand {
    pub fn run(self, session: &Session) -> Result<Done> {
        match self {
            ConfigCommand::List(list) => list.run(session),
            ConfigCommand::Get(get) => get.run(session),
            ConfigCommand::Set(set) => set.run(session),
            ConfigCommand::Unset(unset) => unset.run(session),
            ConfigCommand::Edit(edit) => edit.run(session),
            ConfigCommand::Path(path) => path.run(session),
        }
    }
}
