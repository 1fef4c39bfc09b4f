//! The person at this process's terminal.

use super::stderr::{StderrStyle, say};
use crate::domain::{Secret, diagnostic, diagnostic_lines};
use crate::system::prompter::{Aside, Choice, LoginPage, LoginWay, Prompter, Room, Waiting};
use crate::system::question::lend;
use crate::ui::spinner::Spinner;
use crate::ui::stderr_line::{Login, StderrLine};
use crate::ui::{device_code, prompt};

pub(super) struct Terminal {
    pub there: bool,
    pub spins: bool,
    pub colours: bool,
    pub style: StderrStyle,
}

impl Prompter for Terminal {
    fn choose(&self, question: &str, choices: &[Choice], start: usize) -> Option<usize> {
        let choices: Vec<prompt::ChoiceLine<'_>> = choices
            .iter()
            .map(|Choice { line, name, words }| prompt::ChoiceLine { line, name, words })
            .collect();
        lend(|| prompt::choose(&diagnostic(question), choices, start, self.colours))
    }

    fn answer(&self, question: &str) -> Option<String> {
        lend(|| prompt::line(&diagnostic(question), self.colours))
    }

    fn ask_secret(&self, question: &str) -> Option<Secret> {
        lend(|| prompt::hidden(&diagnostic(question), self.colours))
    }

    fn confirm(&self, question: &str, default: bool) -> Option<bool> {
        lend(|| prompt::confirm(&diagnostic(question), default, self.colours))
    }

    fn room(&self) -> Room {
        Room { columns: prompt::columns(), colours: self.colours }
    }

    fn show_login(&self, LoginPage { url, way }: &LoginPage<'_>) {
        say(&match (self.style, way) {
            (StderrStyle::Json, LoginWay::Browser { .. }) => {
                StderrLine::Login(Login { url: (*url).to_owned(), user_code: None, expires_in: None }).json()
            }
            (StderrStyle::Json, LoginWay::Device { user_code, expires_in, .. }) => {
                let (url, user_code) = ((*url).to_owned(), Some((*user_code).to_owned()));
                let expires_in = Some(expires_in.as_secs());
                StderrLine::Login(Login { url, user_code, expires_in }).json()
            }
            (StderrStyle::Text { .. }, LoginWay::Browser { instructions }) => diagnostic_lines(instructions),
            (StderrStyle::Text { colours }, LoginWay::Device { user_code, complete_url, .. })
                if self.there =>
            {
                device_code::boxed(user_code, url, *complete_url, colours)
            }
            (StderrStyle::Text { .. }, LoginWay::Device { user_code, complete_url, .. }) => {
                device_code::plain(user_code, url, *complete_url)
            }
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
