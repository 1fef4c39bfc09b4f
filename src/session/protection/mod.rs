//! Protected profiles: what may change something there is confirmed first, and journaled.

mod guard;
mod journal;
mod lease;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};

pub use guard::Access;
pub use journal::{Entry, EntryEvent, Permit};
pub use lease::Lease;

use super::bearer::Tokens;
use super::expectation::expected_user;
use super::several::Member;
use super::{Session, no_environment};
use crate::config::{
    Captured, Config, ConfigEdit, ConfigError, Document, Facts, Flags, Login, Loosened, Resolved, Selection,
    Watcher,
};
use crate::domain::{ApiUrl, Key, ProfileName, UserRef, one_line, shell_word};
use crate::error::{Error, Result};
use crate::platform::Change;
use crate::system::clock::Clock;
use crate::system::environment::Environment;
use crate::system::locks::Locks;
use crate::system::notices::Notices;
use crate::system::paths::Place;
use guard::{Guard, ask_for_name};
use journal::Event;

/// A lease that outlasts a working day is no lease.
pub const LONGEST_LEASE: SignedDuration = SignedDuration::from_hours(8);

/// Whether requests to a profile may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    Open,
    Protected,
    /// Protected, but open until then.
    Unlocked {
        until: Timestamp,
    },
    /// Whether it is protected can't be read.
    Unknown,
}

impl Openness {
    pub fn protected(self) -> Option<bool> {
        match self {
            Openness::Open => Some(false),
            Openness::Protected | Openness::Unlocked { .. } => Some(true),
            Openness::Unknown => None,
        }
    }

    pub fn unlocked_until(self) -> Option<Timestamp> {
        match self {
            Openness::Unlocked { until } => Some(until),
            _ => None,
        }
    }
}

/// The files of protection: leases and the journal.
#[derive(Clone)]
pub(super) struct Records {
    leases: Option<Place>,
    journal: Option<Place>,
    locks: Locks,
    notices: Arc<Notices>,
    clock: Arc<dyn Clock>,
}

impl Session {
    fn records(&self) -> Records {
        Records {
            leases: self.paths.leases.clone(),
            journal: self.paths.journal.clone(),
            locks: self.locks.clone(),
            notices: self.notices.clone(),
            clock: self.clock.clone(),
        }
    }

    /// What the platform of `profile` is asked with.
    pub(super) fn access(&self, profile: &Resolved, tokens: Tokens) -> Result<Access> {
        let protection = match self.config()?.protection(profile) {
            Ok(Some(protection)) => protection,
            Ok(None) => return Ok(Access::new(tokens, Ok(None))),
            Err(error) => return Ok(Access::new(tokens, Err(error.into()))),
        };
        let guard = Guard {
            confirmed: self.confirmed.iter().any(|name| name == protection.name.as_str()),
            protection,
            label: profile.label().to_owned(),
            http: self.http(profile),
            url: profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?.value.clone(),
            tenant: tokens.tenant(profile),
            person: self.can_ask.then(|| self.person.clone()),
            records: self.records(),
            typed: self.typed.clone(),
        };
        Ok(Access::new(tokens, Ok(Some(guard))))
    }

    /// Asks for leave to send `change` to each member that is protected, before anything is sent to any.
    ///
    /// # Errors
    /// It is refused for one of them. Whoever can't be asked at all, for want of a credential, fails alone when
    /// it is their turn.
    pub(super) fn ask_leave(&self, members: &[Member], change: &Change) -> Result<()> {
        let config = self.config()?;
        let profiles = members.iter().filter_map(|member| member.profile.as_ref().ok());
        let guarded: Vec<_> =
            profiles.filter(|profile| !matches!(config.protection(profile), Ok(None))).collect();
        if guarded.is_empty() {
            return Ok(());
        }
        self.block_on(async {
            for profile in guarded {
                let Ok(Some(tokens)) = self.tokens(profile).await else { continue };
                let Ok(access) = self.access(profile, tokens) else { continue };
                access.ask(change).await?;
            }
            Ok(())
        })
    }

    /// How open a profile is. Reads no file for one that isn't protected.
    pub fn openness(&self, profile: &Resolved) -> Openness {
        match self.config().map(|config| config.protection(profile)) {
            Ok(Ok(None)) => Openness::Open,
            Ok(Ok(Some(_))) => match self.lease(profile) {
                Some(lease) => Openness::Unlocked { until: lease.until },
                None => Openness::Protected,
            },
            _ => Openness::Unknown,
        }
    }

