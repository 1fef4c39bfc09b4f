//! How lines on stderr are written.

use std::ffi::OsString;
use std::io::Write;

use crate::cli::GlobalFlags;
use crate::commands::command_line::typed;
use crate::domain::{OutputFormat, diagnostic_lines};
use crate::logging;
use crate::system::environment::Environment;
use crate::system::reporter::Notice;
use crate::ui::stderr_line::{Log, StderrLine};
use crate::ui::style::{ColorChoice, ColorSigns, Tone};

/// How lines on stderr are written. What `output` in `config.toml` says is for answers: what comes before the file is
/// read must look as what comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StderrStyle {
    Text { colours: bool },
    Json,
}

impl StderrStyle {
    pub(super) fn new(global: &GlobalFlags, environment: &Environment, colour: ColorChoice) -> StderrStyle {
        let colours = colour.colours(signs(environment, environment.stderr_is_terminal));
        StderrStyle::named(global.output.as_deref(), environment, colours)
    }

    /// Of a command line that could not be parsed as a whole.
    pub(super) fn typed(arguments: &[OsString], environment: &Environment, colours: bool) -> StderrStyle {
        StderrStyle::named(typed(arguments, Some('o'), "output"), environment, colours)
    }

    fn named(flag: Option<&str>, environment: &Environment, colours: bool) -> StderrStyle {
        let variable = environment.var("AUTOCOM_OUTPUT");
        match flag.or(variable.as_deref()).and_then(|text| text.parse().ok()) {
            Some(OutputFormat::Json) => StderrStyle::Json,
            _ => StderrStyle::Text { colours },
        }
    }

    pub(super) fn colours(self) -> bool {
        self == StderrStyle::Text { colours: true }
    }

    pub(super) fn events(self) -> logging::Style {
        match self {
            StderrStyle::Text { colours } => logging::Style::Text { colours },
            StderrStyle::Json => {
                logging::Style::Lines(|logging::LogEvent { time, level, message, fields }| {
                    StderrLine::Log(Log { time, level, message, fields }).json()
                })
            }
        }
    }

    pub(super) fn notice(self, notice: Notice, text: &str) -> String {
        let text = &diagnostic_lines(text);
        match (self, notice) {
            (StderrStyle::Json, Notice::Warning) => StderrLine::warning(text).json(),
            (StderrStyle::Json, _) => StderrLine::note(text).json(),
            (StderrStyle::Text { colours }, Notice::Warning) => {
                format!("{} {text}", Tone::Warn.paint("warning:", colours))
            }
            (StderrStyle::Text { colours }, Notice::Note) => {
                format!("{} {text}", Tone::Faint.paint("note:", colours))
            }
            (StderrStyle::Text { .. }, Notice::Always | Notice::Progress) => text.clone(),
        }
    }
}

/// A line on stderr; that nobody reads it is no reason to panic.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

pub(super) fn signs(environment: &Environment, terminal: bool) -> ColorSigns {
    ColorSigns {
        terminal,
        no_color: environment.var("NO_COLOR").is_some(),
        force: environment.var("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
        dumb: environment.var("TERM").is_some_and(|term| term == "dumb"),
    }
}
