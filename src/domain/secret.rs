//! Text that no output may show.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::redact;

/// A token, code or verifier. It cannot be printed, and compares only by explicit exposure. It stays known to
/// [`redact::redacted`] until the process ends, since whatever arrives later may repeat it.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        let secret = Secret::unsearched(text);
        redact::remember(&secret.0);
        secret
    }

    /// What is not searched for in output: it has a part that is shown (a login's `state`, which is in its URL),
    /// or it may not be a secret at all (a line that was pasted).
    pub fn unsearched(text: impl Into<String>) -> Secret {
        Secret(Arc::new(SecretString::from(text.into())))
    }

    /// The text itself. Every call site is a place where a secret leaves its type: keep them few.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_nothing_of_it() {
        assert_eq!(
            format!("{:?} {:#?}", Secret::new("hunter2"), Secret::new("hunter2")),
            "Secret(..) Secret(..)"
        );
    }
}
