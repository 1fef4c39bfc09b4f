use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::super::several::{Of, Several};
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::error::Result;
use crate::session::Context;
use crate::session::answers::tenants::{self, TenantRow};
use crate::session::call::fan_out;
use crate::session::profile::selected;
use crate::ui::view::{Cell, Column, View, Viewed};

/// List the tenants that you are in; a star marks the one that the profile works in
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom tenants list
  autocom -p staging tenants list -o json | jq -r '.[].id'
  autocom tenants list --all-profiles")]
pub struct List {
    #[command(flatten)]
    several: Several,
}

/// `autocom tenants list -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom tenants list")]
#[serde(transparent)]
pub struct ListAnswer(Vec<TenantRow>);

/// `autocom tenants list --all-profiles -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom tenants list, over several profiles")]
#[serde(transparent)]
pub struct ListAllAnswer(Vec<Of<TenantRow>>);

const COLUMNS: [Column; 4] = [
    Column::kept("TENANT"),
    Column::expendable("NAME", 2),
    Column::expendable("ROLE", 1),
    Column::for_programs("CURRENT"),
];
const NONE: &str = "you are in no tenant of this platform";

fn cells(row: &TenantRow) -> Vec<Cell> {
    vec![
        Cell::starred(&row.id, row.current),
        Cell::new(&row.name),
        Cell::or_absent(row.role.clone()),
        Cell::flag(row.current),
    ]
}

impl Viewed for ListAnswer {
    fn view(&self) -> View {
        View::Table { columns: COLUMNS.into(), rows: self.0.iter().map(cells).collect(), empty: NONE }
    }
}

impl Viewed for ListAllAnswer {
    fn view(&self) -> View {
        let columns = std::iter::once(Of::<TenantRow>::COLUMN).chain(COLUMNS).collect();
        View::Table {
            columns,
            rows: self.0.iter().map(|row| row.cells(cells)).collect(),
            empty: "no tenants",
        }
    }
}

impl Verb for List {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.with_own_expectations()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let Some(scope) = self.several.scope(context)? else {
            let profile = selected::profile(context)?;
            return Ok(Done::answer(ListAnswer(tenants::tenants(context, &profile)?)));
        };
        let members = fan_out::targets(context, &scope)?;
        let (mut rows, mut failures) = (Vec::new(), Vec::new());
        for (outcome, member) in tenants::tenants_of(context, &members)?.into_iter().zip(&members) {
            let profile = member.name.to_string();
            match outcome {
                Ok(theirs) => rows.extend(theirs.into_iter().map(|row| Of { profile: profile.clone(), row })),
                Err(error) => failures.push(error),
            }
        }
        Ok(Done::answer(ListAllAnswer(rows)).with_failures(failures))
    }
}
