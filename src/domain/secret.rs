//! Text that no output may show.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A token, code or verifier. It cannot be printed, compares only by explicit exposure, and its
/// memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
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
