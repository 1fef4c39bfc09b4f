//! The files and folders that autocom reads and writes, as they are.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::config::{ConfigError, Logins};
use crate::domain::quoted;
use crate::session::doctor::finding::{Finding, FindingStatus, Remedy, Section, edit};
use crate::system::editor::{self, CONFIG};
use crate::system::file_status::{self, FileStatus};
use crate::system::files::{self, Trust};
use crate::system::paths::{Paths, Place};
use crate::system::reporter::Reporter;

/// Which of the files can be read, and what is in them.
pub(crate) struct Seen {
    paths: Paths,
    pub config: bool,
    pins: bool,
    logins: bool,
    credentials: bool,
    logins_damaged: bool,
}

impl Seen {
    /// Whether autocom was never used here.
    pub(super) fn is_new(&self) -> bool {
        let is_withheld = |home: &Place| files::check_withheld(&home.path).is_err();
        if !self.paths.refused.is_empty() || self.paths.home.as_ref().is_some_and(is_withheld) {
            return false;
        }
        let there = |place: &Option<Place>| place.as_ref().is_some_and(|place| place.path.exists());
        !there(&self.paths.config) && !there(&self.paths.logins) && !there(&self.paths.credentials)
    }

    pub(super) fn logins_known(&self) -> bool {
        self.logins && !self.logins_damaged
    }

    /// The places of what can be read, to be looked at only: nothing is tightened by reading.
    pub(super) fn untouched(&self) -> Paths {
        let taken = |place: &Option<Place>, readable: bool| {
            let place = place.clone().filter(|_| readable)?;
            Some(Place { look_only: true, ..place })
        };
        Paths {
            home: None,
            config: taken(&self.paths.config, self.config),
            logins: taken(&self.paths.logins, self.logins_known()),
            pins: taken(&self.paths.pins, self.pins),
            credentials: taken(&self.paths.credentials, self.credentials),
            // Nothing of what doctor asks hangs on these.
            leases: None,
            journal: None,
            refused: Vec::new(),
            ..self.paths.clone()
        }
    }
}

pub(crate) fn look(paths: &Paths) -> (Vec<Finding>, Seen) {
    let mut found = Vec::new();
    let mut seen = Seen {
        paths: paths.clone(),
        config: false,
        pins: false,
        logins: false,
        credentials: false,
        logins_damaged: false,
    };
    for refused in &paths.refused {
        found.push(Finding::failed(Section::Files, refused.variable, refused.clone().into()));
    }
    if let Some(home) = &paths.home {
        if let Err(error) = files::check_withheld(&home.path) {
            found.push(Finding::failed(Section::Files, "home", error.into()));
            return (found, seen);
        }
        found.extend(folder("home", &home.path, home.by_variable));
    } else if paths.refused.is_empty() {
        found.push(
            Finding::warn(Section::Files, "home", "there is no home folder: variables are all there is")
                .fix("export HOME=~"),
        );
    }
    for (name, place, secrets, readable) in [
        ("config.toml", &paths.config, false, &mut seen.config),
        ("logins.toml", &paths.logins, false, &mut seen.logins),
        ("pins.toml", &paths.pins, false, &mut seen.pins),
        ("credentials", &paths.credentials, true, &mut seen.credentials),
    ] {
        if let Some(place) = place {
            let (of_file, can_be_read) = file(name, place, secrets);
            found.extend(of_file);
            *readable = can_be_read;
        }
    }
    // Only who has protected profiles has these.
    for (name, place) in [("unlocked.json", &paths.leases), ("journal.jsonl", &paths.journal)] {
        if let Some(place) = place.as_ref().filter(|place| place.path.symlink_metadata().is_ok()) {
            found.extend(file(name, place, false).0);
        }
    }
    if let Some(flaw) = paths.logins.as_ref().filter(|_| seen.logins).and_then(damage) {
        seen.logins_damaged = true;
        found.retain(|finding| finding.check != "logins.toml" || finding.status != FindingStatus::Ok);
        found.push(flaw);
    }
    if let Some(locks) = &paths.locks {
        found.extend(folder("locks", locks, paths.home.as_ref().and_then(|home| home.by_variable)));
        found.extend(locks_of_another(locks));
    }
    (found, seen)
}

