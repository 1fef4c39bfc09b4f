use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::keys::settings_view;
use crate::commands::verb::{Invocation, Verb};
use crate::error::Result;
use crate::session::Context;
use crate::session::profile::selected;
use crate::session::profile::settings::{SettingRow, settings};
use crate::ui::view::{View, Viewed};

/// List every key with its effective value and where that comes from
#[derive(Debug, Args)]
pub struct List {}

/// `autocom config list -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom config list")]
#[serde(transparent)]
pub struct ListAnswer(pub Vec<SettingRow>);

impl Viewed for ListAnswer {
    fn view(&self) -> View {
        settings_view(&self.0)
    }
}

impl Verb for List {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let profile = selected::profile(context)?;
        Ok(Done::answer(ListAnswer(settings(context, &profile))))
    }
}
