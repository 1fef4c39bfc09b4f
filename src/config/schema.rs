//! The shape of `config.toml` for editors: its JSON Schema is generated from the table of keys.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::domain::{Key, Shape};

/// `config.toml`: preferences and profiles, never a secret.
pub struct ConfigSchema;

impl JsonSchema for ConfigSchema {
    fn schema_name() -> Cow<'static, str> {
        "ConfigSchema".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let profile = properties(Key::ALL.into_iter().filter(|key| key.in_profile()));
        let mut top = properties(Key::ALL.into_iter());
        top.insert(
            "profiles".to_owned(),
            json!({
                "description": "Named environments.",
                "type": "object",
                "additionalProperties": { "type": "object", "properties": profile }
            }),
        );
        json_schema!({
            "title": "autocom config.toml",
            "description": "autocom's configuration: preferences and profiles, never a secret.",
            "type": "object",
            "properties": top
        })
    }
}

fn properties(keys: impl Iterator<Item = Key>) -> Map<String, Value> {
    keys.map(|key| (key.to_string(), property(key))).collect()
}

fn property(key: Key) -> Value {
    let mut property = json!({ "description": key.description(), "type": "string" });
    match key.shape() {
        Shape::Text => {}
        Shape::Pattern(pattern) => property["pattern"] = pattern.into(),
        Shape::Url => property["format"] = "uri".into(),
        Shape::OneOf(choices) => property["enum"] = json!(choices),
        Shape::Bool => property["type"] = "boolean".into(),
    }
    property
}
