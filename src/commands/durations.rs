//! Durations as options take them.

use std::time::Duration;

use jiff::SignedDuration;

/// A positive number of seconds, fractions allowed.
pub fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.0 && *seconds <= 86_400.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of seconds, more than 0 and at most 86400".to_owned())
}

/// A number of seconds, 0 included.
pub fn time_to_live(text: &str) -> Result<SignedDuration, String> {
    text.parse::<u32>()
        .map(|seconds| SignedDuration::from_secs(seconds.into()))
        .map_err(|_| "must be a whole number of seconds".to_owned())
}
