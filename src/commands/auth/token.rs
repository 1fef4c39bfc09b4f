use clap::Args;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::commands::durations::time_to_live;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::domain::time::rfc3339;
use crate::error::Result;
use crate::session::Context;
use crate::session::call::bearer;
use crate::session::profile::selected;
use crate::ui::view::{View, Viewed};

/// Print a token of the selected profile, renewed if it would end too soon
///
/// It is the only thing on stdout. The token is for the profile's own environment; `autocom exec` hands
/// it to a command without its being shown anywhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  curl -H \"Authorization: Bearer $(autocom auth token -p staging)\" https://api.staging.example.test/api/v1/profile
  autocom auth token --min-ttl 900 -o json")]
pub struct Token {
    /// Seconds that the token must still be valid for, or fail [default: 60, or what is left if there is no other token]
    #[arg(long, value_name = "SECONDS", value_parser = time_to_live)]
    min_ttl: Option<SignedDuration>,
}

/// `autocom auth token -o json`. Never the refresh token.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom auth token")]
pub struct TokenAnswer {
    pub access_token: String,
    /// Always `Bearer` (RFC 6750).
    pub token_type: &'static str,
    /// RFC 3339, UTC. Null if no end is known.
    pub expires_at: Option<String>,
    pub profile: Option<String>,
    /// The environment that the token is for.
    pub api_url: Option<String>,
    pub tenant: Option<String>,
}

impl Viewed for TokenAnswer {
    fn view(&self) -> View {
        View::Line(self.access_token.clone())
    }
}

impl Verb for Token {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.with_own_expectations().plain()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let profile = selected::profile(context)?;
        let bearer = bearer::bearer(context, &profile, self.min_ttl)?;
        Ok(Done::answer(TokenAnswer {
            access_token: bearer.token().expose().to_owned(),
            token_type: "Bearer",
            expires_at: bearer.expires_at().map(rfc3339),
            profile: profile.name().map(ToString::to_string),
            api_url: profile.api_url.as_ref().map(|url| url.value.to_string()),
            tenant: bearer.tenant(&profile).map(|tenant| tenant.to_string()),
        }))
    }
}
