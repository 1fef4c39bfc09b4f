//! Profiles on their way from one home to another: what `profiles export` writes, and what an import of it
//! would change.
//!
//! What travels is what a profile *is*: its address and its identity, also where it has them from the top
//! level or from its login, so that it means the same where the top level says something else. What belongs
//! to a machine stays: `store` (is there a keychain?), `ca_bundle` (a path), and the preferences of the top level.
//! `credential` travels: it is a name, and what keeps two users of one environment apart.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use super::document::canonical;
use super::resolve::resolve;
use super::{Config, ConfigEdit, ConfigError, Document, EditTarget, Entry, Flags, Logins, Selection};
use crate::domain::{ApiUrl, Inheritance, Key, Layer, ProfileName};
use crate::system::environment::Environment;

/// A profile as it travels, its values canonical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    pub name: ProfileName,
    pub values: BTreeMap<Key, String>,
    /// What belongs to this machine.
    pub left: BTreeMap<Key, String>,
}

/// What an import does to one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: ProfileName,
    pub is_new: bool,
    pub changes: Vec<SettingChange>,
}

/// What an import comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// What becomes of profiles that are not imported: a new top level is what they fall back to.
    pub side_effects: Vec<Step>,
    /// Profiles whose stored credential another origin issued, which is that one's address.
    pub foreign: Vec<(ProfileName, ApiUrl)>,
}

impl Plan {
    /// Makes the changes that take `wanted` over.
    pub fn take(edit: &mut ConfigEdit, captured: &Logins, wanted: &[Shared]) -> Result<Plan, ConfigError> {
        let config =
            |document| Config::new(document, captured.clone(), Environment::default(), Flags::default());
        let before = config(edit.preview()?)?;
        let steps = steps(&before, wanted)?;
        take(edit, &steps)?;
        let after = config(edit.preview()?)?;
        let foreign = steps.iter().filter_map(|step| {
            let profile = resolve(&after, Selection::listed(step.name.clone())).ok()?;
            let login =
                profile.login.as_ref().filter(|login| profile.is_foreign() && !login.is_logged_out())?;
            Some((step.name.clone(), login.api_url.clone()?))
        });
        let (foreign, side_effects) = (foreign.collect(), side_effects(&before, &after, wanted));
        Ok(Plan { steps, side_effects, foreign })
    }

    /// The new profiles that come with something that makes them less safe: a way that their requests take, an
    /// authority that they trust, or leave to change what is protected.
    pub fn risky(&self) -> Vec<String> {
        let is_risky = |change: &&SettingChange| match (change.key, change.new.as_deref()) {
            (Key::Proxy | Key::CaBundle, Some(_)) => true,
            (Key::Protected, Some(value)) => value == "false",
            _ => false,
        };
        let new = self.steps.iter().filter(|step| step.is_new);
        let changes =
            new.flat_map(|step| step.changes.iter().filter(is_risky).map(move |change| (step, change)));
        changes.map(|(step, change)| format!("{} ({})", step.name, change.key)).collect()
    }

    /// What an import without force must not do.
    pub fn is_bold(&self) -> bool {
        !self.side_effects.is_empty() || self.steps.iter().any(|step| !step.is_new)
    }
}

/// A key's value here and in what is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    pub key: Key,
    pub old: Option<String>,
    pub new: Option<String>,
}

fn belongs_to_machine(key: Key) -> bool {
    matches!(key, Key::Store | Key::CaBundle)
}

/// Whether the profile `default` owns it: at the top level, preferences are everybody's.
fn is_of_default(key: Key) -> bool {
    key == Key::ApiUrl || (key.in_profile() && key.inheritance() != Inheritance::Always)
}

/// Whether a profile takes it along wherever it has it from.
fn is_of_identity(key: Key) -> bool {
    key == Key::ApiUrl
        || matches!(key.inheritance(), Inheritance::SameEnvironment | Inheritance::SameEnvironmentElseLast)
}

/// The profile as it travels.
///
/// # Errors
/// A value of it that is none.
pub fn shared(config: &Config, name: &ProfileName) -> Result<Shared, ConfigError> {
    let resolved = resolve(config, Selection::listed(name.clone()))?;
    let mut shared = Shared { name: name.clone(), values: BTreeMap::new(), left: BTreeMap::new() };
    let keys = Key::ALL
        .into_iter()
        .filter(|key| if name.is_default() { is_of_default(*key) } else { key.in_profile() });
    for key in keys {
        let value = if is_of_identity(key) {
            resolved.value_of(key).filter(|it| it.layer != Layer::BuiltIn).map(|it| it.value)
        } else {
            match config.document.table_of(name).and_then(|table| table.get(key)) {
                Some(entry) => canonical(&config.document, key, entry)?,
                None => None,
            }
        };
        if let Some(value) = value {
            let place = if belongs_to_machine(key) { &mut shared.left } else { &mut shared.values };
            place.insert(key, value);
        }
    }
    Ok(shared)
}

