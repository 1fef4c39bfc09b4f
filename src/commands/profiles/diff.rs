use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::names::existing;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{Resolved, Selection, resolve};
use crate::error::Result;
use crate::session::Context;
use crate::session::answers::settings::standing_settings;
use crate::session::profile::settings::SettingRow;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

/// Show in what two profiles differ, as each would be resolved by `--profile`; asks no platform and no keychain
///
/// The exit code is 0 whether they differ or not: that they do is the answer, not a failure. With
/// --exit-code it is 1 if they differ, for scripts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom profiles diff staging prod
  autocom profiles diff staging prod --all -o json
  autocom profiles diff staging prod --exit-code -q >/dev/null || echo they differ")]
pub struct Diff {
    #[arg(value_name = "A")]
    left: String,
    #[arg(value_name = "B")]
    right: String,
    /// Show what is equal too
    #[arg(long)]
    all: bool,
    /// Exit with 1 if they differ
    #[arg(long)]
    exit_code: bool,
}

/// `autocom profiles diff -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles diff")]
pub struct DiffAnswer {
    pub left: String,
    pub right: String,
    /// Whether any value differs. Where values come from is shown, but not compared.
    pub differ: bool,
    /// What differs; with --all what is equal too.
    pub settings: Vec<DiffRow>,
}

/// A key in both profiles.
#[derive(Serialize, JsonSchema)]
pub struct DiffRow {
    pub key: &'static str,
    pub differs: bool,
    pub left: Side,
    pub right: Side,
}

#[derive(Serialize, JsonSchema)]
pub struct Side {
    pub value: Option<String>,
    pub origin: Option<String>,
}

impl From<SettingRow> for Side {
    fn from(row: SettingRow) -> Side {
        Side { value: row.value, origin: row.origin }
    }
}

impl Viewed for DiffAnswer {
    fn view(&self) -> View {
        let columns = vec![
            Column::kept("KEY"),
            Column::kept("A"),
            Column::expendable("ORIGIN OF A", 1),
            Column::kept("B"),
            Column::expendable("ORIGIN OF B", 2),
        ];
        // Which is which, in place of names in the header: columns have the same names always.
        let strong = |text: &str| Cell::new(text).tone(Tone::Strong);
        let names =
            [Cell::new("profile"), strong(&self.left), Cell::new(""), strong(&self.right), Cell::new("")];
        let rows = self.settings.iter().map(|row| {
            let tone = if row.differs { Tone::Plain } else { Tone::Faint };
            let value = |side: &Side| Cell::or_absent(side.value.clone()).tone(tone);
            let origin = |side: &Side| Cell::new(side.origin.clone().unwrap_or_default()).tone(Tone::Faint);
            vec![
                Cell::new(row.key).tone(tone),
                value(&row.left),
                origin(&row.left),
                value(&row.right),
                origin(&row.right),
            ]
        });
        View::Table { columns, rows: [names.to_vec()].into_iter().chain(rows).collect(), empty: "" }
    }
}

impl Verb for Diff {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let config = context.config()?;
        let resolved = |text: &str| -> Result<Resolved> {
            // Neither is the one profile that an `AUTOCOM_TOKEN` without an address is for.
            Ok(resolve(config, Selection::one_of_several(existing(context, text)?))?)
        };
        let (left, right) = (resolved(&self.left)?, resolved(&self.right)?);
        let sides = standing_settings(context, &left).into_iter().zip(standing_settings(context, &right));
        let mut settings: Vec<DiffRow> = sides
            .map(|(left, right)| DiffRow {
                key: left.key,
                differs: left.value != right.value,
                left: left.into(),
                right: right.into(),
            })
            .collect();
        let differ = settings.iter().any(|row| row.differs);
        settings.retain(|row| self.all || row.differs);
        if !differ {
            context.reporter().progress(format!("{} and {} do not differ", self.left, self.right));
        }
        let answer = DiffAnswer { left: self.left, right: self.right, differ, settings };
        let exit_code = u8::from(self.exit_code && differ);
        Ok(Done { exit_code, ..Done::answer(answer) })
    }
}
