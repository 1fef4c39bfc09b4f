use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::select;
use crate::domain::{autocom, one_line};
use crate::error::{Error, Result};
use crate::session::Context;
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
    fn policy(&self) -> Policy {
        Policy::DEFAULT.plain()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let selection = select(context.config()?)?;
        let origin = selection.origin.to_string();
        match selection.name {
            Some(name) => Ok(Done::answer(CurrentAnswer { name: name.to_string(), origin })),
            None => Err(Error::usage(format!("no profile is bound to the environment that {origin} names"))
                .hint(autocom("profiles list"))),
        }
    }
}
