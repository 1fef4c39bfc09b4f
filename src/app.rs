//! The composition root: builds the pieces, runs the command, shows its outcome.

mod command_line;
mod prompter;
mod stderr;
mod usage_error;

use std::ffi::OsString;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use self::prompter::Terminal;
use self::stderr::{StderrStyle, say, signs};
use crate::cli::{Cli, GlobalFlags};
use crate::commands::command_line::typed;
use crate::commands::completions;
use crate::commands::verb::{Invocation, Verb};
use crate::domain::{Secret, autocom, redact};
use crate::error::{Error, Kind};
use crate::logging;
use crate::session::call::everywhere;
use crate::session::context::Context;
use crate::system::browser::SystemBrowser;
use crate::system::clock::SystemClock;
use crate::system::environment::Environment;
use crate::system::reporter::{Notice, Reporter};
use crate::ui::jq;
use crate::ui::output::Output;
use crate::ui::stderr_line::StderrLine;
use crate::ui::style::ColorChoice;

/// Runs one command line. A bug that panics ends it as an error does: the panic's own text may quote a secret.
pub fn run(arguments: Vec<OsString>, environment: Environment) -> ExitCode {
    for (_, token) in environment.starting_with("AUTOCOM_TOKEN") {
        Secret::new(token.to_string_lossy().trim());
    }
    redact::note_command_line(arguments.iter().skip(1).filter_map(|word| word.to_str()));
    static PLACE: Mutex<String> = Mutex::new(String::new());
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
    let (typed, around) = (arguments.clone(), environment.clone());
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| run_command_line(arguments, environment)));
    outcome.unwrap_or_else(|_| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        let error = Error::new(Kind::Failed, format!("internal error at {place}"));
        let style = StderrStyle::typed(&typed, &around, false);
        show_error(&error.hint("run it again with -v, and report this as a bug"), style);
        exit_code(Some(Kind::Failed))
    })
}

fn run_command_line(arguments: Vec<OsString>, environment: Environment) -> ExitCode {
    if let Some(candidates) =
        completions::answer(<Cli as clap::CommandFactory>::command, &arguments, &environment)
    {
        let _ = std::io::stdout().lock().write_all(candidates.as_bytes());
        return ExitCode::SUCCESS;
    }
    let cli = match command_line::parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &arguments, &environment),
    };
    let Cli { global, command } = cli;
    let verb = command.verb();
    let colour = ColorChoice::named(global.color.as_deref().unwrap_or("auto"));
    let style = StderrStyle::new(&global, &environment, colour);
    // One for the process: what writes on another thread needs it, too.
    let look = AnswerOptions { colour, jq: global.jq.clone().map(|expression| &*expression.leak()) };
    if let Err(error) = look.check_filter(&global, verb.as_ref()) {
        show_error(&error, style);
        return exit_code(Some(Kind::Usage));
    }
    logging::start(global.verbose, &environment, style.events());
    // Not taken apart at the end either: the process is over then.
    let context = ManuallyDrop::new(context(&global, verb.as_ref(), &environment, style));
    let expected = context.check_output_format(verb.policy().heeds_output_setting).and_then(|()| {
        if verb.policy().checks_expectations { Ok(()) } else { everywhere::meet_all_expectations(&context) }
    });
    let failure_in_shell = verb.failure_in_shell(&environment);
    let output = || output(&context, look);
    let invocation = Invocation { output: &output, root: <Cli as clap::CommandFactory>::command };
    let outcome = expected.and_then(|()| verb.run(&context, &invocation)).and_then(|done| {
        if let Some(answer) = &done.answer {
            output().write(answer.as_ref())?;
        }
        Ok(done)
    });
    let (failures, ended) = match outcome {
        Ok(done) => (done.failures, done.exit_code),
        Err(error) => {
            let _ = std::io::stdout().lock().write_all(failure_in_shell.unwrap_or_default().as_bytes());
            (vec![error], 0)
        }
    };
    let kind = Kind::gravest(failures.iter().map(|failure| failure.kind));
    let shown = match style {
        StderrStyle::Json => Error::together(failures).into_iter().collect(),
        StderrStyle::Text { .. } => failures,
    };
    for failure in &shown {
        show_error(failure, style);
    }
    kind.map_or_else(|| ExitCode::from(ended), |kind| exit_code(Some(kind)))
}

