pub mod list;
pub mod r#use;

use clap::Subcommand;

use super::verb::Verb;

#[derive(Debug, Subcommand)]
pub enum Tenants {
    #[command(visible_alias = "ls")]
    List(list::List),
    Use(r#use::Use),
}

impl Tenants {
    pub fn verb(self) -> Box<dyn Verb> {
        match self {
            Tenants::List(list) => Box::new(list),
            Tenants::Use(verb) => Box::new(verb),
        }
    }
}
