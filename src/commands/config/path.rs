use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::domain::one_line;
use crate::error::Result;
use crate::session::context::Session;
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

impl Path {
    /// Works also when the file can't be read: this is how one finds it to mend it.
    pub fn run(self, session: &Session) -> Result<Done> {
        let place = session.config_place()?;
        Ok(Done::answer(PathAnswer { path: place.path.display().to_string(), exists: place.path.exists() }))
    }
}
