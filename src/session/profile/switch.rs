//! Switching between profiles: for everyone, for a directory, for a shell; and what stands in the way of it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{
    Acceptance, Config, ConfigEdit, ConfigError, EditTarget, Flags, PendingMove, Pins, REPOSITORY_FILE,
    RepositoryFile, Selection, SelectionSource, active, pins, profile_in, resolve, select, select_candidate,
    selection_candidate, selection_candidates, unknown,
};
use crate::domain::{Key, Layer, Origin, ProfileName, autocom, one_line};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::config_file;
use crate::system::files;

/// The variable that holds what `AUTOCOM_PROFILE` was in a shell before `profiles use --shell` set it.
pub const PREVIOUS: &str = "AUTOCOM_PREVIOUS_PROFILE";

/// The value of [`PREVIOUS`] where there was none; no profile can have this name.
pub const NONE: &str = "-";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PinKind {
    Directory,
    /// A repository's file that was accepted.
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PinState {
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
    pub kind: PinKind,
    pub state: PinState,
    /// Whether it is what selects the profile here.
    pub active: bool,
}

impl Pinned {
    pub fn all(config: &Config) -> Result<Vec<Pinned>, ConfigError> {
        let pins = pins(config)?;
        let origin = select(config).ok().map(|selection| selection.origin);
        let known = |name: &str| name.parse().is_ok_and(|name| config.exists(&name));
        let state = |name: &str, there: PinState| if known(name) { there } else { PinState::UnknownProfile };
        let directories = pins.directories().map(|(path, name)| Pinned {
            path: path.to_owned(),
            profile: name.to_owned(),
            kind: PinKind::Directory,
            state: if path.is_dir() { state(name, PinState::Ok) } else { PinState::Gone },
            active: matches!(&origin, Some(Origin::Pin(directory)) if **directory == *path),
        });
        let files = pins.accepted().map(|(path, content)| {
            let name = profile_in(content).map(|name| name.to_string()).unwrap_or_default();
            let standing = path.parent().and_then(|folder| Acceptance::new(folder, pins));
            Pinned {
                path: path.to_owned(),
                kind: PinKind::File,
                state: match standing {
                    None => PinState::Gone,
                    Some(Acceptance::Accepted(_)) => state(&name, PinState::Ok),
                    Some(_) => PinState::Changed,
                },
                profile: name,
                active: matches!(&origin, Some(Origin::Repository(file)) if **file == *path),
            }
        });
        Ok(directories.chain(files).collect())
    }
}

/// Changes the pins while `config.toml` is locked: no pin names a profile that another command is renaming.
pub fn change_pins<T>(context: &Context, change: impl FnOnce(&mut Pins) -> T) -> Result<T> {
    let _locked = config_file::lock_config(context)?;
    Ok(Pins::update(context.paths.pins.as_ref(), &context.locks, &context.reporter, change)?)
}

/// A path of the command line under its one canonical name.
///
/// # Errors
/// Of a relative path where the working directory is gone: what is stored must be absolute.
pub fn canonical(context: &Context, path: &Path) -> Result<PathBuf> {
    Ok(files::canonical(&absolute(context, path)?))
}

/// A path of the command line, from the working directory.
pub fn absolute(context: &Context, path: &Path) -> Result<PathBuf> {
    match &context.environment.current_dir {
        Some(here) => Ok(here.join(path)),
        None if path.has_root() => Ok(path.to_owned()),
        None => Err(Error::usage("the working directory does not exist any more")
            .hint("cd to a directory that exists, or give an absolute path")),
    }
}

/// Renames `from`, or removes it: `change` in `config.toml`, then `follow` in the pins. Where this process does not
/// get that far, the next command lets them follow. Only with `config.toml` [locked](lock_config).
pub fn move_profile(
    context: &Context,
    from: &ProfileName,
    to: Option<&ProfileName>,
    change: impl FnOnce(&mut ConfigEdit) -> Result<()>,
    follow: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let config = context.config()?;
    let is_pinned = pins(config)?.names().any(|name| name == from.as_str());
    if let Some(place) = context.paths.pins.as_ref().filter(|_| is_pinned) {
        PendingMove::announce(place, &context.locks, config, from, to)?;
    }
    let moved = config_file::change_config(context, change).and_then(|()| follow());
    if let Err(error) = config_file::settle_pins(&context.reloaded()) {
        tracing::debug!(error = %error.message, "pins.toml is still behind");
    }
    moved
}

/// Lets pins follow a profile to its new name.
pub fn rename_pins(context: &Context, from: &ProfileName, to: &ProfileName) -> Result<()> {
    if context.paths.pins.is_none() {
        return Ok(());
    }
    let count = change_pins(context, |pins| pins.rename(from, to))?;
    match count {
        0 => {}
        1 => context.reporter.progress("the directory that is pinned to it follows"),
        n => context.reporter.progress(format!("the {n} directories that are pinned to it follow")),
    }
    for file in accepted_files_of(context, from)? {
        let shown = one_line(&file.display().to_string()).into_owned();
        context.reporter.warn(format!(
            "{shown} still names {from}: nothing works there until it names {to} and is accepted again"
        ));
    }
    Ok(())
}

/// Frees what was bound to a profile that is no more.
pub fn drop_pins(context: &Context, name: &ProfileName) -> Result<()> {
    if context.paths.pins.is_none() {
        return Ok(());
    }
    let files = accepted_files_of(context, name)?;
    let freed = change_pins(context, |pins| {
        files.iter().for_each(|file| _ = pins.forget(file));
        pins.drop_profile(name)
    })?;
    for directory in freed {
        let shown = one_line(&directory.display().to_string()).into_owned();
        context.reporter.progress(format!("{shown} is not pinned to it any more"));
    }
    for file in files {
        let shown = one_line(&file.display().to_string()).into_owned();
        context.reporter.progress(format!("{shown}, which names it, is not accepted any more"));
    }
    Ok(())
}

fn accepted_files_of(context: &Context, name: &ProfileName) -> Result<Vec<PathBuf>> {
    let accepted = pins(context.config()?)?.accepted();
    let of_name = accepted.filter(|(_, content)| profile_in(content).as_ref() == Some(name));
    Ok(of_name.map(|(file, _)| file.to_owned()).collect())
}

/// Makes a profile the active one for every shell, and remembers the one before. Only with `config.toml`
/// [locked](lock_config).
pub fn activate(context: &Context, name: &ProfileName) -> Result<()> {
    config_file::change_config(context, |edit| {
        Ok(edit.set(&EditTarget::TopLevel, Key::Profile, name.as_str())?)
    })?;
    remember_previous(context, context.config()?, name);
    Ok(())
}

/// Keeps what was active `before` for `profiles use -`, unless that was nothing. What can't be kept is no
/// reason to fail: the switch is made.
pub fn remember_previous(context: &Context, before: &Config, now: &ProfileName) {
    let active = active(before).ok().and_then(|selection| selection.name);
    let active = active.filter(|active| active != now && before.profiles().contains(active));
    let Some(before) = active.as_ref().filter(|_| context.paths.pins.is_some()) else { return };
    if let Err(error) = change_pins(context, |pins| pins.set_previous(before)) {
        let cause = error.causes.first().map(|cause| format!(" ({cause})")).unwrap_or_default();
        context
            .reporter
            .warn(format!("`profiles use -` will not lead back to {before}: {}{cause}", error.message));
    }
}

/// The profile that was active before, for every shell.
pub fn previous(context: &Context) -> Result<ProfileName> {
    let config = context.config()?;
    let name = pins(config)?.previous().ok_or_else(|| {
        Error::usage("no other profile was active before: there is nothing to go back to")
            .hint(autocom("profiles list"))
    })?;
    let known: Option<ProfileName> = name.parse().ok().filter(|name| config.exists(name));
    known.ok_or_else(|| {
        Error::usage(format!("profile {name}, which was active before, does not exist any more"))
            .hint(autocom("profiles list"))
    })
}

/// The profile that this shell had before, by its variables; `None`: none of its own.
pub fn previous_of_shell(context: &Context) -> Result<Option<ProfileName>> {
    match context.environment.var(PREVIOUS).as_deref() {
        None => Err(Error::usage(format!("{PREVIOUS} is not set: this shell has nothing to go back to"))
            .hint(autocom("profiles use NAME --shell").after("eval \"$(").text(")\""))),
        Some(NONE) => Ok(None),
        Some(name) => {
            let (config, known) = (context.config()?, name.parse().ok());
            let origin = Origin::Variable(PREVIOUS.to_owned());
            let known = known.filter(|name| config.exists(name));
            known.map(Some).ok_or_else(|| unknown(config, name, origin).into())
        }
    }
}

/// Reads the file to accept: the one that is named, or the nearest upwards.
pub fn repository_file(context: &Context, file: Option<&Path>) -> Result<RepositoryFile> {
    // The names of a repository's folders are a stranger's text, too.
    let shown = |error: Error| Error { message: one_line(&error.message).into_owned(), ..error };
    find_repository_file(context, file).map_err(shown)
}

fn find_repository_file(context: &Context, file: Option<&Path>) -> Result<RepositoryFile> {
    let config = context.config()?;
    let directory = match file {
        Some(file) => folder_of(context, file)?,
        None => {
            let here = config.here().ok_or_else(|| Error::usage("there is no working directory"))?;
            let nearest = RepositoryFile::nearest(here).ok_or_else(|| {
                Error::usage(format!("there is no {REPOSITORY_FILE} here or in a directory above"))
                    .hint(autocom("profiles pin NAME").after("to bind this directory instead: "))
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
            .hint(autocom("profiles pin NAME").value(directory.display()).after("to bind it instead: "))
    })?;
    if config.exists(&found.profile) {
        Ok(found)
    } else {
        let name = found.profile.as_str();
        Err(unknown(config, name, Origin::File { path: found.path.into(), line: found.line }).into())
    }
}

/// The directory of a repository's file, under its canonical name; the file itself is never followed.
pub fn folder_of(context: &Context, file: &Path) -> Result<PathBuf> {
    let file = match file.file_name() {
        Some(name) if name == REPOSITORY_FILE => file.to_owned(),
        _ if canonical(context, file)?.is_dir() => file.join(REPOSITORY_FILE),
        _ => {
            let words = format!("{} is not named {REPOSITORY_FILE}: no other name counts", file.display());
            return Err(Error::usage(words));
        }
    };
    canonical(context, file.parent().unwrap_or(Path::new("")))
}

/// After a directory was bound, or its file accepted: says what goes before that, if we are in it.
pub fn mention_what_goes_before(context: &Context, written: &Origin, name: &ProfileName) {
    let directory = match written {
        Origin::Pin(directory) => Some(directory.as_ref()),
        Origin::Repository(file) => file.parent(),
        _ => None,
    };
    let Ok(config) = context.load(context.environment.clone(), Flags::default()) else { return };
    if config.here().zip(directory).is_some_and(|(here, directory)| here.starts_with(directory)) {
        mention_who_selects(context, &config, written, name.as_str());
    }
}

/// Says who selects the profile here, if it is another than what was `written` somewhere.
pub(crate) fn mention_who_selects(context: &Context, config: &Config, written: &Origin, name: &str) {
    let Some(Ok(first)) = selection_candidates(config).next() else { return };
    let Ok(selection) = select_candidate(config, &first) else { return };
    let selected = selection.name.as_ref().map(ProfileName::as_str);
    if selection.origin == *written || selected == Some(name) {
        return;
    }
    let place = if matches!(selection.origin, Origin::Variable(_)) { "in this shell" } else { "here" };
    let selected = selected.unwrap_or("another environment");
    context.reporter.warn(format!("{} selects {selected} {place} all the same", the(&selection.origin)));
}

/// Says which variables would bend the values of a profile that `AUTOCOM_PROFILE` names.
pub fn mention_bending_variables(context: &Context, name: &ProfileName) -> Result<()> {
    let own = resolve(context.config()?, Selection::listed(name.clone()))?;
    for key in [Key::ApiUrl, Key::Tenant] {
        let Some(variable) = key.variable() else { continue };
        let Some(text) = context.environment.var(variable) else { continue };
        let same =
            own.value_of(key).is_some_and(|own| key.canonical(&text).is_ok_and(|text| text == own.value));
        if !same {
            context.reporter.warn(format!(
                "{variable} is set and goes before the {key} of profile {name}; to be rid of it: unset {variable}"
            ));
        }
    }
    Ok(())
}

fn the(origin: &Origin) -> String {
    match origin {
        Origin::Pin(_) => format!("the {origin}"),
        _ => origin.to_string(),
    }
}

/// Says which higher layer overrides what was just written to `target`.
pub fn mention_overrides(context: &Context, target: &EditTarget, key: Key) {
    let Ok(config) = context.load(context.environment.clone(), Flags::default()) else { return };
    let Ok(selection) = select(&config) else { return };
    if key == Key::Profile {
        if let Ok(Some(file)) = selection_candidate(&config, SelectionSource::ConfigFile) {
            mention_who_selects(context, &config, &file.origin, &file.says);
        }
        return;
    }
    let selected = selection.name.as_ref().map(EditTarget::new);
    let written = match target {
        EditTarget::Profile(_) if selected.as_ref() != Some(target) => return,
        EditTarget::Profile(_) => Layer::Profile,
        EditTarget::TopLevel => Layer::TopLevel,
    };
    let Ok(profile) = resolve(&config, selection) else { return };
    if let Some(winner) = profile.value_of(key).filter(|winner| winner.layer > written) {
        let origin = winner.origin;
        context
            .reporter
            .warn(format!("{key} of profile {} comes from {origin} all the same", profile.label()));
    }
}
