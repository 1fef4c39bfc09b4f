pub mod edit;
pub mod get;
pub(super) mod keys;
pub mod list;
pub mod path;
pub mod set;
pub mod unset;

use clap::Subcommand;

use super::verb::Verb;

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
    pub fn verb(self) -> Box<dyn Verb> {
        match self {
            ConfigCommand::List(list) => Box::new(list),
            ConfigCommand::Get(get) => Box::new(get),
            ConfigCommand::Set(set) => Box::new(set),
            ConfigCommand::Unset(unset) => Box::new(unset),
            ConfigCommand::Edit(edit) => Box::new(edit),
            ConfigCommand::Path(path) => Box::new(path),
        }
    }
}
