use clap::Args;
use clap::builder::PossibleValuesParser;
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use super::profiles::list::token_cell;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::{Resolved, resolve, select};
use crate::domain::TokenStatus;
use crate::error::Result;
use crate::session::Context;
use crate::session::answers::listing::{self, ProfileRow};
use crate::session::profile::protection_state::ProtectionState;
use crate::ui::segment::{self, PromptShell, SegmentField, Template};
use crate::ui::style::Tone;
use crate::ui::view::{View, Viewed};

/// Where the configuration can't be read: a prompt never shows an error, but should not hide one.
const BROKEN: &str = "autocom?";

/// Print the profile and tenant that commands use here, for a shell's prompt
///
/// Prints nothing where no environment is known, and `autocom?` where the configuration is broken (any
/// other command says how). Reads two small files; opens no store and no connection, writes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Fields:  {profile} {tenant} {host} {user} {status} {mark}; what stands inside the braces next to the
         name comes and goes with the field: '{profile}{ (tenant)}'
Marks:   # protected   ~ protected, but unlocked now   ! no token to work with: ended, or a stranger's
Colour:  a prompt is no terminal to us: --color always, with --shell for bash and zsh")]
pub struct Prompt {
    /// What to print
    #[arg(long, value_name = "TEMPLATE", default_value = "{profile}{:tenant}{mark}")]
    format: Template,
    /// The shell whose prompt it is: how it is told which characters take no room
    #[arg(long, value_name = "SHELL", value_parser = PossibleValuesParser::new(PromptShell::ALL))]
    shell: Option<String>,
}

/// `autocom prompt -o json`.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(title = "autocom prompt")]
pub struct PromptAnswer {
    /// Null where no environment is known, or the configuration is broken.
    pub profile: Option<String>,
    pub tenant: Option<String>,
    pub host: Option<String>,
    /// E-mail of the user who is logged in.
    pub user: Option<String>,
    pub status: Option<TokenStatus>,
    /// `#`, `~` and `!` as in the prompt; `?` for a broken configuration.
    pub mark: String,
    #[serde(skip)]
    line: String,
}

impl Viewed for PromptAnswer {
    fn view(&self) -> View {
        View::Line(self.line.clone())
    }
}

impl Verb for Prompt {
    fn policy(&self) -> Policy {
        Policy { only_looks: true, ..Policy::DEFAULT.with_own_expectations().plain() }
    }

    fn run(self: Box<Self>, context: &Context, invocation: &Invocation<'_>) -> Result<Done> {
        let colours = invocation.output().colours;
        let shell = self.shell.as_deref().map(PromptShell::named);
        let paint =
            |text: &str, tone| if colours { segment::paint(text, tone, shell) } else { text.to_owned() };
        let profile = context.config().and_then(|config| Ok(resolve(config, select(config)?)?));
        Ok(Done::answer(match profile {
            Err(_) => PromptAnswer {
                mark: "?".to_owned(),
                line: paint(BROKEN, Tone::Bad),
                ..PromptAnswer::default()
            },
            Ok(profile) if profile.api_url.is_none() => PromptAnswer::default(),
            Ok(profile) => self.answer(&profile, listing::row(context, &profile, true), paint),
        }))
    }
}

impl Prompt {
    fn answer(
        &self,
        profile: &Resolved,
        row: ProfileRow,
        paint: impl Fn(&str, Tone) -> String,
    ) -> PromptAnswer {
        let (guard, tone) = match row.protection_state {
            // Where nobody can tell, no change is let through either.
            ProtectionState::Protected | ProtectionState::Unknown => ("#", Tone::Guarded),
            ProtectionState::Unlocked { .. } => ("~", Tone::Warn),
            ProtectionState::Open => ("", Tone::Good),
        };
        let ended = matches!(row.token, TokenStatus::Expired | TokenStatus::LoggedOut | TokenStatus::Foreign);
        let gone = ended || row.other_user;
        let mut answer = PromptAnswer {
            // Its name alone would mislead where a flag or a variable leads it elsewhere.
            profile: match (row.name, profile.own_api_url.as_ref(), &profile.api_url) {
                (Some(name), Some(own), Some(url)) if *own != url.value => {
                    Some(format!("{name}@{}", url.value.authority()))
                }
                (name, ..) => name,
            },
            tenant: row.tenant,
            host: profile.api_url.as_ref().map(|url| url.value.authority()),
            user: row.user,
            status: Some(row.token),
            mark: format!("{guard}{}", if gone { "!" } else { "" }),
            line: String::new(),
        };
        let value = |field| {
            let (text, tone) = match field {
                SegmentField::Profile => (answer.profile.as_deref().or(answer.host.as_deref()), tone),
                SegmentField::Tenant => (answer.tenant.as_deref(), Tone::Plain),
                SegmentField::Host => (answer.host.as_deref(), Tone::Plain),
                SegmentField::User => (answer.user.as_deref(), Tone::Plain),
                SegmentField::Status => (Some(row.token.as_str()), token_cell(row.token).tone),
                // Our own signs: a value may not have them.
                SegmentField::Mark => return (answer.mark.clone(), if gone { Tone::Bad } else { tone }),
            };
            (segment::tame(text.unwrap_or_default()), tone)
        };
        answer.line = self.format.fill(value, paint);
        answer
    }
}
