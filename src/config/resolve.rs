//! The values that hold for a selected profile, each with its origin.

use figment::Figment;
use figment::value::magic::Tagged;
use serde::Deserialize;

use super::layer_value::LayerValue;
use super::provider::{self, LayerProvider};
use super::selection::parse_url;
use super::{Config, ConfigError, Login, Selection};
use crate::domain::{
    ApiUrl, CaBundle, ClientId, CredentialKey, ExpectedUser, Key, Layer, Origin, OutputFormat, ProfileName,
    Proxy, RevocationUrl, Ring, Scopes, StoreChoice, Tenant,
};

/// A value, where it came from and which layer that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
    pub layer: Layer,
}

impl<T: ToString> Setting<T> {
    fn to_text(&self) -> Setting<String> {
        Setting { value: self.value.to_string(), origin: self.origin.clone(), layer: self.layer }
    }
}

/// A variable that is set but does not count, since `--profile` named the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    pub variable: String,
    pub key: Key,
}

/// Everything that is known of a profile without opening a credential store.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub selection: Selection,
    pub api_url: Option<Setting<ApiUrl>>,
    pub tenant: Option<Setting<Tenant>>,
    pub client_id: Option<Setting<ClientId>>,
    pub scope: Option<Setting<Scopes>>,
    pub revocation_url: Option<Setting<RevocationUrl>>,
    pub expect_user: Option<Setting<ExpectedUser>>,
    pub protected: Option<Setting<bool>>,
    pub store: Setting<StoreChoice>,
    pub output: Option<Setting<OutputFormat>>,
    pub proxy: Option<Setting<Proxy>>,
    pub ca_bundle: Option<Setting<CaBundle>>,
    pub ring: Option<Setting<Ring>>,
    pub no_telemetry: Option<Setting<bool>>,
    pub credential: Option<Setting<CredentialKey>>,
    /// The `api_url` that the files alone give the profile.
    pub own_api_url: Option<ApiUrl>,
    /// What `logins.toml` knows under the credential key.
    pub login: Option<Login>,
    pub passed_over: Vec<PassedOver>,
}

impl Resolved {
    pub fn name(&self) -> Option<&ProfileName> {
        self.selection.name.as_ref()
    }

    /// The profile's name for people, or `(unnamed)`.
    pub fn label(&self) -> &str {
        self.name().map_or("(unnamed)", ProfileName::as_str)
    }

    /// The effective value of a key as text.
    pub fn value_of(&self, key: Key) -> Option<Setting<String>> {
        fn text<T: ToString>(setting: &Option<Setting<T>>) -> Option<Setting<String>> {
            setting.as_ref().map(Setting::to_text)
        }
        match key {
            Key::Profile => Some(Setting {
                value: self.name()?.to_string(),
                origin: self.selection.origin.clone(),
                layer: Layer::TopLevel,
            }),
            Key::ApiUrl => text(&self.api_url),
            Key::Tenant => text(&self.tenant),
            Key::ClientId => text(&self.client_id),
            Key::Scope => text(&self.scope),
            Key::RevocationUrl => text(&self.revocation_url),
            Key::Credential => text(&self.credential),
            Key::ExpectUser => text(&self.expect_user),
            Key::Protected => text(&self.protected),
            Key::Store => Some(self.store.to_text()),
            Key::Output => text(&self.output),
            Key::Proxy => text(&self.proxy),
            Key::CaBundle => text(&self.ca_bundle),
            Key::Ring => text(&self.ring),
            Key::NoTelemetry => text(&self.no_telemetry),
        }
    }

    /// Whether what `logins.toml` knows belongs to another origin than the profile's.
    pub fn is_foreign(&self) -> bool {
        match (&self.api_url, self.login.as_ref().and_then(|login| login.api_url.as_ref())) {
            (Some(url), Some(login)) => !url.value.same_origin(login),
            _ => false,
        }
    }
}

/// The merged values as figment extracts them; the tag leads back to the layer.
#[derive(Deserialize)]
struct Merged {
    api_url: Option<Tagged<String>>,
    tenant: Option<Tagged<String>>,
    client_id: Option<Tagged<String>>,
    scope: Option<Tagged<String>>,
    revocation_url: Option<Tagged<String>>,
    expect_user: Option<Tagged<String>>,
    protected: Option<Tagged<bool>>,
    store: Option<Tagged<String>>,
    output: Option<Tagged<String>>,
    proxy: Option<Tagged<String>>,
    ca_bundle: Option<Tagged<String>>,
    ring: Option<Tagged<String>>,
    no_telemetry: Option<Tagged<bool>>,
}

