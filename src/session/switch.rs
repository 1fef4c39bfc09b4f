//! Switching between profiles: for everyone, for a directory, for a shell; and what stands in the way of it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use crate::config::{
    Config, ConfigEdit, ConfigError, EditTarget, Flags, PendingMove, Pins, REPOSITORY_FILE, RepositoryFile,
    Selection, Standing, profile_in,
};
use crate::domain::{Key, Origin, ProfileName, one_line, quoted};
use crate::error::{Error, Result};
use crate::system::files;

/// The variable that holds what `AUTOCOM_PROFILE` was in a shell before `profiles use --shell` set it.
pub const PREVIOUS: &str = "AUTOCOM_PREVIOUS_PROFILE";

/// The value of [`PREVIOUS`] where there was none; no profile can have this name.
pub const NONE: &str = "-";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Directory,
    /// A repository's file that was accepted.
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// The directory or the file is not there any more.
    Gone,
    /// The file is not what was accepted: it selects nothing.
    Changed,
    UnknownProfile,
}

/// A directory or a repository's file that is bound to a profile.
#[derive(Debug, Clone)]
pub struct Pinned {
    pub path: PathBuf,
    pub profile: String,
    pub kind: Kind,
    pub state: State,
    /// Whether it is what selects the profile here.
    pub active: bool,
}

impl Pinned {
    pub fn all(config: &Config) -> Result<Vec<Pinned>, ConfigError> {
        let pins = config.pins()?;
        let origin = config.select().ok().map(|selection| selection.origin);
        let known = |name: &str| name.parse().is_ok_and(|name| config.exists(&name));
        let state = |name: &str, there: State| if known(name) { there } else { State::UnknownProfile };
        let directories = pins.directories().map(|(path, name)| Pinned {
            path: path.to_owned(),
            profile: name.to_owned(),
            kind: Kind::Directory,
            state: if path.is_dir() { state(name, State::Ok) } else { State::Gone },
            active: matches!(&origin, Some(Origin::Pin(directory)) if **directory == *path),
        });
        let files = pins.accepted().map(|(path, content)| {
            let name = profile_in(content).map(|name| name.to_string()).unwrap_or_default();
            let standing = path.parent().and_then(|folder| Standing::of(folder, pins));
            Pinned {
                path: path.to_owned(),
                kind: Kind::File,
                state: match standing {
                    None => State::Gone,
                    Some(Standing::Accepted(_)) => state(&name, State::Ok),
                    Some(_) => State::Changed,
                },
                profile: name,
                active: matches!(&origin, Some(Origin::Repository(file)) if **file == *path),
            }
        });
        Ok(directories.chain(files).collect())
    }
}

impl Session {
    /// Changes the pins while `config.toml` is locked: no pin names a profile that another command is renaming.
    pub fn change_pins<T>(&self, change: impl FnOnce(&mut Pins) -> T) -> Result<T> {
        let _locked = self.lock_config()?;
        Ok(Pins::update(self.paths.pins.as_ref(), &self.locks, &self.notices, change)?)
    }

    /// A path of the command line under its one canonical name.
    ///
    /// # Errors
    /// Of a relative path where the working directory is gone: what is stored must be absolute.
    pub fn canonical(&self, path: &Path) -> Result<PathBuf> {
        Ok(files::canonical(&self.absolute(path)?))
    }

    /// A path of the command line, from the working directory.
    pub fn absolute(&self, path: &Path) -> Result<PathBuf> {
        match &self.environment.current_dir {
            Some(here) => Ok(here.join(path)),
            None if path.has_root() => Ok(path.to_owned()),
            None => Err(Error::usage("the working directory does not exist any more")
                .hint("cd to a directory that exists, or give an absolute path")),
        }
    }

    /// Renames `from`, or removes it: `change` in `config.toml`, then `follow` in the pins. Where this process does not
    /// get that far, the next command lets them follow. Only with `config.toml` [locked](Session::lock_config).
    pub fn move_profile(
        &self,
        from: &ProfileName,
        to: Option<&ProfileName>,
        change: impl FnOnce(&mut ConfigEdit) -> Result<()>,
        follow: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let config = self.config()?;
        let is_pinned = config.pins()?.names().any(|name| name == from.as_str());
        if let Some(place) = self.paths.pins.as_ref().filter(|_| is_pinned) {
            PendingMove::announce(place, &self.locks, config, from, to)?;
        }
        let moved = self.change_config(change).and_then(|()| follow());
        if let Err(error) = self.again().settle_pins() {
            tracing::debug!(error = %error.message, "pins.toml is still behind");
        }
        moved
    }

