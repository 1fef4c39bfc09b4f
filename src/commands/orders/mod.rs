pub mod list;

use clap::Subcommand;

use super::Done;
use crate::error::Result;
use crate::session::context::Session;
use crate::ui::output::Output;

#[derive(Debug, Subcommand)]
pub enum Orders {
    #[command(visible_alias = "ls")]
    List(list::List),
}

impl Orders {
    pub fn run(self, session: &Session, output: Output) -> Result<Done> {
        match self {
            Orders::List(list) => list.run(session, output),
        }
    }
}
