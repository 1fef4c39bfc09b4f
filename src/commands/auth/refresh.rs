use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::domain::time::{relative, rfc3339};
use crate::domain::{OutputFormat, StoreKind};
use crate::error::Result;
use crate::session::Context;
use crate::session::call::bearer;
use crate::session::profile::selected;
use crate::ui::view::{View, Viewed};

/// Renew the token of the selected profile now, though it may be good for a while yet
#[derive(Debug, Args)]
pub struct Refresh {}

/// `autocom auth refresh -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom auth refresh")]
pub struct RefreshAnswer {
    pub profile: Option<String>,
    pub api_url: String,
    /// RFC 3339, UTC. Null if no end is known.
    pub expires_at: Option<String>,
    /// The end of the refresh token, where the platform told it.
    pub refresh_expires_at: Option<String>,
    pub store: StoreKind,
}

impl Viewed for RefreshAnswer {
    fn view(&self) -> View {
        View::Line(self.expires_at.clone().unwrap_or_default())
    }
}

impl Verb for Refresh {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.with_own_expectations()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let profile = selected::profile(context)?;
        let stored = bearer::refresh(context, &profile)?;
        let (record, now) = (&stored.record, context.clock().now());
        let end = record.expires_at.map(|end| format!("; it ends {}", relative(end, now)));
        let label = profile.label();
        context
            .reporter()
            .progress(format!("The token of profile {label} is renewed{}.", end.unwrap_or_default()));
        // For people the sentence says it all.
        if context.output_format() == OutputFormat::Table {
            return Ok(Done::nothing());
        }
        Ok(Done::answer(RefreshAnswer {
            profile: profile.name().map(ToString::to_string),
            api_url: record.api_url.to_string(),
            expires_at: record.expires_at.map(rfc3339),
            refresh_expires_at: record.refresh_expires_at.map(rfc3339),
            store: stored.store,
        }))
    }
}
