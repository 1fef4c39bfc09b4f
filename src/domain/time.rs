//! Times as people say them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// `in 3 h`, `2 d ago`: the largest unit alone, since a token's end needs no more.
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let distance = time.duration_since(now);
    let text = span(distance.abs());
    if distance < SignedDuration::ZERO { format!("{text} ago") } else { format!("in {text}") }
}

/// `45 s`, `12 min`, `3 h`, `15 d`, `5 y`: rounded, so that a token of one hour has an hour.
pub fn span(distance: SignedDuration) -> String {
    let seconds = distance.as_secs();
    let rounded = |unit: i64| (seconds + unit / 2) / unit;
    let (minutes, hours, days) = (rounded(60), rounded(3600), rounded(86_400));
    match () {
        () if seconds < 60 => format!("{seconds} s"),
        () if minutes < 60 => format!("{minutes} min"),
        () if hours < 48 => format!("{hours} h"),
        () if days < 730 => format!("{days} d"),
        () => format!("{} y", rounded(31_557_600)),
    }
}

/// A deadline in a sentence: `5 minutes`, `1 second`, `90 seconds`, `1.5 seconds`.
pub fn spelled_out(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (seconds, 0) if seconds >= 120 && seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        (1, 0) => "1 second".to_owned(),
        (seconds, 0) => format!("{seconds} seconds"),
        _ => format!("{} seconds", time.as_secs_f32()),
    }
}

/// RFC 3339 in UTC, whole seconds.
pub fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// For serde: RFC 3339 or null.
pub fn optional_rfc3339<S: serde::Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&time.map(rfc3339), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_said_in_its_largest_unit() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (seconds, text) in [
            (0, "in 0 s"),
            (59, "in 59 s"),
            (-61, "1 min ago"),
            (3599, "in 1 h"),
            (7199, "in 2 h"),
            (5399, "in 1 h"),
            (172_800, "in 2 d"),
            (157_800_000, "in 5 y"),
        ] {
            assert_eq!(relative(now + SignedDuration::from_secs(seconds), now), text);
        }
    }
}
