//! Whether a profile may be changed right now.

use jiff::Timestamp;

use crate::config::{Login, Resolved, protection, token_variable};
use crate::session::context::Context;
use crate::session::protection::lease::{self, Lease};
use crate::session::protection::records;

/// Whether requests to a profile may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtectionState {
    Open,
    Protected,
    /// Protected, but open until then.
    Unlocked {
        until: Timestamp,
    },
    /// Whether it is protected can't be read.
    Unknown,
}

impl ProtectionState {
    pub fn protected(self) -> Option<bool> {
        match self {
            ProtectionState::Open => Some(false),
            ProtectionState::Protected | ProtectionState::Unlocked { .. } => Some(true),
            ProtectionState::Unknown => None,
        }
    }

    pub fn unlocked_until(self) -> Option<Timestamp> {
        match self {
            ProtectionState::Unlocked { until } => Some(until),
            _ => None,
        }
    }
}

/// How open a profile is. Reads no file for one that isn't protected.
pub fn protection_state(context: &Context, profile: &Resolved) -> ProtectionState {
    match context.config().map(|config| protection(config, profile)) {
        Ok(Ok(None)) => ProtectionState::Open,
        Ok(Ok(Some(_))) => match lease(context, profile) {
            Some(lease) => ProtectionState::Unlocked { until: lease.until },
            None => ProtectionState::Protected,
        },
        _ => ProtectionState::Unknown,
    }
}

/// The lease that opens a protected profile now: none that is known to be somebody else's.
fn lease(context: &Context, profile: &Resolved) -> Option<Lease> {
    let config = context.config().ok()?;
    let protection = protection(config, profile).ok()??;
    let lease = lease::lease(&records::records(context), &protection.name, &profile.api_url.as_ref()?.value)?;
    // Whose a variable's token is, only the platform knows.
    let by_variable = token_variable(config, profile, profile.selection.sole).used.is_some();
    let login = profile.login.as_ref().filter(|login| !by_variable && !login.is_logged_out());
    let user = login.filter(|_| !profile.is_foreign()).map(Login::user);
    user.is_none_or(|user| user.label().is_none() || lease.is_for(user)).then_some(lease)
}
