//! The stored form of a credential: versioned JSON, the same in every store.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{ApiUrl, ClientId, Lifetime, Scopes, Secret, Tenant, TokenKind, UserRef};

/// The version that this program writes, and the newest that it understands.
pub(super) const VERSION: u64 = 1;

/// A credential: what a login obtained, and from where.
#[derive(Debug, Clone)]
pub struct Record {
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
    /// Whether the platform has rejected this access token before its end.
    pub access_refused: bool,
    /// Whether the platform has rejected this refresh token for good.
    pub refresh_refused: bool,
    /// `None`: the platform named no end.
    pub expires_at: Option<Timestamp>,
    /// The end of the refresh token, where the platform told it.
    pub refresh_expires_at: Option<Timestamp>,
    pub kind: TokenKind,
    pub user_name: String,
    pub user_email: String,
    pub tenant: Option<Tenant>,
    /// The environment that issued it; its origin is the only one that it is sent to.
    pub api_url: ApiUrl,
    pub client_id: Option<ClientId>,
    /// What the login asked for.
    pub requested_scope: Option<Scopes>,
    /// What the platform granted.
    pub scopes: Vec<String>,
    pub logged_in_at: Timestamp,
    /// The last login or refresh: of two copies the later written wins.
    pub written_at: Timestamp,
}

/// What stored bytes turned out to be.
#[derive(Debug)]
pub(super) enum Parsed {
    Ours(Box<Record>),
    /// A version of ours that this program does not know.
    Newer,
    Foreign,
}

impl Record {
    /// Whether both belong to one user of one platform.
    pub fn is_of_the_user_of(&self, other: &Record) -> bool {
        // The same text is the same user, also where it could not be compared with what a person typed.
        let same_text = self.user_email == other.user_email && self.user_name == other.user_name;
        (same_text || self.user().is(other.user())) && self.api_url.same_origin(&other.api_url)
    }

    pub fn user(&self) -> UserRef<'_> {
        UserRef::new(Some(&self.user_email), Some(&self.user_name))
    }

    /// The user for people: the e-mail, else the name.
    pub fn user_label(&self) -> Cow<'_, str> {
        self.user().label().unwrap_or_default()
    }

    pub fn lifetime(&self) -> Lifetime {
        Lifetime { expires_at: self.expires_at, renewable: self.is_renewable(), refused: self.access_refused }
    }

    /// How long the access token was good for when it was issued. A clock that was set back since has written a time
    /// that is still to come: then it is not known.
    pub fn full_life(&self) -> Option<SignedDuration> {
        let life = self.expires_at.map(|end| end.duration_since(self.written_at));
        life.filter(|life| life.is_positive())
    }

    /// Whether there is a refresh token that was not rejected.
    pub fn is_renewable(&self) -> bool {
        self.refresh_token.is_some() && !self.refresh_refused
    }

    /// The record as JSON on one line.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let wire = RecordWire {
            version: VERSION,
            access_token: self.access_token.expose().into(),
            refresh_token: self.refresh_token.as_ref().map(|token| token.expose().into()),
            access_refused: self.access_refused,
            refresh_refused: self.refresh_refused,
            expires_at: self.expires_at,
            refresh_expires_at: self.refresh_expires_at,
            kind: self.kind,
            user_name: self.user_name.as_str().into(),
            user_email: self.user_email.as_str().into(),
            tenant: self.tenant.as_ref().map(|tenant| tenant.as_str().into()),
            api_url: self.api_url.as_str().into(),
            client_id: self.client_id.as_ref().map(|id| id.as_str().into()),
            requested_scope: self.requested_scope.as_ref().map(|scopes| scopes.as_str().into()),
            scopes: self.scopes.clone(),
            logged_in_at: self.logged_in_at,
            written_at: self.written_at,
        };
        // Large enough that the buffer never moves, which would leave a copy that nobody wipes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(
            4096 + 2 * (wire.access_token.len() + wire.refresh_token.as_ref().map_or(0, |t| t.len())),
        ));
        // Writing plain data to memory can't fail; should it ever, a truncated record would be worse
        // than an empty one, which reads as foreign.
        if serde_json::to_writer(&mut *bytes, &wire).is_err() {
            bytes.clear();
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Parsed {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        match serde_json::from_slice::<Versioned>(bytes) {
            Ok(Versioned { version }) if version > VERSION => Parsed::Newer,
            Ok(Versioned { version: VERSION }) => match Record::from_wire(bytes) {
                Some(record) => Parsed::Ours(Box::new(record)),
                None => Parsed::Foreign,
            },
            _ => Parsed::Foreign,
        }
    }

    fn from_wire(bytes: &[u8]) -> Option<Record> {
        let wire: RecordWire<'_> = serde_json::from_slice(bytes).ok()?;
        if wire.access_token.is_empty() {
            return None;
        }
        Some(Record {
            access_token: Secret::new(wire.access_token),
            refresh_token: wire.refresh_token.map(Secret::new),
            access_refused: wire.access_refused,
            refresh_refused: wire.refresh_refused,
            expires_at: wire.expires_at,
            refresh_expires_at: wire.refresh_expires_at,
            kind: wire.kind,
            user_name: wire.user_name.into_owned(),
            user_email: wire.user_email.into_owned(),
            tenant: wire.tenant.map(|tenant| tenant.parse()).transpose().ok()?,
            api_url: wire.api_url.parse().ok()?,
            client_id: wire.client_id.map(|id| id.parse()).transpose().ok()?,
            // Only the next login uses it.
            requested_scope: wire.requested_scope.and_then(|scopes| scopes.parse().ok()),
            scopes: wire.scopes,
            logged_in_at: wire.logged_in_at,
            written_at: wire.written_at,
        })
    }
}

