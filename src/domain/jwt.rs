//! The one thing that is read from a token: when it says that it ends.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::Secret;

/// Real payloads are below 2 KiB.
const MAX_PAYLOAD: usize = 64 << 10;

/// The `exp` claim (RFC 7519, section 4.1.4; Passport's has a fraction) of a token that is a JWT.
///
/// Nothing is verified: only the platform can do that. The answer is for display and for knowing
/// when not to bother asking.
pub fn expiry(token: &Secret) -> Option<Timestamp> {
    let mut parts = token.expose().split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || payload.len() > MAX_PAYLOAD {
        return None;
    }
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let exp = claims.get("exp")?.as_f64()?;
    // The cast saturates, and `from_second` refuses what is beyond the year 9999.
    Timestamp::from_second(exp.floor() as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exp_of(payload: &str) -> Option<String> {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(payload);
        expiry(&Secret::new(format!("e30.{payload}.c2ln"))).map(|end| end.to_string())
    }

    #[test]
    fn the_end_is_read_with_or_without_a_fraction() {
        assert_eq!(exp_of(r#"{"exp":1735689600}"#).unwrap(), "2025-01-01T00:00:00Z");
        assert_eq!(exp_of(r#"{"sub":"1","exp":1735689600.939}"#).unwrap(), "2025-01-01T00:00:00Z");
    }

    #[test]
    fn garbage_has_no_end_and_does_no_harm() {
        for payload in
            [r#"{"exp":"soon"}"#, r#"{"exp":1e300}"#, r#"{"exp":-1e300}"#, "{}", "[1]", &"[".repeat(9000)]
        {
            assert_eq!(exp_of(payload), None, "{payload}");
        }
        for token in ["", ".", "..", "a.b", "a.!!.c", "a.b.c.d", "é.é.é", &".".repeat(100_000)] {
            assert_eq!(expiry(&Secret::new(token)), None);
        }
    }
}
