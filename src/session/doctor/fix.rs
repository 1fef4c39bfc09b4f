//! `--fix`: what is safe. The content of `config.toml`, the only copy of a credential and who is logged in
//! are never touched.

use std::collections::HashMap;

use crate::config::{Login, Logins, Resolved, Selection, resolve};
use crate::credentials::Stored;
use crate::domain::{CredentialKey, ProfileName, StoreChoice};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::credential::logins::login_of;
use crate::session::doctor::finding::{Finding, Remedy};
use crate::system::{editor, file_status, files};

pub(crate) fn fix(context: &Context, found: &mut [Finding]) {
    let (mut places, mut entries) = (Vec::new(), Vec::new());
    // In the report's order modes come first: what is read later would tighten them unsaid.
    for (n, finding) in found.iter_mut().enumerate() {
        match finding.remedy.take() {
            // All together: each costs as much as the files are long.
            Some(Remedy::Entry(key, choice)) => {
                places.push(n);
                entries.push((key, choice));
            }
            Some(remedy) => finding.settle(apply(context, &remedy)),
            None => {}
        }
    }
    if !entries.is_empty() {
        for (n, outcome) in places.into_iter().zip(bring_in_line(context, &entries)) {
            found[n].settle(outcome);
        }
    }
}

/// What was done, in a sentence. Everything is looked at again: others may have been faster.
fn apply(context: &Context, remedy: &Remedy) -> Result<String> {
    match remedy {
        Remedy::Mode(path, mode) => {
            file_status::set_mode(path, *mode)?;
            Ok(format!("{} was open to others; its mode is {mode:04o} now", path.display()))
        }
        Remedy::Remove(path) => {
            files::remove(path)?;
            Ok(format!("removed {}", path.display()))
        }
        Remedy::Draft(path) => {
            editor::remove_draft(path);
            Ok(format!("removed {}", path.display()))
        }
        Remedy::Rebuild(path) => rebuild(context, path),
        Remedy::Entry(key, choice) => bring_one_in_line(context, key, *choice),
        Remedy::Copies(key, choice) => {
            let lost = context.credentials().drop_older_copy(key)?;
            bring_one_in_line(context, key, *choice)?;
            Ok(match lost {
                Some(store) => format!("removed the older copy of {key} from the {store}"),
                None => format!("there is one copy of {key} now"),
            })
        }
    }
}

fn rebuild(context: &Context, path: &std::path::Path) -> Result<String> {
    let config = context.files_now()?;
    let mut entries: Vec<(CredentialKey, Login)> = Vec::new();
    let mut keys: Vec<(CredentialKey, StoreChoice)> = Vec::new();
    for name in config.profiles() {
        let Ok(profile) = resolved_as_flagged(context, name) else { continue };
        keys.extend(profile.credential.map(|key| (key.value, profile.store.value)));
    }
    keys.extend(context.credentials().file_keys()?.into_iter().map(|key| (key, StoreChoice::File)));
    for (key, choice) in keys {
        if entries.iter().any(|(known, _)| *known == key) {
            continue;
        }
        if let Some(Stored { record, store }) = context.credentials().read(&key, choice, None)? {
            entries.push((key, login_of(&record, store, None)));
        }
    }
    let count = entries.len();
    let Some(place) = &context.paths.logins else { return Ok(format!("{} is gone", path.display())) };
    let kept = Logins::rebuild(place, &context.locks, &context.reporter, entries)?;
    Ok(match kept {
        Some(kept) => format!(
            "rebuilt {} from what the stores hold ({count}); the damaged one is kept as {}",
            path.display(),
            kept.display()
        ),
        None => format!("{} was written anew meanwhile", path.display()),
    })
}

fn resolved_as_flagged(context: &Context, name: ProfileName) -> Result<Resolved> {
    Ok(resolve(context.config()?, Selection::one_of_several(name))?)
}

fn bring_one_in_line(context: &Context, key: &CredentialKey, choice: StoreChoice) -> Result<String> {
    bring_in_line(context, &[(key.clone(), choice)]).pop().unwrap_or_else(|| Ok(String::new()))
}

/// The entries of these keys as the stores have them.
fn bring_in_line(context: &Context, entries: &[(CredentialKey, StoreChoice)]) -> Vec<Result<String>> {
    let config = match context.files_now() {
        Ok(config) => config,
        Err(error) => return entries.iter().map(|_| Err(error.clone())).collect(),
    };
    let kept_in = |key| config.captured.get(key).as_ref().and_then(Login::kept_in);
    let lookups: Vec<_> = entries.iter().map(|(key, choice)| (key, *choice, kept_in(key))).collect();
    let (mut outcomes, mut truths) = (Vec::with_capacity(entries.len()), HashMap::new());
    context.credentials().read_each(&lookups, |n, found| {
        let key = lookups[n].0;
        outcomes.push(match found {
            Ok(found) => {
                truths.insert(key, found);
                Ok(format!("logins.toml says of {key} what the stores hold"))
            }
            Err(error) => Err(error.into()),
        });
    });
    let now = context.clock.now();
    let known = lookups.iter().map(|(key, ..)| *key).filter(|key| truths.contains_key(key));
    let change = |key: &CredentialKey, known: Option<Login>| match (truths[key].as_ref(), known) {
        (Some(stored), known) => {
            let truth = login_of(&stored.record, stored.store, known.as_ref());
            // Whatever the entry says of itself.
            let written_at = truth.written_at.max(known.and_then(|known| known.written_at));
            Some(Login { written_at, ..truth })
        }
        (None, Some(known)) => Some(known.logged_out(now)),
        (None, None) => None,
    };
    let place = context.paths.logins.as_ref();
    match Logins::update_all(place, &context.locks, &context.reporter, known, change) {
        Ok(()) => outcomes,
        Err(error) => {
            let error = Error::from(error);
            outcomes.into_iter().map(|outcome| outcome.and(Err(error.clone()))).collect()
        }
    }
}
