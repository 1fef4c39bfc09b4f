//! `logins.toml`: what login captured, a table for each credential key, no secret.
//!
//! It is a cache that lets `whoami` and `profiles list` answer without opening the keychain. The
//! credential itself is the truth: whoever reads one mends its entry here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::domain::redact::holds_secret;
use crate::domain::{
    ApiUrl, ClientId, CredentialKey, Lifetime, Scopes, StoreKind, Tenant, TokenKind, TokenStatus, UserRef,
    one_line,
};
use crate::system::files::{self, FileError, Trust};
use crate::system::locks::{FileLock, Locks};
use crate::system::paths::Place;
use crate::system::replace::Mode;
use crate::system::reporter::Reporter;

const HEADER: &str = "# Written by autocom: what the last login under each credential key learned. No secrets.\n\
                      # A cache: it is safe to delete.\n\n";

/// What is known of the credential under one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub api_url: Option<ApiUrl>,
    pub tenant: Option<Tenant>,
    /// The tenants that the user was in when they were last listed, for completions.
    pub tenants: Vec<Tenant>,
    pub client_id: Option<ClientId>,
    /// What the login asked for.
    pub scope: Option<Scopes>,
    pub user_name: Option<String>,
    pub user_email: Option<String>,
    pub kind: Option<TokenKind>,
    pub expires_at: Option<Timestamp>,
    pub renewable: bool,
    /// Whether the platform has rejected the token before its end.
    pub refused: bool,
    pub store: Option<StoreKind>,
    pub logged_in_at: Option<Timestamp>,
    /// Set by logout: the tombstone. What was captured stays, for the next login.
    pub logged_out_at: Option<Timestamp>,
    /// When the credential was written, or deleted. An entry never replaces one that was written later.
    pub written_at: Option<Timestamp>,
}

impl Login {
    pub fn is_logged_out(&self) -> bool {
        self.logged_out_at.is_some()
    }

    /// Whether both say the same, whenever that was written.
    pub fn says_as(&self, other: &Login) -> bool {
        Login { written_at: other.written_at, ..self.clone() } == *other
    }

    /// What stays of it at a logout. A clock that was set back doesn't make it older than what it ends.
    pub fn logged_out(&self, now: Timestamp) -> Login {
        if self.is_logged_out() {
            return self.clone();
        }
        let written_at = self.written_at.max(Some(now));
        Login { logged_out_at: Some(now), written_at, ..self.clone() }
    }

    pub fn user(&self) -> UserRef<'_> {
        UserRef::new(self.user_email.as_deref(), self.user_name.as_deref())
    }

    /// The store that holds the credential, if there is one.
    pub fn kept_in(&self) -> Option<StoreKind> {
        self.store.filter(|_| !self.is_logged_out())
    }

    pub fn lifetime(&self) -> Lifetime {
        Lifetime { expires_at: self.expires_at, renewable: self.renewable, refused: self.refused }
    }

    pub fn status(&self, now: Timestamp) -> TokenStatus {
        if self.is_logged_out() { TokenStatus::LoggedOut } else { self.lifetime().status(now) }
    }
}

/// The file's shape. Every field is optional and unknown ones are no error: a cache is never a
/// reason to fail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LoginWire {
    api_url: Option<String>,
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tenants: Vec<String>,
    client_id: Option<String>,
    scope: Option<String>,
    user_name: Option<String>,
    user_email: Option<String>,
    kind: Option<String>,
    expires_at: Option<String>,
    #[serde(default)]
    renewable: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    refused: bool,
    store: Option<String>,
    logged_in_at: Option<String>,
    logged_out_at: Option<String>,
    written_at: Option<String>,
}

impl LoginWire {
    /// `likely` is the address that it most probably has: then it need not be parsed again.
    fn login(&self, likely: Option<&ApiUrl>) -> Login {
        fn parse<T: std::str::FromStr>(text: &Option<String>) -> Option<T> {
            text.as_ref().and_then(|text| text.parse().ok())
        }
        let likely = likely.filter(|url| self.api_url.as_deref() == Some(url.as_str()));
        Login {
            api_url: likely.cloned().or_else(|| parse(&self.api_url)),
            tenant: parse(&self.tenant),
            tenants: self.tenants.iter().filter_map(|text| text.parse().ok()).collect(),
            client_id: parse(&self.client_id),
            scope: parse(&self.scope),
            user_name: self.user_name.clone(),
            user_email: self.user_email.clone(),
            kind: parse(&self.kind),
            expires_at: parse(&self.expires_at),
            renewable: self.renewable,
            refused: self.refused,
            store: parse(&self.store),
            logged_in_at: parse(&self.logged_in_at),
            logged_out_at: parse(&self.logged_out_at),
            written_at: parse(&self.written_at),
        }
    }
}

