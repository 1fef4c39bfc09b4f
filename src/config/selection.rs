//! Selects the profile of a command: the first [`SelectionSource`] that names one.

use super::error::ConfigError;
use super::pending::pins;
use super::repository::{Acceptance, REPOSITORY_FILE};
use super::{Config, Pins};
use crate::domain::{ApiUrl, ApiUrlError, Key, Origin, ProfileName, one_line, quoted};

/// The profile that was selected, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// `None`: an environment that no profile is bound to.
    pub name: Option<ProfileName>,
    pub origin: Origin,
    /// Whether the name stands only in variables (`AUTOCOM_PROFILE` with `AUTOCOM_API_URL`).
    pub only_in_variables: bool,
    /// Whether flags and variables are left out: they speak of the selected profile, not of a row
    /// in a list.
    pub files_only: bool,
    /// Whether this is the one profile that the command resolves: an `AUTOCOM_TOKEN` that names no
    /// environment is its.
    pub sole: bool,
}

impl Selection {
    fn new(name: ProfileName, origin: Origin) -> Selection {
        Selection { name: Some(name), origin, only_in_variables: false, files_only: false, sole: true }
    }

    /// An environment that no profile is bound to.
    fn unnamed(origin: Origin) -> Selection {
        Selection { name: None, origin, only_in_variables: false, files_only: false, sole: true }
    }

    /// A profile that is to be made, named by `flag`.
    pub fn new_by(name: ProfileName, flag: &'static str) -> Selection {
        Selection::new(name, Origin::Flag(flag))
    }

    /// One of the profiles that a command is run over, as if `--profile` had named it.
    pub fn one_of_several(name: ProfileName) -> Selection {
        Selection { sole: false, ..Selection::by_flag(name) }
    }

    pub fn by_profile_flag(&self) -> bool {
        self.origin == Origin::Flag("--profile")
    }

    /// As if `--profile` had named it.
    pub fn by_flag(name: ProfileName) -> Selection {
        Selection::new(name, Origin::Flag("--profile"))
    }

    /// A profile in the files, whoever asks for it (a row of a list).
    pub fn listed(name: ProfileName) -> Selection {
        Selection { files_only: true, sole: false, ..Selection::new(name, Origin::BuiltIn) }
    }
}

/// What can say which profile is meant, the strongest first: precedence is this order and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SelectionSource {
    ProfileFlag,
    ApiUrlFlag,
    ProfileVariable,
    ApiUrlVariable,
    /// The longest directory bound by `profiles pin`.
    Pin,
    /// The nearest `.autocom.toml` that was accepted.
    RepositoryFile,
    /// `profile` in `config.toml`.
    ConfigFile,
    BuiltIn,
}

impl SelectionSource {
    pub const ALL: [SelectionSource; 8] = [
        SelectionSource::ProfileFlag,
        SelectionSource::ApiUrlFlag,
        SelectionSource::ProfileVariable,
        SelectionSource::ApiUrlVariable,
        SelectionSource::Pin,
        SelectionSource::RepositoryFile,
        SelectionSource::ConfigFile,
        SelectionSource::BuiltIn,
    ];
}

/// One voice in the selection.
#[derive(Clone, PartialEq, Eq)]
pub struct SelectionCandidate {
    pub by: SelectionSource,
    pub origin: Origin,
    /// The profile's name or the URL, as it stands there. Not to be shown unparsed: who takes a URL from the
    /// command line may find a password in it. [`Config::select_candidate`] makes of it what may be shown.
    pub says: String,
}

pub(super) fn parse_url(config: &Config, text: &str, origin: &Origin) -> Result<ApiUrl, ConfigError> {
    text.parse().map_err(|error: ApiUrlError| {
        let profile = text.trim().parse::<ProfileName>().ok().filter(|name| config.profiles().contains(name));
        let is_typed = matches!(origin, Origin::Flag(_) | Origin::Variable(_));
        match profile.filter(|_| is_typed && error == ApiUrlError::NotAHost) {
            Some(name) => ConfigError::ProfileAsAddress { name, origin: origin.clone() },
            None => ConfigError::invalid(Key::ApiUrl, &error.with_suggestion(), origin, text),
        }
    })
}

/// The first of all nominations is elected.
pub fn select(config: &Config) -> Result<Selection, ConfigError> {
    select_candidate(config, &first_of(config, &SelectionSource::ALL)?)
}

/// What the files alone make active: `profile` in `config.toml`, else `default`.
pub fn active(config: &Config) -> Result<Selection, ConfigError> {
    select_candidate(config, &first_of(config, &[SelectionSource::ConfigFile, SelectionSource::BuiltIn])?)
}

/// All that name a profile here, the one that is elected first, then those that it overrides. Each
/// is looked for when it is asked for: a flag costs no look at directories.
pub fn selection_candidates(
    config: &Config,
) -> impl Iterator<Item = Result<SelectionCandidate, ConfigError>> + '_ {
    SelectionSource::ALL.into_iter().filter_map(|by| selection_candidate(config, by).transpose())
}

