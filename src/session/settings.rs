//! A profile's values with their origins: what `config list`, `config get` and `profiles show` print.

use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use crate::config::{Resolved, Setting};
use crate::domain::{Key, Layer, Origin};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View};

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
            let found = value_of(profile, key);
            let (value, origin) = found.map(|(value, _, origin)| (value, origin.to_string())).unzip();
            SettingRow { key: key.as_str(), value, origin }
        })
        .chain(token(session, profile))
        .collect()
}

/// The layer and origin of a key's effective value.
pub fn layer_of(profile: &Resolved, key: Key) -> Option<(Layer, Origin)> {
    value_of(profile, key).map(|(_, layer, origin)| (layer, origin))
}

fn value_of(profile: &Resolved, key: Key) -> Option<(String, Layer, Origin)> {
    fn of<T: ToString>(setting: &Option<Setting<T>>) -> Option<(String, Layer, Origin)> {
        setting.as_ref().map(|s| (s.value.to_string(), s.layer, s.origin.clone()))
    }
    match key {
        Key::Profile => {
            let name = profile.name()?.to_string();
            Some((name, Layer::TopLevel, profile.selection.origin.clone()))
        }
        Key::ApiUrl => of(&profile.api_url),
        Key::Tenant => of(&profile.tenant),
        Key::ClientId => of(&profile.client_id),
        Key::Credential => of(&profile.credential),
        Key::Store => of(&Some(profile.store.clone())),
        Key::Output => of(&profile.output),
        Key::Ring => of(&profile.ring),
        Key::NoTelemetry => of(&profile.no_telemetry),
    }
}

/// A variable's token is a value of the profile too; it is named, never shown.
fn token(session: &Session, profile: &Resolved) -> Option<SettingRow> {
    let used = session.config().ok()?.token_variable(profile, true).used?;
    Some(SettingRow { key: "token", value: Some("(set)".to_owned()), origin: Some(used.name) })
}

pub fn view(rows: &[SettingRow]) -> View {
    View::Table {
        columns: vec![Column::kept("KEY"), Column::kept("VALUE"), Column::kept("ORIGIN")],
        rows: rows
            .iter()
            .map(|row| {
                vec![
                    Cell::new(row.key),
                    Cell::or_absent(row.value.clone()),
                    Cell::new(row.origin.clone().unwrap_or_default()).tone(Tone::Faint),
                ]
            })
            .collect(),
        empty: "",
    }
}