/// figment's answer together with all that was offered to it.
struct Layers<'a> {
    figment: &'a Figment,
    candidates: &'a [LayerValue],
}

/// Resolves what `selection` names. Only the layers of this one profile are looked at, so that
/// listing many stays linear.
pub fn resolve(config: &Config, selection: Selection) -> Result<Resolved, ConfigError> {
    resolve_with_candidates(config, selection).map(|(profile, _)| profile)
}

/// As [`Config::resolve`], with all the values that were merged.
pub(super) fn resolve_with_candidates(
    config: &Config,
    selection: Selection,
) -> Result<(Resolved, Vec<LayerValue>), ConfigError> {
    let name = selection.name.clone();
    let is_default = name.as_ref().is_some_and(ProfileName::is_default);
    let mut candidates = config.built_in.clone();
    if !selection.files_only {
        candidates.extend(provider::flags(&config.flags));
        candidates.extend(provider::variables(&config.environment, selection.by_profile_flag()));
    }
    let table = name.as_ref().filter(|_| !is_default).and_then(|name| config.document.profile(name));
    candidates.extend(table.into_iter().flat_map(|table| provider::profile(config, table)));

    // The address decides what may be inherited and which login counts, so it comes first; it
    // is in no layer that depends on it.
    let top = provider::top_level(config, None, is_default).filter(|c| c.key == Key::ApiUrl);
    let address =
        candidates.iter().filter(|c| c.key == Key::ApiUrl).cloned().chain(top).max_by_key(|c| c.layer);
    let api_url = match &address {
        Some(LayerValue { value, origin, .. }) => match value.as_str() {
            Some(text) => Some(parse_url(config, text, origin)?),
            None => None, // figment says below what it is instead of a string
        },
        None => None,
    };
    candidates.extend(provider::top_level(config, api_url.as_ref(), is_default));

    let from_file = address.as_ref().is_some_and(|c| matches!(c.layer, Layer::Profile | Layer::TopLevel));
    let own_api_url = if from_file && name.is_some() {
        api_url.clone()
    } else {
        name.as_ref().and_then(|name| config.own_api_url(name))
    };
    let credential =
        credential_key(config, name.as_ref(), address.as_ref(), api_url.as_ref(), own_api_url.as_ref())?;
    let login = credential.as_ref().and_then(|key| config.captured.near(&key.value, api_url.as_ref()));
    let ours = |login: &&Login| match (&login.api_url, &api_url) {
        (Some(theirs), Some(url)) => theirs.same_origin(url),
        _ => false,
    };
    candidates.extend(login.as_ref().filter(ours).into_iter().flat_map(provider::captured));

    let mut figment = Figment::new();
    for layer in Layer::ALL {
        if candidates.iter().any(|candidate| candidate.layer == layer) {
            figment = figment.merge(LayerProvider { layer, candidates: &candidates });
        }
    }
    let layers = Layers { figment: &figment, candidates: &candidates };
    let merged: Merged = figment.extract().map_err(|error| layers.explain(error))?;
    let resolved = Resolved {
        api_url: api_url
            .zip(layers.origin(Key::ApiUrl, merged.api_url.as_ref()))
            .map(|(value, (origin, layer))| Setting { value, origin, layer }),
        tenant: layers.setting(Key::Tenant, merged.tenant)?,
        client_id: layers.setting(Key::ClientId, merged.client_id)?,
        scope: layers.setting(Key::Scope, merged.scope)?,
        revocation_url: layers.setting(Key::RevocationUrl, merged.revocation_url)?,
        expect_user: layers.setting(Key::ExpectUser, merged.expect_user)?,
        protected: layers.flag(Key::Protected, merged.protected),
        store: layers.setting(Key::Store, merged.store)?.unwrap_or(Setting {
            value: StoreChoice::default(),
            origin: Origin::BuiltIn,
            layer: Layer::BuiltIn,
        }),
        output: layers.setting(Key::Output, merged.output)?,
        proxy: layers.setting(Key::Proxy, merged.proxy)?,
        ca_bundle: layers.setting(Key::CaBundle, merged.ca_bundle)?,
        ring: layers.setting(Key::Ring, merged.ring)?,
        no_telemetry: layers.flag(Key::NoTelemetry, merged.no_telemetry),
        passed_over: passed_over(&candidates),
        credential,
        own_api_url,
        login,
        selection,
    };
    Ok((resolved, candidates))
}

