//! The values that hold for a selected profile, each with its origin.

use std::collections::BTreeMap;
use std::str::FromStr;

use figment::{Figment, Profile, Provider};

use super::layer_value::LayerValue;
use super::provider::{self, LayerProvider};
use super::selection::parse_url;
use super::{Config, ConfigError, Login, Selection};
use crate::domain::{
    ApiUrl, CaBundle, ClientId, CredentialKey, ExpectedUser, Key, Layer, Origin, OutputFormat, ProfileName,
    Proxy, RevocationUrl, Scopes, StoreChoice, Tenant,
};

/// A value, where it came from and which layer that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
    pub layer: Layer,
}

impl<T> Setting<T> {
    /// Another value from the same place.
    fn with<U>(&self, value: U) -> Setting<U> {
        Setting { value, origin: self.origin.clone(), layer: self.layer }
    }
}

impl<T: ToString> Setting<T> {
    fn to_text(&self) -> Setting<String> {
        self.with(self.value.to_string())
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
    pub credential: Option<Setting<CredentialKey>>,
    /// The `api_url` that the files alone give the profile.
    pub own_api_url: Option<ApiUrl>,
    /// The same values as text, and of the keys that have no field of their own.
    pub(crate) values: BTreeMap<Key, Setting<String>>,
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
        match key {
            Key::Profile => Some(Setting {
                value: self.name()?.to_string(),
                origin: self.selection.origin.clone(),
                layer: Layer::TopLevel,
            }),
            Key::Credential => self.credential.as_ref().map(Setting::to_text),
            key => self.values.get(&key).cloned(),
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

    let address = address(config, &candidates, is_default);
    let api_url = match &address {
        Some(LayerValue { value, origin, .. }) => match value.as_str() {
            Some(text) => Some(parse_url(config, text, origin)?),
            None => None, // below it is said what it is instead of a string
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

    let values = settings(&candidates, api_url.as_ref())?;
    let resolved = Resolved {
        api_url: api_url.zip(values.get(&Key::ApiUrl)).map(|(value, setting)| setting.with(value)),
        tenant: typed(&values, Key::Tenant),
        client_id: typed(&values, Key::ClientId),
        scope: typed(&values, Key::Scope),
        revocation_url: typed(&values, Key::RevocationUrl),
        expect_user: typed(&values, Key::ExpectUser),
        protected: typed(&values, Key::Protected),
        store: typed(&values, Key::Store).unwrap_or(Setting {
            value: StoreChoice::default(),
            origin: Origin::BuiltIn,
            layer: Layer::BuiltIn,
        }),
        output: typed(&values, Key::Output),
        proxy: typed(&values, Key::Proxy),
        ca_bundle: typed(&values, Key::CaBundle),
        passed_over: passed_over(&candidates, &values),
        values,
        credential,
        own_api_url,
        login,
        selection,
    };
    Ok((resolved, candidates))
}

/// The address that holds. It decides what may be inherited and which login counts, so it comes first; it is in no
/// layer that depends on it.
fn address(config: &Config, candidates: &[LayerValue], is_default: bool) -> Option<LayerValue> {
    let top = provider::top_level(config, None, is_default).filter(|it| it.key == Key::ApiUrl);
    let own = candidates.iter().filter(|it| it.key == Key::ApiUrl).cloned();
    let mut addresses: Vec<LayerValue> = own.chain(top).collect();
    // Nearly always there is nothing to decide.
    if addresses.len() < 2 {
        return addresses.pop();
    }
    let merged = merged(&addresses);
    let winner = merged.find_metadata(Key::ApiUrl.as_str())?.name.as_ref();
    addresses.iter().find(|it| it.layer.as_str() == winner).cloned()
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

fn merged(candidates: &[LayerValue]) -> Figment {
    let has_values = |layer: &Layer| candidates.iter().any(|candidate| candidate.layer == *layer);
    let layers = Layer::ALL.into_iter().filter(has_values);
    layers.fold(Figment::new(), |figment, layer| figment.merge(LayerProvider { layer, candidates }))
}

/// What holds for each key, in its canonical form. Which layer wins, figment decides.
fn settings(
    candidates: &[LayerValue],
    api_url: Option<&ApiUrl>,
) -> Result<BTreeMap<Key, Setting<String>>, ConfigError> {
    let figment = merged(candidates);
    // As it is, and not extracted: every value says then which layer it is of.
    let values = figment.data().ok().and_then(|mut data| data.remove(&Profile::Default));
    let mut settings = BTreeMap::new();
    for (name, merged) in values.iter().flatten() {
        let Ok(key) = name.parse::<Key>() else { continue };
        let name = figment.get_metadata(merged.tag()).map(|layer| layer.name.as_ref());
        let winner = candidates.iter().find(|it| it.key == key && Some(it.layer.as_str()) == name);
        let (origin, layer) =
            winner.map_or((Origin::BuiltIn, Layer::BuiltIn), |winner| (winner.origin.clone(), winner.layer));
        let text = match (merged.as_str(), merged.to_bool()) {
            (Some(text), _) if !key.is_bool() => text.to_owned(),
            (None, Some(flag)) if key.is_bool() => flag.to_string(),
            _ => return Err(ConfigError::Invalid { key, why: key.kind().to_owned(), origin }),
        };
        let value = match (key, api_url) {
            // It was parsed already, since it decides what else counts.
            (Key::ApiUrl, Some(url)) => url.to_string(),
            _ => key
                .canonical(&text)
                .map_err(|why| ConfigError::invalid(key, &why.to_string(), &origin, &text))?,
        };
        settings.insert(key, Setting { value, origin, layer });
    }
    Ok(settings)
}

/// The typed value of a key: its canonical form always has one.
fn typed<T: FromStr>(values: &BTreeMap<Key, Setting<String>>, key: Key) -> Option<Setting<T>> {
    let setting = values.get(&key)?;
    Some(setting.with(setting.value.parse().ok()?))
}

/// The variables that `--profile` put behind another value than theirs.
fn passed_over(candidates: &[LayerValue], values: &BTreeMap<Key, Setting<String>>) -> Vec<PassedOver> {
    let is_passed_over = |variable: &&LayerValue| {
        let winner = values.get(&variable.key);
        variable.layer == Layer::PassedOverVariable
            && winner.is_some_and(|winner| {
                let own = variable.key.canonical(variable.value.as_str().unwrap_or_default());
                winner.layer > variable.layer && own.as_ref() != Ok(&winner.value)
            })
    };
    let passed_over = candidates.iter().filter(is_passed_over);
    passed_over.map(|it| PassedOver { variable: it.origin.to_string(), key: it.key }).collect()
}
