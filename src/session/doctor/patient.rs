//! What a look has for its work.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::{Config, Resolved};
use crate::credentials::{Credentials, Patience};
use crate::session::context::Context;
use crate::system::paths::Paths;
use crate::system::reporter::Reporter;

/// A profile of the file, or the environment that variables name.
pub(crate) struct Patient {
    pub label: String,
    pub profile: Resolved,
}

/// What a look has for its work: a session that changes nothing, and what was said to it.
pub(crate) struct Doctor {
    pub context: Context,
    pub heard: Arc<Mutex<Vec<String>>>,
    pub patients: Vec<Patient>,
    pub certainty: Certainty,
}

/// What may be said of a credential that nothing names.
#[derive(Clone, Copy)]
pub(crate) struct Certainty {
    /// `logins.toml` could be read: what it doesn't name, it doesn't know.
    pub logins: bool,
    /// Every profile could be read, too.
    pub profiles: bool,
}

/// What one platform has for its answer, unless `--request-timeout` says otherwise.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

impl Doctor {
    pub(super) fn new(
        context: &Context,
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
        let reporter = Arc::new(Reporter::new(listening));
        // Nobody is asked to unlock anything, so nobody is waited for.
        let patience = Patience { interactive: false };
        let credentials = Credentials::new(paths, context.locks.clone(), reporter.clone(), patience);
        let context = Context {
            paths: Paths { logins: None, ..paths.clone() },
            reporter,
            config: OnceCell::from(Arc::new(config)),
            credentials: OnceCell::from(Arc::new(credentials)),
            http: Default::default(),
            request_timeout: Some(context.request_timeout.unwrap_or(DEADLINE)),
            ..context.reloaded()
        };
        Doctor { context, heard, patients, certainty }
    }

    /// What was said since the last time.
    pub(super) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