    /// The lease that opens a protected profile now: none that is known to be somebody else's.
    fn lease(&self, profile: &Resolved) -> Option<Lease> {
        let config = self.config().ok()?;
        let protection = config.protection(profile).ok()??;
        let lease = self.records().lease(&protection.name, &profile.api_url.as_ref()?.value)?;
        // Whose a variable's token is, only the platform knows.
        let by_variable = config.token_variable(profile, profile.selection.sole).used.is_some();
        let login = profile.login.as_ref().filter(|login| !by_variable && !login.is_logged_out());
        let user = login.filter(|_| !profile.is_foreign()).map(Login::user);
        user.is_none_or(|user| user.label().is_none() || lease.is_for(user)).then_some(lease)
    }

    /// Opens a protected profile to its user for a while.
    pub fn unlock(&self, profile: &Resolved, time: SignedDuration, reason: &str) -> Result<Lease> {
        let config = self.config()?;
        let Some(protection) = config.protection(profile)? else {
            return Err(Error::usage(format!("profile {} is not protected", profile.label()))
                .hint(format!("autocom profiles set {} protected=true", profile.label())));
        };
        let url = profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?;
        let keys = [Key::Protected, Key::Credential, Key::ExpectUser];
        let facts = [profile.name().unwrap_or(&protection.name), &protection.name]
            .map(|name| Facts::of(config, name, &keys));
        let permit = self.confirm_loosening(protection.name.as_str(), "unlock it")?;
        let identity = self.identity(profile)?;
        let user = UserRef::new(identity.email.as_deref(), identity.name.as_deref());
        let user = expected_user(user)?.to_string();
        // The platform has been asked meanwhile. A lease is written while its profile is what was decided on.
        let session = self.lock_config()?;
        for facts in facts {
            session.check_facts(&facts, &format!("autocom profiles unlock {}", profile.label()))?;
        }
        let since = self.clock.now();
        let lease = Lease {
            profile: protection.name.to_string(),
            api_url: url.value.to_string(),
            user: user.clone(),
            reason: reason.to_owned(),
            since,
            until: since.saturating_add(time).unwrap_or(Timestamp::MAX),
        };
        let (profile, until, reason) = (lease.profile.clone(), lease.until, lease.reason.clone());
        // Written down first: an open profile of which the journal knows nothing must not be.
        self.records().write(Event::Unlocked { profile, user, until, reason, permit: Some(permit) })?;
        self.records().grant(lease.clone())?;
        Ok(lease)
    }

    /// Ends the lease of a profile; answers whether there was one.
    pub fn lock(&self, name: &ProfileName) -> Result<bool> {
        let was_open = self.records().end_lease(name)?;
        if was_open {
            self.records().write(Event::Locked { profile: name.to_string() })?;
        }
        Ok(was_open)
    }

    /// The confirmation of changes in the protected profile `name` that was given so far.
    fn permit(&self, name: &str) -> Option<Permit> {
        let typed = || self.typed.lock().unwrap_or_else(PoisonError::into_inner).contains(name);
        if self.confirmed.iter().any(|confirmed| confirmed == name) {
            Some(Permit::Flag)
        } else {
            typed().then_some(Permit::Typed)
        }
    }

    /// The confirmation to loosen the protection of `name`, asked for where it was not given yet.
    fn confirm_loosening(&self, name: &str, change: &str) -> Result<Permit> {
        if let Some(permit) = self.permit(name) {
            return Ok(permit);
        }
        let shown = one_line(name);
        if !self.can_ask {
            return Err(Error::usage(format!("profile {shown} is protected, and this would {change}"))
                .cause("nothing was written")
                .hint(format!(
                    "if that is what you want: the same command with --confirm {}",
                    shell_word(name)
                )));
        }
        self.notices.show(format!("{shown} is protected, and this would {change}.\n"));
        ask_for_name(self.person.as_ref(), name, "nothing was written")?;
        self.typed.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Ok(Permit::Typed)
    }

    /// Confirms now what `change` would loosen, for a command that does something else before it writes. To be called
    /// with `config.toml` unlocked.
    pub fn confirm_change(&self, change: impl FnOnce(&mut ConfigEdit)) -> Result<()> {
        let file = self.config_file();
        let before = file.bytes()?.unwrap_or_default();
        let after = file.rehearse(|edit| {
            change(edit);
            edit.config()
        })?;
        let loosened = config_of(&before).map(|before| before.loosened_by(&after)).unwrap_or_default();
        loosened.iter().try_for_each(|it| self.confirm_loosening(&it.name, &it.change).map(drop))
    }

