//! The files of protection: leases and the journal.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::session::context::Context;
use crate::system::clock::Clock;
use crate::system::locks::Locks;
use crate::system::paths::Place;
use crate::system::reporter::Reporter;

/// A lease that outlasts a working day is no lease.
pub const MAX_LEASE: SignedDuration = SignedDuration::from_hours(8);

/// The files of protection: leases and the journal.
#[derive(Clone)]
pub struct Records {
    pub(crate) leases: Option<Place>,
    pub(crate) journal: Option<Place>,
    pub(crate) locks: Locks,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) fn records(context: &Context) -> Records {
    Records {
        leases: context.paths.leases.clone(),
        journal: context.paths.journal.clone(),
        locks: context.locks.clone(),
        reporter: context.reporter.clone(),
        clock: context.clock.clone(),
    }
}
