//! The files of protection: leases and the journal.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::session::context::Session;
use crate::system::clock::Clock;
use crate::system::locks::Locks;
use crate::system::notices::Notices;
use crate::system::paths::Place;

/// A lease that outlasts a working day is no lease.
pub const LONGEST_LEASE: SignedDuration = SignedDuration::from_hours(8);

/// The files of protection: leases and the journal.
#[derive(Clone)]
pub struct Records {
    pub(crate) leases: Option<Place>,
    pub(crate) journal: Option<Place>,
    pub(crate) locks: Locks,
    pub(crate) notices: Arc<Notices>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) fn records(session: &Session) -> Records {
    Records {
        leases: session.paths.leases.clone(),
        journal: session.paths.journal.clone(),
        locks: session.locks.clone(),
        notices: session.notices.clone(),
        clock: session.clock.clone(),
    }
}