fn folder(name: &str, path: &Path, by_variable: Option<&str>) -> Vec<Finding> {
    let shown = path.display();
    let seen = match seen(name, path) {
        Ok(seen) => seen,
        Err(finding) => return vec![*finding],
    };
    if !seen.is_folder {
        return vec![
            Finding::broken(Section::Files, name, format!("{shown} is not a folder"))
                .fix(format!("mv {0} {0}.aside", quoted(path))),
        ];
    }
    if let Some(finding) = other_user(name, path, seen) {
        let fix = finding.fix.clone().filter(|_| by_variable.is_some());
        return vec![finding.fix(fix.unwrap_or_else(|| chown(path, true).into()))];
    }
    let mut found = Vec::new();
    // One that a variable names may be shared, to read at least.
    let (others, ours) = if by_variable.is_some() { (0o022, false) } else { (0o077, true) };
    found.extend(too_open(name, path, seen, others, 0o700, ours));
    if !seen.writable {
        let words = format!("{shown} can't be written: nothing new is kept");
        let fix = match by_variable {
            _ if seen.is_ours => format!("chmod u+w {}", quoted(path)),
            // It may be anything.
            Some(variable) => format!("export {variable}=/ABSOLUTE/PATH"),
            None => chown(path, true),
        };
        found.push(Finding::warn(Section::Files, name, words).fix(fix));
    }
    if found.is_empty() {
        found.push(Finding::ok(Section::Files, name, format!("{shown}{}", of_mode(seen))));
    }
    found
}

/// What is wrong with a file, and whether it can be read.
fn file(name: &str, place: &Place, secrets: bool) -> (Vec<Finding>, bool) {
    let (path, shown) = (&place.path, place.path.display());
    let seen = match seen(name, path) {
        Ok(seen) => seen,
        // What is not there is read as nothing.
        Err(finding) => {
            if let (Some(variable @ "AUTOCOM_CONFIG"), FindingStatus::Skipped) =
                (place.by_variable, finding.status)
            {
                let error = ConfigError::MissingFile { variable, path: path.clone() };
                let finding = Finding::warn(Section::Files, name, error.to_string());
                return (vec![finding.fix(format!("unset {variable}"))], true);
            }
            let missing = finding.status == FindingStatus::Skipped;
            return (vec![*finding], missing);
        }
    };
    let strict = place.by_variable.is_none() || secrets;
    if seen.is_folder || (strict && !seen.is_file) {
        let aside = format!("mv {0} {0}.aside", quoted(path));
        let finding = Finding::broken(Section::Files, name, format!("{shown} is not a regular file"));
        return (vec![finding.fix(aside)], false);
    }
    if let Some(finding) = other_user(name, path, seen).filter(|_| strict) {
        return (vec![finding], false);
    }
    if !seen.readable {
        let finding =
            Finding::broken(Section::Files, name, format!("{shown} can't be read{}", of_mode(seen)));
        let fix = if seen.is_ours { format!("chmod 600 {}", quoted(path)) } else { chown(path, false) };
        return (vec![finding.fix(fix)], false);
    }
    let mut found = Vec::new();
    if strict {
        found.extend(too_open(name, path, seen, 0o077, 0o600, place.by_variable.is_none()));
    }
    if seen.is_file && seen.links > 1 {
        let words = format!(
            "{shown} has {} hard links: the next write of autocom separates it from them",
            seen.links
        );
        found.push(
            Finding::warn(Section::Files, name, words)
                .fix(format!("find / -xdev -samefile {}", quoted(path))),
        );
    }
    if found.is_empty() {
        let by = place.by_variable.map(|name| format!(", named by {name}")).unwrap_or_default();
        found.push(Finding::ok(Section::Files, name, format!("{shown}{}{by}", of_mode(seen))));
    }
    // A pipe can be read but once.
    (found, seen.is_file)
}

fn seen(name: &str, path: &Path) -> Result<FileStatus, Box<Finding>> {
    let shown = path.display();
    Err(Box::new(match file_status::file_status(path) {
        Ok(Some(seen)) => return Ok(seen),
        Ok(None) if path.symlink_metadata().is_ok() => {
            Finding::broken(Section::Files, name, format!("{shown} is a link that leads nowhere"))
                .fix(format!("rm {}", quoted(path)))
        }
        Ok(None) => Finding::skipped(Section::Files, name, format!("{shown} is not there yet")),
        Err(error) => Finding::broken(Section::Files, name, format!("{shown} can't be looked at: {error}"))
            .fix(way_in(path)),
    }))
}

/// What lets us look at `path`, which a folder above keeps from us.
fn way_in(path: &Path) -> String {
    let folder =
        path.ancestors().skip(1).find_map(|folder| Some((folder, file_status::file_status(folder).ok()??)));
    match folder {
        Some((folder, seen)) if seen.is_ours => format!("chmod u+rwx {}", quoted(folder)),
        // Nothing but our own folder is asked for.
        Some((folder, _)) if folder.ends_with(".autocom") => chown(folder, true),
        _ => "export AUTOCOM_HOME=/ABSOLUTE/PATH".to_owned(),
    }
}

