//! Times as people say them.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
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

/// A point in time as people type it: RFC 3339, a date, which is its midnight here, or a span before `now`, such as
/// `7d`.
pub fn point_in_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Some(date) = text.parse::<Date>().ok().filter(|date| date.to_string() == text) {
        return TimeZone::system().to_timestamp(date.at(0, 0, 0, 0)).ok();
    }
    let (number, seconds) = match text.char_indices().next_back()? {
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        (at, 'd') => (&text[..at], 86_400),
        (at, 'w') => (&text[..at], 604_800),
        _ => return None,
    };
    let number = number.parse::<u32>().ok()?;
    now.checked_sub(SignedDuration::from_secs(i64::from(number) * seconds)).ok()
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
    fn a_point_in_time_is_a_time_a_date_or_a_span() {
        let now: Timestamp = "2026-01-08T00:00:00Z".parse().unwrap();
        let point = |text: &str| point_in_time(text, now).map(rfc3339);
        for text in ["2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "7d", "1w", "168h", "10080m"] {
            assert_eq!(point(text).as_deref(), Some("2026-01-01T00:00:00Z"), "{text}");
        }
        assert!(point("2026-01-01").is_some());
        for text in
            ["", "7", "d", "-1d", "1.5h", "7x", "yesterday", "2026-13-01", "99999999999d", "4294967295w"]
        {
            assert_eq!(point(text), None, "{text}");
        }
    }

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
