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

/// What the values of a key look like in `config.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// As a regular expression.
    Pattern(&'static str),
    Url,
    OneOf(&'static [&'static str]),
    Bool,
}

/// Every fact about a key: from here come its parser, its schema, its variable, what it inherits and its completion.
#[derive(Clone, Copy)]
struct KeyRow {
    key: Key,
    name: &'static str,
    placeholder: &'static str,
    canonical: fn(&str) -> Result<String, Invalid>,
    description: &'static str,
    shape: Shape,
    in_profile: bool,
    inheritance: Inheritance,
    flag: Option<&'static str>,
    variable: Option<&'static str>,
    yields_to_profile_flag: bool,
    is_captured: bool,
}

static TABLE: [KeyRow; COUNT] = ROWS;
const COUNT: usize = 15;
const ROWS: [KeyRow; COUNT] = [
    KeyRow::new(Key::Profile, "profile", "NAME", canonical::<ProfileName>, "The active profile.").top_level().set_by("--profile", "AUTOCOM_PROFILE").shaped(Shape::Pattern("^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")),
    KeyRow::new(Key::ApiUrl, "api_url", "URL", api_url, "Address of the environment's API: https, or http to a loopback host.").inherited(Inheritance::Always).set_by("--api-url", "AUTOCOM_API_URL").yielding().shaped(Shape::Url),
    KeyRow::new(Key::Tenant, "tenant", "SLUG", canonical::<Tenant>, "Tenant sent as X-Tenant.").inherited(Inheritance::SameEnvironmentElseLast).set_by("--tenant", "AUTOCOM_TENANT").yielding().captured(),
    KeyRow::new(Key::ClientId, "client_id", "ID", canonical::<ClientId>, "OAuth client id, where the environment has its own.").inherited(Inheritance::SameEnvironment).set_by("--client-id", "AUTOCOM_CLIENT_ID").yielding().captured(),
    KeyRow::new(Key::Scope, "scope", "SCOPES", canonical::<Scopes>, "OAuth scopes to ask for at login, separated by spaces (RFC 6749, section 3.3).").inherited(Inheritance::SameEnvironment).set_by("--scope", "AUTOCOM_SCOPE").yielding().captured().shaped(Shape::Pattern(r"^[ \t]*[!#-\[\]-~]+([ \t]+[!#-\[\]-~]+)*[ \t]*$")),
    KeyRow::new(Key::RevocationUrl, "revocation_url", "URL", canonical::<RevocationUrl>, "Address for revoking tokens (RFC 7009), on the origin of api_url; where discovery does not name it.").inherited(Inheritance::SameEnvironment).shaped(Shape::Url),
    KeyRow::new(Key::Credential, "credential", "NAME", canonical::<CredentialKey>, "Name of the stored credential, so that two users of one environment can coexist."),
    KeyRow::new(Key::ExpectUser, "expect_user", "EMAIL", canonical::<ExpectedUser>, "The only user that may log in here: an e-mail address, or the name of a user who has none."),
    // Protection is the environment's: another profile of it is no way round. A lock that a variable opens is none.
    KeyRow::new(Key::Protected, "protected", "true", flag, "Whether requests that change something need a confirmation.").inherited(Inheritance::SameEnvironment).shaped(Shape::Bool),
    KeyRow::new(Key::Store, "store", StoreChoice::ALL[0], canonical::<StoreChoice>, "Where credentials are kept.").inherited(Inheritance::Always).set_by("--store", "AUTOCOM_STORE").yielding().shaped(Shape::OneOf(&StoreChoice::ALL)),
    KeyRow::new(Key::Output, "output", OutputFormat::ALL[0], canonical::<OutputFormat>, "Output format.").inherited(Inheritance::Always).set_by("--output", "AUTOCOM_OUTPUT").shaped(Shape::OneOf(&OutputFormat::ALL)),
    KeyRow::new(Key::Proxy, "proxy", "URL", canonical::<Proxy>, "Forward proxy in place of the environment's: http, https, socks5 or socks5h, without a password; or none.").inherited(Inheritance::Always).variable("AUTOCOM_PROXY").shaped(Shape::Pattern("^(none|(https?|socks5h?)://[^/@?#]+/?)$")),
    KeyRow::new(Key::CaBundle, "ca_bundle", "FILE", canonical::<CaBundle>, "PEM file of authorities to trust besides the system's; relative to this file.").inherited(Inheritance::Always).variable("AUTOCOM_CA_BUNDLE"),
    KeyRow::new(Key::Ring, "ring", Ring::ALL[0], canonical::<Ring>, "Deployment ring: decided by the platform, kept and shown only.").inherited(Inheritance::Always).shaped(Shape::OneOf(&Ring::ALL)),
    KeyRow::new(Key::NoTelemetry, "no_telemetry", "true", flag, "Kept from older clients; autocom sends no telemetry.").top_level().inherited(Inheritance::Always).shaped(Shape::Bool),
];