/// Where the mode does not help, since only the owner may change that.
fn chown(path: &Path, with_content: bool) -> String {
    let all = if with_content { "-R " } else { "" };
    format!("sudo chown {all}\"$(id -u)\" {}", quoted(path))
}

/// Lock files that another user, such as root under sudo, has left in our folder.
fn locks_of_another(folder: &Path) -> Option<Finding> {
    let is_shut = |path: &PathBuf| matches!(file_status::file_status(path), Ok(Some(seen)) if !seen.is_ours && !seen.writable);
    let path = file_status::names(folder, "").into_iter().map(|(path, _)| path).find(is_shut)?;
    let words = format!("{} belongs to another user and can't be locked", path.display());
    Some(Finding::broken(Section::Files, "locks", words).fix(chown(folder, true)))
}

fn other_user(name: &str, path: &Path, seen: FileStatus) -> Option<Finding> {
    let owner = seen.other_user?;
    let words = format!("{} belongs to user {owner}, not to you or root", path.display());
    let finding = Finding::broken(Section::Files, name, words);
    Some(finding.fix(chown(path, false)))
}

fn too_open(
    name: &str,
    path: &Path,
    seen: FileStatus,
    others: u32,
    mode: u32,
    ours: bool,
) -> Option<Finding> {
    if seen.mode & others == 0 {
        return None;
    }
    let words = format!("{} is open to others{}", path.display(), of_mode(seen));
    if !seen.is_ours {
        return Some(Finding::warn(Section::Files, name, words).fix(chown(path, seen.is_folder)));
    }
    let finding = Finding::warn(Section::Files, name, words).fix(format!("chmod {mode:o} {}", quoted(path)));
    // Somebody else looks after the modes of what a variable names.
    Some(if ours { finding.remedy(Remedy::Mode(path.to_owned(), mode)) } else { finding })
}

fn of_mode(seen: FileStatus) -> String {
    if cfg!(unix) { format!(" (mode {:04o})", seen.mode) } else { String::new() }
}

fn damage(place: &Place) -> Option<Finding> {
    let path = &place.path;
    let (words, line, column) = match files::read(path, Trust::WarnOnly, &Reporter::silent()) {
        Ok(bytes) => Logins::flaw(&bytes.unwrap_or_default())?,
        Err(error) => {
            return Some(
                Finding::broken(Section::Files, "logins.toml", error.to_string()).fix(edit(path, None)),
            );
        }
    };
    let words = format!("{}:{line}:{column}: {words}: nothing is known of past logins", path.display());
    Some(Finding::warn(Section::Files, "logins.toml", words).remedy(Remedy::Rebuild(path.clone())))
}

/// What nobody needs any more.
pub(crate) fn leftovers(paths: &Paths, now: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    let places = [&paths.home, &paths.config, &paths.credentials];
    let mut folders: Vec<PathBuf> = Vec::new();
    for (n, place) in places.into_iter().enumerate() {
        let folder =
            place.as_ref().and_then(|it| if n == 0 { Some(it.path.as_path()) } else { it.path.parent() });
        folders.extend(folder.map(Path::to_owned));
    }
    folders.sort();
    folders.dedup();
    for path in folders.iter().flat_map(|folder| file_status::abandoned_writes(folder, now)) {
        let words = format!("{} is what a write that was cut off has left", path.display());
        let finding =
            Finding::warn(Section::Leftovers, "temporary file", words).fix(format!("rm {}", quoted(&path)));
        found.push(finding.remedy(Remedy::Remove(path)));
    }
    let drafts = folders.iter().flat_map(|folder| editor::abandoned_drafts(folder, CONFIG));
    for path in drafts.filter(|draft| draft.exists()) {
        let words = format!("{} is the copy of an interrupted `config edit`", path.display());
        let finding = Finding::warn(Section::Leftovers, "draft", words).fix(format!("rm {}", quoted(&path)));
        found.push(finding.remedy(Remedy::Draft(path)));
    }
    let kept = paths.credentials.as_ref().and_then(|place| {
        let name = format!("{}.old", place.path.file_name()?.to_string_lossy());
        Some(file_status::names(place.path.parent()?, &name))
    });
    for (path, _) in kept.into_iter().flatten() {
        let words = format!(
            "{} was kept when autocom replaced what was no credential file of its own",
            path.display()
        );
        found
            .push(Finding::warn(Section::Leftovers, "kept file", words).fix(format!("rm {}", quoted(&path))));
    }
    found
}
