//! What the process was given: variables, working directory, terminals.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

/// A snapshot taken once at the start. Tests build their own.
#[derive(Clone, Default)]
pub struct Environment {
    variables: Arc<BTreeMap<OsString, OsString>>,
    pub current_dir: Option<PathBuf>,
    pub stdin_is_terminal: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    /// Columns of the terminal behind stdout.
    pub width: Option<usize>,
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the process's environment")]
    pub fn capture() -> Environment {
        let stdout_is_terminal = std::io::stdout().is_terminal();
        Environment {
            variables: Arc::new(std::env::vars_os().map(trimmed).collect()),
            current_dir: std::env::current_dir().ok(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal,
            stderr_is_terminal: std::io::stderr().is_terminal(),
            width: stdout_is_terminal
                .then(terminal_size::terminal_size)
                .flatten()
                .map(|(width, _)| usize::from(width.0)),
        }
    }

    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Environment {
        Arc::make_mut(&mut self.variables).extend([trimmed((name.into(), value.into()))]);
        self
    }

    /// The variable's value; an empty one counts as unset, one that is not UTF-8 is read lossily
    /// (and then fails as a value, naming its origin).
    pub fn var(&self, name: &str) -> Option<String> {
        self.os_var(name).map(|value| value.to_string_lossy().into_owned())
    }

    pub fn os_var(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Whether the variable is set to nothing, or to nothing but white space.
    pub fn is_blank(&self, name: &str) -> bool {
        let value = self.variables.get(OsStr::new(name)).and_then(|value| value.to_str());
        value.is_some_and(|value| value.trim().is_empty())
    }

    pub fn path_var(&self, name: &str) -> Option<PathBuf> {
        self.os_var(name).map(PathBuf::from)
    }

    /// Names and values of the variables whose name starts with `prefix`, empty ones left out.
    pub fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a OsStr)> {
        self.variables
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Some((name.to_str()?, value.as_os_str())))
            .filter(move |(name, _)| name.starts_with(prefix))
    }

    /// The names of the variables that start with `prefix`, empty ones included.
    pub fn names_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.variables.keys().filter_map(|name| name.to_str()).filter(move |name| name.starts_with(prefix))
    }

    /// The user's home folder, by variable only: what a test or CI job sets is what it gets. A relative one would
    /// be another in every directory, so it is none.
    pub fn home(&self) -> Option<PathBuf> {
        self.path_var(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).filter(|home| home.has_root())
    }

    /// Whether a person can be asked: the question goes to stderr, the answer comes from stdin.
    pub fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }
}

/// A variable of our own without what files and shells of other systems put around values: blanks, carriage returns,
/// byte order marks.
fn trimmed((name, value): (OsString, OsString)) -> (OsString, OsString) {
    let is_ours = name.to_str().is_some_and(|name| name.starts_with("AUTOCOM_"));
    match value.to_str() {
        Some(text) if is_ours => {
            let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            (name, text.into())
        }
        _ => (name, value),
    }
}
