use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::domain::time::{relative, rfc3339};
use crate::domain::{StoreKind, TokenKind, TokenStatus, jwt};
use crate::error::{Error, Kind, Result};
use crate::session::Session;
use crate::session::record::login_command;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, View, Viewed};

/// Say who is logged in to the selected profile, where the credential is kept and when it ends
#[derive(Debug, Args)]
pub struct Status {}

/// `autocom auth status -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom auth status")]
pub struct StatusAnswer {
    pub profile: Option<String>,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub token: TokenStatus,
    pub kind: Option<TokenKind>,
    /// RFC 3339, UTC.
    pub expires_at: Option<String>,
    /// Whether there is a refresh token.
    pub renewable: bool,
    pub store: Option<StoreKind>,
    /// Why the credential is in that store, or which variable the token comes from.
    pub store_reason: String,
    #[serde(skip)]
    #[schemars(skip)]
    expires: Option<String>,
}

impl Viewed for StatusAnswer {
    fn view(&self) -> View {
        let user = match (&self.name, &self.email) {
            (Some(name), Some(email)) if !name.is_empty() => Some(format!("{name} <{email}>")),
            (_, email) => email.clone(),
        };
        let expires = self.expires_at.clone().map(|at| {
            let text = self.expires.clone().unwrap_or_else(|| at.clone());
            Cell::new(format!("{at} ({text})")).plain(at)
        });
        View::Record(vec![
            ("PROFILE", Cell::or_absent(self.profile.clone()).tone(Tone::Strong)),
            ("API URL", Cell::or_absent(self.api_url.clone())),
            ("TENANT", Cell::or_absent(self.tenant.clone())),
            ("USER", Cell::or_absent(user)),
            ("TOKEN", super::super::profiles::list::token_cell(self.token)),
            ("KIND", Cell::or_absent(self.kind.map(TokenKind::as_str))),
            ("EXPIRES", expires.unwrap_or_else(Cell::absent)),
            ("RENEWS", Cell::new(if self.renewable { "yes" } else { "no" })),
            (
                "STORE",
                match self.store {
                    Some(store) => {
                        Cell::new(format!("{store} ({})", self.store_reason)).plain(store.as_str())
                    }
                    None => Cell::new(&self.store_reason),
                },
            ),
        ])
    }
}

impl Status {
    pub fn run(self, session: &Session) -> Result<Done> {
        let profile = session.profile()?;
        let now = session.clock().now();
        let base = |token| StatusAnswer {
            profile: profile.name().map(ToString::to_string),
            api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
            tenant: profile.tenant.as_ref().map(|tenant| tenant.value.to_string()),
            name: None,
            email: None,
            token,
            kind: None,
            expires_at: None,
            renewable: false,
            store: None,
            store_reason: String::new(),
            expires: None,
        };
        if let Some(variable) = session.token_variable(&profile)? {
            let end = jwt::expiry(&variable.token);
            return Ok(Done::answer(StatusAnswer {
                expires_at: end.map(rfc3339),
                expires: end.map(|end| relative(end, now)),
                tenant: Session::tenant_for_variable(&profile).map(|tenant| tenant.to_string()),
                store_reason: variable.name,
                ..base(TokenStatus::Env)
            }));
        }
        let stored = session.require_stored(&profile)?;
        let (record, status) = (&stored.record, stored.record.lifetime().status(now));
        let store = &profile.store;
        let answer = StatusAnswer {
            tenant: profile
                .tenant
                .as_ref()
                .map(|t| &t.value)
                .or(record.tenant.as_ref())
                .map(ToString::to_string),
            name: Some(record.user_name.clone()),
            email: Some(record.user_email.clone()),
            kind: Some(record.kind),
            expires_at: record.expires_at.map(rfc3339),
            expires: record.expires_at.map(|end| relative(end, now)),
            renewable: record.refresh_token.is_some(),
            store: Some(stored.store),
            store_reason: format!("store = {} from {}", store.value, store.origin),
            ..base(status)
        };
        let failure = (status == TokenStatus::Expired)
            .then(|| Error::new(Kind::Authentication, "credentials expired").hint(login_command(&profile)));
        Ok(Done::answer(answer).with_failures(failure))
    }
}
