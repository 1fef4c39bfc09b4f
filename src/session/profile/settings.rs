//! A profile's values with their origins: what `config list`, `config get` and `profiles show` print.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Explanation, Resolved, token_variable};
use crate::domain::{Key, Origin};
use crate::session::context::Context;
use crate::session::profile::switch;

/// A key, its effective value and where that comes from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SettingRow {
    pub key: &'static str,
    pub value: Option<String>,
    pub origin: Option<String>,
}

/// Every key in the order of the table of keys.
pub fn settings(context: &Context, profile: &Resolved) -> Vec<SettingRow> {
    Key::ALL
        .into_iter()
        .map(|key| {
            let found = profile.value_of(key);
            let (value, origin) = found.map(|found| (found.value, found.origin.to_string())).unzip();
            SettingRow { key: key.as_str(), value, origin }
        })
        .chain(token(context, profile))
        .collect()
}

/// A value as it was typed: a relative path is meant from here, but the file counts it from its own folder.
pub fn typed<'v>(context: &Context, key: Key, value: &'v str) -> Result<Cow<'v, str>, crate::error::Error> {
    Ok(match key {
        Key::CaBundle if !value.starts_with('~') && !value.is_empty() => {
            switch::absolute(context, value.as_ref())?.display().to_string().into()
        }
        _ => value.into(),
    })
}

/// A variable's token is a value of the profile too; it is named, never shown.
fn token(context: &Context, profile: &Resolved) -> Option<SettingRow> {
    let used = token_variable(context.config().ok()?, profile, true).used?;
    Some(SettingRow { key: "token", value: Some("(set)".to_owned()), origin: Some(used.name) })
}

/// A key, its effective value, and what lost against it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedRow {
    #[serde(flatten)]
    pub setting: SettingRow,
    /// What is set too, but does not hold; the nearest to winning first.
    pub losers: Vec<LoserRow>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LoserRow {
    pub value: String,
    pub origin: String,
    /// Why it lost, or doesn't count.
    pub why: String,
}

/// As [`settings`], with what lost; the token too.
pub fn explained(context: &Context, explanation: &Explanation) -> Vec<ExplainedRow> {
    let keys = explanation.keys.iter().map(|explained| {
        let winner = explained.winner.as_ref();
        let losers = explained.losers.iter().map(|loser| LoserRow {
            value: loser.value.clone(),
            origin: loser.origin.to_string(),
            why: loser.why.clone(),
        });
        ExplainedRow {
            setting: SettingRow {
                key: explained.key.as_str(),
                value: winner.map(|winner| winner.value.clone()),
                origin: winner.map(|winner| winner.origin.to_string()),
            },
            losers: losers.collect(),
        }
    });
    keys.chain([explained_token(context, &explanation.profile)]).collect()
}

/// Where the token comes from: named, never shown.
fn explained_token(context: &Context, profile: &Resolved) -> ExplainedRow {
    let set = || "(set)".to_owned();
    let used = token(context, profile);
    let own = profile.name().map(|name| name.token_variable());
    let mut losers = Vec::new();
    for name in own.into_iter().chain([AMBIENT.to_owned()]) {
        let is_used = used.as_ref().and_then(|used| used.origin.as_ref()) == Some(&name);
        if is_used || context.environment().var(&name).is_none() {
            continue;
        }
        let why = match &used {
            Some(SettingRow { origin: Some(origin), .. }) if name == AMBIENT => {
                format!("{origin} is the profile's own")
            }
            _ if name == AMBIENT => "it belongs to another environment".to_owned(),
            _ => "it is for the profile's own address only".to_owned(),
        };
        losers.push(LoserRow { value: set(), origin: name, why });
    }
    let stored = profile.login.as_ref().filter(|login| !login.is_logged_out() && !profile.is_foreign());
    let stored = stored.map(|login| {
        let origin = Origin::Login { at: login.logged_in_at };
        ("(stored)".to_owned(), origin.to_string())
    });
    let setting = match (used, stored) {
        (Some(used), Some((value, origin))) => {
            let why = "a token from a variable comes before the stored one".to_owned();
            losers.push(LoserRow { value, origin, why });
            used
        }
        (Some(used), None) => used,
        (None, stored) => {
            let (value, origin) = stored.unzip();
            SettingRow { key: "token", value, origin }
        }
    };
    ExplainedRow { setting, losers }
}

const AMBIENT: &str = "AUTOCOM_TOKEN";
