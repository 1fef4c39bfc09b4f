//! Whether a profile is read-only until somebody says otherwise.

use super::document::{Table, canonical};
use super::error::ConfigError;
use super::guarded::{Guarded, GuardedBy, Protection};
use super::resolve::resolve;
use super::{Config, Entry, Resolved, Selection, Setting};
use crate::domain::{ApiUrl, Argument, Key, Layer, ProfileName, autocom, one_line};

/// Protection that a change of `config.toml` takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loosened {
    /// The protected profile, whose name confirms the change.
    pub name: String,
    /// Where it is; `None`: that can't be read.
    pub url: Option<ApiUrl>,
    /// What the change does, such as `remove profile prod`.
    pub change: String,
}

/// What `after` takes from the protection that holds now. A profile that is only renamed keeps its own.
pub fn loosened_by(config: &Config, after: &Config) -> Vec<Loosened> {
    let has = |config: &Config, name: &str| name.parse().is_ok_and(|name| config.exists(&name));
    let guards = guarded(config).iter().filter(|guard| {
        let is_gone = !has(after, guard.name());
        let is_kept_by = |other: &Guarded| {
            let at = |url: &ApiUrl| other.url.as_ref().is_none_or(|own| own.same_place(url));
            let may_be_it = other.name() == guard.name() || is_gone && !has(config, other.name());
            may_be_it && guard.url.as_ref().is_none_or(at)
        };
        !guarded(after).iter().any(is_kept_by)
    });
    let ended = guards.map(|guard| {
        let name = guard.name();
        let shown = one_line(name);
        let url = name.parse().ok().and_then(|name| after.own_api_url(&name));
        let moved = url.filter(|url| guard.url.as_ref().is_some_and(|own| !own.same_place(url)));
        let change = match moved {
            _ if !has(after, name) => format!("remove profile {shown}"),
            Some(url) => format!("move profile {shown} to {url}"),
            None => format!("remove the protection of profile {shown}"),
        };
        Loosened { name: name.to_owned(), url: guard.url.clone(), change }
    });
    let mut all: Vec<Loosened> = ended.collect();
    if guarded(config).is_empty() {
        return all;
    }
    for name in after.profiles() {
        let Some(url) = opening(after, &name) else { continue };
        let Some(guard) = guard_at(config, &url) else { continue };
        let was_open = |name: &ProfileName| opening(config, name).as_ref() == Some(&url);
        let is_renamed = || {
            let gone = config.profiles().into_iter().filter(|other| !after.exists(other));
            !config.exists(&name) && gone.into_iter().any(|other| was_open(&other))
        };
        if !was_open(&name) && !is_renamed() && !all.iter().any(|other| other.name == guard.name()) {
            let change = format!("allow unconfirmed changes at {} through profile {name}", url.authority());
            all.push(Loosened { name: guard.name().to_owned(), url: guard.url.clone(), change });
        }
    }
    all
}

/// The address of `name`, if something is protected there and `name` is not held to it.
fn opening(config: &Config, name: &ProfileName) -> Option<ApiUrl> {
    let profile = resolve(config, Selection::listed(name.clone())).ok()?;
    let is_open = matches!(protection(config, &profile), Ok(None));
    let url = profile.api_url.filter(|_| is_open)?.value;
    guard_at(config, &url).is_some().then_some(url)
}

/// What protects `profile`, if anything does.
///
/// Protection is the environment's, and there is no way round by another name: a protected profile of
/// the same host protects every other that leads there. Only what a profile's own table says of its own
/// address opens it.
///
/// # Errors
/// A profile of that host can't be read, or the address of a protected one can't: then nobody knows whether
/// it is protected.
pub fn protection(config: &Config, profile: &Resolved) -> Result<Option<Protection>, ConfigError> {
    let Some(url) = profile.api_url.as_ref().map(|url| &url.value) else { return Ok(protected(profile)) };
    let at_home = profile.name().is_some() && profile.own_api_url.as_ref() == Some(url);
    if at_home {
        let own = protected(profile);
        let is_default = profile.name().is_some_and(ProfileName::is_default);
        let opened = matches!(&profile.protected, Some(Setting { value: false, layer, .. })
            if is_default || *layer == Layer::Profile);
        if own.is_some() || opened {
            return Ok(own);
        }
    }
    // Turned to another address, it is that one's protection that counts first.
    let there = protected_at(config, url)?;
    Ok(there.or_else(|| protected(profile)))
}