    /// Lets the pins follow what an earlier command has renamed or removed, if it did not get that far.
    pub(super) fn settle_pins(&self) -> Result<()> {
        match self.paths.pins.as_ref().filter(|place| PendingMove::is_any(place)) {
            Some(place) => Ok(PendingMove::settle(place, &self.locks, &self.notices, self.config()?)?),
            None => Ok(()),
        }
    }

    /// Lets pins follow a profile to its new name.
    pub fn rename_pins(&self, from: &ProfileName, to: &ProfileName) -> Result<()> {
        if self.paths.pins.is_none() {
            return Ok(());
        }
        let count = self.change_pins(|pins| pins.rename(from, to))?;
        match count {
            0 => {}
            1 => self.notices.progress("the directory that is pinned to it follows"),
            n => self.notices.progress(format!("the {n} directories that are pinned to it follow")),
        }
        for file in self.accepted_files_of(from)? {
            let shown = one_line(&file.display().to_string()).into_owned();
            self.notices.warn(format!(
                "{shown} still names {from}: nothing works there until it names {to} and is accepted again"
            ));
        }
        Ok(())
    }

    /// Frees what was bound to a profile that is no more.
    pub fn drop_pins(&self, name: &ProfileName) -> Result<()> {
        if self.paths.pins.is_none() {
            return Ok(());
        }
        let files = self.accepted_files_of(name)?;
        let freed = self.change_pins(|pins| {
            files.iter().for_each(|file| _ = pins.forget(file));
            pins.drop_profile(name)
        })?;
        for directory in freed {
            let shown = one_line(&directory.display().to_string()).into_owned();
            self.notices.progress(format!("{shown} is not pinned to it any more"));
        }
        for file in files {
            let shown = one_line(&file.display().to_string()).into_owned();
            self.notices.progress(format!("{shown}, which names it, is not accepted any more"));
        }
        Ok(())
    }

    fn accepted_files_of(&self, name: &ProfileName) -> Result<Vec<PathBuf>> {
        let accepted = self.config()?.pins()?.accepted();
        let of_name = accepted.filter(|(_, content)| profile_in(content).as_ref() == Some(name));
        Ok(of_name.map(|(file, _)| file.to_owned()).collect())
    }

    /// Makes a profile the active one for every shell, and remembers the one before. Only with `config.toml`
    /// [locked](Session::lock_config).
    pub fn activate(&self, name: &ProfileName) -> Result<()> {
        self.change_config(|edit| Ok(edit.set(&EditTarget::TopLevel, Key::Profile, name.as_str())?))?;
        self.remember_previous(self.config()?, name);
        Ok(())
    }

    /// Keeps what was active `before` for `profiles use -`, unless that was nothing. What can't be kept is no
    /// reason to fail: the switch is made.
    pub fn remember_previous(&self, before: &Config, now: &ProfileName) {
        let active = before.active().ok().and_then(|selection| selection.name);
        let active = active.filter(|active| active != now && before.profiles().contains(active));
        let Some(before) = active.as_ref().filter(|_| self.paths.pins.is_some()) else { return };
        if let Err(error) = self.change_pins(|pins| pins.set_previous(before)) {
            let cause = error.causes.first().map(|cause| format!(" ({cause})")).unwrap_or_default();
            self.notices
                .warn(format!("`profiles use -` will not lead back to {before}: {}{cause}", error.message));
        }
    }

    /// The profile that was active before, for every shell.
    pub fn previous(&self) -> Result<ProfileName> {
        let config = self.config()?;
        let name = config.pins()?.previous().ok_or_else(|| {
            Error::usage("no other profile was active before: there is nothing to go back to")
                .hint("autocom profiles list")
        })?;
        let known: Option<ProfileName> = name.parse().ok().filter(|name| config.exists(name));
        known.ok_or_else(|| {
            Error::usage(format!("profile {name}, which was active before, does not exist any more"))
                .hint("autocom profiles list")
        })
    }

    /// The profile that this shell had before, by its variables; `None`: none of its own.
    pub fn previous_of_shell(&self) -> Result<Option<ProfileName>> {
        match self.environment.var(PREVIOUS).as_deref() {
            None => Err(Error::usage(format!("{PREVIOUS} is not set: this shell has nothing to go back to"))
                .hint("eval \"$(autocom profiles use NAME --shell)\"")),
            Some(NONE) => Ok(None),
            Some(name) => {
                let (config, known) = (self.config()?, name.parse().ok());
                let origin = Origin::Variable(PREVIOUS.to_owned());
                let known = known.filter(|name| config.exists(name));
                known.map(Some).ok_or_else(|| config.unknown(name, origin).into())
            }
        }
    }

