//! Why each value is what it is: what was offered for it, and why the rest lost or doesn't count.

use figment::value::Value;

use super::layer_value::LayerValue;
use super::resolve::resolve_with_candidates;
use super::selection::{outer_selection_candidates, select_candidate, selection_candidates};
use super::{Config, ConfigError, Resolved, Selection, SelectionCandidate, Setting};
use crate::domain::{Inheritance, Key, Origin, ProfileName};

/// A profile, and why its values are what they are.
pub struct Explanation {
    pub profile: Resolved,
    /// Every key in the order of the table of keys.
    pub keys: Vec<Explained>,
}

pub struct Explained {
    pub key: Key,
    pub winner: Option<Setting<String>>,
    /// The nearest to winning first.
    pub losers: Vec<Loser>,
}

/// A value that is set somewhere, but does not hold.
pub struct Loser {
    pub value: String,
    pub origin: Origin,
    pub why: String,
}

/// As [`Config::resolve`], with all that lost. Who wins is decided there: here it is only told.
pub fn explain(config: &Config, selection: Selection) -> Result<Explanation, ConfigError> {
    let (profile, mut candidates) = resolve_with_candidates(config, selection)?;
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.layer));
    let keys = Key::ALL.map(|key| {
        let winner = profile.value_of(key);
        let won = |c: &&LayerValue| {
            winner.as_ref().is_some_and(|winner| winner.layer == c.layer && winner.origin == c.origin)
        };
        let merged = candidates.iter().filter(|candidate| candidate.key == key);
        let overridden = merged.filter(|candidate| !won(candidate)).map(|candidate| Loser {
            value: text(key, &candidate.value),
            origin: candidate.origin.clone(),
            why: overridden(candidate, winner.as_ref()),
        });
        let overridden = overridden.chain(uncounted(config, &profile, key, &candidates));
        let losers = match key {
            Key::Profile => outvoted(config, &profile.selection.origin),
            _ => overridden.collect(),
        };
        Explained { key, winner, losers }
    });
    Ok(Explanation { keys: keys.into(), profile })
}

/// What else names a profile here.
fn outvoted(config: &Config, winner: &Origin) -> Vec<Loser> {
    let mut voices: Vec<SelectionCandidate> = selection_candidates(config).filter_map(Result::ok).collect();
    let kind = voices.iter().find(|voice| voice.origin == *winner).map(|voice| voice.by);
    voices.extend(outer_selection_candidates(config));
    voices.sort_by_key(|voice| voice.by); // the nearer of a kind stay before the others
    voices
        .into_iter()
        .filter(|voice| voice.origin != *winner)
        .map(|other| {
            let value = match select_candidate(config, &other) {
                Ok(Selection { name: Some(name), .. }) => name.to_string(),
                Ok(_) => "(unnamed)".to_owned(),
                // What is no name may hold a password: it is not shown.
                Err(_) => "(no profile)".to_owned(),
            };
            let why = match other.by {
                by if Some(by) == kind => format!("{winner} is nearer"),
                _ => format!("{winner} comes first"),
            };
            Loser { value, origin: other.origin, why }
        })
        .collect()
}

/// What is set for `key`, but was not even a candidate.
fn uncounted(config: &Config, profile: &Resolved, key: Key, candidates: &[LayerValue]) -> Vec<Loser> {
    let mut losers = Vec::new();
    let is_default = profile.name().is_some_and(ProfileName::is_default);
    let empty = "it is empty, which counts as unset";
    let is_blank = key.variable().filter(|name| config.environment.is_blank(name));
    losers.extend(is_blank.map(|name| Loser {
        value: String::new(),
        origin: Origin::Variable(name.to_owned()),
        why: empty.to_owned(),
    }));
    let own = profile.name().filter(|_| !is_default).and_then(|name| config.document.profile(name));
    let top = Some(config.document.top()).filter(|_| key != Key::Profile);
    let entries = [(own, true), (top, is_default)];
    for (entry, is_own) in entries.into_iter().filter_map(|(table, own)| Some((table?.get(key)?, own))) {
        let origin = config.document.origin_of(entry);
        if candidates.iter().any(|candidate| candidate.key == key && candidate.origin == origin) {
            continue;
        }
        let value = text(key, &entry.value);
        let why = match key.inheritance() {
            _ if entry.value.as_str().is_some_and(|text| text.trim().is_empty()) => empty.to_owned(),
            _ if is_own => format!("a profile's table can't hold `{key}`"),
            Inheritance::Never => {
                format!("`{key}` is never taken from the top level: it is part of an identity")
            }
            _ => format!("the top level's {key} belongs to another environment"),
        };
        losers.push(Loser { value, origin, why });
    }
    let login = profile.login.as_ref().filter(|_| profile.is_foreign());
    let learned = login.and_then(|login| match key {
        Key::Tenant => login.tenant.as_ref().map(ToString::to_string),
        Key::ClientId => login.client_id.as_ref().map(ToString::to_string),
        Key::Scope => login.scope.as_ref().map(ToString::to_string),
        _ => None,
    });
    losers.extend(login.zip(learned).map(|(login, value)| Loser {
        value,
        origin: Origin::Login { at: login.logged_in_at },
        why: "that login belongs to another environment".to_owned(),
    }));
    losers
}

/// Why a value that was merged is not the one that holds.
fn overridden(loser: &LayerValue, winner: Option<&Setting<String>>) -> String {
    let Some(winner) = winner else { return "nothing holds here".to_owned() };
    if loser.key == Key::Credential {
        return format!("{} turned the profile to another address, whose credential counts", winner.origin);
    }
    format!("{} comes before {}", winner.layer.as_str(), loser.layer.as_str())
}

/// What is no value of the key is not shown: a password may stand in an address.
fn text(key: Key, value: &Value) -> String {
    match (value.as_str(), value.to_bool()) {
        (Some(text), _) if text.trim().is_empty() => String::new(),
        (Some(text), _) => key.canonical(text).unwrap_or_else(|_| "(no valid value)".to_owned()),
        (None, Some(flag)) => flag.to_string(),
        (None, None) => "(not a string)".to_owned(),
    }
}
