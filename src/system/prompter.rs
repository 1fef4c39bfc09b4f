//! The person in front of the terminal, as far as somebody below the user interface needs them.

use std::time::Duration;

use crate::domain::{Secret, sanitized};

/// One of several things to choose from.
#[derive(Debug, Clone)]
pub struct Choice {
    /// As it is listed.
    pub line: String,
    /// What remains on the screen once it is chosen.
    pub name: String,
    /// What the person may type to find it.
    pub words: Vec<String>,
}

impl From<&str> for Choice {
    fn from(line: &str) -> Choice {
        let shown = sanitized(line);
        Choice { line: shown.to_string(), name: shown.into_owned(), words: vec![line.to_owned()] }
    }
}

/// Where to log in.
#[derive(Debug, Clone, Copy)]
pub struct LoginPage<'a> {
    pub url: &'a str,
    pub way: LoginWay<'a>,
}

#[derive(Debug, Clone, Copy)]
pub enum LoginWay<'a> {
    /// In a browser: what a person is told, the URL included.
    Browser { instructions: &'a str },
    /// By a code that is entered on that page, or that is part of `complete_url`.
    Device { user_code: &'a str, complete_url: Option<&'a str>, expires_in: Duration },
}

/// How the lines of a choice may look.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub columns: usize,
    pub colours: bool,
}

/// Who can be asked and shown that something is going on.
pub trait Prompter: Send + Sync {
    /// The index of what was chosen, or `None` if the person gave up. The cursor begins at `start`.
    fn choose(&self, question: &str, choices: &[Choice], start: usize) -> Option<usize>;

    /// A line that the person types, or `None` if they gave up.
    fn answer(&self, question: &str) -> Option<String>;

    /// A line that nobody sees, or `None` if they gave up.
    fn ask_secret(&self, question: &str) -> Option<Secret>;

    /// Yes or no, or `None` if they gave up.
    fn confirm(&self, question: &str, default: bool) -> Option<bool>;

    /// What there is for each line of a choice.
    fn room(&self) -> Room;

    /// Shows where to log in, whatever else is silent.
    fn show_login(&self, login: &LoginPage<'_>);

    /// Shows that `what` is waited for, until the answer is dropped.
    fn waiting(&self, what: &str) -> Box<dyn Waiting>;
}

/// Runs what prints while the sign of life is out of the way.
pub type Aside = Box<dyn Fn(&dyn Fn()) + Send + Sync>;

/// A sign of life on the terminal.
pub trait Waiting {
    /// A way to print meanwhile: `print` runs with the sign out of the way.
    fn aside(&self) -> Aside;

    /// Says something else from now on.
    fn say(&self, what: &str);
}
