//! The person at this process's terminal.

use super::say;
use crate::domain::{Secret, diagnostic};
use crate::system::person::{Aside, Choice, Person, Room, Waiting};
use crate::system::terminal::lend;
use crate::ui::spinner::Spinner;
use crate::ui::{device_code, prompt};

pub struct Terminal {
    pub there: bool,
    pub spins: bool,
    pub colours: bool,
}

impl Person for Terminal {
    fn choose(&self, question: &str, choices: &[Choice], start: usize) -> Option<usize> {
        let choices: Vec<prompt::Choice<'_>> =
            choices.iter().map(|Choice { line, name, words }| prompt::Choice { line, name, words }).collect();
        lend(|| prompt::choose(&diagnostic(question), choices, start, self.colours))
    }

    fn answer(&self, question: &str) -> Option<String> {
        lend(|| prompt::line(&diagnostic(question), self.colours))
    }

    fn tell_secret(&self, question: &str) -> Option<Secret> {
        lend(|| prompt::hidden(&diagnostic(question), self.colours))
    }

    fn yes_or_no(&self, question: &str, default: bool) -> Option<bool> {
        lend(|| prompt::confirm(&diagnostic(question), default, self.colours))
    }

    fn room(&self) -> Room {
        Room { columns: prompt::columns(), colours: self.colours }
    }

    fn show_code(&self, code: &str, page: &str, complete: Option<&str>) {
        say(&match self.there {
            true => device_code::boxed(code, page, complete, self.colours),
            false => device_code::plain(code, page, complete),
        });
    }

    fn waiting(&self, what: &str) -> Box<dyn Waiting> {
        Box::new(Spinner::start(&diagnostic(what), self.spins))
    }
}

impl Waiting for Spinner {
    fn aside(&self) -> Aside {
        Box::new(Spinner::aside(self))
    }

    fn say(&self, what: &str) {
        Spinner::say(self, &diagnostic(what));
    }
}
