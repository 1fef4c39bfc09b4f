use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::error::Result;
use crate::session::Session;
use crate::session::tenants::TenantRow;
use crate::ui::view::{Cell, Column, View, Viewed};

/// List the tenants that you are in; a star marks the one that the profile works in
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom tenants list
  autocom -p staging tenants list -o json | jq -r '.[].id'")]
pub struct List {}

/// `autocom tenants list -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom tenants list")]
#[serde(transparent)]
pub struct ListAnswer(Vec<TenantRow>);

impl Viewed for ListAnswer {
    fn view(&self) -> View {
        let cells = |row: &TenantRow| {
            vec![Cell::starred(&row.id, row.current), Cell::new(&row.name), Cell::or_absent(row.role.clone())]
        };
        View::Table {
            columns: vec![
                Column::kept("TENANT"),
                Column::expendable("NAME", 2),
                Column::expendable("ROLE", 1),
            ],
            rows: self.0.iter().map(cells).collect(),
            empty: "you are in no tenant of this platform",
        }
    }
}

impl List {
    pub fn run(self, session: &Session) -> Result<Done> {
        let profile = session.profile()?;
        Ok(Done::answer(ListAnswer(session.tenants(&profile)?)))
    }
}
