use clap::Args;
use serde::Serialize;

use super::super::Done;
use super::names::{existing, name_cell};
use super::picker;
use super::shell::Shell;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{EditTarget, Facts, Selection, resolve};
use crate::domain::{Key, NextCommand, OutputFormat, ProfileName, autocom};
use crate::error::Result;
use crate::session::context::Context;
use crate::session::profile::protection_state::{self, ProtectionState};
use crate::session::profile::{config_file, expectation, switch};
use crate::system::environment::Environment;
use crate::ui::output::Output;
use crate::ui::view::{Cell, View, Viewed};

/// Make a profile the active one; `-` goes back to the one before
///
/// Without a name a terminal lists the profiles to choose from: type some letters of a name, host, tenant or user.
/// It is the active one in every shell; a variable, a pinned directory or an accepted .autocom.toml goes before
/// it. With --shell nothing is written: the shell that evaluates what is printed has a profile of its own.
#[derive(Debug, Args)]
pub struct Use {
    /// The profile, or `-` (left out: you are asked)
    name: Option<String>,
    /// Print what switches this shell alone (without a name: the one that $SHELL names)
    #[arg(long, value_name = "SHELL", num_args = 0..=1)]
    shell: Option<Option<Shell>>,
}

/// Shell code is for a shell, whatever format answers have.
#[derive(Serialize)]
struct Script(String);

impl Viewed for Script {
    fn view(&self) -> View {
        View::Line(self.0.clone())
    }
}

impl Verb for Use {
    fn failure_in_shell(&self, environment: &Environment) -> Option<&'static str> {
        let shell = self.shell?.or_else(|| Shell::detect(environment).ok()).unwrap_or(Shell::Bash);
        (!environment.stdout_is_terminal).then(|| shell.failure())
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        if let Some(shell) = self.shell {
            return self.switch_shell(context, shell);
        }
        let (locked, name) = match self.name.as_deref() {
            Some(name) => {
                let locked = config_file::lock_config(context)?;
                let name = if name == "-" { switch::previous(&locked)? } else { existing(&locked, name)? };
                (locked, name)
            }
            None => {
                let name = picker::pick(context, &autocom("profiles use NAME"))?;
                let seen = Facts::new(context.config()?, &name, &[]);
                let locked = config_file::lock_config(context)?;
                locked.check_facts(&seen, &autocom("profiles use").value(&name))?;
                (locked, name)
            }
        };
        expectation::meet_named(&locked, &name)?;
        switch::activate(&locked, &name)?;
        let profile = resolve(locked.config()?, Selection::listed(name.clone()));
        let protection_state = profile.map_or(ProtectionState::Unknown, |profile| {
            protection_state::protection_state(&locked, &profile)
        });
        drop(locked);
        let cell = name_cell(Cell::new(name.as_str()), protection_state, context.clock().now());
        context.reporter().progress(format!("active profile: {}", cell.text()));
        switch::mention_overrides(context, &EditTarget::TopLevel, Key::Profile);
        Ok(Done::nothing())
    }
}

impl Use {
    fn switch_shell(self, context: &Context, named: Option<Shell>) -> Result<Done> {
        let (environment, reporter) = (context.environment(), context.reporter());
        let shell = named.map_or_else(|| Shell::detect(environment), Ok)?;
        let which = |command: NextCommand| match named {
            Some(shell) => command.words(shell.invocation_name()),
            None => command,
        };
        let profile = match self.name.as_deref() {
            Some("-") => switch::previous_of_shell(context)?,
            Some(name) => Some(existing(context, name)?),
            None => Some(picker::pick(context, &which(autocom("profiles use NAME --shell")))?),
        };
        if let Some(name) = &profile {
            expectation::meet_named(context, name)?;
            switch::mention_bending_variables(context, name)?;
        }
        if environment.stdout_is_terminal {
            let name = profile.as_ref().map_or("-", ProfileName::as_str);
            let name = self.name.as_deref().unwrap_or(name);
            let command = which(autocom("profiles use").value(name).words("--shell")).to_string();
            reporter
                .note(format!("this only prints it; to switch this shell: {}", shell.invocation(&command)));
        } else {
            reporter.progress(match &profile {
                Some(name) => format!("profile of this shell: {name}"),
                None => "this shell has no profile of its own any more".to_owned(),
            });
        }
        let plain =
            Output { format: OutputFormat::Table, terminal: false, colours: false, width: 80, jq: None };
        plain.write(&Script(shell.switch(profile.as_ref(), environment)))?;
        Ok(Done::nothing())
    }
}
