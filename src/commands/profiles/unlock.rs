use clap::Args;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::names::existing;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{Selection, resolve};
use crate::domain::time::{rfc3339, span};
use crate::domain::{autocom, printable};
use crate::error::{Error, Result};
use crate::session::Context;
use crate::session::answers::unlock;
use crate::session::profile::expectation;
use crate::session::protection::records::MAX_LEASE;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, View, Viewed};

const MAX_REASON: usize = 200;

/// Open a protected profile for a while: requests that change something need no confirmation
///
/// Valid for the current user only. In a terminal autocom asks for the profile's name first; elsewhere pass --confirm.
/// It ends after --for; `profiles lock` ends it earlier.
/// What is sent meanwhile stands in `autocom journal`, with the reason.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom profiles unlock prod --for 15m --reason 'cancel the doubled orders of 4711' --confirm prod
  autocom profiles unlock prod --for 1h30m --reason migration")]
pub struct Unlock {
    name: String,
    /// For how long, such as 90s, 15m or 1h30m; 8 hours at most
    #[arg(long = "for", value_name = "TIME", default_value = "15m", value_parser = lease_time)]
    time: SignedDuration,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

fn lease_time(text: &str) -> Result<SignedDuration, String> {
    let time =
        text.parse::<SignedDuration>().map_err(|_| "must be a time such as 15m or 1h30m".to_owned())?;
    match time {
        time if time < SignedDuration::from_secs(1) => Err("must be a second at least".to_owned()),
        time if time > MAX_LEASE => Err(format!("must be {} at most", span(MAX_LEASE))),
        time => Ok(time),
    }
}

/// `autocom profiles unlock -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles unlock")]
pub struct UnlockAnswer {
    pub profile: String,
    pub api_url: String,
    /// Who it is open to.
    pub user: String,
    /// RFC 3339, UTC.
    pub until: String,
    pub reason: String,
    #[serde(skip)]
    left: String,
}

impl Viewed for UnlockAnswer {
    fn view(&self) -> View {
        View::Record(vec![
            ("PROFILE", Cell::new(&self.profile).tone(Tone::Warn)),
            ("API URL", Cell::new(&self.api_url)),
            ("USER", Cell::new(&self.user)),
            ("UNTIL", Cell::new(format!("{} ({})", self.until, self.left)).plain(&self.until)),
            ("REASON", Cell::new(&self.reason)),
        ])
    }
}

impl Verb for Unlock {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let name = existing(context, &self.name)?;
        expectation::meet_named(context, &name)?;
        let reason = printable(&self.reason, MAX_REASON);
        if reason.is_empty() {
            return Err(Error::usage("the reason is empty")
                .hint(autocom("profiles unlock").value(name).option("--reason", "what for")));
        }
        // At its own address, whatever flags and variables say: that is the one that the lease is for.
        let profile = resolve(context.config()?, Selection::listed(name))?;
        let lease = unlock::unlock(context, &profile, self.time, &reason)?;
        Ok(Done::answer(UnlockAnswer {
            profile: lease.profile,
            api_url: lease.api_url,
            user: lease.user,
            until: rfc3339(lease.until),
            reason: lease.reason,
            left: span(self.time),
        }))
    }
}
