//! A profile's values with their origins: what `config list`, `config get` and `profiles show` print.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use crate::config::Resolved;
use crate::domain::Key;

/// A key, its effective value and where that comes from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SettingRow {
    pub key: &'static str,
    pub value: Option<String>,
    pub origin: Option<String>,
}

/// Every key in the order of the table of keys.
pub fn settings(session: &Session, profile: &Resolved) -> Vec<SettingRow> {
    Key::ALL
        .into_iter()
        .map(|key| {
            let found = profile.value_of(key);
            let (value, origin) = found.map(|found| (found.value, found.origin.to_string())).unzip();
            SettingRow { key: key.as_str(), value, origin }
        })
        .chain(token(session, profile))
        .collect()
}

/// A value as it was typed: a relative path is meant from here, but the file counts it from its own folder.
pub fn typed<'v>(session: &Session, key: Key, value: &'v str) -> Cow<'v, str> {
    match &session.environment().current_dir {
        Some(here) if key == Key::CaBundle && !value.starts_with("~/") && !value.is_empty() => {
            here.join(value).display().to_string().into()
        }
        _ => value.into(),
    }
}

/// A variable's token is a value of the profile too; it is named, never shown.
fn token(session: &Session, profile: &Resolved) -> Option<SettingRow> {
    let used = session.config().ok()?.token_variable(profile, true).used?;
    Some(SettingRow { key: "token", value: Some("(set)".to_owned()), origin: Some(used.name) })
}
