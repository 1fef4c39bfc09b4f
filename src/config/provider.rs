//! One figment provider for each layer.
//!
//! figment's own `Env` and `Toml` providers are not used: they name `PROFILES.X` where a user set
//! `AUTOCOM_X`, read digits as numbers, lose the line, and bring a second TOML parser.

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::layer_value::LayerValue;
use super::{Config, Flags};
use crate::domain::{ApiUrl, Inheritance, Key, Layer, Origin};
use crate::system::environment::Environment;

/// All that one layer offers, as figment sees it.
pub(super) struct LayerProvider<'a> {
    pub layer: Layer,
    pub candidates: &'a [LayerValue],
}

impl Provider for LayerProvider<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.layer.as_str())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict: Dict = self
            .candidates
            .iter()
            .filter(|candidate| candidate.layer == self.layer)
            .map(|candidate| (candidate.key.as_str().to_owned(), candidate.value.clone()))
            .collect();
        Ok(Profile::Default.collect(dict))
    }
}

pub(super) fn flags(flags: &Flags) -> impl Iterator<Item = LayerValue> {
    Key::ALL.into_iter().filter(|key| *key != Key::Profile).filter_map(|key| {
        Some(LayerValue {
            layer: Layer::Flag,
            key,
            value: Value::from(flags.get(key)?),
            origin: Origin::Flag(key.flag()?),
        })
    })
}

/// `by_flag`: whether `--profile` named the profile.
pub(super) fn variables(environment: &Environment, by_flag: bool) -> impl Iterator<Item = LayerValue> {
    Key::ALL.into_iter().filter(|key| *key != Key::Profile).filter_map(move |key| {
        let name = key.variable()?;
        let layer =
            if by_flag && key.yields_to_profile_flag() { Layer::PassedOverVariable } else { Layer::Variable };
        let value = Value::from(environment.var(name)?);
        Some(LayerValue { layer, key, value, origin: Origin::Variable(name.to_owned()) })
    })
}

/// The profile's own table.
pub(super) fn profile<'a>(
    config: &'a Config,
    table: &'a super::document::Table,
) -> impl Iterator<Item = LayerValue> + 'a {
    file(config, table, |key| key.in_profile().then_some(Layer::Profile))
}

/// The top level, as far as a profile of the environment `url` may take from it. For the profile
/// `default` (`is_default`) it is the own table.
pub(super) fn top_level<'a>(
    config: &'a Config,
    url: Option<&'a ApiUrl>,
    is_default: bool,
) -> impl Iterator<Item = LayerValue> + 'a {
    let top = config.top_url.as_ref();
    let same = is_default || top == url;
    // A top level without an address names nobody else's client: its client id serves all.
    let nobody_s = top.is_none();
    file(config, config.document.top(), move |key| match key.inheritance() {
        _ if is_default && key != Key::Profile => Some(Layer::TopLevel),
        Inheritance::Always => Some(Layer::TopLevel),
        Inheritance::SameEnvironment => (same || nobody_s).then_some(Layer::TopLevel),
        Inheritance::SameEnvironmentElseLast => {
            Some(if same { Layer::TopLevel } else { Layer::ForeignTopLevel })
        }
        Inheritance::Never => None,
    })
}

fn file<'a>(
    config: &'a Config,
    table: &'a super::document::Table,
    layer: impl Fn(Key) -> Option<Layer> + 'a,
) -> impl Iterator<Item = LayerValue> + 'a {
    table.iter().filter_map(move |(key, entry)| {
        let layer = layer(key)?;
        if entry.value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return None;
        }
        let origin = config.document.origin_of(entry);
        Some(LayerValue { layer, key, value: entry.value.clone(), origin })
    })
}

/// What the login under the resolved credential key learned.
pub(super) fn captured(login: &super::Login) -> impl Iterator<Item = LayerValue> {
    let origin = Origin::Login { at: login.logged_in_at };
    let offer = move |key, value: Option<&str>| {
        value.map(|text| LayerValue {
            layer: Layer::Captured,
            key,
            value: Value::from(text),
            origin: origin.clone(),
        })
    };
    [
        offer(Key::Tenant, login.tenant.as_ref().map(|tenant| tenant.as_str())),
        offer(Key::ClientId, login.client_id.as_ref().map(|id| id.as_str())),
        offer(Key::Scope, login.scope.as_ref().map(|scopes| scopes.as_str())),
    ]
    .into_iter()
    .flatten()
}
