//! Tokens that look like Passport's. None is ever verified by its signature: the sandbox looks them up.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use rand::Rng;
use serde_json::json;

use super::knobs::{Knobs, Passport};
use super::seed::{CLIENT_ID, User};

/// A JWT with fractional times and a signature of the size that RS256 makes with a 4,096-bit key. Padded by a claim of
/// its own to at least the length that the knobs say. Passport 12 numbers its clients, which makes its tokens shorter.
pub fn access_token(user: &User, issued: f64, expires: f64, knobs: &Knobs) -> String {
    let length = knobs.token_length;
    // PHP counts time in microseconds
    let [issued, expires] = [issued, expires].map(|time| (time * 1e6).round() / 1e6);
    let mut claims = json!({
        "aud": if knobs.passport == Passport::V12 { "1" } else { CLIENT_ID },
        "jti": hex(80),
        "iat": issued,
        "nbf": issued,
        "exp": expires,
        "sub": user.id.to_string(),
        "scopes": [],
    });
    let assemble = |claims: &serde_json::Value| {
        let mut signature = [0; 512];
        rand::rng().fill_bytes(&mut signature);
        let header = BASE64.encode(r#"{"typ":"JWT","alg":"RS256"}"#);
        format!("{header}.{}.{}", BASE64.encode(claims.to_string()), BASE64.encode(signature))
    };
    let token = assemble(&claims);
    if token.len() >= length {
        return token;
    }
    // base64 makes four characters of three, and the claim's name and punctuation are thirteen
    let missing = ((length - token.len()) * 3).div_ceil(4);
    claims["padding"] = "x".repeat(missing.saturating_sub(13)).into();
    assemble(&claims)
}

/// Like Passport's encrypted codes and refresh tokens: hexadecimal behind the mark of the encryption's version.
pub fn opaque(length: usize) -> String {
    let mark = "def50200";
    format!("{mark}{}", hex(length.saturating_sub(mark.len())))
}

pub fn hex(length: usize) -> String {
    let mut bytes = vec![0; length.div_ceil(2)];
    rand::rng().fill_bytes(&mut bytes);
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(length);
    text
}
