//! For how long a protected profile is open: `unlocked.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{ApiUrl, ExpectedUser, ProfileName, UserRef};
use crate::error::{Error, Kind, Result};
use crate::session::protection::records::{MAX_LEASE, Records};
use crate::system::files::{self, Trust};
use crate::system::replace::Mode;

const VERSION: u32 = 1;

/// Leave to change something in a protected profile, for one user and a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub profile: String,
    pub api_url: String,
    /// E-mail address, or the name of a user without one.
    pub user: String,
    pub reason: String,
    pub since: Timestamp,
    pub until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct LeaseWire {
    version: u32,
    leases: Vec<Lease>,
}

impl Lease {
    /// Also over where the clock was set back behind its beginning (nobody knows how long it has been), and
    /// where it is longer than we give them.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now < self.since || now >= self.until || self.until.duration_since(self.since) > MAX_LEASE
    }

    pub fn is_for(&self, user: UserRef<'_>) -> bool {
        self.user.parse().is_ok_and(|own: ExpectedUser| own.is(user))
    }

    fn is_of(&self, profile: &ProfileName, url: &ApiUrl) -> bool {
        self.profile == profile.as_str() && self.api_url == url.as_str()
    }
}

/// The lease that opens `profile` at `url` now, whoever's it is. What can't be read opens nothing.
pub fn lease(records: &Records, profile: &ProfileName, url: &ApiUrl) -> Option<Lease> {
    let leases = leases(records).unwrap_or_else(|error| {
        records.reporter.warn(format!("every protected profile is locked: {}", error.message));
        Vec::new()
    });
    let now = records.clock.now();
    leases.into_iter().find(|lease| lease.is_of(profile, url) && !lease.is_over(now))
}

/// Writes a lease in place of the profile's own, and forgets those that are over.
pub fn grant(records: &Records, lease: Lease) -> Result<()> {
    change_leases(records, |leases| {
        leases.retain(|other| other.profile != lease.profile);
        leases.push(lease);
    })
}

/// Ends the profile's lease; answers whether there was one.
pub fn end_lease(records: &Records, profile: &ProfileName) -> Result<bool> {
    // Nothing is written, or even made, for a profile that has none.
    if !leases(records)?.iter().any(|lease| lease.profile == profile.as_str()) {
        return Ok(false);
    }
    let now = records.clock.now();
    change_leases(records, |leases| {
        let before = leases.iter().any(|lease| lease.profile == profile.as_str() && !lease.is_over(now));
        leases.retain(|lease| lease.profile != profile.as_str());
        before
    })
}

fn change_leases<T>(records: &Records, change: impl FnOnce(&mut Vec<Lease>) -> T) -> Result<T> {
    let place = records.leases.as_ref().ok_or_else(no_home)?;
    let mut lock = records.locks.protection(place)?;
    // A file that can't be read opens nothing, so nothing is lost with it.
    let mut leases = leases(records).unwrap_or_default();
    let now = records.clock.now();
    leases.retain(|lease| !lease.is_over(now));
    let answer = change(&mut leases);
    let text = serde_json::to_string_pretty(&LeaseWire { version: VERSION, leases })
        .map_err(|error| Error::new(Kind::Failed, "the lease could not be written").cause(error))?;
    lock.replace((text + "\n").as_bytes(), Mode::Private)?;
    Ok(answer)
}

pub(crate) fn leases(records: &Records) -> Result<Vec<Lease>> {
    let Some(place) = &records.leases else { return Ok(Vec::new()) };
    let is_torn = |bytes: &[u8]| serde_json::from_slice::<LeaseWire>(bytes).is_err();
    let bytes = files::read_whole(place, Trust::new(place, false), &records.reporter, is_torn)?;
    // A file that is made to be locked is empty until it is written.
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(Vec::new()) };
    match serde_json::from_slice::<LeaseWire>(&bytes) {
        Ok(wire) if wire.version == VERSION => Ok(wire.leases),
        _ => Err(Error::new(Kind::Failed, format!("{} can't be read", place.path.display()))),
    }
}

pub(crate) fn no_home() -> Error {
    Error::new(Kind::Failed, "there is no home folder for what protected profiles need")
        .hint("set HOME or AUTOCOM_HOME to a folder that can be written")
}
