//! `config.toml` and what it says: profiles that can't be used, keys that mean nothing.

use crate::config::{Config, ConfigError, Selection, resolve, select};
use crate::domain::{Hint, Key, Origin, ProfileName, autocom};
use crate::error::Error;
use crate::session::doctor::finding::{Finding, Section, edit};
use crate::session::doctor::patient::Patient;
use crate::session::doctor::pins;
use crate::system::paths::Place;

/// A file that can't be understood at all.
pub(crate) fn unreadable(error: &ConfigError, place: Option<&Place>) -> Finding {
    let line = match error {
        ConfigError::Syntax { line, .. } | ConfigError::Shape { line, .. } => Some(*line),
        _ => None,
    };
    let finding = Finding::broken(Section::Profiles, "config.toml", error.to_string());
    match place {
        Some(place) => finding.fix(edit(&place.path, line)),
        None => finding,
    }
}

pub(crate) fn look(config: &Config, patients: &mut Vec<Patient>) -> Vec<Finding> {
    let (mut found, path) = (Vec::new(), config.document.path());
    for unknown in config.document.unknown_keys() {
        let meant = unknown.nearest.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default();
        let words = format!(
            "{}:{}: autocom does not know the key `{}`{meant}",
            path.display(),
            unknown.line,
            unknown.name
        );
        found.push(
            Finding::warn(Section::Profiles, "unknown key", words)
                .fix(autocom("config unset").value(&unknown.name)),
        );
    }
    for profile in config.document.invalid_profiles() {
        let words = format!("{}:{}: {profile}", path.display(), profile.line);
        let finding = Finding::broken(Section::Profiles, "config.toml", words).fix(profile.fix());
        // Two that clash are one mistake.
        if found.last().is_none_or(|last: &Finding| last.finding != finding.finding) {
            found.push(finding);
        }
    }
    for name in config.profiles() {
        match resolve(config, Selection::one_of_several(name.clone())) {
            Ok(profile) => patients.push(Patient { label: name.to_string(), profile }),
            Err(error) => found.push(unusable(config, Some(&name), error)),
        }
    }
    let all_resolved = patients.len() == config.profiles().len();
    match select(config) {
        Ok(selection) => {
            let listed = selection.name.as_ref().is_some_and(|name| config.profiles().contains(name));
            match resolve(config, selection) {
                Ok(profile) => {
                    let words = match &profile.api_url {
                        Some(url) => {
                            format!("{} ({}), by {}", profile.label(), url.value, profile.selection.origin)
                        }
                        None => "no environment is selected".to_owned(),
                    };
                    found.push(Finding::ok(Section::Profiles, "selected", words));
                    if !listed && profile.api_url.is_some() {
                        patients.push(Patient { label: profile.label().to_owned(), profile });
                    }
                }
                Err(error) => {
                    let finding = unusable(config, None, error);
                    // Of a profile that is listed, or that has it from the top level, it was said above.
                    if !listed && found.iter().all(|known: &Finding| known.finding != finding.finding) {
                        found.push(finding);
                    }
                }
            }
        }
        // Of the file itself that was said already.
        Err(error) if error.is_of_file() => {}
        Err(error) => found.push(unusable(config, None, error)),
    }
    if all_resolved && !config.profiles().is_empty() {
        found.extend(idle_keys(config, patients));
    }
    found.extend(pins::look(config));
    found
}

/// `name`: whose values these are, or the selection's.
fn unusable(config: &Config, name: Option<&ProfileName>, error: ConfigError) -> Finding {
    let path = config.document.path();
    let own = |name: &ProfileName, key: Key| {
        !name.is_default() && config.document.profile(name).is_some_and(|table| table.get(key).is_some())
    };
    let fix: Option<Hint> = match &error {
        ConfigError::Invalid { origin: Origin::Variable(variable), .. }
        | ConfigError::UnknownProfile { origin: Origin::Variable(variable), .. } => {
            Some(format!("unset {variable}").into())
        }
        ConfigError::UnknownProfile { origin: Origin::Pin(directory), .. } => {
            Some(autocom("profiles unpin").value(directory.display()).into())
        }
        ConfigError::UnknownProfile { origin: Origin::Repository(path), .. } => {
            Some(autocom("profiles unpin").option("--file", path.display()).into())
        }
        // Without an address a profile is none: somebody must say what it is.
        ConfigError::Invalid { key: Key::ApiUrl, origin: Origin::File { line, .. }, .. } => {
            Some(edit(path, Some(*line)).into())
        }
        ConfigError::Invalid { key, origin: Origin::File { .. }, .. } => {
            let unset = autocom("config unset");
            Some(Hint::from(match name.filter(|name| own(name, *key)) {
                Some(name) => unset.value(format_args!("profiles.{name}.{key}")),
                None => unset.value(key),
            }))
        }
        ConfigError::UnknownProfile { origin: Origin::File { .. }, existing, .. } => {
            Some(Hint::from(match existing.first() {
                Some(nearest) => autocom("profiles use").value(nearest),
                None => autocom("config unset profile"),
            }))
        }
        _ => None,
    };
    let check = name.map_or("selected", ProfileName::as_str);
    let finding = Finding::failed(Section::Profiles, check, Error::from(error));
    match fix {
        Some(command) => finding.fix(command),
        None => finding,
    }
}

/// Keys of the top level that are every profile's to take and that none takes.
fn idle_keys(config: &Config, patients: &[Patient]) -> Vec<Finding> {
    let top = config.document.top();
    top.iter()
        .filter(|(key, _)| key.in_profile() && *key != Key::ApiUrl)
        .filter_map(|(key, entry)| {
            let origin = config.document.origin_of(entry);
            let taken =
                |patient: &Patient| patient.profile.value_of(key).is_some_and(|value| value.origin == origin);
            // A variable may stand in front of it for now.
            let hidden = |patient: &Patient| {
                patient
                    .profile
                    .value_of(key)
                    .is_some_and(|value| matches!(value.origin, Origin::Variable(_) | Origin::Flag(_)))
            };
            if patients.iter().any(|patient| taken(patient) || hidden(patient)) {
                return None;
            }
            let words = format!("no profile takes the top level's `{key}` ({origin})");
            Some(
                Finding::warn(Section::Profiles, "unused key", words).fix(autocom("config unset").value(key)),
            )
        })
        .collect()
}
