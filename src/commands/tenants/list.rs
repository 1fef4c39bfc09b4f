use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::super::several::{AllAnswer, Several};
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::error::Result;
use crate::session::Context;
use crate::session::answers::tenants::{self, TenantRow};
use crate::session::call::fan_out;
use crate::session::profile::selected;
use crate::ui::rows::{Row, list};
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

impl Row for TenantRow {
    const EMPTY: &'static str = "no tenants";

    fn columns() -> Vec<Column> {
        vec![
            Column::kept("TENANT"),
            Column::expendable("NAME", 2),
            Column::expendable("ROLE", 1),
            Column::for_programs("CURRENT"),
        ]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::starred(&self.id, self.current),
            Cell::new(&self.name),
            Cell::or_absent(self.role.clone()),
            Cell::flag(self.current),
        ]
    }
}

impl Viewed for ListAnswer {
    fn view(&self) -> View {
        list(&self.0)
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
        let outcomes = tenants::tenants_of(context, &members)?;
        Ok(AllAnswer::done(members.iter().map(|member| member.name.to_string()).zip(outcomes)))
    }
}
