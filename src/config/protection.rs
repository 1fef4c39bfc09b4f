//! Whether a profile is read-only until somebody says otherwise.

use super::error::ConfigError;
use super::{Config, Resolved, Selection, Setting};
use crate::domain::{ApiUrl, Origin, ProfileName};

/// Why a profile is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The profile whose name confirms a change.
    pub name: ProfileName,
    /// Where `protected = true` stands.
    pub origin: Origin,
}

impl Config {
    /// What protects `profile`, if anything does.
    ///
    /// At its own address that is its own setting. Turned to another one by a flag or a variable, and
    /// where no profile is bound to the address, every protected profile of that origin counts too:
    /// protection is the environment's, and there is no way round by another name.
    ///
    /// # Errors
    /// A profile of that origin can't be read: then nobody knows whether it is protected.
    pub fn protection(&self, profile: &Resolved) -> Result<Option<Protection>, ConfigError> {
        let url = profile.api_url.as_ref().map(|url| &url.value);
        if let Some(own) = protected(profile) {
            return Ok(Some(own));
        }
        let at_home = profile.name().is_some() && profile.own_api_url.as_ref() == url;
        match url.filter(|_| !at_home) {
            Some(url) => self.protected_at(url),
            None => Ok(None),
        }
    }

    fn protected_at(&self, url: &ApiUrl) -> Result<Option<Protection>, ConfigError> {
        for name in self.profiles() {
            if self.own_api_url(&name).is_none_or(|own| !own.same_origin(url)) {
                continue;
            }
            let found = protected(&self.resolve(Selection::listed(name))?);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

fn protected(profile: &Resolved) -> Option<Protection> {
    match (profile.name(), &profile.protected) {
        (Some(name), Some(Setting { value: true, origin, .. })) => {
            Some(Protection { name: name.clone(), origin: origin.clone() })
        }
        _ => None,
    }
}
