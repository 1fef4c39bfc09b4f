//! One file a verb: its arguments (whose doc comments are the help) and what it does.

pub mod auth;
pub mod config;
pub mod profiles;
pub mod version;
pub mod whoami;

use crate::error::Error;
use crate::ui::view::Show;

/// What a command has to say: an answer, failures beside it, both or nothing.
#[derive(Default)]
pub struct Done {
    pub answer: Option<Box<dyn Show>>,
    pub failures: Vec<Error>,
}

impl Done {
    pub fn nothing() -> Done {
        Done::default()
    }

    pub fn answer(answer: impl Show + 'static) -> Done {
        Done { answer: Some(Box::new(answer)), failures: Vec::new() }
    }

    /// The answer stands, but something about it went wrong.
    pub fn with_failures(mut self, failures: impl IntoIterator<Item = Error>) -> Done {
        self.failures.extend(failures);
        self
    }
}
