//! A profile as a row: where it is, who is logged in, how the token stands. Opens no store and no
//! connection.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use crate::config::{Resolved, Selection};
use crate::domain::{Layer, ProfileName, StoreKind, TokenStatus, jwt};
use crate::error::{Error, Result};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProfileRow {
    /// Null for an environment that no profile is bound to.
    pub name: Option<String>,
    /// Whether commands use it here.
    pub active: bool,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    /// E-mail of the user who is logged in.
    pub user: Option<String>,
    pub token: TokenStatus,
    /// RFC 3339, UTC.
    #[serde(serialize_with = "crate::domain::time::optional_rfc3339")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    pub store: Option<StoreKind>,
    /// The credential key.
    pub credential: Option<String>,
    #[serde(skip)]
    #[schemars(skip)]
    pub token_variable: Option<String>,
}

/// The rows, and what was wrong with single profiles or with the selection.
pub struct Listing {
    pub rows: Vec<ProfileRow>,
    pub failures: Vec<Error>,
}

impl Session {
    /// Every profile of the file, and the selected one also when it exists only in variables.
    pub fn listing(&self) -> Result<Listing> {
        let config = self.config()?;
        let mut failures = Vec::new();
        let selected = config.select().map_err(|error| failures.push(error.into())).ok();
        let active = |name: &ProfileName| selected.as_ref().is_some_and(|s| s.name.as_ref() == Some(name));
        let mut rows = Vec::new();
        for name in config.profiles() {
            let selection =
                selected.clone().filter(|_| active(&name)).unwrap_or_else(|| Selection::listed(name.clone()));
            match config.resolve(selection) {
                Ok(profile) => rows.push(self.row(&profile, active(&name))),
                Err(error) => {
                    rows.push(self.broken_row(&name, active(&name)));
                    failures.push(Error::from(error).hint(format!("autocom profiles set {name} KEY=VALUE")));
                }
            }
        }
        if let Some(selection) =
            selected.filter(|s| s.name.as_ref().is_none_or(|name| !config.profiles().contains(name)))
        {
            match config.resolve(selection) {
                Ok(profile) if profile.api_url.is_some() => rows.push(self.row(&profile, true)),
                Ok(_) => {}
                Err(error) => failures.push(error.into()),
            }
        }
        Ok(Listing { rows, failures })
    }

    pub fn row(&self, profile: &Resolved, active: bool) -> ProfileRow {
        let variable = self.config().ok().and_then(|config| config.token_variable(profile, active).used);
        let login = profile.login.as_ref();
        let token = match (&variable, &profile.api_url, login) {
            (Some(_), _, _) => TokenStatus::Env,
            (None, Some(_), Some(login)) if login.is_logged_out() => TokenStatus::LoggedOut,
            (None, Some(_), Some(_)) if profile.is_foreign() => TokenStatus::Foreign,
            (None, Some(_), Some(login)) => login.status(self.clock().now()),
            (None, _, _) => TokenStatus::Unknown,
        };
        let login = login
            .filter(|_| !matches!(token, TokenStatus::Env | TokenStatus::LoggedOut | TokenStatus::Unknown));
        ProfileRow {
            name: profile.name().map(ToString::to_string),
            active,
            api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
            // What a login learned is of no use once it belongs to another origin, or to another token.
            tenant: profile
                .tenant
                .as_ref()
                .filter(|tenant| {
                    tenant.layer != Layer::Captured
                        || !matches!(token, TokenStatus::Foreign | TokenStatus::Env)
                })
                .map(|tenant| tenant.value.to_string()),
            user: login.and_then(|login| login.user_email.clone()),
            token,
            expires_at: match &variable {
                Some(variable) => jwt::expiry(&variable.token),
                None => login.and_then(|login| login.expires_at),
            },
            store: login.and_then(|login| login.store),
            credential: profile.credential.as_ref().map(|key| key.value.to_string()),
            token_variable: variable.map(|variable| variable.name),
        }
    }

    /// A profile that can't be resolved still has a row: hiding it would hide the mistake.
    fn broken_row(&self, name: &ProfileName, active: bool) -> ProfileRow {
        ProfileRow {
            name: Some(name.to_string()),
            active,
            api_url: None,
            tenant: None,
            user: None,
            token: TokenStatus::Unknown,
            expires_at: None,
            store: None,
            credential: None,
            token_variable: None,
        }
    }
}
