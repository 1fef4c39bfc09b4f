//! The time, as a value that a test can turn.

use std::sync::Mutex;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

pub struct SystemClock;

impl Clock for SystemClock {
    /// A clock that is set beyond the years that a timestamp can have is at their end.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        let limit = if now < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::try_from(now).unwrap_or(limit)
    }
}

/// A clock that moves only when it is told to.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub fn at(time: Timestamp) -> ManualClock {
        ManualClock(Mutex::new(time))
    }

    pub fn advance(&self, by: SignedDuration) {
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}
