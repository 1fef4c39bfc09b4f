pub mod list;

use clap::Subcommand;

use super::verb::Verb;

#[derive(Debug, Subcommand)]
pub enum Orders {
    #[command(visible_alias = "ls")]
    List(list::List),
}

impl Orders {
    pub fn verb(self) -> Box<dyn Verb> {
        match self {
            Orders::List(list) => Box::new(list),
        }
    }
}
