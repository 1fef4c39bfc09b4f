//! Which profile a command means: section 3 of the contract, first hit.

use super::Config;
use super::error::ConfigError;
use crate::domain::{ApiUrl, ApiUrlError, Key, Origin, ProfileName};

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
    fn of(name: ProfileName, origin: Origin) -> Selection {
        Selection { name: Some(name), origin, only_in_variables: false, files_only: false, sole: true }
    }

    /// An environment that no profile is bound to.
    fn unnamed(origin: Origin) -> Selection {
        Selection { name: None, origin, only_in_variables: false, files_only: false, sole: true }
    }

    /// A profile that is to be made, named by `flag`.
    pub fn new_by(name: ProfileName, flag: &'static str) -> Selection {
        Selection::of(name, Origin::Flag(flag))
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
        Selection::of(name, Origin::Flag("--profile"))
    }

    /// A profile in the files, whoever asks for it (a row of a list).
    pub fn listed(name: ProfileName) -> Selection {
        Selection { files_only: true, sole: false, ..Selection::of(name, Origin::BuiltIn) }
    }
}

impl Config {
    pub fn select(&self) -> Result<Selection, ConfigError> {
        let flag = Origin::Flag("--profile");
        if let Some(text) = &self.flags.profile {
            return self.named(text, flag).map(|(name, origin)| Selection::of(name, origin));
        }
        if let Some(text) = &self.flags.api_url {
            return self.by_url(text, Origin::Flag("--api-url"));
        }
        if let Some(text) = self.environment.var("AUTOCOM_PROFILE") {
            let origin = Origin::Variable("AUTOCOM_PROFILE".to_owned());
            let name = parse_name(&text, &origin)?;
            let only_in_variables = !self.exists(&name);
            if only_in_variables && self.environment.var("AUTOCOM_API_URL").is_none() {
                return Err(self.unknown(&text, origin));
            }
            if only_in_variables {
                // It would take the token of the profile that it looks like.
                self.check_new_name(&name)?;
            }
            return Ok(Selection { only_in_variables, ..Selection::of(name, origin) });
        }
        if let Some(text) = self.environment.var("AUTOCOM_API_URL") {
            return self.by_url(&text, Origin::Variable("AUTOCOM_API_URL".to_owned()));
        }
        // Directory pins and an accepted `.autocom.toml` come here, between the variables and the file.
        self.active()
    }

    /// What the files alone make active: `profile` in `config.toml`, else `default`.
    pub fn active(&self) -> Result<Selection, ConfigError> {
        match self.document.top().get(Key::Profile) {
            Some(entry) => {
                let origin = self.document.origin_of(entry);
                match entry.text() {
                    Some(text) => self.named(text, origin).map(|(name, origin)| Selection::of(name, origin)),
                    None if entry.value.as_str().is_some() => Ok(Selection::of_default()),
                    None => Err(ConfigError::Invalid {
                        key: Key::Profile,
                        why: "must be a string".to_owned(),
                        origin,
                    }),
                }
            }
            None => Ok(Selection::of_default()),
        }
    }

    /// The profile that `url` selects, or an unnamed environment.
    pub fn bound_to(&self, url: &ApiUrl, origin: Origin) -> Result<Selection, ConfigError> {
        let bound: Vec<ProfileName> =
            self.profiles().into_iter().filter(|name| self.own_api_url(name).as_ref() == Some(url)).collect();
        let active = self.active().ok().and_then(|selection| selection.name);
        if let Some(active) = active.filter(|name| bound.contains(name)) {
            return Ok(Selection::of(active, origin));
        }
        if let [only] = bound.as_slice() {
            return Ok(Selection::of(only.clone(), origin));
        }
        let keyed_by_url = |name: &&ProfileName| {
            self.document.table_of(name).is_some_and(|table| {
                table
                    .get(Key::Credential)
                    .and_then(|e| e.text())
                    .is_none_or(|key| key.parse::<ApiUrl>().is_ok_and(|key| key == *url))
            })
        };
        let keyed: Vec<&ProfileName> = bound.iter().filter(keyed_by_url).collect();
        match (keyed.as_slice(), bound.is_empty()) {
            ([only], _) => Ok(Selection::of((*only).clone(), origin)),
            (_, true) => Ok(Selection::unnamed(origin)),
            _ => Err(ConfigError::Ambiguous {
                url: url.to_string(),
                origin,
                names: bound.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// `--api-url`, parsed.
    pub fn url_flag(&self) -> Result<Option<ApiUrl>, ConfigError> {
        self.flags.api_url.as_deref().map(|text| parse_url(text, &Origin::Flag("--api-url"))).transpose()
    }

    fn by_url(&self, text: &str, origin: Origin) -> Result<Selection, ConfigError> {
        let url = parse_url(text, &origin)?;
        self.bound_to(&url, origin)
    }

    fn named(&self, text: &str, origin: Origin) -> Result<(ProfileName, Origin), ConfigError> {
        let name = parse_name(text, &origin)?;
        if self.exists(&name) { Ok((name, origin)) } else { Err(self.unknown(text, origin)) }
    }

    pub fn unknown(&self, name: &str, origin: Origin) -> ConfigError {
        ConfigError::UnknownProfile { name: name.to_owned(), origin, existing: self.names_near(name) }
    }
}

impl Selection {
    fn of_default() -> Selection {
        Selection::of(ProfileName::default_profile(), Origin::BuiltIn)
    }
}

pub(super) fn parse_url(text: &str, origin: &Origin) -> Result<ApiUrl, ConfigError> {
    text.parse().map_err(|error: ApiUrlError| ConfigError::Invalid {
        key: Key::ApiUrl,
        why: error.with_suggestion(),
        origin: origin.clone(),
    })
}

fn parse_name(text: &str, origin: &Origin) -> Result<ProfileName, ConfigError> {
    text.parse().map_err(|why: crate::domain::Invalid| ConfigError::Invalid {
        key: Key::Profile,
        why: why.to_string(),
        origin: origin.clone(),
    })
}
