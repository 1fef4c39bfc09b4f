//! Times as people say them.

use jiff::{SignedDuration, Timestamp};

/// `in 3 h`, `2 d ago`: the largest unit alone, since a token's end needs no more.
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let distance = time.duration_since(now);
    let text = span(distance.abs());
    if distance < SignedDuration::ZERO { format!("{text} ago") } else { format!("in {text}") }
}

/// `45 s`, `12 min`, `3 h`, `15 d`, `5 y`.
pub fn span(distance: SignedDuration) -> String {
    let seconds = distance.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        172_800..63_115_200 => format!("{} d", seconds / 86_400),
        _ => format!("{} y", seconds / 31_557_600),
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
            (7199, "in 1 h"),
            (172_800, "in 2 d"),
            (157_800_000, "in 5 y"),
        ] {
            assert_eq!(relative(now + SignedDuration::from_secs(seconds), now), text);
        }
    }
}
