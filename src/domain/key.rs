//! The table of configuration keys: every fact about a key stands here once.

use std::fmt;
use std::str::FromStr;

use super::{
    ApiUrl, CaBundle, ClientId, CredentialKey, ExpectedUser, Invalid, ProfileName, Proxy, RevocationUrl,
    Scopes, StoreChoice, Tenant, likely,
};

/// A key of `config.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Profile,
    ApiUrl,
    Tenant,
    ClientId,
    Scope,
    RevocationUrl,
    Credential,
    ExpectUser,
    Protected,
    Store,
    Output,
    Proxy,
    CaBundle,
    Ring,
    NoTelemetry,
}

/// What a profile takes from the top level when its own table is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inheritance {
    /// It is a preference: always.
    Always,
    /// Only if the profile's environment is the top level's own.
    SameEnvironment,
    /// As `SameEnvironment`, but elsewhere still better than nothing.
    SameEnvironmentElseLast,
    /// It is part of an identity: never.
    Never,
}

impl Key {
    pub const ALL: [Key; 15] = [
        Key::Profile,
        Key::ApiUrl,
        Key::Tenant,
        Key::ClientId,
        Key::Scope,
        Key::RevocationUrl,
        Key::Credential,
        Key::ExpectUser,
        Key::Protected,
        Key::Store,
        Key::Output,
        Key::Proxy,
        Key::CaBundle,
        Key::Ring,
        Key::NoTelemetry,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Key::Profile => "profile",
            Key::ApiUrl => "api_url",
            Key::Tenant => "tenant",
            Key::ClientId => "client_id",
            Key::Scope => "scope",
            Key::RevocationUrl => "revocation_url",
            Key::Credential => "credential",
            Key::ExpectUser => "expect_user",
            Key::Protected => "protected",
            Key::Store => "store",
            Key::Output => "output",
            Key::Proxy => "proxy",
            Key::CaBundle => "ca_bundle",
            Key::Ring => "ring",
            Key::NoTelemetry => "no_telemetry",
        }
    }

    /// Whether a profile's table may hold it.
    pub fn in_profile(self) -> bool {
        !matches!(self, Key::Profile | Key::NoTelemetry)
    }

    pub fn is_bool(self) -> bool {
        matches!(self, Key::Protected | Key::NoTelemetry)
    }

    /// What stands for a value in a command that is to be typed.
    pub fn placeholder(self) -> &'static str {
        match self {
            Key::Profile | Key::Credential => "NAME",
            Key::ApiUrl | Key::RevocationUrl | Key::Proxy => "URL",
            Key::Tenant => "SLUG",
            Key::ClientId => "ID",
            Key::Scope => "SCOPES",
            Key::ExpectUser => "EMAIL",
            Key::Protected | Key::NoTelemetry => "true",
            Key::Store => StoreChoice::ALL[0],
            Key::Output => OutputFormat::ALL[0],
            Key::CaBundle => "FILE",
            Key::Ring => Ring::ALL[0],
        }
    }

    /// What its values are, as a clause.
    pub fn kind(self) -> &'static str {
        if self.is_bool() { "must be true or false" } else { "must be a string" }
    }

    pub fn inheritance(self) -> Inheritance {
        match self {
            Key::Profile | Key::Credential | Key::ExpectUser => Inheritance::Never,
            // Protection is the environment's: another profile of it is no way round.
            Key::ClientId | Key::Scope | Key::RevocationUrl | Key::Protected => Inheritance::SameEnvironment,
            Key::Tenant => Inheritance::SameEnvironmentElseLast,
            Key::ApiUrl
            | Key::Store
            | Key::Output
            | Key::Proxy
            | Key::CaBundle
            | Key::Ring
            | Key::NoTelemetry => Inheritance::Always,
        }
    }

    pub fn flag(self) -> Option<&'static str> {
        match self {
            Key::Profile => Some("--profile"),
            Key::ApiUrl => Some("--api-url"),
            Key::Tenant => Some("--tenant"),
            Key::ClientId => Some("--client-id"),
            Key::Scope => Some("--scope"),
            Key::Store => Some("--store"),
            Key::Output => Some("--output"),
            Key::RevocationUrl
            | Key::Credential
            | Key::ExpectUser
            | Key::Protected
            | Key::Proxy
            | Key::CaBundle
            | Key::Ring
            | Key::NoTelemetry => None,
        }
    }

    pub fn variable(self) -> Option<&'static str> {
        match self {
            Key::Profile => Some("AUTOCOM_PROFILE"),
            Key::ApiUrl => Some("AUTOCOM_API_URL"),
            Key::Tenant => Some("AUTOCOM_TENANT"),
            Key::ClientId => Some("AUTOCOM_CLIENT_ID"),
            Key::Scope => Some("AUTOCOM_SCOPE"),
            Key::Store => Some("AUTOCOM_STORE"),
            Key::Output => Some("AUTOCOM_OUTPUT"),
            Key::Proxy => Some("AUTOCOM_PROXY"),
            Key::CaBundle => Some("AUTOCOM_CA_BUNDLE"),
            // A lock that a variable opens is none.
            Key::RevocationUrl
            | Key::Credential
            | Key::ExpectUser
            | Key::Protected
            | Key::Ring
            | Key::NoTelemetry => None,
        }
    }

    /// Whether `--profile` puts the key's variable behind the files.
    pub fn yields_to_profile_flag(self) -> bool {
        matches!(self, Key::ApiUrl | Key::Tenant | Key::ClientId | Key::Scope | Key::Store)
    }

    /// Whether a login learns it.
    pub fn is_captured(self) -> bool {
        matches!(self, Key::Tenant | Key::ClientId | Key::Scope)
    }

    /// What the build baked in. The readable defaults are in `config/defaults.toml`.
    pub fn built_in(self) -> Option<&'static str> {
        match self {
            Key::ClientId => option_env!("AUTOCOM_DEFAULT_CLIENT_ID").filter(|id| !id.is_empty()),
            _ => None,
        }
    }

    /// `text` as the file should hold it, or why it is no value of this key.
    pub fn canonical(self, text: &str) -> Result<String, Invalid> {
        match self {
            Key::Profile => text.parse::<ProfileName>().map(|v| v.to_string()),
            Key::ApiUrl => match text.parse::<ApiUrl>() {
                Ok(url) => Ok(url.to_string()),
                Err(error) => Err(Invalid(error.with_suggestion())),
            },
            Key::Tenant => text.parse::<Tenant>().map(|v| v.to_string()),
            Key::ClientId => text.parse::<ClientId>().map(|v| v.to_string()),
            Key::Scope => text.parse::<Scopes>().map(|v| v.to_string()),
            Key::RevocationUrl => text.parse::<RevocationUrl>().map(|v| v.to_string()),
            Key::Credential => text.parse::<CredentialKey>().map(|v| v.to_string()),
            Key::ExpectUser => text.parse::<ExpectedUser>().map(|v| v.to_string()),
            Key::Store => text.parse::<StoreChoice>().map(|v| v.to_string()),
            Key::Output => text.parse::<OutputFormat>().map(|v| v.to_string()),
            Key::Proxy => text.parse::<Proxy>().map(|v| v.to_string()),
            Key::CaBundle => text.parse::<CaBundle>().map(|v| v.to_string()),
            Key::Ring => text.parse::<Ring>().map(|v| v.to_string()),
            Key::Protected | Key::NoTelemetry => match text {
                "true" | "false" => Ok(text.to_owned()),
                _ => Err(Invalid("must be true or false".to_owned())),
            },
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Key {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Key, Invalid> {
        Key::ALL
            .into_iter()
            .find(|key| key.as_str() == text)
            .ok_or_else(|| unknown_key(text, &Key::ALL.map(Key::as_str)))
    }
}

/// Why `text` is none of `names`.
pub fn unknown_key(text: &str, names: &[&str]) -> Invalid {
    Invalid(match likely(text, names.iter().copied()) {
        Some(name) => format!("unknown key `{text}`: did you mean `{name}`?"),
        None => format!("unknown key `{text}`; the keys are {}", names.join(", ")),
    })
}

/// The setting `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// A table in a terminal, TSV elsewhere.
    Table,
    Json,
    Yaml,
}

impl OutputFormat {
    pub const ALL: [&'static str; 3] = ["table", "json", "yaml"];
}

impl FromStr for OutputFormat {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<OutputFormat, Invalid> {
        match text {
            "table" => Ok(OutputFormat::Table),
            "json" => Ok(OutputFormat::Json),
            "yaml" => Ok(OutputFormat::Yaml),
            _ => Err(Invalid("must be one of table, json, yaml".to_owned())),
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OutputFormat::Table => "table",
            OutputFormat::Json => "json",
            OutputFormat::Yaml => "yaml",
        })
    }
}

/// The platform's deployment ring. Decided there from the tenant; here it is only kept and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring(String);

impl Ring {
    pub const ALL: [&'static str; 4] = ["stable", "edge", "canary", "experimental"];
}

impl FromStr for Ring {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Ring, Invalid> {
        if Ring::ALL.contains(&text) {
            Ok(Ring(text.to_owned()))
        } else {
            Err(Invalid(format!("must be one of {}", Ring::ALL.join(", "))))
        }
    }
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