/// The record as it is spelled. Fields that it does not name are ignored and lost with the next
/// write: whatever a later version must not lose, it guards with a higher `version`.
#[derive(Serialize, Deserialize)]
struct RecordWire<'a> {
    version: u64,
    // Borrowed from the (wiped) buffer wherever the text has no escapes, as tokens never have.
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    access_refused: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    refresh_refused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<Timestamp>,
    kind: TokenKind,
    #[serde(borrow)]
    user_name: Cow<'a, str>,
    #[serde(borrow)]
    user_email: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Cow<'a, str>>,
    #[serde(borrow)]
    api_url: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    requested_scope: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    logged_in_at: Timestamp,
    written_at: Timestamp,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record whose tokens start with `name`, written `second` seconds after the epoch.
    pub(crate) fn record(name: &str, second: i64) -> Record {
        let time = Timestamp::from_second(second).unwrap();
        Record {
            access_token: Secret::new(format!("{name}-access")),
            refresh_token: Some(Secret::new(format!("{name}-refresh"))),
            access_refused: false,
            refresh_refused: false,
            expires_at: Some(time),
            refresh_expires_at: None,
            kind: TokenKind::Oauth,
            user_name: "Ada \"L\" Ü".to_owned(),
            user_email: "ada@example.test".to_owned(),
            tenant: Some("acme".parse().unwrap()),
            api_url: "https://api.example.test".parse().unwrap(),
            client_id: Some("9a1b".parse().unwrap()),
            requested_scope: Some("orders admin".parse().unwrap()),
            scopes: vec!["orders".to_owned()],
            logged_in_at: time,
            written_at: time,
        }
    }

    pub(crate) fn access(record: Option<Record>) -> Option<String> {
        record.map(|record| record.access_token.expose().to_owned())
    }

    #[test]
    fn a_record_survives_its_journey_whole() {
        for record in [
            record("a", 1_700_000_000),
            Record {
                refresh_token: None,
                expires_at: None,
                tenant: None,
                client_id: None,
                kind: TokenKind::Pat,
                scopes: Vec::new(),
                ..record("b", 1)
            },
        ] {
            let bytes = record.to_bytes();
            let Parsed::Ours(back) = Record::from_bytes(&bytes) else { panic!("not ours") };
            assert_eq!(*back.to_bytes(), *bytes);
            assert_eq!(back.access_token.expose(), record.access_token.expose());
            assert_eq!(back.user_name, record.user_name);
            assert_eq!(back.lifetime(), record.lifetime());
        }
    }

    #[test]
    fn the_version_decides_before_anything_else_is_looked_at() {
        assert!(matches!(Record::from_bytes(br#"{"version":2,"whatever":true}"#), Parsed::Newer));
        for foreign in [
            &b""[..],
            b"\xff\xfe",
            b"null",
            b"ya29.token",
            br#"{"access_token":"x"}"#,
            br#"{"version":"1"}"#,
            br#"{"version":1}"#,
            br#"{"version":0}"#,
        ] {
            assert!(matches!(Record::from_bytes(foreign), Parsed::Foreign), "{foreign:?}");
        }
        let text = String::from_utf8(record("a", 1).to_bytes().to_vec()).unwrap();
        let with_extra = text.replacen('{', r#"{"added_later":[1],"#, 1);
        assert!(matches!(Record::from_bytes(with_extra.as_bytes()), Parsed::Ours(_)));
        let plain_http = text.replace("https://api", "http://api");
        assert!(matches!(Record::from_bytes(plain_http.as_bytes()), Parsed::Foreign));
    }

    #[test]
    fn debug_output_shows_no_token() {
        let shown = format!("{:?}", record("hunter2", 1));
        assert!(!shown.contains("hunter2") && shown.contains("ada@example.test"), "{shown}");
    }
}
