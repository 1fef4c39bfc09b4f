use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::commands::verb::{Invocation, Verb};
use crate::error::Result;
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
    fn heeds_output_setting(&self) -> bool {
        false
    }

    fn checks_expectations(&self) -> bool {
        true
    }

    fn is_plain(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, _: &Invocation<'_>) -> Result<Done> {
        Ok(Done::answer(VersionAnswer { version: env!("CARGO_PKG_VERSION") }))
    }
}
