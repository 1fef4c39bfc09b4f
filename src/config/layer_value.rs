//! One value that one layer offers.

use figment::value::Value;

use super::error::ConfigError;
use crate::domain::{Key, Layer, Origin};

/// One value that one layer offers for one key.
#[derive(Debug, Clone)]
pub(super) struct LayerValue {
    pub layer: Layer,
    pub key: Key,
    pub value: Value,
    pub origin: Origin,
}

pub(super) fn built_in() -> Result<Vec<LayerValue>, ConfigError> {
    let document =
        super::Document::parse("built-in defaults".as_ref(), include_bytes!("defaults.toml").to_vec())?;
    let client_id = Key::ClientId.built_in().map(|id| (Key::ClientId, Value::from(id)));
    Ok(document
        .top()
        .iter()
        .map(|(key, entry)| (key, entry.value.clone()))
        .chain(client_id)
        .map(|(key, value)| LayerValue { layer: Layer::BuiltIn, key, value, origin: Origin::BuiltIn })
        .collect())
}
