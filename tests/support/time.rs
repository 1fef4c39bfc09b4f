//! Times as the files have them.

use jiff::{SignedDuration, Timestamp};

/// So many seconds from now, as the files have it.
#[expect(clippy::disallowed_methods, reason = "the program under test reads the real clock too")]
pub fn from_now(seconds: i64) -> String {
    let time = Timestamp::now() + SignedDuration::from_secs(seconds);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
