//! The layered configuration: what the files, the variables and the flags say, and which of it
//! holds for which profile, each value with its origin.
//!
//! figment and `toml_edit` live here and nowhere else. Reading goes through `toml` (fast, with
//! spans), every edit through `toml_edit` (keeps comments and order).

mod document;
mod edit;
mod error;
mod explain;
mod facts;
mod guarded;
mod invalid_profile;
mod layer_value;
mod logins;
mod pending;
mod pins;
mod profile_file;
mod protection;
mod provider;
mod repository;
mod resolve;
mod schema;
mod selection;
mod token_variable;

pub use document::{Document, Entry, UnknownKey};
pub use edit::{ConfigEdit, ConfigFile, EditTarget, Watcher, in_file};
pub use error::{ConfigError, Conflict};
pub use explain::{Explained, Explanation, Loser, explain};
pub use facts::Facts;
pub use guarded::Protection;
pub use invalid_profile::{InvalidProfile, Reason};
pub use logins::{Login, Logins};
pub use pending::{PendingMove, pins};
pub use pins::Pins;
pub use profile_file::{Plan, SettingChange, Shared, Step, shared, to_import, to_toml};
pub use protection::{Loosened, loosened_by, protection};
pub use repository::{Acceptance, REPOSITORY_FILE, RepositoryFile, profile_in};
pub use resolve::{PassedOver, Resolved, Setting, resolve};
pub use schema::ConfigSchema;
pub use selection::{
    Selection, SelectionCandidate, SelectionSource, active, select, select_candidate, selection_candidate,
    selection_candidates, unknown, url_flag,
};
pub use token_variable::{TokenVariable, blank_token_variable, token_variable};

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::domain::{ApiUrl, Expectation, Key, Origin, ProfileName, nearest};
use crate::system::environment::Environment;
use crate::system::files::{self, FileError, Trust};
use crate::system::paths::{Paths, Place};
use crate::system::reporter::Reporter;

/// What the command line said, as text: parsed here, so that a bad value names its flag and is
/// never echoed where it may hold a password.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    values: BTreeMap<Key, String>,
    /// `--expect`, each as it was typed.
    pub expect: Vec<String>,
}

impl Flags {
    /// `expect`: what `--expect` says.
    pub fn expecting(expect: Vec<String>) -> Flags {
        Flags { expect, ..Flags::default() }
    }

    pub fn get(&self, key: Key) -> Option<&str> {
        self.values.get(&key).map(String::as_str)
    }

    pub fn set(&mut self, key: Key, value: Option<String>) {
        match value {
            Some(value) => _ = self.values.insert(key, value),
            None => _ = self.values.remove(&key),
        }
    }

    pub fn with(mut self, key: Key, value: Option<String>) -> Flags {
        self.set(key, value);
        self
    }
}

/// One consistent view of every layer, read once. All commands answer from it.
pub struct Config {
    pub document: Document,
    pub captured: Logins,
    pub environment: Environment,
    pub flags: Flags,
    built_in: Vec<layer_value::LayerValue>,
    /// The top level's own address, if it is a valid one.
    top_url: Option<ApiUrl>,
    reporter: Arc<Reporter>,
    /// Why nothing in the home is trusted.
    home_error: Option<Arc<FileError>>,
    pins_at: Option<Place>,
    /// Read once the selection gets that far.
    pins: OnceLock<Pins>,
    here: OnceLock<Option<PathBuf>>,
    guarded: OnceLock<Vec<guarded::Guarded>>,
}

impl Config {
    /// Reads both TOML files. A missing one is an empty one; whether that will do for `config.toml` is asked when
    /// a profile is selected, since what variables alone say needs no file.
    pub fn load(
        paths: &Paths,
        environment: Environment,
        flags: Flags,
        reporter: &Arc<Reporter>,
    ) -> Result<Config, ConfigError> {
        let home = paths.home.as_ref().map_or(Ok(()), |home| files::check_folder(home, reporter));
        let home_error = home.err().map(Arc::new);
        let document = match (&home_error, &paths.config) {
            (Some(error), Some(place)) if place.by_variable.is_none() => {
                Document::unreadable(&place.path, error.clone())
            }
            _ => Document::load(paths.config.as_ref(), reporter)?,
        };
        let captured = match home_error {
            Some(_) => Logins::default(),
            // What is wrong with the folder is said once.
            None if document.check_readable().is_err() => Logins::glance(paths.logins.as_ref()),
            None => Logins::load(paths.logins.as_ref(), reporter),
        };
        let config = Config::new(document, captured, environment, flags)?;
        Ok(Config { reporter: reporter.clone(), home_error, pins_at: paths.pins.clone(), ..config })
    }

    /// As [`Config::load`], but silently and without changing anything, not even a mode. `None` if the
    /// file can't be understood.
    pub fn glance(paths: &Paths, environment: Environment, flags: Flags) -> Option<Config> {
        let document = match &paths.config {
            Some(place) => {
                let bytes = files::read(&place.path, Trust::WarnOnly, &Reporter::silent()).ok()?;
                Document::from_bytes(&place.path, bytes).ok()?
            }
            None => Document::default(),
        };
        let config = Config::new(document, Logins::glance(paths.logins.as_ref()), environment, flags).ok()?;
        Some(Config { pins_at: paths.pins.clone(), ..config })
    }