impl KeyRow {
    const fn new(
        key: Key,
        name: &'static str,
        placeholder: &'static str,
        canonical: fn(&str) -> Result<String, Invalid>,
        description: &'static str,
    ) -> KeyRow {
        KeyRow {
            key,
            name,
            placeholder,
            canonical,
            description,
            shape: Shape::Text,
            in_profile: true,
            inheritance: Inheritance::Never,
            flag: None,
            variable: None,
            yields_to_profile_flag: false,
            is_captured: false,
        }
    }

    const fn shaped(self, shape: Shape) -> KeyRow {
        KeyRow { shape, ..self }
    }

    const fn top_level(self) -> KeyRow {
        KeyRow { in_profile: false, ..self }
    }

    const fn inherited(self, inheritance: Inheritance) -> KeyRow {
        KeyRow { inheritance, ..self }
    }

    const fn variable(self, variable: &'static str) -> KeyRow {
        KeyRow { variable: Some(variable), ..self }
    }

    const fn set_by(self, flag: &'static str, variable: &'static str) -> KeyRow {
        KeyRow { flag: Some(flag), ..self.variable(variable) }
    }

    const fn yielding(self) -> KeyRow {
        KeyRow { yields_to_profile_flag: true, ..self }
    }

    const fn captured(self) -> KeyRow {
        KeyRow { is_captured: true, ..self }
    }
}

fn canonical<T: FromStr<Err = Invalid> + fmt::Display>(text: &str) -> Result<String, Invalid> {
    text.parse::<T>().map(|value| value.to_string())
}

fn api_url(text: &str) -> Result<String, Invalid> {
    text.parse::<ApiUrl>().map(|url| url.to_string()).map_err(|error| Invalid(error.with_suggestion()))
}

fn flag(text: &str) -> Result<String, Invalid> {
    match text {
        "true" | "false" => Ok(text.to_owned()),
        _ => Err(Invalid("must be true or false".to_owned())),
    }
}

impl Key {
    pub const ALL: [Key; COUNT] = {
        let mut all = [Key::Profile; COUNT];
        let mut at = 0;
        while at < COUNT {
            assert!(ROWS[at].key as usize == at, "a row is not in the order of the keys");
            all[at] = ROWS[at].key;
            at += 1;
        }
        all
    };

    fn row(self) -> &'static KeyRow {
        &TABLE[self as usize]
    }

    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Whether a profile's table may hold it.
    pub fn in_profile(self) -> bool {
        self.row().in_profile
    }

    pub fn is_bool(self) -> bool {
        self.shape() == Shape::Bool
    }

    pub fn shape(self) -> Shape {
        self.row().shape
    }

    /// The values that it can have, if they are few.
    pub fn choices(self) -> &'static [&'static str] {
        match self.shape() {
            Shape::OneOf(choices) => choices,
            _ => &[],
        }
    }

    /// What it is, as a sentence.
    pub fn description(self) -> &'static str {
        self.row().description
    }

    /// What stands for a value in a command that is to be typed.
    pub fn placeholder(self) -> &'static str {
        self.row().placeholder
    }

    /// What its values are, as a clause.
    pub fn kind(self) -> &'static str {
        if self.is_bool() { "must be true or false" } else { "must be a string" }
    }

    pub fn inheritance(self) -> Inheritance {
        self.row().inheritance
    }

    pub fn flag(self) -> Option<&'static str> {
        self.row().flag
    }

    pub fn variable(self) -> Option<&'static str> {
        self.row().variable
    }

    /// Whether `--profile` puts the key's variable behind the files.
    pub fn yields_to_profile_flag(self) -> bool {
        self.row().yields_to_profile_flag
    }

    /// Whether a login learns it.
    pub fn is_captured(self) -> bool {
        self.row().is_captured
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
        (self.row().canonical)(text)
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
