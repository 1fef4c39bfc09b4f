use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::keys::{dotted, known, profile_of};
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::in_file;
use crate::domain::{autocom, one_line};
use crate::error::{Error, Kind, Result};
use crate::session::Context;
use crate::session::profile::selected;
use crate::session::profile::settings::settings;
use crate::ui::view::{View, Viewed};

/// Print the effective value of a key, or the file's own of a dotted one (profiles.NAME.KEY)
#[derive(Debug, Args)]
pub struct Get {
    key: String,
}

/// `autocom config get KEY -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom config get")]
pub struct GetAnswer {
    pub key: String,
    pub value: String,
    /// Where the value comes from; null for a dotted key, which is the file's.
    pub origin: Option<String>,
}

impl Viewed for GetAnswer {
    fn view(&self) -> View {
        View::Line(one_line(&self.value).into_owned())
    }
}

impl Verb for Get {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.plain()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let unset = || Error::new(Kind::Failed, format!("`{}` is not set", self.key));
        if let Some((name, key)) = dotted(&self.key)? {
            let target = profile_of(context, name, autocom("config get").value(key))?;
            let value = in_file(context.config()?, &target, known(key)?)?.ok_or_else(unset)?;
            return Ok(Done::answer(GetAnswer { key: self.key, value, origin: None }));
        }
        let key = known(&self.key)?;
        let profile = selected::profile(context)?;
        let setting = settings(context, &profile).into_iter().find(|setting| setting.key == key.as_str());
        let setting = setting.filter(|setting| setting.value.is_some()).ok_or_else(unset)?;
        let value = setting.value.unwrap_or_default();
        Ok(Done::answer(GetAnswer { key: self.key, value, origin: setting.origin }))
    }
}