/// The pins and accepted files of directories further up, which a nearer one of the kind overrides.
pub(super) fn outer_selection_candidates(config: &Config) -> Vec<SelectionCandidate> {
    let (Some(here), Ok(pins)) = (config.here(), pins(config)) else { return Vec::new() };
    let bound = pins.bindings_of(here).skip(1).map(|(directory, name)| SelectionCandidate {
        by: SelectionSource::Pin,
        origin: Origin::Pin(directory.into()),
        says: name.to_owned(),
    });
    let accepted = here.ancestors().filter_map(|directory| match Acceptance::new(directory, pins)? {
        Acceptance::Accepted(name) => Some(SelectionCandidate {
            by: SelectionSource::RepositoryFile,
            origin: Origin::Repository(directory.join(REPOSITORY_FILE).into()),
            says: name.to_string(),
        }),
        Acceptance::Changed | Acceptance::Unaccepted(_) => None,
    });
    bound.chain(accepted.skip(1)).collect()
}

/// What `by` has to say, if anything.
pub fn selection_candidate(
    config: &Config,
    by: SelectionSource,
) -> Result<Option<SelectionCandidate>, ConfigError> {
    let flag = |key: Key| Some((Origin::Flag(key.flag()?), config.flags.get(key)?.to_owned()));
    let variable = |name: &str| Some((Origin::Variable(name.to_owned()), config.environment.var(name)?));
    let found = match by {
        SelectionSource::ProfileFlag => flag(Key::Profile),
        SelectionSource::ApiUrlFlag => flag(Key::ApiUrl),
        SelectionSource::ProfileVariable => variable("AUTOCOM_PROFILE"),
        SelectionSource::ApiUrlVariable => variable("AUTOCOM_API_URL"),
        SelectionSource::Pin => pinned(config)?,
        SelectionSource::RepositoryFile => accepted(config)?,
        SelectionSource::ConfigFile => named_in_file(config)?,
        SelectionSource::BuiltIn => Some((Origin::BuiltIn, ProfileName::DEFAULT.to_owned())),
    };
    Ok(found.map(|(origin, says)| SelectionCandidate { by, origin, says }))
}

/// The profile that a nomination means.
pub fn select_candidate(
    config: &Config,
    selection_candidate: &SelectionCandidate,
) -> Result<Selection, ConfigError> {
    let SelectionCandidate { by, origin, says } = selection_candidate.clone();
    match by {
        SelectionSource::ApiUrlFlag | SelectionSource::ApiUrlVariable => by_url(config, &says, origin),
        SelectionSource::ProfileVariable => by_variable(config, &says, origin),
        SelectionSource::ProfileFlag
        | SelectionSource::Pin
        | SelectionSource::RepositoryFile
        | SelectionSource::ConfigFile
        | SelectionSource::BuiltIn => {
            named(config, &says, origin).map(|(name, origin)| Selection::new(name, origin))
        }
    }
}

fn first_of(config: &Config, by: &[SelectionSource]) -> Result<SelectionCandidate, ConfigError> {
    let first = by.iter().find_map(|by| selection_candidate(config, *by).transpose());
    first.unwrap_or_else(|| {
        let says = ProfileName::DEFAULT.to_owned();
        Ok(SelectionCandidate { by: SelectionSource::BuiltIn, origin: Origin::BuiltIn, says })
    })
}

fn by_variable(config: &Config, text: &str, origin: Origin) -> Result<Selection, ConfigError> {
    config.document.check_usable(text)?;
    let name = parse_name(text, &origin)?;
    let only_in_variables = !config.exists(&name);
    if only_in_variables && config.environment.var("AUTOCOM_API_URL").is_none() {
        return Err(unknown(config, text, origin));
    }
    if only_in_variables {
        // It would take the token of the profile that it looks like.
        config.check_new_name(&name)?;
    }
    Ok(Selection { only_in_variables, ..Selection::new(name, origin) })
}

fn pinned(config: &Config) -> Result<Option<(Origin, String)>, ConfigError> {
    let Some(here) = config.here() else { return nowhere(config) };
    let binding = pins_that_decide(config)?.binding_of(here);
    Ok(binding.map(|(directory, name)| (Origin::Pin(directory.into()), name.to_owned())))
}

/// In a directory that is gone: what was bound to it, or to one above, can't be told, and must not be guessed.
fn nowhere(config: &Config) -> Result<Option<(Origin, String)>, ConfigError> {
    let pins = pins_that_decide(config)?;
    if pins.directories().next().is_some() || pins.accepted().next().is_some() {
        Err(ConfigError::Nowhere)
    } else {
        Ok(None)
    }
}

