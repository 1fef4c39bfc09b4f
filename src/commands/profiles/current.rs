use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::commands::verb::{Invocation, Verb};
use crate::config::select;
use crate::domain::{autocom, one_line};
use crate::error::{Error, Result};
use crate::ui::view::{View, Viewed};

/// Print the name of the profile that commands use here
#[derive(Debug, Args)]
pub struct Current {}

/// `autocom profiles current -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles current")]
pub struct CurrentAnswer {
    pub name: String,
    /// What selected it.
    pub origin: String,
}

impl Viewed for CurrentAnswer {
    fn view(&self) -> View {
        View::Line(one_line(&self.name).into_owned())
    }
}

impl Verb for Current {
    fn is_plain(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, invocation: &Invocation<'_>) -> Result<Done> {
        let context = invocation.context;
        let selection = select(context.config()?)?;
        let origin = selection.origin.to_string();
        match selection.name {
            Some(name) => Ok(Done::answer(CurrentAnswer { name: name.to_string(), origin })),
            None => Err(Error::usage(format!("no profile is bound to the environment that {origin} names"))
                .hint(autocom("profiles list"))),
        }
    }
}
