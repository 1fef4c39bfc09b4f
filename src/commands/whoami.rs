use clap::Args;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use super::profiles::names::name_cell;
use super::several::{AllAnswer, Several};
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::Resolved;
use crate::domain::SKEW;
use crate::domain::time::{relative, rfc3339};
use crate::error::Result;
use crate::session::answers::identity::{self, Identity};
use crate::session::call::fan_out::{self, Scope};
use crate::session::context::Context;
use crate::session::profile::login_command::login_again_command;
use crate::session::profile::{protection_state, selected};
use crate::ui::rows::Row;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

/// Say who you are in the selected profile; without --check it is what the last login learned
///
/// Only a token from a variable is asked of the platform in any case. With --all-profiles or --profiles
/// every platform is asked, as with --check.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom whoami --check
  autocom whoami --profiles 'staging,prod-*'")]
pub struct Whoami {
    /// Ask the platform, renewing the token if that is due
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    several: Several,
}

/// `autocom whoami -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom whoami")]
pub struct WhoamiAnswer {
    #[serde(flatten)]
    pub user: UserRow,
    pub profile: Option<String>,
    #[serde(skip)]
    profile_cell: Cell,
}

impl Viewed for WhoamiAnswer {
    fn view(&self) -> View {
        let [name, email, url, tenant, expires] = self.user.shown();
        let name = name.tone(Tone::Strong);
        View::Record(vec![
            ("NAME", name),
            ("EMAIL", email),
            ("PROFILE", self.profile_cell.clone()),
            ("API URL", url),
            ("TENANT", tenant),
            ("EXPIRES", expires),
        ])
    }
}

/// A user, as far as the login or the platform tells.
#[derive(Serialize, JsonSchema)]
pub struct UserRow {
    pub name: Option<String>,
    pub email: Option<String>,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    /// RFC 3339, UTC.
    #[serde(serialize_with = "crate::domain::time::optional_rfc3339")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    #[serde(skip)]
    now: Timestamp,
}

impl UserRow {
    fn new(profile: &Resolved, identity: Identity, now: Timestamp) -> UserRow {
        UserRow {
            name: identity.name,
            email: identity.email,
            api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
            tenant: identity.tenant.map(|tenant| tenant.to_string()),
            expires_at: identity.expires_at,
            now,
        }
    }

    fn shown(&self) -> [Cell; 5] {
        let end = self.expires_at.map(|end| Cell::new(relative(end, self.now)).plain(rfc3339(end)));
        let texts = [&self.name, &self.email, &self.api_url, &self.tenant];
        let [name, email, url, tenant] = texts.map(|text| Cell::or_absent(text.clone()));
        [name, email, url, tenant, end.unwrap_or_else(Cell::absent)]
    }
}

impl Row for UserRow {
    const EMPTY: &'static str = "no users";

    fn columns() -> Vec<Column> {
        vec![
            Column::expendable("NAME", 3),
            Column::expendable("EMAIL", 1),
            Column::expendable("API URL", 4),
            Column::expendable("TENANT", 2),
            Column::expendable("EXPIRES", 5),
        ]
    }

    fn cells(&self) -> Vec<Cell> {
        self.shown().into()
    }
}

impl Verb for Whoami {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.with_own_expectations()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        if let Some(scope) = self.several.scope(context)? {
            return over_several(context, &scope);
        }
        let profile = selected::profile(context)?;
        let identity = if self.check {
            identity::checked_identity(context, &profile)
        } else {
            identity::identity(context, &profile)
        }?;
        let now = context.clock().now();
        if let Some(end) = identity.expires_at.filter(|end| end.duration_since(now) < SKEW) {
            let tense = if end < now { "ended" } else { "ends" };
            let next = match (&identity.variable, identity.renewable) {
                (Some(name), _) => format!("set {name} to a fresh one"),
                (None, true) => "the next call renews it".to_owned(),
                (None, false) => format!("log in again: {}", login_again_command(&profile)),
            };
            context.reporter().warn(format!("the token {tense} {}; {next}", relative(end, now)));
        }
        let name = profile.name().map(ToString::to_string);
        let profile_cell = name_cell(
            Cell::or_absent(name.clone()),
            protection_state::protection_state(context, &profile),
            now,
        );
        let user = UserRow::new(&profile, identity, now);
        Ok(Done::answer(WhoamiAnswer { user, profile: name, profile_cell }))
    }
}

fn over_several(context: &Context, scope: &Scope) -> Result<Done> {
    let members = fan_out::targets(context, scope)?;
    let now = context.clock().now();
    let identities = identity::checked_identities(context, &members)?.into_iter();
    let users =
        identities.map(|it| it.map(|(profile, identity)| vec![UserRow::new(&profile, identity, now)]));
    Ok(AllAnswer::done(members.iter().map(|member| member.name.to_string()).zip(users)))
}