fn protected_at(config: &Config, url: &ApiUrl) -> Result<Option<Protection>, ConfigError> {
    match guard_at(config, url) {
        None => Ok(None),
        Some(Guarded { by: GuardedBy::Protection(protection), .. }) => Ok(Some(protection.clone())),
        // Once more, for what is wrong with it.
        Some(Guarded { by: GuardedBy::Unreadable(name), .. }) => {
            match resolve(config, Selection::listed(name.clone())) {
                Ok(profile) => Ok(protected(&profile)),
                Err(source) => Err(unknown_guard(config, name, source)),
            }
        }
        Some(Guarded { by: GuardedBy::Invalid(profile), .. }) => Err(ConfigError::UnknownGuard {
            name: profile.name.clone(),
            fix: profile.fix(),
            source: Box::new(config.document.invalid_profile(profile)),
        }),
    }
}

fn guard_at<'c>(config: &'c Config, url: &ApiUrl) -> Option<&'c Guarded> {
    let guarded = guarded(config);
    let there = |guarded: &&Guarded| guarded.url.as_ref().is_some_and(|own| own.same_place(url));
    // One that leads nobody knows where may lead there.
    let anywhere = |guarded: &&Guarded| guarded.url.is_none();
    guarded.iter().find(there).or_else(|| guarded.iter().find(anywhere))
}

/// The profiles that are protected at their own addresses, or might be. Looked for once: a list asks for
/// every row.
fn guarded(config: &Config) -> &[Guarded] {
    config.guarded.get_or_init(|| {
        if !config.document.mentions(Key::Protected) {
            return Vec::new();
        }
        let guarded = |name: ProfileName| match resolve(config, Selection::listed(name.clone())) {
            Ok(profile) => {
                let (url, protection) = (profile.own_api_url.clone()?, protected(&profile)?);
                Some(Guarded { url: Some(url), by: GuardedBy::Protection(protection) })
            }
            Err(_) if may_be_protected(config, config.document.table_of(&name)) => {
                Some(Guarded { url: config.own_api_url(&name), by: GuardedBy::Unreadable(name) })
            }
            Err(_) => None,
        };
        let default = ProfileName::default_profile();
        // The top level's protection stands, whatever `[profiles.default]` is.
        let hidden = config.document.top().get(Key::ApiUrl).filter(|_| !config.exists(&default));
        let usable = config.profiles().into_iter().chain(hidden.map(|_| default));
        let invalid = config.document.invalid_tables();
        let invalid = invalid.filter(|(_, table)| may_be_protected(config, Some(table)));
        let invalid = invalid.map(|(profile, table)| Guarded {
            url: config.api_url_in(Some(table)),
            by: GuardedBy::Invalid(profile.clone()),
        });
        usable.filter_map(guarded).chain(invalid).collect()
    })
}

/// Of a profile that can't be resolved. One that has it from the top level of its own environment is guarded
/// by the profile `default`, whose that is.
fn may_be_protected(config: &Config, table: Option<&Table>) -> bool {
    let says = |entry: &Entry| match canonical(&config.document, Key::Protected, entry) {
        Ok(value) => value.map(|value| value == "true"),
        Err(_) => Some(true),
    };
    let own = table.and_then(|table| table.get(Key::Protected)).and_then(says);
    let top = config.document.top().get(Key::Protected).filter(|_| config.top_url.is_none()).and_then(says);
    own.or(top).unwrap_or(false)
}

/// `source`: why `name`, which may be protected, can't be read.
fn unknown_guard(config: &Config, name: &ProfileName, source: ConfigError) -> ConfigError {
    let fix = match &source {
        ConfigError::Invalid { key, .. } => {
            let own = config.document.profile(name).and_then(|table| table.get(*key));
            let value = match key {
                Key::ApiUrl => "URL",
                Key::Protected => "true",
                _ => "VALUE",
            };
            match own {
                Some(_) => autocom("profiles set")
                    .value(name)
                    .argument(Argument::placeholder(format!("{key}="), value)),
                None => autocom("config set").value(key).placeholder(value),
            }
        }
        _ => autocom("config edit"),
    };
    ConfigError::UnknownGuard { name: name.to_string(), fix, source: Box::new(source) }
}

fn protected(profile: &Resolved) -> Option<Protection> {
    match (profile.name(), &profile.protected) {
        (Some(name), Some(Setting { value: true, origin, .. })) => {
            Some(Protection { name: name.clone(), origin: origin.clone() })
        }
        _ => None,
    }
}
