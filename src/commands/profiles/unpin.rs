use std::path::PathBuf;

use clap::Args;

use super::super::Done;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{REPOSITORY_FILE, RepositoryFile};
use crate::domain::{one_line, quoted};
use crate::error::Result;
use crate::session::context::Context;
use crate::session::profile::switch;

/// Free a directory that `profiles pin` has bound
///
/// What isn't bound is free already: that is said, and is no failure.
#[derive(Debug, Args)]
pub struct Unpin {
    /// The directory (default: this one)
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    directory: Option<PathBuf>,
    /// Take back the acceptance of a repository's .autocom.toml (default: the nearest one, here or above)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, num_args = 0..=1, conflicts_with = "directory")]
    file: Option<Option<PathBuf>>,
}

impl Verb for Unpin {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        match self.file {
            Some(file) => unaccept(context, file),
            None => unbind(context, &self.directory.unwrap_or_default()),
        }
    }
}

fn unbind(context: &Context, typed: &std::path::Path) -> Result<Done> {
    let directory = switch::canonical(context, typed)?;
    let shown = one_line(&directory.display().to_string()).into_owned();
    let (freed, above) = switch::change_pins(context, |pins| {
        let freed = pins.unbind(&directory);
        let above = pins.binding_of(&directory).map(|(above, name)| (above.to_owned(), name.to_owned()));
        (freed, above)
    })?;
    let reporter = context.reporter();
    match freed {
        Some(name) => reporter.progress(format!("{shown} is not pinned to profile {name} any more")),
        None => reporter.progress(format!("{shown} was not pinned")),
    }
    if let Some((above, name)) = above {
        let words = one_line(&above.display().to_string()).into_owned();
        let command = quoted(&above);
        reporter.warn(format!(
            "{words} is pinned to profile {name}, which holds below it: autocom profiles unpin {command}"
        ));
    }
    Ok(Done::nothing())
}

fn unaccept(context: &Context, file: Option<PathBuf>) -> Result<Done> {
    let directory = match &file {
        Some(file) => switch::folder_of(context, file)?,
        None => {
            let here = switch::canonical(context, "".as_ref())?;
            RepositoryFile::nearest(&here).map_or_else(|| here.clone(), |nearest| nearest.to_owned())
        }
    };
    let path = directory.join(REPOSITORY_FILE);
    let shown = one_line(&path.display().to_string()).into_owned();
    let was = switch::change_pins(context, |pins| pins.forget(&path))?;
    context.reporter().progress(if was {
        format!("{shown} is not accepted any more")
    } else {
        format!("{shown} was not accepted")
    });
    Ok(Done::nothing())
}
