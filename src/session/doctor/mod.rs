//! What is wrong, and the command that mends it: a file a section, each of them only looks.
//!
//! autocom otherwise mends as it goes: reading a file tightens its mode, reading a credential puts
//! `logins.toml` right, using a token renews it. Here nothing of that may happen unless it is asked for, so
//! the sections look through a session of their own, which has nothing to write to.

mod credentials;
mod environment;
mod files;
pub(crate) mod finding;
mod fix;
mod patient;
mod pins;
mod profiles;
mod reachability;
mod stores;

pub use finding::{Finding, FindingStatus, Section};

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::{Config, Flags};
use crate::domain::{Key, autocom};
use crate::error::Result;
use crate::session::context::Context;
use crate::session::doctor::patient::{Certainty, Doctor, Patient};
use crate::system::paths::Paths;
use crate::system::reporter::Reporter;

/// Looks at everything. With `fix`, mends what is safe to mend.
///
/// # Errors
/// Only an interruption: all else is a finding.
pub fn doctor(context: &Context, fix: bool, offline: bool) -> Result<Vec<Finding>> {
    let (mut found, seen) = files::look(&context.paths);
    let is_new = seen.is_new();
    let paths = seen.untouched();
    let quiet = Arc::new(Reporter::silent());
    // How this report is to be printed must not hide what `output` is elsewhere.
    let flags = context.flags.clone().with(Key::Output, None);
    let load = |flags: &Flags| Config::load(&paths, context.environment.clone(), flags.clone(), &quiet);
    let mut patients = Vec::new();
    match load(&flags) {
        Ok(config) => {
            found.extend(profiles::look(&config, &mut patients));
            let names: HashSet<_> = patients.iter().filter_map(|it| it.profile.name()).collect();
            let known = seen.config
                && config.document.invalid_profiles().next().is_none()
                && config.profiles().iter().all(|name| names.contains(name));
            let certainty = Certainty { logins: seen.logins_known(), profiles: known };
            // For `output`, which is a preference like any other.
            if let Ok(same) = load(&context.flags) {
                let _ = context.config.set(Arc::new(same));
            }
            found.extend(rest(context, config, patients, &paths, certainty, offline)?);
        }
        Err(error) => {
            found.push(profiles::unreadable(&error, paths.config.as_ref()));
            let without = Paths { config: None, ..paths.clone() };
            let config = Config::load(&without, context.environment.clone(), flags, &quiet)?;
            let certainty = Certainty { logins: seen.logins_known(), profiles: false };
            found.extend(rest(context, config, patients, &paths, certainty, offline)?);
        }
    }
    if is_new {
        found.push(start());
    }
    found.sort_by_key(|finding| finding.section);
    if fix {
        fix::fix(context, &mut found);
    }
    Ok(found)
}

fn rest(
    context: &Context,
    config: Config,
    patients: Vec<Patient>,
    paths: &Paths,
    certainty: Certainty,
    offline: bool,
) -> Result<Vec<Finding>> {
    let doctor = Doctor::new(context, config, patients, paths, certainty);
    let mut found = environment::variables(&doctor.context);
    let (of_stores, usable) = stores::look(&doctor);
    found.extend(of_stores);
    found.extend(environment::login(&doctor.context));
    let network = if offline { vec![reachability::skipped()] } else { reachability::look(&doctor)? };
    found.extend(network);
    found.extend(credentials::look(&doctor, usable, offline)?);
    found.extend(files::leftovers(&context.paths, context.clock.now()));
    Ok(found)
}

fn start() -> Finding {
    Finding::warn(Section::Start, "first login", "nothing is set up yet: no config.toml, nobody is logged in")
        .fix(autocom("auth login --api-url").placeholder("https://api.example.test"))
}
