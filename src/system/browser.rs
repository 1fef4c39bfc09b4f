//! Showing a URL in the user's browser.
//!
//! Candidates are tried in order: the entries of `$BROWSER`, what the crate `open` knows for this
//! system, `sensible-browser`, `x-www-browser`. [`SystemBrowser::open`] returns as soon as one has
//! started. Whether it was any good shows only later (`xdg-open` on a server starts, finds nothing
//! and exits with 3), so a thread waits for it, which also reaps it; if it fails within
//! [`QUICKLY`], the thread goes on with the next candidate. A browser that stays in the foreground
//! keeps that thread for as long as it runs, and outlives us when we end. Login never waits for any
//! of this: it has printed the URL.
//!
//! A child gets no terminal: null stdio, as browsers like to print, and a process group of its own,
//! so that a Ctrl-C here doesn't reach it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::words::command_words;
use super::{file_status, runtime};

/// A program that fails this soon showed nothing to anybody.
const QUICKLY: Duration = Duration::from_secs(10);

pub trait Browser: Send + Sync {
    /// Shows the URL. `Ok` means that a program was started for it.
    fn open(&self, url: &str) -> Result<(), BrowserError>;
}

#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    #[error("no browser could be started (tried {})", .tried.join(", "))]
    NoneStarted { tried: Vec<String> },
}

/// The browser of this desktop.
pub struct SystemBrowser {
    /// `$BROWSER`, an entry each.
    wanted: Vec<OsString>,
    /// Variables that hold secrets: no browser needs them.
    hidden: Vec<String>,
    /// Whether to go on with the system's own openers.
    openers: bool,
}

impl SystemBrowser {
    pub fn new(environment: &Environment) -> SystemBrowser {
        let wanted = environment.os_var("BROWSER").map(std::env::split_paths);
        SystemBrowser {
            wanted: wanted.into_iter().flatten().map(OsString::from).collect(),
            hidden: environment.starting_with("AUTOCOM_TOKEN").map(|(name, _)| name.to_owned()).collect(),
            openers: true,
        }
    }

    fn candidates(&self, url: &str) -> Vec<Candidate> {
        let wanted = self.wanted.iter().filter_map(|entry| wanted_command(entry, url));
        let mut candidates: Vec<Candidate> = wanted.map(Candidate::judged_by_status).collect();
        if self.openers {
            candidates.extend(open::commands(url).into_iter().map(|command| Candidate {
                command,
                // Explorer's exit status says nothing about success.
                judged_by_status: !cfg!(windows),
            }));
            if cfg!(all(unix, not(target_os = "macos"))) {
                for program in ["sensible-browser", "x-www-browser"] {
                    let mut command = Command::new(program);
                    command.arg(url);
                    candidates.push(Candidate::judged_by_status(command));
                }
            }
        }
        for Candidate { command, .. } in &mut candidates {
            detach(command);
            self.hidden.iter().for_each(|name| {
                command.env_remove(name);
            });
        }
        candidates
    }
}

/// The programs that could show a URL and are there, in the order in which they are tried; and the names
/// of those that are not there.
pub fn programs(environment: &Environment) -> (Vec<PathBuf>, Vec<String>) {
    let candidates = SystemBrowser::new(environment).candidates("https://example.test");
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in candidates.iter().map(Candidate::name) {
        match file_status::program(environment, &name) {
            Some(path) if !found.contains(&path) => found.push(path),
            Some(_) => {}
            None if !missing.contains(&name) => missing.push(name),
            None => {}
        }
    }
    (found, missing)
}

impl Browser for SystemBrowser {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        let candidates = self.candidates(url);
        let tried = candidates.iter().map(Candidate::name).collect();
        let mut rest = candidates.into_iter();
        match start_next(&mut rest) {
            Some(started) => {
                // Without a thread for it, nobody sees whether a browser fails and the next one is due.
                let _ = runtime::thread("browser", move || watch(started, rest));
                Ok(())
            }
            None => Err(BrowserError::NoneStarted { tried }),
        }
    }
}

struct Candidate {
    command: Command,
    /// Whether a failing exit status means that nothing was shown.
    judged_by_status: bool,
}

impl Candidate {
    fn judged_by_status(command: Command) -> Candidate {
        Candidate { command, judged_by_status: true }
    }

    fn name(&self) -> String {
        self.command.get_program().to_string_lossy().into_owned()
    }
}

struct Started {
    child: Child,
    at: Instant,
    name: String,
    judged_by_status: bool,
}