    /// Without pins, and with nobody to hear of anything.
    pub fn new(
        document: Document,
        captured: Logins,
        environment: Environment,
        flags: Flags,
    ) -> Result<Config, ConfigError> {
        let top_url =
            document.top().get(Key::ApiUrl).and_then(Entry::text).and_then(|text| text.parse().ok());
        Ok(Config {
            document,
            captured,
            environment,
            flags,
            built_in: layer_value::built_in()?,
            top_url,
            reporter: Arc::new(Reporter::silent()),
            home_error: None,
            pins_at: None,
            pins: OnceLock::new(),
            here: OnceLock::new(),
            guarded: OnceLock::new(),
        })
    }

    /// The working directory under its one canonical name.
    pub fn here(&self) -> Option<&Path> {
        self.here.get_or_init(|| self.environment.current_dir.as_deref().map(files::canonical)).as_deref()
    }

    /// What must be so: all of `--expect`, and of `AUTOCOM_EXPECT`.
    pub fn expectations(&self) -> Result<Vec<(Expectation, Origin)>, ConfigError> {
        let flags = self.flags.expect.iter().map(|text| (text.clone(), Origin::Flag("--expect")));
        let variable = self.environment.var("AUTOCOM_EXPECT");
        let variable = variable.map(|text| (text, Origin::Variable("AUTOCOM_EXPECT".to_owned())));
        let mut all = Vec::new();
        for (text, origin) in flags.chain(variable) {
            let parsed = Expectation::parse_all(&text)
                .map_err(|why| ConfigError::Expectation { why: why.to_string(), origin: origin.clone() })?;
            all.extend(parsed.into_iter().map(|expectation| (expectation, origin.clone())));
        }
        Ok(all)
    }

    /// Whether a profile of that name can be used: `default` needs no table, and can't have one.
    pub fn exists(&self, name: &ProfileName) -> bool {
        if name.is_default() {
            self.document.check_usable(name.as_str()).is_ok()
        } else {
            self.document.profile(name).is_some()
        }
    }

    /// Whether a profile of that name may be made: it must not exist, nor share its token variable.
    pub fn check_new_name(&self, name: &ProfileName) -> Result<(), ConfigError> {
        self.document.check_usable(name.as_str())?;
        self.check_new_names([name])
    }

    /// As [`check_new_name`](Self::check_new_name), of many: all that there are are looked at once.
    pub fn check_new_names<'n>(
        &self,
        names: impl IntoIterator<Item = &'n ProfileName>,
    ) -> Result<(), ConfigError> {
        let taken = self.token_variables();
        for name in names {
            let variable = name.token_variable();
            match taken.get(&variable) {
                None => {}
                Some(other) if other == name.as_str() => {
                    return Err(ConfigError::NameTaken(name.to_string()));
                }
                Some(other) => {
                    let (left, right) = (other.clone(), name.to_string());
                    return Err(ConfigError::SameVariable { left, right, variable });
                }
            }
        }
        Ok(())
    }

    /// The variable for the token of every profile, and whose it is.
    pub fn token_variables(&self) -> HashMap<String, String> {
        let usable = self.document.profiles().map(|(name, _)| name.as_str());
        let invalid = self.document.invalid_profiles().map(|other| other.name.as_str());
        let names = usable.chain(invalid).chain([ProfileName::DEFAULT]);
        names.map(|name| (ProfileName::token_variable_of(name), name.to_owned())).collect()
    }

    /// The profiles to list: `default` if the top level names an environment, then the tables in
    /// the order of the file.
    pub fn profiles(&self) -> Vec<ProfileName> {
        let default = self.document.top().get(Key::ApiUrl).map(|_| ProfileName::default_profile());
        let default = default.filter(|default| self.exists(default));
        default.into_iter().chain(self.document.profiles().map(|(name, _)| name.clone())).collect()
    }

    /// The `api_url` that the files alone give a profile, if it is a valid one. A profile that doesn't
    /// exist has none: the top level's is not its.
    pub fn own_api_url(&self, name: &ProfileName) -> Option<ApiUrl> {
        if !self.exists(name) {
            return None;
        }
        self.api_url_in(self.document.profile(name))
    }

    /// The `api_url` of a profile with this table, if it is a valid one.
    fn api_url_in(&self, table: Option<&document::Table>) -> Option<ApiUrl> {
        let own = table.and_then(|table| table.get(Key::ApiUrl));
        match own.filter(|entry| !entry.is_empty()) {
            Some(entry) => entry.text()?.parse().ok(),
            None => self.top_url.clone(),
        }
    }

    /// What exists instead of `wanted`, the nearest first.
    pub fn names_near(&self, wanted: &str) -> Vec<String> {
        let names = self.profiles();
        nearest(wanted, names.iter().map(ProfileName::as_str)).into_iter().map(str::to_owned).collect()
    }
}
