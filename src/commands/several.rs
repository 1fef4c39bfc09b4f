//! `--all-profiles` and `--profiles`: one command over several environments.

use clap::Args;
use glob::Pattern;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::domain::autocom;
use crate::error::{Error, Result};
use crate::session::call::fan_out::Scope;
use crate::session::context::Context;
use crate::ui::rows::{Row, list};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Several environments")]
pub struct Several {
    /// Do it for every profile at once
    #[arg(long, conflicts_with = "profiles")]
    pub all_profiles: bool,
    /// Do it for these profiles at once, as in 'staging,prod-*'
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub profiles: Vec<String>,
}

/// A row of one of several profiles: which one comes first.
#[derive(Serialize, JsonSchema)]
pub struct Of<T> {
    pub profile: String,
    #[serde(flatten)]
    pub row: T,
}

impl<T: Row> Row for Of<T> {
    const EMPTY: &'static str = T::EMPTY;

    fn columns() -> Vec<Column> {
        std::iter::once(Column::kept("PROFILE")).chain(T::columns()).collect()
    }

    fn cells(&self) -> Vec<Cell> {
        std::iter::once(Cell::new(&self.profile).tone(Tone::Strong)).chain(self.row.cells()).collect()
    }
}

/// Rows of several profiles, as `--all-profiles -o json` has them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "rows of several profiles")]
#[serde(transparent)]
pub struct AllAnswer<T>(pub Vec<Of<T>>);

impl<T: Row> Viewed for AllAnswer<T> {
    fn view(&self) -> View {
        list(&self.0)
    }
}

impl<T: Row + JsonSchema + 'static> AllAnswer<T> {
    /// The rows of each profile, and the errors of those that failed.
    pub fn done(profiles: impl IntoIterator<Item = (String, Result<Vec<T>>)>) -> Done {
        let (mut all, mut failures) = (Vec::new(), Vec::new());
        for (profile, rows) in profiles {
            match rows {
                Ok(rows) => all.extend(rows.into_iter().map(|row| Of { profile: profile.clone(), row })),
                Err(error) => failures.push(error),
            }
        }
        Done::answer(AllAnswer(all)).with_failures(failures)
    }
}

impl Several {
    /// `None`: the command is about the one profile that is selected.
    pub fn scope(&self, context: &Context) -> Result<Option<Scope>> {
        // clap sees no conflict with a global flag that stands before the command.
        if let Some(flag) =
            context.selecting_flag().filter(|_| self.all_profiles || !self.profiles.is_empty())
        {
            let several = if self.all_profiles { "--all-profiles" } else { "--profiles" };
            return Err(Error::usage(format!("{flag} names one profile, and {several} several"))
                .hint(format!("leave out {flag}, or {several}")));
        }
        if self.all_profiles {
            return Ok(Some(Scope::All));
        }
        if self.profiles.is_empty() {
            return Ok(None);
        }
        let pattern = |text: &String| {
            Pattern::new(text.trim()).map_err(|error| {
                Error::usage(format!("`{text}` is no pattern of names: {} (from --profiles)", error.msg))
                    .hint(autocom("profiles list"))
            })
        };
        self.profiles.iter().map(pattern).collect::<Result<_>>().map(Scope::Named).map(Some)
    }
}
