use std::path::PathBuf;

use clap::{Args, Command};
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::error::{Error, Kind, Result};
use crate::session::Context;
use crate::system::replace::{Mode, replace};
use crate::ui::view::{View, Viewed};

/// Print the manual page, or write a page for every command into a folder
///
/// The pages are in section 1; each subcommand has its own (autocom-profiles-use.1).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom man | man -l -
  autocom man --dir ~/.local/share/man/man1 && man autocom-profiles-use")]
pub struct Man {
    /// Write the pages there, over older ones
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

/// `autocom man -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom man")]
pub struct ManAnswer {
    /// The page in roff, or null if the pages were written into a folder.
    pub page: Option<String>,
    /// The files that were written.
    pub files: Vec<String>,
}

impl Viewed for ManAnswer {
    fn view(&self) -> View {
        View::Line(self.page.clone().unwrap_or_else(|| self.files.join("\n")))
    }
}

impl Verb for Man {
    fn policy(&self) -> Policy {
        Policy::STANDALONE
    }

    fn run(self: Box<Self>, context: &Context, invocation: &Invocation<'_>) -> Result<Done> {
        let root = (invocation.root)();
        let mut pages = pages(&whole(root))?;
        let Some(folder) = self.dir else {
            let page = pages.swap_remove(0).1.trim_end().to_owned();
            return Ok(Done::answer(ManAnswer { page: Some(page), files: Vec::new() }));
        };
        let folder = match &context.environment().current_dir {
            Some(here) => here.join(folder),
            None => folder,
        };
        let mut files = Vec::new();
        for (name, page) in pages {
            let path = folder.join(name);
            replace(&path, page.as_bytes(), Mode::Public)?;
            files.push(path.display().to_string());
        }
        context.reporter().progress(format!("wrote {} pages to {}", files.len(), folder.display()));
        Ok(Done::answer(ManAnswer { page: None, files }))
    }
}

fn whole(root: Command) -> Command {
    let mut root = root.disable_help_subcommand(true);
    root.build();
    root
}

/// The file names and texts of the pages of a command and those below it, in this order.
fn pages(command: &Command) -> Result<Vec<(String, String)>> {
    let man = clap_mangen::Man::new(command.clone()).manual("autocom").source(version());
    let (name, mut page) = (man.get_filename(), Vec::new());
    man.render(&mut page)
        .map_err(|error| Error::new(Kind::Failed, "could not render the page").cause(error))?;
    // clap_mangen's heading of what stands below the help, mostly examples.
    let page = String::from_utf8_lossy(&page).replace("\n.SH EXTRA\n", "\n.SH NOTES\n");
    let mut found = vec![(name, page)];
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        found.extend(pages(sub)?);
    }
    Ok(found)
}

fn version() -> String {
    format!("autocom {}", env!("CARGO_PKG_VERSION"))
}
