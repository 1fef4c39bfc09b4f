use std::path::Path;

use clap::Args;

use super::super::Done;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::config::{ConfigError, Document};
use crate::domain::{autocom, one_line, quoted};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::config_file;
use crate::system::editor::{CONFIG, Draft, Editor};
use crate::system::interrupt;
use crate::system::prompter::Choice;

/// Open config.toml in an editor ($VISUAL, else $EDITOR), and take it over if it is sound
///
/// What is edited is a copy. It is checked when the editor ends, every value of every profile, and only then
/// put in place of config.toml. If something is wrong, it is shown with its line, and the copy can be edited again.
/// Without a terminal that is exit 2, and the copy is kept. The variable may have arguments; no shell reads it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  EDITOR='code --wait' autocom config edit
  EDITOR='sed -i s/staging.old.test/staging.new.test/' autocom config edit")]
pub struct Edit {}

/// What is to become of a copy that can't be taken over.
const WAYS_ON: [&str; 3] = ["edit again", "discard what was edited", "keep the copy, and stop"];

impl Verb for Edit {
    fn policy(&self) -> Policy {
        Policy::DEFAULT.without_output_setting().with_own_expectations()
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let editor = Editor::new(context.environment())?;
        if !editor.is_chosen && !context.can_ask() {
            return Err(Error::usage(format!("{} needs a terminal to be asked in", editor.name()))
                .hint(autocom("config edit").after("name an editor that needs none: EDITOR=COMMAND ")));
        }
        let file = config_file::config_file(context);
        let place = context.config_place()?;
        let before = file.bytes()?;
        let is_blank = before.as_ref().is_none_or(|bytes| bytes.trim_ascii().is_empty());
        let start = if is_blank { template().into_bytes() } else { before.clone().unwrap_or_default() };
        let home = context.paths().home.as_ref().map(|home| home.path.as_path());
        let folder = home.or_else(|| place.path.parent()).unwrap_or(Path::new("."));
        let draft = Draft::new(folder, CONFIG, &start)?;
        loop {
            let shown = editor.show(draft.path());
            let edited = match (shown, draft.read()) {
                (Ok(()), Ok(edited)) => edited.filter(|edited| !edited.trim_ascii().is_empty()),
                (Err(error), edited) => {
                    let is_edited = !edited.is_ok_and(|edited| edited.is_none_or(|edited| edited == start));
                    return Err(abandon(error.into(), is_edited.then_some(draft), &place.path));
                }
                (_, Err(error)) => return Err(abandon(error.into(), Some(draft), &place.path)),
            };
            let Some(edited) = edited else {
                context.reporter().progress("the copy was left empty: nothing was changed");
                return Ok(Done::nothing());
            };
            if edited == start {
                context.reporter().progress("nothing was changed");
                return Ok(Done::nothing());
            }
            let problems = check(context, draft.path(), edited.clone());
            if problems.is_empty() {
                interrupt::watch();
                file.replace(before.as_deref(), &edited)
                    .map_err(|error| not_replaced(error, draft, &place.path))?;
                context.reporter().progress(format!("changed {}", place.path.display()));
                return Ok(Done::nothing());
            }
            if !context.can_ask() {
                return Err(refuse(problems, draft, &place.path));
            }
            problems.iter().for_each(|problem| context.reporter().show(problem));
            match context.prompter().choose("It can't be taken over as it is:", &WAYS_ON.map(Choice::from), 0)
            {
                Some(0) => {}
                Some(1) => {
                    context.reporter().progress("nothing was changed");
                    return Ok(Done::ended(1));
                }
                _ => return Err(refuse(problems, draft, &place.path)),
            }
        }
    }
}

/// Why what was edited is not in `place`.
fn not_replaced(error: ConfigError, draft: Draft, place: &Path) -> Error {
    match error {
        ConfigError::ChangedMeanwhile { .. } | ConfigError::Refused(_) => {
            let (kept, there) = (quoted(&draft.keep()), quoted(place));
            Error::from(error)
                .cause(format!("what was edited is kept in {kept}"))
                .hint_if_none(|| format!("diff {there} {kept}"))
        }
        error => abandon(error.into(), Some(draft), place),
    }
}

/// What is wrong with it, each with its line; unknown keys are only mentioned.
fn check(context: &Context, path: &Path, bytes: Vec<u8>) -> Vec<String> {
    let document = match Document::parse(path, bytes) {
        Ok(document) => document,
        Err(error) => return vec![one_line(&error.to_string()).into_owned()],
    };
    let problems = document.problems();
    for unknown in document.unknown_keys().iter().filter(|_| problems.is_empty()) {
        let meant = unknown.nearest.map(|key| format!(" (did you mean `{key}`?)")).unwrap_or_default();
        let name = one_line(&unknown.name);
        context.reporter().warn(format!("line {}: unknown key `{name}`{meant}", unknown.line));
    }
    problems.into_iter().map(|problem| one_line(&problem).into_owned()).collect()
}

/// Nothing was changed; what was edited is kept.
fn refuse(problems: Vec<String>, draft: Draft, place: &Path) -> Error {
    let mut problems = problems.into_iter();
    let first = Error::usage(problems.next().unwrap_or_default());
    abandon(problems.fold(first, Error::cause), Some(draft), place)
}

fn abandon(error: Error, draft: Option<Draft>, place: &Path) -> Error {
    match draft {
        Some(draft) => {
            // Not mv: config.toml may be a link, and stays one.
            let (kept, place) = (quoted(&draft.keep()), quoted(place));
            error.hint(format!("config.toml is as it was; mend what was edited, then: cp {kept} {place}"))
        }
        None => error.hint_if_none(|| "config.toml is as it was".to_owned()),
    }
}

/// The annotated example with every setting as a comment, so that saving it sets nothing.
fn template() -> String {
    let example = include_str!("../../../examples/config.toml").lines();
    let line = |line: &str| {
        if line.is_empty() || line.starts_with('#') { line.to_owned() } else { format!("#{line}") }
    };
    example.map(|text| line(text) + "\n").collect()
}
