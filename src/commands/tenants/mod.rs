pub mod list;
pub mod r#use;

use clap::Subcommand;

use super::Done;
use crate::error::Result;
use crate::session::context::Session;

#[derive(Debug, Subcommand)]
pub enum Tenants {
    #[command(visible_alias = "ls")]
    List(list::List),
    Use(r#use::Use),
}

impl Tenants {
    pub fn run(self, session: &Session) -> Result<Done> {
        match self {
            Tenants::List(list) => list.run(session),
            Tenants::Use(verb) => verb.run(session),
        }
    }
}