/// What it would change here to take these profiles over: a step for each that is new or differs.
/// Keys that they don't name stay.
fn steps(config: &Config, wanted: &[Shared]) -> Result<Vec<Step>, ConfigError> {
    let (mut steps, mut new) = (Vec::new(), Vec::new());
    for profile in wanted {
        let is_new = if profile.name.is_default() {
            config.document.top().get(Key::ApiUrl).and_then(Entry::text).is_none()
        } else {
            !config.exists(&profile.name)
        };
        if is_new && !profile.name.is_default() {
            new.push(&profile.name);
        }
        let here = if is_new { BTreeMap::new() } else { everything(config, &profile.name) };
        let changes = differences(&here, &profile.values, false);
        if is_new || !changes.is_empty() {
            steps.push(Step { name: profile.name.clone(), is_new, changes });
        }
    }
    config.check_new_names(new)?;
    Ok(steps)
}

/// What the profiles that are not among `wanted` would turn into, had `config` become `after`.
fn side_effects(config: &Config, after: &Config, wanted: &[Shared]) -> Vec<Step> {
    let wanted: HashSet<&ProfileName> = wanted.iter().map(|it| &it.name).collect();
    let others = config.profiles().into_iter().filter(|name| !wanted.contains(name));
    others
        .filter_map(|name| {
            let changes = differences(&everything(config, &name), &everything(after, &name), true);
            (!changes.is_empty()).then_some(Step { name, is_new: false, changes })
        })
        .collect()
}

/// What travels and what doesn't; of a profile with a bad value, nothing.
fn everything(config: &Config, name: &ProfileName) -> BTreeMap<Key, String> {
    let shared = shared(config, name).map(|mut shared| {
        shared.values.append(&mut shared.left);
        shared.values
    });
    shared.unwrap_or_default()
}

fn differences(old: &BTreeMap<Key, String>, new: &BTreeMap<Key, String>, whole: bool) -> Vec<SettingChange> {
    let gone = old.keys().filter(|key| whole && !new.contains_key(key));
    let keys = new.keys().chain(gone).filter(|key| old.get(key) != new.get(key));
    keys.map(|key| SettingChange { key: *key, old: old.get(key).cloned(), new: new.get(key).cloned() })
        .collect()
}

/// What is to be imported, every value looked at; and the keys that are passed over, since they are
/// nobody's but this machine's.
pub fn to_import(document: &Document) -> Result<(Vec<Shared>, Vec<Key>), ConfigError> {
    if let Some(invalid) = document.invalid_profiles().next() {
        return Err(document.invalid_profile(invalid));
    }
    let (mut found, mut passed_over) = (Vec::new(), Vec::new());
    let default = ProfileName::default_profile();
    let has_default = document.top().get(Key::ApiUrl).and_then(Entry::text).is_some();
    for (name, table) in std::iter::once((&default, document.top())).chain(document.profiles()) {
        let mut values = BTreeMap::new();
        for (key, entry) in table.iter() {
            let Some(value) = canonical(document, key, entry)? else { continue };
            if name.is_default() && !(has_default && is_of_default(key)) {
                passed_over.push(key);
            } else {
                values.insert(key, value);
            }
        }
        if !name.is_default() && !values.contains_key(&Key::ApiUrl) {
            let line = table.iter().map(|(_, entry)| document.line_of(entry)).min();
            return Err(ConfigError::NoAddress {
                name: name.to_string(),
                line,
                path: document.path().into(),
            });
        }
        if !name.is_default() || has_default {
            found.push(Shared { name: name.clone(), values, left: BTreeMap::new() });
        }
    }
    Ok((found, passed_over))
}

/// The profiles as a file that can be imported, and would do as a `config.toml` too.
pub fn to_toml(profiles: &[Shared], header: &str) -> String {
    let mut text = header.lines().fold(String::new(), |text, line| text + "# " + line + "\n");
    for profile in profiles {
        if !profile.name.is_default() {
            let _ = write!(text, "\n[profiles.{}]", profile.name);
        }
        text.push('\n');
        for (key, value) in &profile.values {
            let _ = writeln!(text, "{key} = {}", spelled(*key, value));
        }
        for (key, value) in &profile.left {
            let _ = writeln!(text, "# of this machine: {key} = {}", spelled(*key, value));
        }
    }
    text
}

fn spelled(key: Key, value: &str) -> String {
    if key.is_bool() { value.to_owned() } else { toml_edit::Value::from(value).to_string() }
}

fn take(edit: &mut ConfigEdit, steps: &[Step]) -> Result<(), ConfigError> {
    let changes = steps.iter().flat_map(|step| {
        let target = EditTarget::new(&step.name);
        let new = step.changes.iter().filter_map(|it| Some((it.key, it.new.as_deref()?)));
        new.map(move |(key, new)| (target.clone(), key, new))
    });
    edit.set_all(&changes.collect::<Vec<_>>())
}
