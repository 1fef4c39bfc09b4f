use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::super::profiles::list::{checked_cell, token_cell};
use crate::commands::profiles::names::name_cell;
use crate::commands::verb::{Invocation, Verb};
use crate::domain::time::relative;
use crate::domain::{TokenKind, TokenStatus};
use crate::error::Result;
use crate::session::Context;
use crate::session::answers::status::{self, CredentialStatus};
use crate::session::call::check::{self, Check, CheckStatus, Checked};
use crate::session::profile::selected;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, View, Viewed};

/// Say who is logged in to the selected profile, where the credential is kept and when it ends
#[derive(Debug, Args)]
pub struct Status {
    /// Ask the platform too, renewing the token if that is due
    #[arg(long)]
    check: bool,
}

/// `autocom auth status -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom auth status")]
#[serde(transparent)]
pub struct StatusAnswer(pub CredentialStatus);

impl Viewed for StatusAnswer {
    fn view(&self) -> View {
        let StatusAnswer(standing) = self;
        let user = match (&standing.name, &standing.email) {
            (Some(name), Some(email)) if !name.is_empty() => Some(format!("{name} <{email}>")),
            (name, email) => email.clone().or_else(|| name.clone()),
        };
        let clock = |at: &str| match at.parse() {
            Ok(end) => format!("{at} ({})", relative(end, standing.now)),
            Err(_) => at.to_owned(),
        };
        let expires = standing.expires_at.as_ref().map(|at| Cell::new(clock(at)).plain(at));
        let renews = match (standing.renewable, &standing.refresh_expires_at) {
            (false, _) => Cell::new("no"),
            (true, None) => Cell::new("yes"),
            (true, Some(at)) => Cell::new(format!("yes, until {}", clock(at))).plain("yes"),
        };
        let reason = standing.store_reason.clone();
        let store = match (standing.store, &reason) {
            (Some(store), Some(reason)) => Cell::new(format!("{store} ({reason})")).plain(store.as_str()),
            (Some(store), None) => Cell::new(store.as_str()),
            (None, _) => Cell::or_absent(reason),
        };
        let profile = Cell::or_absent(standing.profile.clone()).tone(Tone::Strong);
        let mut fields = vec![
            ("PROFILE", name_cell(profile, standing.protection_state, standing.now)),
            ("API URL", Cell::or_absent(standing.api_url.clone())),
            ("TENANT", Cell::or_absent(standing.tenant.clone())),
            ("USER", Cell::or_absent(user)),
            ("TOKEN", token_cell(standing.token)),
            ("KIND", Cell::or_absent(standing.kind.map(TokenKind::as_str))),
            ("EXPIRES", expires.unwrap_or_else(Cell::absent)),
            ("RENEWS", renews),
            ("STORE", store),
        ];
        fields.extend(standing.check.as_ref().map(|check| ("CHECK", check_cell(check))));
        View::Record(fields)
    }
}

/// In a terminal the error that follows says why.
fn check_cell(check: &Check) -> Cell {
    let cell = checked_cell(check);
    match check.status {
        CheckStatus::Ok => cell,
        status => Cell::new(status.as_str()).plain(cell.text()).tone(cell.tone),
    }
}

impl Verb for Status {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let profile = selected::profile(context)?;
        // First, since it may renew the token.
        let checked = if self.check { Some(check::check(context, &profile)?) } else { None };
        let (mut standing, mut failure) = status::standing(context, &profile)?;
        if let Some(Checked { check, outcome, .. }) = checked {
            standing.check = Some(check);
            match outcome {
                Ok(user) if standing.token == TokenStatus::Env => {
                    (standing.name, standing.email) = (user.name, user.email);
                    let current = user.current_tenant.map(|tenant| tenant.to_string());
                    standing.tenant = standing.tenant.or(current);
                }
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        Ok(Done::answer(StatusAnswer(standing)).with_failures(failure))
    }
}