fn context(global: &GlobalFlags, verb: &dyn Verb, environment: &Environment, style: StderrStyle) -> Context {
    let (quiet, terminal) = (global.quiet, environment.stderr_is_terminal);
    let looks_only = verb.policy().only_looks;
    let mut flags = global.settings(verb.policy().is_plain);
    verb.add_flags(&mut flags);
    let reporter = Reporter::new(move |notice, text| {
        let is_shown = match notice {
            _ if looks_only => false,
            Notice::Warning | Notice::Always => true,
            Notice::Progress => !quiet,
            Notice::Note => terminal && !quiet,
        };
        if is_shown {
            say(&style.notice(notice, text));
        }
    });
    let (colours, is_text) = (style.colours(), style != StderrStyle::Json);
    let prompter = Terminal { there: terminal, spins: terminal && !quiet && is_text, colours, style };
    Context::new(
        environment.clone(),
        flags,
        Arc::new(reporter),
        Arc::new(SystemClock),
        Arc::new(SystemBrowser::new(environment)),
        Arc::new(prompter),
    )
    .asking(environment.can_ask() && !global.no_input)
    .request_timeout(global.request_timeout)
    .looking_only(looks_only)
    .confirming(global.confirm.clone())
}

/// How answers are wanted, beside their format.
#[derive(Clone, Copy)]
struct AnswerOptions {
    colour: ColorChoice,
    jq: Option<&'static str>,
}

impl AnswerOptions {
    /// Before anything is done.
    fn check_filter(self, global: &GlobalFlags, verb: &dyn Verb) -> Result<(), Error> {
        let Some(expression) = self.jq else { return Ok(()) };
        jq::check(expression).map_err(|why| {
            Error::usage(format!("cannot use the --jq expression: {why}"))
                .hint(autocom("profiles list --jq").value(".[].name"))
        })?;
        if !verb.policy().has_answer {
            return Err(Error::usage("--jq does not apply to exec, which prints what its command prints"));
        }
        match global.output.as_deref() {
            None | Some("json") => Ok(()),
            Some(other) => {
                Err(Error::usage(format!("--jq filters JSON, not {other}")).hint("omit -o, or use -o json"))
            }
        }
    }
}

fn output(context: &Context, AnswerOptions { colour, jq }: AnswerOptions) -> Output {
    let environment = context.environment();
    Output {
        jq,
        format: context.output_format(),
        terminal: environment.stdout_is_terminal,
        colours: colour.colours(signs(environment, environment.stdout_is_terminal)),
        width: environment.width.unwrap_or(80),
    }
}

/// clap's own answers: help and version are answers, all else is a usage error in our words.
fn refuse(error: &clap::Error, arguments: &[OsString], environment: &Environment) -> ExitCode {
    use clap::error::ErrorKind;
    let colour = ColorChoice::named(typed(arguments, None, "color").unwrap_or_default());
    let style = StderrStyle::typed(
        arguments,
        environment,
        colour.colours(signs(environment, environment.stderr_is_terminal)),
    );
    let help =
        |colours: bool| if colours { error.render().ansi().to_string() } else { error.render().to_string() };
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let text = help(colour.colours(signs(environment, environment.stdout_is_terminal)));
        let mut out = std::io::stdout().lock();
        return match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(failure) if failure.kind() != std::io::ErrorKind::BrokenPipe => {
                show_error(&failure.into(), style);
                exit_code(Some(Kind::Failed))
            }
            _ => ExitCode::SUCCESS,
        };
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && style != StderrStyle::Json {
        say(help(style.colours()).trim_end());
        return exit_code(Some(Kind::Usage));
    }
    show_error(&usage_error::usage_error(error, arguments), style);
    exit_code(Some(Kind::Usage))
}

fn show_error(error: &Error, style: StderrStyle) {
    let report = error.report();
    say(&match style {
        StderrStyle::Json => StderrLine::Error(report.into_body()).json(),
        StderrStyle::Text { colours } => report.text(colours),
    });
}

fn exit_code(kind: Option<Kind>) -> ExitCode {
    ExitCode::from(kind.map_or(0, Kind::exit_code))
}
