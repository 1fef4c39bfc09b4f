//! What is wrong, and the command that mends it: a file a section, each of them only looks.
//!
//! autocom otherwise mends as it goes: reading a file tightens its mode, reading a credential puts
//! `logins.toml` right, using a token renews it. Here nothing of that may happen unless it is asked for, so
//! the sections look through a session of their own, which has nothing to write to.

mod credentials;
mod environment;
mod files;
mod finding;
mod mend;
mod network;
mod pins;
mod profiles;
mod stores;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use finding::{Finding, Section, Status};

use super::Session;
use crate::config::{Config, Flags, Resolved};
use crate::credentials::{Credentials, Patience};
use crate::error::Result;
use crate::system::notices::Notices;
use crate::system::paths::Paths;

/// What one platform has for its answer, unless `--request-timeout` says otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

/// A profile of the file, or the environment that variables name.
struct Patient {
    label: String,
    profile: Resolved,
}

/// What a look has for its work: a session that changes nothing, and what was said to it.
struct Doctor {
    session: Session,
    heard: Arc<Mutex<Vec<String>>>,
    patients: Vec<Patient>,
    certainty: Certainty,
}

/// What may be said of a credential that nothing names.
#[derive(Clone, Copy)]
struct Certainty {
    /// `logins.toml` could be read: what it doesn't name, it doesn't know.
    logins: bool,
    /// Every profile could be read, too.
    profiles: bool,
}

impl Session {
    /// Looks at everything. With `fix`, mends what is safe to mend.
    ///
    /// # Errors
    /// Only an interruption: all else is a finding.
    pub fn doctor(&self, fix: bool, offline: bool) -> Result<Vec<Finding>> {
        let (mut found, seen) = files::look(&self.paths);
        let is_new = seen.is_new();
        let paths = seen.untouched();
        let quiet = Arc::new(Notices::silent());
        // How this report is to be printed must not hide what `output` is elsewhere.
        let flags = Flags { output: None, ..self.flags.clone() };
        let load = |flags: &Flags| Config::load(&paths, self.environment.clone(), flags.clone(), &quiet);
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
                if let Ok(same) = load(&self.flags) {
                    let _ = self.config.set(Arc::new(same));
                }
                found.extend(self.rest(config, patients, &paths, certainty, offline)?);
            }
            Err(error) => {
                found.push(profiles::unreadable(&error, paths.config.as_ref()));
                let without = Paths { config: None, ..paths.clone() };
                let rest = Config::load(&without, self.environment.clone(), flags, &quiet)?;
                let certainty = Certainty { logins: seen.logins_known(), profiles: false };
                found.extend(self.rest(rest, patients, &paths, certainty, offline)?);
            }
        }
        if is_new {
            found.push(start());
        }
        found.sort_by_key(|finding| finding.section);
        if fix {
            self.mend(&mut found);
        }
        Ok(found)
    }

    fn rest(
        &self,
        config: Config,
        patients: Vec<Patient>,
        paths: &Paths,
        certainty: Certainty,
        offline: bool,
    ) -> Result<Vec<Finding>> {
        let doctor = Doctor::new(self, config, patients, paths, certainty);
        let mut found = environment::variables(&doctor.session);
        let (of_stores, usable) = stores::look(&doctor);
        found.extend(of_stores);
        found.extend(environment::login(&doctor.session));
        let network = if offline { vec![network::skipped()] } else { network::look(&doctor)? };
        found.extend(network);
        found.extend(credentials::look(&doctor, usable, offline)?);
        found.extend(files::leftovers(&self.paths, &doctor.keys(), self.clock.now()));
        Ok(found)
    }
}

impl Doctor {
    fn new(
        session: &Session,
        config: Config,
        patients: Vec<Patient>,
        paths: &Paths,
        certainty: Certainty,
    ) -> Doctor {
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let words = heard.clone();
        let listening = move |_, text: &str| {
            words.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        };
        let notices = Arc::new(Notices::new(listening));
        // Nobody is asked to unlock anything, so nobody is waited for.
        let patience = Patience { interactive: false };
        let credentials = Credentials::new(paths, session.locks.clone(), notices.clone(), patience);
        let session = Session {
            paths: Paths { logins: None, ..paths.clone() },
            notices,
            config: OnceCell::from(Arc::new(config)),
            credentials: OnceCell::from(Arc::new(credentials)),
            http: Default::default(),
            request_timeout: Some(session.request_timeout.unwrap_or(DEADLINE)),
            ..session.again()
        };
        Doctor { session, heard, patients, certainty }
    }

    /// What was said since the last time.
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn start() -> Finding {
    Finding::warn(Section::Start, "first login", "nothing is set up yet: no config.toml, nobody is logged in")
        .fix("autocom auth login --api-url https://api.example.test")
}
