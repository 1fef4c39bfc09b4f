//! The person in front of the terminal, as far as somebody below the user interface needs them.

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

/// How the lines of a choice may look.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub columns: usize,
    pub colours: bool,
}

/// Who can be asked and shown that something is going on.
pub trait Person: Send + Sync {
    /// The index of what was chosen, or `None` if the person gave up. The cursor begins at `start`.
    fn choose(&self, question: &str, choices: &[Choice], start: usize) -> Option<usize>;

    /// A line that the person types, or `None` if they gave up.
    fn answer(&self, question: &str) -> Option<String>;

    /// A line that nobody sees, or `None` if they gave up.
    fn tell_secret(&self, question: &str) -> Option<Secret>;

    /// Yes or no, or `None` if the person gave up.
    fn yes_or_no(&self, question: &str, default: bool) -> Option<bool>;

    /// Yes or no; who gives up says no.
    fn confirm(&self, question: &str, default: bool) -> bool {
        self.yes_or_no(question, default).unwrap_or(false)
    }

    /// What there is for each line of a choice.
    fn room(&self) -> Room;

    /// Shows the code of a login on another device, the page to enter it on, and where there is one the
    /// page that has it already.
    fn show_code(&self, code: &str, page: &str, complete: Option<&str>);

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
