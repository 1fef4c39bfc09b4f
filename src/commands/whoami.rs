use clap::Args;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use super::profiles::names::name_cell;
use super::several::Several;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::domain::SKEW;
use crate::domain::time::{relative, rfc3339};
use crate::error::Result;
use crate::session::answers::identity;
use crate::session::call::fan_out::{self, Scope};
use crate::session::context::Context;
use crate::session::profile::login_command::login_again_command;
use crate::session::profile::{protection_state, selected};
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
    #[serde(skip)]
    #[schemars(skip)]
    profile_cell: Cell,
}

impl Viewed for WhoamiAnswer {
    fn view(&self) -> View {
        let expires =
            self.expires_at.clone().map(|at| Cell::new(self.expires.clone().unwrap_or_default()).plain(at));
        View::Record(vec![
            ("NAME", Cell::or_absent(self.name.clone()).tone(Tone::Strong)),
            ("EMAIL", Cell::or_absent(self.email.clone())),
            ("PROFILE", self.profile_cell.clone()),
            ("API URL", Cell::or_absent(self.api_url.clone())),
            ("TENANT", Cell::or_absent(self.tenant.clone())),
            ("EXPIRES", expires.unwrap_or_else(Cell::absent)),
        ])
    }
}

/// `autocom whoami --all-profiles -o json`: one entry for each profile that the platform knows.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom whoami, over several profiles")]
#[serde(transparent)]
pub struct WhoamiAllAnswer(pub Vec<WhoamiRow>);

#[derive(Serialize, JsonSchema)]
pub struct WhoamiRow {
    pub profile: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    /// RFC 3339, UTC.
    #[serde(serialize_with = "crate::domain::time::optional_rfc3339")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    #[serde(skip)]
    #[schemars(skip)]
    now: Timestamp,
}

impl Viewed for WhoamiAllAnswer {
    fn view(&self) -> View {
        let cells = |row: &WhoamiRow| {
            let end = row.expires_at.map(|end| Cell::new(relative(end, row.now)).plain(rfc3339(end)));
            vec![
                Cell::new(&row.profile).tone(Tone::Strong),
                Cell::or_absent(row.name.clone()),
                Cell::or_absent(row.email.clone()),
                Cell::or_absent(row.api_url.clone()),
                Cell::or_absent(row.tenant.clone()),
                end.unwrap_or_else(Cell::absent),
            ]
        };
        View::Table {
            columns: vec![
                Column::kept("PROFILE"),
                Column::expendable("NAME", 3),
                Column::expendable("EMAIL", 1),
                Column::expendable("API URL", 4),
                Column::expendable("TENANT", 2),
                Column::expendable("EXPIRES", 5),
            ],
            rows: self.0.iter().map(cells).collect(),
            empty: "nobody",
        }
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
        Ok(Done::answer(WhoamiAnswer {
            name: identity.name,
            email: identity.email,
            profile: name,
            api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
            tenant: identity.tenant.map(|tenant| tenant.to_string()),
            expires_at: identity.expires_at.map(rfc3339),
            expires: identity.expires_at.map(|end| relative(end, now)),
            profile_cell,
        }))
    }
}

fn over_several(context: &Context, scope: &Scope) -> Result<Done> {
    let members = fan_out::targets(context, scope)?;
    let now = context.clock().now();
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for identity in identity::checked_identities(context, &members)? {
        match identity {
            Ok((profile, identity)) => rows.push(WhoamiRow {
                profile: profile.label().to_owned(),
                name: identity.name,
                email: identity.email,
                api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
                tenant: identity.tenant.map(|tenant| tenant.to_string()),
                expires_at: identity.expires_at,
                now,
            }),
            Err(error) => failures.push(error),
        }
    }
    Ok(Done::answer(WhoamiAllAnswer(rows)).with_failures(failures))
}
