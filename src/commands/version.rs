use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
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

impl Version {
    pub fn run(self) -> Result<Done> {
        Ok(Done::answer(VersionAnswer { version: env!("CARGO_PKG_VERSION") }))
    }
}