/// The nearest accepted file; what lies nearer and doesn't count is mentioned.
fn accepted(config: &Config) -> Result<Option<(Origin, String)>, ConfigError> {
    let Some(here) = config.here() else { return nowhere(config) };
    let pins = pins_that_decide(config)?;
    for directory in here.ancestors() {
        let Some(standing) = Acceptance::new(directory, pins) else { continue };
        let path = directory.join(REPOSITORY_FILE);
        let shown = one_line(&path.display().to_string()).into_owned();
        match standing {
            Acceptance::Accepted(name) => {
                return Ok(Some((Origin::Repository(path.into()), name.to_string())));
            }
            Acceptance::Changed => config.reporter.warn(format!(
                "{shown} has changed since it was accepted, so it selects nothing; look at it, then: \
                 autocom profiles pin --accept {}",
                quoted(&path)
            )),
            Acceptance::Unaccepted(Some(name)) => config.reporter.note(format!(
                "{shown} asks for profile {name} and is ignored until you accept it: \
                 autocom profiles pin --accept {}",
                quoted(&path)
            )),
            Acceptance::Unaccepted(None) => {
                config.reporter.note(format!(
                    "{shown} is ignored, and is no file that could be accepted; why: \
                     autocom profiles pin --accept {}",
                    quoted(&path)
                ));
            }
        }
    }
    Ok(None)
}

fn named_in_file(config: &Config) -> Result<Option<(Origin, String)>, ConfigError> {
    let Some(entry) = config.document.top().get(Key::Profile) else { return Ok(None) };
    let origin = config.document.origin_of(entry);
    match entry.text() {
        Some(text) => Ok(Some((origin, text.to_owned()))),
        None if entry.value.as_str().is_some() => Ok(None),
        None => {
            let why = "must be a string".to_owned();
            Err(ConfigError::Invalid { key: Key::Profile, why, origin })
        }
    }
}

/// Whoever can't read the pins can't tell which profile is meant here, and must not guess.
fn pins_that_decide(config: &Config) -> Result<&Pins, ConfigError> {
    // Without profiles it does not matter which one is meant.
    config.document.check_readable()?;
    pins(config).map_err(|source| ConfigError::PinsUnknown { source: Box::new(source) })
}

/// The profile that `url` selects, or an unnamed environment.
pub(super) fn bound_to(config: &Config, url: &ApiUrl, origin: Origin) -> Result<Selection, ConfigError> {
    let bound: Vec<ProfileName> =
        config.profiles().into_iter().filter(|name| config.own_api_url(name).as_ref() == Some(url)).collect();
    let active = active(config).ok().and_then(|selection| selection.name);
    if let Some(active) = active.filter(|name| bound.contains(name)) {
        return Ok(Selection::new(active, origin));
    }
    if let [only] = bound.as_slice() {
        return Ok(Selection::new(only.clone(), origin));
    }
    let keyed_by_url = |name: &&ProfileName| {
        config.document.table_of(name).is_some_and(|table| {
            table
                .get(Key::Credential)
                .and_then(|e| e.text())
                .is_none_or(|key| key.parse::<ApiUrl>().is_ok_and(|key| key == *url))
        })
    };
    let keyed: Vec<&ProfileName> = bound.iter().filter(keyed_by_url).collect();
    match (keyed.as_slice(), bound.is_empty()) {
        ([only], _) => Ok(Selection::new((*only).clone(), origin)),
        (_, true) => Ok(Selection::unnamed(origin)),
        _ => Err(ConfigError::Ambiguous {
            url: url.to_string(),
            origin,
            names: bound.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// `--api-url`, parsed.
pub fn url_flag(config: &Config) -> Result<Option<ApiUrl>, ConfigError> {
    config.flags.get(Key::ApiUrl).map(|text| parse_url(config, text, &Origin::Flag("--api-url"))).transpose()
}

fn by_url(config: &Config, text: &str, origin: Origin) -> Result<Selection, ConfigError> {
    let url = parse_url(config, text, &origin)?;
    bound_to(config, &url, origin)
}

fn named(config: &Config, text: &str, origin: Origin) -> Result<(ProfileName, Origin), ConfigError> {
    config.document.check_usable(text)?;
    let name = parse_name(text, &origin)?;
    config.document.check_present()?;
    if config.exists(&name) { Ok((name, origin)) } else { Err(unknown(config, text, origin)) }
}

/// Why there is no profile `name` to use.
pub fn unknown(config: &Config, name: &str, origin: Origin) -> ConfigError {
    let document = &config.document;
    match document.check_usable(name).and_then(|()| document.check_present()) {
        Err(error) => error,
        Ok(()) => {
            let existing = config.names_near(name);
            ConfigError::UnknownProfile { name: name.to_owned(), origin, existing }
        }
    }
}

fn parse_name(text: &str, origin: &Origin) -> Result<ProfileName, ConfigError> {
    text.parse().map_err(|why: crate::domain::Invalid| {
        ConfigError::invalid(Key::Profile, &why.to_string(), origin, text)
    })
}