/// The key under which the profile's credential is stored: its `credential`, else its address;
/// and always the address if a flag or variable turned the profile to another one.
fn credential_key(
    config: &Config,
    name: Option<&ProfileName>,
    address: Option<&LayerValue>,
    url: Option<&ApiUrl>,
    own: Option<&ApiUrl>,
) -> Result<Option<Setting<CredentialKey>>, ConfigError> {
    let by_url = url.zip(address).map(|(url, address)| Setting {
        value: CredentialKey::from(url),
        origin: address.origin.clone(),
        layer: address.layer,
    });
    if url.is_some() && url != own {
        return Ok(by_url);
    }
    let Some(entry) =
        name.and_then(|name| config.document.table_of(name)).and_then(|t| t.get(Key::Credential))
    else {
        return Ok(by_url);
    };
    let origin = config.document.origin_of(entry);
    let layer = if name.is_some_and(ProfileName::is_default) { Layer::TopLevel } else { Layer::Profile };
    let invalid = |why: String| ConfigError::Invalid { key: Key::Credential, why, origin: origin.clone() };
    match entry.value.as_str() {
        Some(text) if text.trim().is_empty() => Ok(by_url),
        Some(text) => {
            let value = text.parse().map_err(|why: crate::domain::Invalid| invalid(why.to_string()))?;
            Ok(Some(Setting { value, origin: origin.clone(), layer }))
        }
        None => Err(invalid("must be a string".to_owned())),
    }
}

impl Layers<'_> {
    fn setting<T: std::str::FromStr>(
        &self,
        key: Key,
        merged: Option<Tagged<String>>,
    ) -> Result<Option<Setting<T>>, ConfigError> {
        let Some((origin, layer)) = self.origin(key, merged.as_ref()) else { return Ok(None) };
        let text = merged.map(Tagged::into_inner).unwrap_or_default();
        let invalid = |why: &str| ConfigError::invalid(key, why, &origin, &text);
        let canonical = key.canonical(&text).map_err(|why| invalid(&why.to_string()))?;
        let value = canonical.parse().map_err(|_| invalid("is not valid"))?;
        Ok(Some(Setting { value, origin, layer }))
    }

    fn origin<T: for<'de> Deserialize<'de>>(
        &self,
        key: Key,
        merged: Option<&Tagged<T>>,
    ) -> Option<(Origin, Layer)> {
        let winner = self.winner(key, merged?);
        Some(winner.map_or((Origin::BuiltIn, Layer::BuiltIn), |winner| (winner.origin.clone(), winner.layer)))
    }

    fn flag(&self, key: Key, merged: Option<Tagged<bool>>) -> Option<Setting<bool>> {
        let merged = merged?;
        let winner = self.winner(key, &merged)?;
        Some(Setting { value: *merged, origin: winner.origin.clone(), layer: winner.layer })
    }

    fn winner<T: for<'de> Deserialize<'de>>(&self, key: Key, merged: &Tagged<T>) -> Option<&LayerValue> {
        let layer = &self.figment.get_metadata(merged.tag())?.name;
        self.candidates.iter().find(|c| c.key == key && LayerProvider::name(c.layer) == layer.as_ref())
    }

    /// figment's type errors in our words: which key, what is wrong, where it stands.
    fn explain(&self, error: figment::Error) -> ConfigError {
        let key = error.path.first().and_then(|name| name.parse::<Key>().ok()).unwrap_or(Key::ApiUrl);
        let origin = self
            .candidates
            .iter()
            .filter(|candidate| candidate.key == key)
            .max_by_key(|candidate| candidate.layer)
            .map_or(Origin::BuiltIn, |candidate| candidate.origin.clone());
        ConfigError::Invalid { key, why: key.kind().to_owned(), origin }
    }
}

/// The variables that `--profile` put behind another value than theirs.
fn passed_over(candidates: &[LayerValue]) -> Vec<PassedOver> {
    candidates
        .iter()
        .filter(|variable| variable.layer == Layer::PassedOverVariable)
        .filter(|variable| {
            let winner = candidates.iter().filter(|c| c.key == variable.key).max_by_key(|c| c.layer);
            winner.is_some_and(|winner| winner.layer > variable.layer && winner.value != variable.value)
        })
        .map(|variable| PassedOver { variable: variable.origin.to_string(), key: variable.key })
        .collect()
}
