pub mod login;
pub mod logout;
pub mod refresh;
pub mod status;
pub mod token;

use clap::Subcommand;

use super::verb::Verb;

#[derive(Debug, Subcommand)]
pub enum Auth {
    Login(login::Login),
    Logout(logout::Logout),
    Status(status::Status),
    Token(token::Token),
    Refresh(refresh::Refresh),
}

impl Auth {
    pub fn verb(self) -> Box<dyn Verb> {
        match self {
            Auth::Login(login) => Box::new(login),
            Auth::Logout(logout) => Box::new(logout),
            Auth::Status(status) => Box::new(status),
            Auth::Token(token) => Box::new(token),
            Auth::Refresh(refresh) => Box::new(refresh),
        }
    }
}
