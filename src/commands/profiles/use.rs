use clap::Args;
use serde::Serialize;

use super::super::Done;
use super::shell::Shell;
use super::{existing, name_cell};
use crate::config::{EditTarget, Selection};
use crate::domain::Key;
use crate::domain::OutputFormat;
use crate::error::Result;
use crate::session::Session;
use crate::session::protection::Openness;
use crate::ui::output::Output;
use crate::ui::view::{Cell, View, Viewed};

/// Make a profile the active one; `-` goes back to the one before
///
/// It is the active one in every shell; a variable, a pinned directory or an accepted .autocom.toml goes before
/// it. With --shell nothing is written: the shell that evaluates what is printed has a profile of its own.
#[derive(Debug, Args)]
pub struct Use {
    /// The profile, or `-`
    name: String,
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

impl Use {
    pub fn run(self, session: &Session) -> Result<Done> {
        if let Some(shell) = self.shell {
            return self.switch_shell(session, shell);
        }
        let name = match self.name.as_str() {
            "-" => session.previous()?,
            name => existing(session, name)?,
        };
        session.meet_named(&name)?;
        session.activate(&name)?;
        let profile = session.config()?.resolve(Selection::listed(name.clone()));
        let openness = profile.map_or(Openness::Unknown, |profile| session.openness(&profile));
        let cell = name_cell(Cell::new(name.as_str()), openness, session.clock().now());
        session.notices().progress(format!("active profile: {}", cell.text));
        session.mention_overrides(&EditTarget::TopLevel, Key::Profile);
        Ok(Done::nothing())
    }

    fn switch_shell(self, session: &Session, named: Option<Shell>) -> Result<Done> {
        let (environment, notices) = (session.environment(), session.notices());
        let shell = named.map_or_else(|| Shell::of(environment), Ok)?;
        let profile = match self.name.as_str() {
            "-" => session.previous_of_shell()?,
            name => Some(existing(session, name)?),
        };
        if let Some(name) = &profile {
            session.mention_bending_variables(name)?;
        }
        if environment.stdout_is_terminal {
            let which = if named.is_some() { shell.invocation_name() } else { "" };
            let command = format!("autocom profiles use {} --shell{which}", self.name);
            notices
                .hint(format!("this only prints it; to switch this shell: {}", shell.invocation(&command)));
        } else {
            notices.progress(match &profile {
                Some(name) => format!("profile of this shell: {name}"),
                None => "this shell has no profile of its own any more".to_owned(),
            });
        }
        let plain = Output { format: OutputFormat::Table, terminal: false, colours: false, width: 80 };
        plain.write(&Script(shell.switch(profile.as_ref(), environment)))?;
        Ok(Done::nothing())
    }
}
