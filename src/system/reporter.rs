//! What a layer wants the user to know although nothing failed: warnings and hints on stderr.

use std::collections::HashSet;
use std::sync::Mutex;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Something is not as it should be: always shown.
    Warning,
    /// Worth knowing for a person: shown in a terminal only.
    Note,
    /// What is being done right now: always shown, without a prefix.
    Progress,
    /// What the user can't do without, such as the URL to log in at: shown even with `--quiet`.
    Always,
}

type NoticeSink = Box<dyn Fn(Notice, &str) + Send + Sync>;

/// Where notices go. The same words are said once a process, but for what is shown to be decided about.
pub struct Reporter {
    sink: NoticeSink,
    said: Mutex<HashSet<String>>,
}

impl Reporter {
    pub fn new(sink: impl Fn(Notice, &str) + Send + Sync + 'static) -> Reporter {
        Reporter { sink: Box::new(sink), said: Mutex::default() }
    }

    pub fn silent() -> Reporter {
        Reporter::new(|_, _| {})
    }

    pub fn warn(&self, text: impl AsRef<str>) {
        self.say(Notice::Warning, text.as_ref());
    }

    pub fn note(&self, text: impl AsRef<str>) {
        self.say(Notice::Note, text.as_ref());
    }

    pub fn progress(&self, text: impl AsRef<str>) {
        self.say(Notice::Progress, text.as_ref());
    }

    pub fn always(&self, text: impl AsRef<str>) {
        self.say(Notice::Always, text.as_ref());
    }

    /// What somebody is asked about or must mend, as often as it is so.
    pub fn show(&self, text: impl AsRef<str>) {
        (self.sink)(Notice::Always, text.as_ref());
    }

    pub fn say(&self, notice: Notice, text: &str) {
        let new = self.said.lock().unwrap_or_else(|e| e.into_inner()).insert(text.to_owned());
        if new {
            (self.sink)(notice, text);
        }
    }
}
