use std::path::Path;

use clap::Args;

use super::super::Done;
use super::super::input::Input;
use crate::commands::verb::{Invocation, Verb};
use crate::config::{ConfigError, Document, Logins, Plan, SettingChange, Shared, Step, to_import};
use crate::domain::{Key, NextCommand, autocom, one_line};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::{config_file, expectation};

/// Take over profiles that `profiles export` has written
///
/// Everything is looked at first, and what would change is shown: one thing wrong, and nothing is written.
/// New profiles are added (in a terminal after a question). One that exists and differs is left alone, and
/// with it all the others, unless --force is given; then the keys that the file names are changed, and others stay.
/// The active profile stays what it is. A whole config.toml can be imported too: its preferences are passed over.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom profiles import profiles.toml --dry-run
  autocom profiles import - < profiles.toml")]
pub struct Import {
    /// The file; -: standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: String,
    /// Also change profiles that exist; ask nothing
    #[arg(long)]
    force: bool,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "force")]
    dry_run: bool,
}

/// Many thousands of profiles.
const LARGEST: usize = 4 << 20;

impl Verb for Import {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let wanted = self.read(context)?;
        let asks = context.can_ask() && !self.force && !self.dry_run;
        // Whoever is asked must not hold up others: what is shown is compared when it is written.
        let locked = if asks || self.dry_run { None } else { Some(config_file::lock_config(context)?) };
        let context = locked.as_ref().unwrap_or(context);
        let captured = &context.config()?.captured;
        let plan = config_file::config_file(context).rehearse(|edit| Plan::take(edit, captured, &wanted));
        let plan = plan.map_err(|error| self.mendable(error, &wanted))?;
        for step in plan.steps.iter().chain(&plan.side_effects) {
            expectation::meet_named(context, &step.name)?;
        }
        let unchanged = wanted.len() - plan.steps.len();
        show(context, &plan, unchanged);
        if plan.steps.is_empty() {
            context.reporter().progress("nothing to import: every profile is here as it is there");
            return Ok(Done::nothing());
        }
        warn(context, &plan);
        if plan.is_bold() && !self.force {
            return if self.dry_run { Ok(Done::nothing()) } else { Err(self.refuse(&plan)) };
        }
        if self.dry_run {
            return Ok(Done::nothing());
        }
        // A person has it before their eyes; a script takes it over unseen.
        let risky = plan.risky();
        if !risky.is_empty() && !self.force && !context.can_ask() {
            return Err(Error::usage(format!(
                "this would bring a proxy, an authority or `protected = false` along: {}; nothing was written",
                risky.join(", ")
            ))
            .hint(self.command().words("--force")));
        }
        if asks && context.prompter().confirm("Import them?", false) != Some(true) {
            context.reporter().progress("nothing was imported");
            return Ok(Done::ended(1));
        }
        self.write(context, captured, &wanted, &plan)?;
        context.reporter().progress(format!("imported {}", profiles(plan.steps.len())));
        Ok(Done::nothing())
    }
}

impl Import {
    fn read(&self, context: &Context) -> Result<Vec<Shared>> {
        let bytes = Input::default().read(&self.file)?;
        let name = if self.file == "-" { "standard input" } else { self.file.as_str() };
        if bytes.len() > LARGEST {
            return Err(Error::usage(format!("{name} is larger than {} MiB", LARGEST >> 20))
                .hint(autocom("profiles export").text(" writes what can be imported")));
        }
        let fix = |error: ConfigError| {
            let error = Error::from(error);
            let message = one_line(&error.message).into_owned();
            Error { message, ..error }.hint(format!("mend {name}, then import it again; nothing was written"))
        };
        let document = Document::parse(Path::new(name), bytes).map_err(fix)?;
        let mut unknown = document.unknown_keys().iter().map(|key| {
            let meant = key.nearest.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            format!("{name}:{}: unknown key `{}`{meant}", key.line, one_line(&key.name))
        });
        if let Some(first) = unknown.next() {
            let error = unknown.fold(Error::usage(first), Error::cause);
            return Err(error.hint(format!("mend {name}, then import it again; nothing was written")));
        }
        let (wanted, passed_over) = to_import(&document).map_err(fix)?;
        if wanted.is_empty() {
            return Err(Error::usage(format!("{name} holds no profiles"))
                .hint(autocom("profiles export").text(" writes what can be imported")));
        }
        if !passed_over.is_empty() {
            let keys = passed_over.iter().map(Key::to_string).collect::<Vec<_>>().join(", ");
            context
                .reporter()
                .progress(format!("passed over on top, since it concerns every profile: {keys}"));
        }
        Ok(wanted)
    }

