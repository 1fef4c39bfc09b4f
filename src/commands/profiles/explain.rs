//! `profiles show --explain`: the values with all that lost against them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Explanation;
use crate::domain::{Key, autocom, unknown_key};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::settings::{ExplainedRow, explained};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

/// `autocom profiles show --explain -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles show --explain")]
pub struct ExplainAnswer {
    pub profile: Option<String>,
    /// What selected it.
    pub selected_by: String,
    pub settings: Vec<ExplainedRow>,
}

impl ExplainAnswer {
    /// Of all keys, or of the one that is named.
    pub fn new(
        context: &Context,
        explanation: &Explanation,
        selected_by: String,
        key: Option<&str>,
    ) -> Result<ExplainAnswer> {
        let mut settings = explained(context, explanation);
        if let Some(key) = key {
            settings.retain(|row| row.setting.key == key);
        }
        if let (Some(key), true) = (key, settings.is_empty()) {
            return Err(no_key(context, key));
        }
        let profile = explanation.profile.name().map(ToString::to_string);
        Ok(ExplainAnswer { profile, selected_by, settings })
    }
}

fn no_key(context: &Context, text: &str) -> Error {
    let is_profile = text.parse().is_ok_and(|name| context.config().is_ok_and(|config| config.exists(&name)));
    let explained = Key::ALL.map(Key::as_str).into_iter().chain(["token"]).collect::<Vec<_>>();
    match text.parse::<Key>() {
        _ if is_profile => Error::usage(format!("`{text}` is a profile, no key"))
            .hint(autocom("profiles show").value(text).words("--explain")),
        Err(_) => {
            Error::usage(unknown_key(text, &explained).to_string()).hint(autocom("profiles show --explain"))
        }
        Ok(_) => {
            Error::usage(format!("`{text}` has no value to explain")).hint(autocom("profiles show --explain"))
        }
    }
}

impl Viewed for ExplainAnswer {
    fn view(&self) -> View {
        let mut rows = Vec::new();
        for ExplainedRow { setting, losers } in &self.settings {
            rows.push(vec![
                Cell::new(setting.key).tone(Tone::Strong),
                Cell::or_absent(setting.value.clone()),
                Cell::new(setting.origin.clone().unwrap_or_default()),
                Cell::new(""),
            ]);
            rows.extend(losers.iter().map(|loser| {
                let faint = |text: &str| Cell::new(text).tone(Tone::Faint);
                vec![
                    faint("  not").plain(setting.key),
                    faint(&loser.value),
                    faint(&loser.origin),
                    faint(&loser.why),
                ]
            }));
        }
        let columns = ["KEY", "VALUE", "ORIGIN", "WHY NOT"].map(Column::kept).to_vec();
        View::Table { columns, rows, empty: "" }
    }
}
