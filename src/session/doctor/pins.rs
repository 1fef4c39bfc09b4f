//! Directories that are bound to profiles, and files of repositories that were accepted.

use crate::config::Config;
use crate::domain::{autocom, one_line};
use crate::session::doctor::finding::{Finding, Section};
use crate::session::profile::switch::{PinKind, PinState, Pinned};

pub(crate) fn look(config: &Config) -> Vec<Finding> {
    // Pins that can't be read were the selection's to report, or the file's.
    let Ok(pinned) = Pinned::all(config) else { return Vec::new() };
    let (good, bad): (Vec<Pinned>, Vec<Pinned>) = pinned.into_iter().partition(|it| it.state == PinState::Ok);
    let mut found: Vec<Finding> = bad.iter().map(finding).collect();
    if found.is_empty() && !good.is_empty() {
        let words = format!("{} bound to profiles that exist", count(&good));
        found.push(Finding::ok(Section::Profiles, "pins", words));
    }
    found
}

fn count(pinned: &[Pinned]) -> String {
    match pinned.len() {
        1 => "one directory or file is".to_owned(),
        n => format!("{n} directories and files are"),
    }
}

fn finding(pinned: &Pinned) -> Finding {
    let (shown, path) = (one_line(&pinned.path.display().to_string()).into_owned(), pinned.path.display());
    let name = &pinned.profile;
    let (check, free) = match pinned.kind {
        PinKind::Directory => ("pin", autocom("profiles unpin").value(path)),
        PinKind::File => ("accepted file", autocom("profiles unpin").option("--file", path)),
    };
    let (words, fix) = match pinned.state {
        PinState::Ok => (format!("{shown} is bound to profile {name}"), free),
        PinState::Gone => (format!("{shown} is bound to profile {name}, but is not there any more"), free),
        PinState::UnknownProfile => {
            (format!("{shown} is bound to profile {name}, which does not exist"), free)
        }
        PinState::Changed => (
            format!(
                "{shown} has changed since it was accepted: it selects nothing until it is accepted again"
            ),
            autocom("profiles pin").option("--accept", pinned.path.display()),
        ),
    };
    Finding::warn(Section::Profiles, check, words).fix(fix)
}
