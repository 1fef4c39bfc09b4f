//! One file a verb: its arguments (whose doc comments are the help) and what it does.

pub mod api;
pub mod auth;
pub mod command_line;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod durations;
pub mod exec;
mod input;
pub mod journal;
pub mod man;
pub mod orders;
pub mod profiles;
pub mod prompt;
pub mod several;
pub mod tenants;
pub mod verb;
pub mod version;
pub mod whoami;

use crate::error::Error;
use crate::ui::view::Show;

/// What a command has to say: an answer, failures beside it, both or nothing.
#[derive(Default)]
pub struct Done {
    pub answer: Option<Box<dyn Show>>,
    pub failures: Vec<Error>,
    /// Another program's exit code in place of ours.
    pub exit_code: u8,
}

impl Done {
    pub fn nothing() -> Done {
        Done::default()
    }

    pub fn answer(answer: impl Show + 'static) -> Done {
        Done { answer: Some(Box::new(answer)), ..Done::default() }
    }

    /// A program that ran in our place has ended with this code.
    pub fn ended(exit_code: u8) -> Done {
        Done { exit_code, ..Done::default() }
    }

    /// The answer stands, but something about it went wrong.
    pub fn with_failures(mut self, failures: impl IntoIterator<Item = Error>) -> Done {
        self.failures.extend(failures);
        self
    }
}
