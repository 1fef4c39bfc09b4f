use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::domain::one_line;
use crate::error::Result;
use crate::session::Context;
use crate::ui::view::{View, Viewed};

/// Print the path of config.toml
#[derive(Debug, Args)]
pub struct Path {}

/// `autocom config path -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom config path")]
pub struct PathAnswer {
    pub path: String,
    pub exists: bool,
}

impl Viewed for PathAnswer {
    fn view(&self) -> View {
        View::Line(one_line(&self.path).into_owned())
    }
}

impl Verb for Path {
    fn policy(&self) -> Policy {
        Policy::STANDALONE
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let place = context.config_place()?;
        Ok(Done::answer(PathAnswer { path: place.path.display().to_string(), exists: place.path.exists() }))
    }
}