    /// Reads the file to accept: the one that is named, or the nearest upwards.
    pub fn repository_file(&self, file: Option<&Path>) -> Result<RepositoryFile> {
        // The names of a repository's folders are a stranger's text, too.
        let shown = |error: Error| Error { message: one_line(&error.message).into_owned(), ..error };
        self.find_repository_file(file).map_err(shown)
    }

    fn find_repository_file(&self, file: Option<&Path>) -> Result<RepositoryFile> {
        let config = self.config()?;
        let directory = match file {
            Some(file) => self.folder_of(file)?,
            None => {
                let here = config.here().ok_or_else(|| Error::usage("there is no working directory"))?;
                let nearest = RepositoryFile::nearest(here).ok_or_else(|| {
                    Error::usage(format!("there is no {REPOSITORY_FILE} here or in a directory above"))
                        .hint("to bind this directory instead: autocom profiles pin NAME")
                })?;
                nearest.to_owned()
            }
        };
        let unfit = |error: ConfigError| match error {
            // What is wrong with it is wrong with what was asked for.
            ConfigError::File(error) => Error { kind: crate::error::Kind::Usage, ..error.into() },
            error => error.into(),
        };
        let found = RepositoryFile::read(&directory).map_err(unfit)?;
        let found = found.ok_or_else(|| {
            Error::usage(format!("there is no {}", directory.join(REPOSITORY_FILE).display()))
                .hint(format!("to bind it instead: autocom profiles pin NAME {}", quoted(&directory)))
        })?;
        match config.exists(&found.profile) {
            true => Ok(found),
            false => {
                let name = found.profile.as_str();
                Err(config.unknown(name, Origin::File { path: found.path.into(), line: found.line }).into())
            }
        }
    }

    /// The directory of a repository's file, under its canonical name; the file itself is never followed.
    pub fn folder_of(&self, file: &Path) -> Result<PathBuf> {
        let file = match file.file_name() {
            Some(name) if name == REPOSITORY_FILE => file.to_owned(),
            _ if self.canonical(file)?.is_dir() => file.join(REPOSITORY_FILE),
            _ => {
                let words =
                    format!("{} is not named {REPOSITORY_FILE}: no other name counts", file.display());
                return Err(Error::usage(words));
            }
        };
        self.canonical(file.parent().unwrap_or(Path::new("")))
    }

    /// After a directory was bound, or its file accepted: says what goes before that, if we are in it.
    pub fn mention_what_goes_before(&self, written: &Origin, name: &ProfileName) {
        let directory = match written {
            Origin::Pin(directory) => Some(directory.as_ref()),
            Origin::Repository(file) => file.parent(),
            _ => None,
        };
        let Ok(config) = self.load(self.environment.clone(), Flags::default()) else { return };
        if config.here().zip(directory).is_some_and(|(here, directory)| here.starts_with(directory)) {
            self.mention_who_selects(&config, written, name.as_str());
        }
    }

    /// Says who selects the profile here, if it is another than what was `written` somewhere.
    pub(super) fn mention_who_selects(&self, config: &Config, written: &Origin, name: &str) {
        let Some(Ok(first)) = config.nominations().next() else { return };
        let Ok(selection) = config.elect(&first) else { return };
        let selected = selection.name.as_ref().map(ProfileName::as_str);
        if selection.origin == *written || selected == Some(name) {
            return;
        }
        let place = if matches!(selection.origin, Origin::Variable(_)) { "in this shell" } else { "here" };
        let selected = selected.unwrap_or("another environment");
        self.notices.warn(format!("{} selects {selected} {place} all the same", the(&selection.origin)));
    }

    /// Says which variables would bend the values of a profile that `AUTOCOM_PROFILE` names.
    pub fn mention_bending_variables(&self, name: &ProfileName) -> Result<()> {
        let own = self.config()?.resolve(Selection::listed(name.clone()))?;
        for key in [Key::ApiUrl, Key::Tenant] {
            let Some(variable) = key.variable() else { continue };
            let Some(text) = self.environment.var(variable) else { continue };
            let same =
                own.value_of(key).is_some_and(|own| key.canonical(&text).is_ok_and(|text| text == own.value));
            if !same {
                self.notices.warn(format!(
                    "{variable} is set and goes before the {key} of profile {name}; to be rid of it: unset {variable}"
                ));
            }
        }
        Ok(())
    }
}

fn the(origin: &Origin) -> String {
    match origin {
        Origin::Pin(_) => format!("the {origin}"),
        _ => origin.to_string(),
    }
}
