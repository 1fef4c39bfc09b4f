use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::error::Result;
use crate::session::Context;
use crate::ui::view::{View, Viewed};

/// Print the version
#[derive(Debug, Args)]
pub struct Version {}

/// `autocom version -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom version")]
pub struct VersionAnswer {
    pub version: &'static str,
}

impl Viewed for VersionAnswer {
    fn view(&self) -> View {
        View::Line(format!("autocom {}", self.version))
    }
}

impl Verb for Version {
    fn policy(&self) -> Policy {
        Policy::STANDALONE
    }

    fn run(self: Box<Self>, _: &Context, _: &Invocation<'_>) -> Result<Done> {
        Ok(Done::answer(VersionAnswer { version: env!("CARGO_PKG_VERSION") }))
    }
}
