pub mod login;
pub mod logout;
pub mod status;

use clap::Subcommand;

use super::Done;
use crate::error::Result;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Auth {
    Login(login::Login),
    Logout(logout::Logout),
    Status(status::Status),
}

impl Auth {
    pub fn run(self, session: &Session) -> Result<Done> {
        match self {
            Auth::Login(login) => login.run(session),
            Auth::Logout(logout) => logout.run(session),
            Auth::Status(status) => status.run(session),
        }
    }
}