    /// What is here stands: a name that can't come beside it is given up in the file that brings it.
    fn mendable(&self, error: ConfigError, wanted: &[Shared]) -> Error {
        let name = if self.file == "-" { "standard input" } else { self.file.as_str() };
        let again = match &error {
            ConfigError::SameVariable { left, right, .. } => {
                let mut brought = wanted.iter().map(|profile| profile.name.as_str());
                let clashing = brought.find(|name| name == left || name == right).unwrap_or(right);
                format!("give {clashing} another name in {name}, then import it again; nothing was written")
            }
            _ => return error.into(),
        };
        Error::from(error).hint(again)
    }

    fn write(&self, context: &Context, captured: &Logins, wanted: &[Shared], shown: &Plan) -> Result<()> {
        config_file::change_config(context, |edit| {
            let path = edit.before().path().to_owned();
            // What is done is what was shown, and was said yes to.
            if Plan::take(edit, captured, wanted)? == *shown {
                Ok(())
            } else {
                Err(Error::from(ConfigError::ChangedMeanwhile { path }).hint(self.command()))
            }
        })
    }

    fn refuse(&self, plan: &Plan) -> Error {
        let changed = plan.steps.iter().filter(|step| !step.is_new).chain(&plan.side_effects);
        let names = changed.map(|step| step.name.to_string()).collect::<Vec<_>>().join(", ");
        Error::usage(format!("this would change what is here: {names}; nothing was written"))
            .hint(self.command().words("--force"))
    }

    fn command(&self) -> NextCommand {
        let command = autocom("profiles import").value(&self.file);
        if self.file == "-" { command.input("FILE") } else { command }
    }
}

fn profiles(count: usize) -> String {
    format!("{count} profile{}", if count == 1 { "" } else { "s" })
}

/// On stderr and always: it is what is asked about, and why something is refused.
fn show(context: &Context, plan: &Plan, unchanged: usize) {
    let say = |text: String| context.reporter().show(one_line(&text));
    let steps = plan.steps.iter().map(|step| (step, if step.is_new { "new" } else { "changed" }));
    let effects =
        plan.side_effects.iter().map(|step| (step, "changed, by the top level that it falls back to"));
    for (Step { name, changes, is_new }, how) in steps.chain(effects) {
        say(format!("{} {name}: {how}", if *is_new { "+" } else { "~" }));
        for SettingChange { key, old, new } in changes {
            let new = new.as_deref().unwrap_or("(unset)");
            say(match old {
                Some(old) => format!("    {key}: {old} -> {new}"),
                None if *is_new => format!("    {key}: {new}"),
                None => format!("    {key}: (unset) -> {new}"),
            });
        }
    }
    if unchanged > 0 && !plan.steps.is_empty() {
        say(format!("= {} unchanged", profiles(unchanged)));
    }
}

/// What the new addresses mean for secrets that are here already.
fn warn(context: &Context, plan: &Plan) {
    for (name, origin) in &plan.foreign {
        context.reporter().warn(format!(
            "the credential under which profile {name} would look is of {origin}: it is not sent elsewhere, \
             so {name} needs a login of its own (autocom auth login --profile {name})"
        ));
    }
    for step in &plan.steps {
        let url = step.changes.iter().find(|change| change.key == Key::ApiUrl).and_then(|it| it.new.as_ref());
        let variable = step.name.token_variable();
        if let (Some(url), Some(_)) = (url, context.environment().os_var(&variable)) {
            context.reporter().warn(format!("{variable} is set: its token will go to {url}"));
        }
    }
}