    /// Ends the leases of profiles whose name, address or protection a write of `config.toml` changes. It comes
    /// before the write: one that fails leaves a lease too few, and none too many.
    fn end_groundless_leases(&self, before: &[u8], after: &[u8]) {
        // What can't be read opens nothing.
        let leases = self.records().leases().unwrap_or_default();
        let names: BTreeSet<ProfileName> =
            leases.iter().filter_map(|lease| lease.profile.parse().ok()).collect();
        if names.is_empty() {
            return;
        }
        let (before, after) = (config_of(before), config_of(after));
        for name in names {
            let (was, is) = (ground(before.as_ref(), &name), ground(after.as_ref(), &name));
            // One that lost it by hand has its lease no longer either; one that is not in this file at all may
            // well be in another.
            let is_there = after.as_ref().is_none_or(|after| after.exists(&name));
            if was != is || is.is_none() && is_there {
                self.close(&name);
            }
        }
    }

    /// # Errors
    /// It is not confirmed, or the journal can't be written.
    fn write_down_loosening(&self, before: &[u8], after: &[u8]) -> Result<()> {
        let loosened = loosened(before, after);
        let permits = loosened.iter().map(|it| self.confirm_loosening(&it.name, &it.change));
        let permits = permits.collect::<Result<Vec<_>>>()?;
        for (Loosened { name: profile, url, change }, permit) in loosened.into_iter().zip(permits) {
            let api_url = url.map(|url| url.to_string());
            self.records().write(Event::Loosened { profile, api_url, change, permit }).map_err(|error| {
                Error { message: format!("nothing was written: {}", error.message), ..error }
            })?;
        }
        Ok(())
    }

    fn close(&self, name: &ProfileName) {
        match self.lock(name) {
            Ok(true) => self.notices.progress(format!("profile {name} is not unlocked any more")),
            Ok(false) => {}
            Err(error) => {
                self.notices.warn(format!("profile {name} may still be unlocked: {}", error.message))
            }
        }
    }

    /// The newest `most` entries about `profile`, or about all, the oldest first.
    pub fn journal(&self, profile: Option<&str>, most: usize) -> Result<Vec<Entry>> {
        // Also of one that is gone by now: what was sent was sent.
        self.records().journal(most, |entry| profile.is_none_or(|name| entry.profile == name))
    }
}

impl Watcher for Session {
    fn must_ask(&self, before: &[u8], after: &[u8]) -> bool {
        self.can_ask && loosened(before, after).iter().any(|it| self.permit(&it.name).is_none())
    }

    fn ask(&self, before: &[u8], after: &[u8]) -> Result<(), ConfigError> {
        let mut loosened = loosened(before, after).into_iter();
        let asked = loosened.try_for_each(|it| self.confirm_loosening(&it.name, &it.change).map(drop));
        asked.map_err(|error| ConfigError::Refused(error.into()))
    }

    fn admit(&self, before: &[u8], after: &[u8]) -> Result<(), ConfigError> {
        self.write_down_loosening(before, after).map_err(|error| ConfigError::Refused(error.into()))?;
        self.end_groundless_leases(before, after);
        Ok(())
    }
}

/// Empty where one of them cannot be parsed: such a file protects nothing.
fn loosened(before: &[u8], after: &[u8]) -> Vec<Loosened> {
    let (before, after) = (config_of(before), config_of(after));
    before.zip(after).map(|(before, after)| before.loosened_by(&after)).unwrap_or_default()
}

/// `None`: it can't be understood.
fn config_of(bytes: &[u8]) -> Option<Config> {
    let document = Document::parse(Path::new(""), bytes.to_vec()).ok()?;
    Config::of(document, Captured::default(), Environment::default(), Flags::default()).ok()
}

/// What a lease is given for: the address of a profile that is protected, and by which one's name.
fn ground(config: Option<&Config>, name: &ProfileName) -> Option<(ApiUrl, ProfileName)> {
    let profile = config?.resolve(Selection::listed(name.clone())).ok()?;
    let protection = config?.protection(&profile).ok()??;
    Some((profile.api_url?.value, protection.name))
}
