//! Where credentials live, and where a user wants them to.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// The setting `store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StoreChoice {
    /// The keychain, or the file where there is no keychain.
    #[default]
    Auto,
    /// Only the keychain.
    Keychain,
    /// Only the file.
    File,
}

/// A place that really holds a credential.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    Keychain,
    File,
}

impl StoreChoice {
    pub const ALL: [&'static str; 3] = ["auto", "keychain", "file"];

    pub fn as_str(self) -> &'static str {
        match self {
            StoreChoice::Auto => "auto",
            StoreChoice::Keychain => "keychain",
            StoreChoice::File => "file",
        }
    }
}

impl StoreKind {
    pub fn as_str(self) -> &'static str {
        match self {
            StoreKind::Keychain => "keychain",
            StoreKind::File => "file",
        }
    }

    pub fn other(self) -> StoreKind {
        match self {
            StoreKind::Keychain => StoreKind::File,
            StoreKind::File => StoreKind::Keychain,
        }
    }
}

impl FromStr for StoreChoice {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<StoreChoice, Invalid> {
        match text {
            "auto" => Ok(StoreChoice::Auto),
            "keychain" => Ok(StoreChoice::Keychain),
            "file" => Ok(StoreChoice::File),
            _ => Err(Invalid("must be one of auto, keychain, file".to_owned())),
        }
    }
}

impl FromStr for StoreKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<StoreKind, Invalid> {
        match text {
            "keychain" => Ok(StoreKind::Keychain),
            "file" => Ok(StoreKind::File),
            _ => Err(Invalid("must be keychain or file".to_owned())),
        }
    }
}

impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
