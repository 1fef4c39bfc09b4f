//! A profile that is protected, or may be.

use super::InvalidProfile;
use crate::domain::{ApiUrl, Origin, ProfileName};

/// A profile whose address must not be changed unasked.
pub(super) struct Guarded {
    /// `None`: it can't be read.
    pub url: Option<ApiUrl>,
    pub by: GuardedBy,
}

impl Guarded {
    pub(super) fn name(&self) -> &str {
        match &self.by {
            GuardedBy::Protection(protection) => protection.name.as_str(),
            GuardedBy::Unreadable(name) => name.as_str(),
            GuardedBy::Invalid(profile) => &profile.name,
        }
    }
}

pub(super) enum GuardedBy {
    Protection(Protection),
    /// A profile that may be protected, but can't be resolved.
    Unreadable(ProfileName),
    /// The same of one that no command can use.
    Invalid(InvalidProfile),
}

/// Why a profile is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The profile whose name confirms a change.
    pub name: ProfileName,
    /// Where `protected = true` stands.
    pub origin: Origin,
}
