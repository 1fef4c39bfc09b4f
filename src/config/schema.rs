//! The shape of `config.toml` for editors: its JSON Schema is generated from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// autocom's configuration: preferences and profiles, never a secret.
#[derive(JsonSchema)]
#[schemars(title = "autocom config.toml")]
#[allow(
    dead_code,
    reason = "only its schema is used; reading keeps lines and tolerates what it doesn't know"
)]
pub struct ConfigSchema {
    /// The active profile.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"))]
    profile: Option<String>,
    /// The keys of the profile `default`, and what other profiles fall back to.
    #[schemars(flatten)]
    top: ProfileSchema,
    /// Kept from older clients; autocom sends no telemetry.
    no_telemetry: Option<bool>,
    /// Named environments.
    profiles: Option<BTreeMap<String, ProfileSchema>>,
}

/// One environment.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct ProfileSchema {
    /// Address of the environment's API: https, or http to a loopback host.
    #[schemars(url)]
    api_url: Option<String>,
    /// Tenant sent as X-Tenant.
    tenant: Option<String>,
    /// OAuth client id, where the environment has its own.
    client_id: Option<String>,
    /// OAuth scopes to ask for at login, separated by spaces (RFC 6749, section 3.3).
    #[schemars(regex(pattern = r"^[ \t]*[!#-\[\]-~]+([ \t]+[!#-\[\]-~]+)*[ \t]*$"))]
    scope: Option<String>,
    /// Address for revoking tokens (RFC 7009), on the origin of api_url; where discovery does not name it.
    #[schemars(url)]
    revocation_url: Option<String>,
    /// Name of the stored credential, so that two users of one environment can coexist.
    credential: Option<String>,
    /// The only user that may log in here: an e-mail address, or the name of a user who has none.
    expect_user: Option<String>,
    /// Whether requests that change something need a confirmation.
    protected: Option<bool>,
    /// Where credentials are kept.
    store: Option<StoreSchema>,
    /// Output format.
    output: Option<OutputSchema>,
    /// Forward proxy in place of the environment's: http, https, socks5 or socks5h, without a password; or none.
    #[schemars(regex(pattern = "^(none|(https?|socks5h?)://[^/@?#]+/?)$"))]
    proxy: Option<String>,
    /// PEM file of authorities to trust besides the system's; relative to this file.
    ca_bundle: Option<String>,
    /// Deployment ring: decided by the platform, kept and shown only.
    ring: Option<RingSchema>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
enum StoreSchema {
    Auto,
    Keychain,
    File,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
enum OutputSchema {
    Table,
    Json,
    Yaml,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
enum RingSchema {
    Stable,
    Edge,
    Canary,
    Experimental,
}
