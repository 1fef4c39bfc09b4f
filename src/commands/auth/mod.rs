pub mod login;
pub mod logout;
pub mod refresh;
pub mod status;
pub mod token;

use clap::Subcommand;

use super::Done;
use crate::error::Result;
use crate::session::context::Session;

#[derive(Debug, Subcommand)]
pub enum Auth {
    Login(login::Login),
    Logout(logout::Logout),
    Status(status::Status),
    Token(token::Token),
    Refresh(refresh::Refresh),
}

impl Auth {
    pub fn run(self, session: &Session) -> Result<Done> {
        match self {
            Auth::Login(login) => login.run(session),
            Auth::Logout(logout) => logout.run(session),
            Auth::Status(status) => status.run(session),
            Auth::Token(token) => token.run(session),
            Auth::Refresh(refresh) => refresh.run(session),
        }
    }
}