/// Starts the first candidate that can be started.
fn start_next(candidates: &mut impl Iterator<Item = Candidate>) -> Option<Started> {
    candidates.find_map(|mut candidate| {
        let name = candidate.name();
        match candidate.command.spawn() {
            Ok(child) => {
                tracing::debug!(program = name, "browser started");
                let judged_by_status = candidate.judged_by_status;
                Some(Started { child, at: Instant::now(), name, judged_by_status })
            }
            Err(error) => {
                tracing::debug!(program = name, %error, "browser not started");
                None
            }
        }
    })
}

fn watch(mut current: Started, mut rest: impl Iterator<Item = Candidate>) {
    loop {
        let Ok(status) = current.child.wait() else { return };
        tracing::debug!(program = current.name, %status, "browser ended");
        if status.success() || !current.judged_by_status || current.at.elapsed() > QUICKLY {
            return;
        }
        match start_next(&mut rest) {
            Some(next) => current = next,
            None => return,
        }
    }
}

fn detach(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(
            command,
            CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW,
        );
    }
}

/// One entry of `$BROWSER` as a command. `%s` is the URL, `%%` a percent sign; without `%s` the URL is the
/// last argument.
fn wanted_command(entry: &OsString, url: &str) -> Option<Command> {
    let words = command_words(entry)?;
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    let mut placed = false;
    for argument in arguments {
        let (argument, has_url) = expand(argument.to_str()?, url);
        command.arg(argument);
        placed |= has_url;
    }
    if !placed {
        command.arg(url);
    }
    Some(command)
}

/// The argument with its `%s` and `%%` replaced, and whether the URL is in it.
fn expand(argument: &str, url: &str) -> (String, bool) {
    let (mut expanded, mut has_url) = (String::new(), false);
    let mut rest = argument.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('%', Some('s')) => {
                expanded.push_str(url);
                has_url = true;
                rest.next();
            }
            ('%', Some('%')) => {
                expanded.push('%');
                rest.next();
            }
            _ => expanded.push(c),
        }
    }
    (expanded, has_url)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::system::replace::{Mode, replace};

    const URL: &str = "http://h.test/?a=1&b=%s";

    fn command(entry: &str) -> Option<Vec<String>> {
        let command = wanted_command(&entry.into(), URL)?;
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Some(words.map(|word| word.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn an_entry_is_split_without_a_shell_and_the_url_put_in_its_place() {
        assert_eq!(command("firefox").unwrap(), ["firefox", URL]);
        assert_eq!(command("firefox --new-window %s -x").unwrap(), ["firefox", "--new-window", URL, "-x"]);
        assert_eq!(command("f 'a b' \"c \\\" d\" e\\ f --u=%s").unwrap()[1..4], ["a b", "c \" d", "e f"]);
        assert_eq!(command("f 100%% $HOME;rm").unwrap(), ["f", "100%", "$HOME;rm", URL]);
        assert_eq!(command("f 'open"), None);
        assert_eq!(command("  "), None);
    }

    fn script(folder: &Path, name: &str, body: &str) -> OsString {
        let path = folder.join(name);
        replace(&path, format!("#!/bin/sh\n{body}\n").as_bytes(), Mode::Private).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path.into()
    }

    #[test]
    fn one_that_is_missing_or_fails_is_passed_over_and_the_next_gets_the_url() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let good = script(folder.path(), "my browser", &format!("echo \"$1\" > '{}'", fifo.display()));
        let list =
            std::env::join_paths(["/no/such/browser".into(), script(folder.path(), "bad", "exit 3"), good]);
        let environment = Environment::default().with("BROWSER", list.unwrap());
        let browser = SystemBrowser { openers: false, ..SystemBrowser::new(&environment) };
        browser.open(URL).unwrap();
        assert_eq!(std::fs::read_to_string(&fifo).unwrap(), format!("{URL}\n"));
    }

    #[test]
    fn a_browser_inherits_no_token() {
        let environment = Environment::default().with("BROWSER", "firefox").with("AUTOCOM_TOKEN_EU", "t");
        for candidate in SystemBrowser::new(&environment).candidates(URL) {
            let removed = ("AUTOCOM_TOKEN_EU".as_ref(), None);
            assert!(candidate.command.get_envs().any(|variable| variable == removed), "{}", candidate.name());
        }
    }

    #[test]
    fn with_nothing_to_start_the_error_says_what_was_tried() {
        let environment = Environment::default().with("BROWSER", "/no/such/browser");
        let browser = SystemBrowser { openers: false, ..SystemBrowser::new(&environment) };
        let error = browser.open(URL).unwrap_err().to_string();
        assert_eq!(error, "no browser could be started (tried /no/such/browser)");
    }
}
