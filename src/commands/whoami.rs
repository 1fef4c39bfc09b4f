use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::domain::SKEW;
use crate::domain::time::{relative, rfc3339};
use crate::error::Result;
use crate::session::Session;
use crate::session::record::login_command;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, View, Viewed};

/// Say who you are in the selected profile; asks the platform only for a token from a variable
#[derive(Debug, Args)]
pub struct Whoami {}

/// `autocom whoami -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom whoami")]
pub struct WhoamiAnswer {
    pub name: Option<String>,
    pub email: Option<String>,
    pub profile: Option<String>,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    /// RFC 3339, UTC.
    pub expires_at: Option<String>,
    #[serde(skip)]
    #[schemars(skip)]
    expires: Option<String>,
}

impl Viewed for WhoamiAnswer {
    fn view(&self) -> View {
        let expires =
            self.expires_at.clone().map(|at| Cell::new(self.expires.clone().unwrap_or_default()).plain(at));
        View::Record(vec![
            ("NAME", Cell::or_absent(self.name.clone()).tone(Tone::Strong)),
            ("EMAIL", Cell::or_absent(self.email.clone())),
            ("PROFILE", Cell::or_absent(self.profile.clone())),
            ("API URL", Cell::or_absent(self.api_url.clone())),
            ("TENANT", Cell::or_absent(self.tenant.clone())),
            ("EXPIRES", expires.unwrap_or_else(Cell::absent)),
        ])
    }
}

impl Whoami {
    pub fn run(self, session: &Session) -> Result<Done> {
        let profile = session.profile()?;
        let identity = session.identity(&profile)?;
        let now = session.clock().now();
        if let Some(end) = identity.expires_at.filter(|end| end.duration_since(now) < SKEW) {
            let tense = if end < now { "ended" } else { "ends" };
            let next = match (&identity.variable, identity.renewable) {
                (Some(name), _) => format!("set {name} to a fresh one"),
                (None, true) => "the next call renews it".to_owned(),
                (None, false) => format!("log in again: {}", login_command(&profile)),
            };
            session.notices().warn(format!("the token {tense} {}; {next}", relative(end, now)));
        }
        Ok(Done::answer(WhoamiAnswer {
            name: identity.name,
            email: identity.email,
            profile: profile.name().map(ToString::to_string),
            api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
            tenant: identity.tenant.map(|tenant| tenant.to_string()),
            expires_at: identity.expires_at.map(rfc3339),
            expires: identity.expires_at.map(|end| relative(end, now)),
        }))
    }
}
