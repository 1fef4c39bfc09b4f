use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use super::names::existing;
use crate::commands::verb::{Invocation, Verb};
use crate::domain::{Origin, autocom, one_line, quoted};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::switch::{self, PinKind, PinState, Pinned};
use crate::session::profile::{config_file, expectation};
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View, Viewed};

/// Bind a directory and what is below it to a profile; alone: list what is bound
///
/// The longest directory that is bound wins. A repository may bring a file .autocom.toml with a line such as
/// `profile = "staging"`; it counts once --accept has accepted it, and until its content changes.
#[derive(Debug, Args)]
pub struct Pin {
    /// The profile
    name: Option<String>,
    /// The directory (default: this one)
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    directory: Option<PathBuf>,
    /// Accept a repository's .autocom.toml as it is now (default: the nearest one, here or above)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, num_args = 0..=1, conflicts_with = "name")]
    accept: Option<Option<PathBuf>>,
}

/// `autocom profiles pin -o json`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom profiles pin")]
#[serde(transparent)]
pub struct PinAnswer(Vec<PinRow>);

/// A directory or a repository's file that is bound to a profile.
#[derive(Serialize, JsonSchema)]
pub struct PinRow {
    pub path: String,
    pub profile: String,
    pub kind: PinKind,
    pub state: PinState,
    /// Whether it is what selects the profile here.
    pub active: bool,
}

impl Viewed for PinAnswer {
    fn view(&self) -> View {
        View::Table {
            columns: vec![
                Column::kept("PATH"),
                Column::kept("PROFILE"),
                Column::expendable("KIND", 1),
                Column::kept("STATE"),
                Column::for_programs("ACTIVE"),
            ],
            rows: self.0.iter().map(cells).collect(),
            empty: "nothing is pinned yet: autocom profiles pin PROFILE",
        }
    }
}

fn cells(row: &PinRow) -> Vec<Cell> {
    let (state, tone) = match row.state {
        PinState::Ok => ("ok", Tone::Good),
        PinState::Gone => ("gone", Tone::Warn),
        PinState::Changed => ("changed", Tone::Bad),
        PinState::UnknownProfile => ("unknown profile", Tone::Bad),
    };
    let kind = match row.kind {
        PinKind::Directory => "directory",
        PinKind::File => "file",
    };
    vec![
        Cell::starred(&row.path, row.active),
        Cell::new(&row.profile),
        Cell::new(kind),
        Cell::new(state).tone(tone),
        Cell::flag(row.active),
    ]
}

impl Verb for Pin {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        match (&self.name, &self.accept) {
            (Some(name), _) => self.bind(context, name),
            (None, Some(file)) => accept(context, file.as_ref()),
            (None, None) => list(context),
        }
    }
}

impl Pin {
    fn bind(&self, context: &Context, name: &str) -> Result<Done> {
        let context = &config_file::lock_config(context)?;
        let name = existing(context, name)?;
        expectation::meet_named(context, &name)?;
        let typed = self.directory.clone().unwrap_or_default();
        let directory = switch::canonical(context, &typed)?;
        let shown = one_line(&directory.display().to_string()).into_owned();
        if !directory.is_dir() {
            let what = if directory.exists() { "is not a directory" } else { "does not exist" };
            return Err(Error::usage(format!("{shown} {what}")).hint(
                autocom("profiles pin").value(name).words("DIR").text(", or without DIR for this directory"),
            ));
        }
        let text = text_of(&directory)?;
        let before = switch::change_pins(context, |pins| pins.bind(text, &name))?;
        let before = before.filter(|before| *before != name.as_str());
        let before = before.map(|before| format!(" (it was {before})")).unwrap_or_default();
        context.reporter().progress(format!("pinned {shown} to profile {name}{before}"));
        switch::mention_what_goes_before(context, &Origin::Pin(directory.into()), &name);
        Ok(Done::nothing())
    }
}

fn accept(context: &Context, file: Option<&PathBuf>) -> Result<Done> {
    let context = &config_file::lock_config(context)?;
    let file = switch::repository_file(context, file.map(PathBuf::as_path))?;
    let path = text_of(&file.path)?;
    expectation::meet_named(context, &file.profile)?;
    switch::change_pins(context, |pins| pins.accept(path, &file.content))?;
    let shown = one_line(path);
    context.reporter().progress(format!(
        "accepted {shown}: profile {}, until the file changes; to take it back: autocom profiles unpin --file {}",
        file.profile,
        quoted(&file.path)
    ));
    switch::mention_what_goes_before(context, &Origin::Repository(file.path.into()), &file.profile);
    Ok(Done::nothing())
}

fn list(context: &Context) -> Result<Done> {
    let row = |pinned: Pinned| PinRow {
        path: pinned.path.display().to_string(),
        profile: pinned.profile,
        kind: pinned.kind,
        state: pinned.state,
        active: pinned.active,
    };
    Ok(Done::answer(PinAnswer(Pinned::all(context.config()?)?.into_iter().map(row).collect())))
}

/// pins.toml is text.
fn text_of(path: &std::path::Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        let shown = one_line(&path.display().to_string()).into_owned();
        Error::usage(format!("{shown} can't be pinned: its name is not UTF-8"))
            .hint("rename it, or export AUTOCOM_PROFILE there")
    })
}