impl From<&Login> for LoginWire {
    /// What holds a secret is left out: a server may have put its token in a name.
    fn from(login: &Login) -> LoginWire {
        let clean = |text: &String| !holds_secret(text);
        fn text<T: ToString>(value: &Option<T>) -> Option<String> {
            value.as_ref().map(ToString::to_string)
        }
        LoginWire {
            api_url: text(&login.api_url).filter(clean),
            tenant: text(&login.tenant).filter(clean),
            tenants: login.tenants.iter().map(ToString::to_string).filter(clean).collect(),
            client_id: text(&login.client_id).filter(clean),
            scope: text(&login.scope).filter(clean),
            // Not trimmed: what differs from another user's still does.
            user_name: login.user_name.as_deref().map(|name| one_line(name).into()).filter(clean),
            user_email: login.user_email.as_deref().map(|email| one_line(email).into()).filter(clean),
            kind: login.kind.map(|kind| kind.as_str().to_owned()),
            expires_at: text(&login.expires_at),
            renewable: login.renewable,
            refused: login.refused,
            store: text(&login.store),
            logged_in_at: text(&login.logged_in_at),
            logged_out_at: text(&login.logged_out_at),
            written_at: text(&login.written_at),
        }
    }
}

/// All entries of the file, each as it stands until it is asked for.
#[derive(Debug, Clone, Default)]
pub struct Logins(BTreeMap<CredentialKey, LoginWire>);

impl Logins {
    /// Reads the file; a missing or broken one is empty and costs a warning at most.
    pub fn load(place: Option<&Place>, reporter: &Reporter) -> Logins {
        let Some(place) = place else { return Logins::default() };
        Logins::read(place, reporter).unwrap_or_else(|error| {
            reporter.warn(format!("{error}; going on without it"));
            Logins::default()
        })
    }

    /// As [`Logins::load`], but silently and without changing anything, not even a mode.
    pub fn glance(place: Option<&Place>) -> Logins {
        let text = place
            .and_then(|place| files::read(&place.path, Trust::WarnOnly, &Reporter::silent()).ok().flatten());
        text.and_then(|text| Logins::parse(String::from_utf8(text).ok()?)).unwrap_or_default()
    }

    fn parse(text: String) -> Option<Logins> {
        let wire: BTreeMap<String, LoginWire> = toml::from_str(&text).ok()?;
        Some(Logins(
            wire.into_iter().filter_map(|(key, wire)| Some((CredentialKey::stored(&key)?, wire))).collect(),
        ))
    }

    /// As [`Logins::load`], but a file that can't be read is an error: it may hold logins.
    fn read(place: &Place, reporter: &Reporter) -> Result<Logins, FileError> {
        let is_torn = |bytes: &[u8]| Logins::flaw(bytes).is_some();
        let text = match files::read_whole(place, Trust::new(place, false), reporter, is_torn)? {
            None => return Ok(Logins::default()),
            Some(bytes) => String::from_utf8(bytes).ok(),
        };
        Ok(match text.and_then(Logins::parse) {
            Some(captured) => captured,
            None => {
                reporter.warn(format!(
                    "{} is damaged and was passed over; the next login writes it anew",
                    place.path.display()
                ));
                Logins::default()
            }
        })
    }

    /// What is wrong with the file's text, and its line and column, if it can't be understood.
    pub fn flaw(bytes: &[u8]) -> Option<(String, usize, usize)> {
        let at = |words: String, end: usize| {
            let before = &bytes[..end.min(bytes.len())];
            let line = before.split(|byte| *byte == b'\n').count();
            let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            Some((words, line, String::from_utf8_lossy(last).chars().count() + 1))
        };
        match std::str::from_utf8(bytes) {
            Err(error) => at("is not UTF-8 text".to_owned(), error.valid_up_to()),
            Ok(text) => {
                let error = toml::from_str::<BTreeMap<String, LoginWire>>(text).err()?;
                let words = error.message().lines().collect::<Vec<_>>().join("; ");
                at(words, error.span().map_or(0, |span| span.start))
            }
        }
    }

    pub fn get(&self, key: &CredentialKey) -> Option<Login> {
        self.near(key, None)
    }

    /// The entry of a key whose address is most probably `likely`.
    pub fn near(&self, key: &CredentialKey, likely: Option<&ApiUrl>) -> Option<Login> {
        self.0.get(key).map(|wire| wire.login(likely))
    }

    pub fn keys(&self) -> impl Iterator<Item = &CredentialKey> {
        self.0.keys()
    }

    pub fn insert(&mut self, key: CredentialKey, login: &Login) {
        self.0.insert(key, LoginWire::from(login));
    }

    /// Lock, read again, change one entry, write. `None` as an answer of `change` removes it.
    pub fn update(
        place: Option<&Place>,
        locks: &Locks,
        reporter: &Reporter,
        key: &CredentialKey,
        change: impl FnOnce(Option<Login>) -> Option<Login>,
    ) -> Result<(), ConfigError> {
        let mut change = Some(change);
        Logins::update_all(place, locks, reporter, [key], |_, before| match change.take() {
            Some(change) => change(before),
            None => before,
        })
    }

