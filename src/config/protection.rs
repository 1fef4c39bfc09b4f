//! Whether a profile is read-only until somebody says otherwise.

use super::error::ConfigError;
use super::{Config, Resolved, Selection, Setting};
use crate::domain::{ApiUrl, Key, Layer, Origin, ProfileName};

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
    /// Protection is the environment's, and there is no way round by another name: a protected profile of
    /// the same host protects every other that leads there. Only what a profile's own table says of its own
    /// address opens it.
    ///
    /// # Errors
    /// A profile of that host can't be read: then nobody knows whether it is protected.
    pub fn protection(&self, profile: &Resolved) -> Result<Option<Protection>, ConfigError> {
        let Some(url) = profile.api_url.as_ref().map(|url| &url.value) else { return Ok(protected(profile)) };
        let at_home = profile.name().is_some() && profile.own_api_url.as_ref() == Some(url);
        if at_home {
            let own = protected(profile);
            let is_default = profile.name().is_some_and(ProfileName::is_default);
            let opened = matches!(&profile.protected, Some(Setting { value: false, layer, .. })
                if is_default || *layer == Layer::Profile);
            if own.is_some() || opened {
                return Ok(own);
            }
        }
        // Turned to another address, it is that one's protection that counts first.
        let there = self.protected_at(url)?;
        Ok(there.or_else(|| protected(profile)))
    }

    fn protected_at(&self, url: &ApiUrl) -> Result<Option<Protection>, ConfigError> {
        let there = |guarded: &&Guarded| guarded.url.same_place(url);
        match self.guarded().iter().find(there) {
            None => Ok(None),
            Some(Guarded { protection: Some(protection), .. }) => Ok(Some(protection.clone())),
            // Once more, for what is wrong with it.
            Some(Guarded { name, .. }) => Ok(protected(&self.resolve(Selection::listed(name.clone()))?)),
        }
    }

    /// The profiles that are protected at their own addresses, or might be. Looked for once: a list asks for
    /// every row.
    fn guarded(&self) -> &[Guarded] {
        self.guarded.get_or_init(|| {
            if !self.document.mentions(Key::Protected) {
                return Vec::new();
            }
            let guarded = |name: ProfileName| {
                let url = self.own_api_url(&name)?;
                match self.resolve(Selection::listed(name.clone())) {
                    Ok(profile) => protected(&profile).map(|protection| Guarded {
                        name,
                        url,
                        protection: Some(protection),
                    }),
                    Err(_) => Some(Guarded { name, url, protection: None }),
                }
            };
            self.profiles().into_iter().filter_map(guarded).collect()
        })
    }
}

/// A profile whose address must not be changed unasked.
pub(super) struct Guarded {
    name: ProfileName,
    url: ApiUrl,
    /// `None`: it can't be read.
    protection: Option<Protection>,
}

fn protected(profile: &Resolved) -> Option<Protection> {
    match (profile.name(), &profile.protected) {
        (Some(name), Some(Setting { value: true, origin, .. })) => {
            Some(Protection { name: name.clone(), origin: origin.clone() })
        }
        _ => None,
    }
}