    /// As [`Logins::update`], for many entries with one write.
    pub fn update_all<'k>(
        place: Option<&Place>,
        locks: &Locks,
        reporter: &Reporter,
        keys: impl IntoIterator<Item = &'k CredentialKey>,
        mut change: impl FnMut(&CredentialKey, Option<Login>) -> Option<Login>,
    ) -> Result<(), ConfigError> {
        let place = place.ok_or(ConfigError::NoHome)?;
        let mut lock = locks.logins(place)?;
        let mut captured = Logins::read(place, reporter)?;
        let written = |login: &Option<Login>| login.as_ref().and_then(|login| login.written_at);
        let mut changed = false;
        for key in keys {
            let before = captured.get(key);
            let after = change(key, before.clone());
            let is_older = after.is_some() && written(&after) < written(&before);
            if before == after || is_older {
                continue;
            }
            changed = true;
            match after {
                Some(login) => captured.insert(key.clone(), &login),
                None => drop(captured.0.remove(key)),
            }
        }
        if changed { captured.write(&mut lock) } else { Ok(()) }
    }

    /// In place of a file that can't be understood, which is kept beside it: what these entries say. `None`
    /// if somebody else has written the file anew meanwhile, else the name under which it is kept.
    pub fn rebuild(
        place: &Place,
        locks: &Locks,
        reporter: &Reporter,
        entries: impl IntoIterator<Item = (CredentialKey, Login)>,
    ) -> Result<Option<PathBuf>, ConfigError> {
        let mut lock = locks.logins(place)?;
        let bytes = files::read(&place.path, Trust::new(place, false), reporter)?.unwrap_or_default();
        if Logins::flaw(&bytes).is_none() {
            return Ok(None);
        }
        let kept = files::keep_aside(&place.path, &bytes)?;
        let mut captured = Logins::default();
        entries.into_iter().for_each(|(key, login)| captured.insert(key, &login));
        captured.write(&mut lock)?;
        Ok(Some(kept))
    }

    fn write(&self, lock: &mut FileLock) -> Result<(), ConfigError> {
        let wire: BTreeMap<&str, &LoginWire> =
            self.0.iter().map(|(key, wire)| (key.as_str(), wire)).collect();
        let body = toml::to_string(&wire).unwrap_or_default();
        Ok(lock.replace(format!("{HEADER}{body}").as_bytes(), Mode::Private)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::system::paths::Paths;

    fn place(dir: &tempfile::TempDir) -> Place {
        Place::at(dir.path().join("logins.toml"))
    }

    #[test]
    fn an_entry_survives_the_file_and_others_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (place, quiet) = (place(&dir), Reporter::silent());
        let locks = Locks::new(&Paths::default());
        let login = Login {
            api_url: Some("https://a.test".parse().unwrap()),
            tenants: vec!["acme".parse().unwrap(), "globex".parse().unwrap()],
            user_email: Some("ada \"the first\" @example.test".to_owned()),
            kind: Some(TokenKind::Pat),
            expires_at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
            store: Some(StoreKind::File),
            ..Login::default()
        };
        let (one, two): (CredentialKey, CredentialKey) =
            ("https://a.test".parse().unwrap(), "two".parse().unwrap());
        for key in [&one, &two] {
            Logins::update(Some(&place), &locks, &quiet, key, |_| Some(login.clone())).unwrap();
        }
        Logins::update(Some(&place), &locks, &quiet, &two, |_| None).unwrap();
        let captured = Logins::load(Some(&place), &quiet);
        assert_eq!(captured.get(&one), Some(login));
        assert_eq!(captured.get(&two), None);
    }

    #[test]
    fn the_entry_that_was_written_later_wins() {
        let dir = tempfile::tempdir().unwrap();
        let (place, quiet) = (place(&dir), Reporter::silent());
        let locks = Locks::new(&Paths::default());
        let key: CredentialKey = "k".parse().unwrap();
        let of = |user: &str, second| Login {
            user_email: Some(user.to_owned()),
            written_at: Timestamp::from_second(second).ok(),
            ..Login::default()
        };
        let unknown = Login { written_at: None, ..of("old", 0) };
        for (login, kept) in
            [(unknown, "old"), (of("ada", 2), "ada"), (of("eve", 1), "ada"), (of("bob", 2), "bob")]
        {
            Logins::update(Some(&place), &locks, &quiet, &key, |_| Some(login)).unwrap();
            let captured = Logins::load(Some(&place), &quiet).get(&key).unwrap();
            assert_eq!(captured.user_email.as_deref(), Some(kept));
        }
    }

    #[test]
    fn a_broken_file_is_empty_and_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        std::fs::File::create(&place.path).unwrap().write_all(b"not [ toml").unwrap();
        let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let heard = said.clone();
        let reporter = Reporter::new(move |_, text| heard.lock().unwrap().push_str(text));
        assert!(Logins::load(Some(&place), &reporter).keys().next().is_none());
        assert!(said.lock().unwrap().contains("damaged"));
        let key: CredentialKey = "k".parse().unwrap();
        let locks = Locks::new(&Paths::default());
        Logins::update(Some(&place), &locks, &reporter, &key, |_| Some(Login::default())).unwrap();
        assert!(Logins::load(Some(&place), &Reporter::silent()).get(&key).is_some());
    }
}
