//! The tour: `cargo run --example quickstart` logs the real program in to two platforms, both started here, and
//! switches between them. It needs no account, touches nothing of yours and leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example prints, and is read from the top"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "an example meets the environment itself; only autocom's code is fenced"
)]

#[path = "sandbox/platform/mod.rs"]
mod platform;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, thread};

use anstyle::{AnsiColor, Style};
use platform::{CLIENT_ID, Knobs, Options, Sandbox, Visited, Visitor};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const COMMAND: Style = Style::new().bold();
const COMMENT: Style = AnsiColor::Cyan.on_default();

/// Set for autocom, and so for the browser that it opens: this very program, which then logs in as that user.
const BROWSER_USER: &str = "QUICKSTART_BROWSER";

/// What autocom may see of our environment: where programs are, what the terminal can do, and what Windows needs.
const PASSED_ON: &str = "PATH TERM COLORTERM COLUMNS LANG LC_ALL NO_COLOR CLICOLOR_FORCE TMPDIR TEMP TMP \
                         SystemRoot PATHEXT LLVM_PROFILE_FILE";

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let outcome = match env::var(BROWSER_USER) {
        Ok(user) => browse(&user),
        Err(_) => tour(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tour() -> Outcome {
    let autocom = build()?;
    outlive_interrupts();
    // Tokens so short that the first is as good as ended: what renews it can be watched.
    let knobs = Knobs { access_ttl_seconds: 20, refreshed_ttl_seconds: Some(3600), ..Knobs::default() };
    let staging = Sandbox::start(Options { name: "Autocom Staging".into(), knobs, ..Options::default() })?;
    let prod = Sandbox::start(Options { name: "Autocom".into(), ..Options::default() })?;
    let home = tempfile::tempdir()?;
    let shell = Shell { autocom, home: home.path() };
    let (staging_url, prod_url) = (staging.api_url(), prod.api_url());

    shell.say("Log in to staging through the browser (Ada approves by herself here).");
    shell.run(&[
        "auth",
        "login",
        "--profile",
        "staging",
        "--api-url",
        &staging_url,
        "--client-id",
        CLIENT_ID,
    ])?;

    shell.say("Log in to production with a personal access token, from standard input.");
    let token = prod.mint_pat("grace", None);
    shell.pipe(&token, &["auth", "login", "--profile", "prod", "--api-url", &prod_url, "--token-stdin"])?;

    shell.say("Both are there; the first one is active.");
    shell.run(&["profiles", "list"])?;

    shell.say("Staging's token is about to end. Whatever needs one renews it first, without a word.");
    shell.run(&["auth", "status", "--check"])?;

    shell.say("Its newest orders, with every digit of their totals.");
    shell.run(&["orders", "list", "--limit", "3"])?;

    shell.say("Ask every platform at once whether it still takes its token.");
    shell.run(&["profiles", "list", "--check"])?;

    shell.say("Switch to production: no new login.");
    shell.run(&["profiles", "use", "prod"])?;
    shell.run(&["whoami"])?;

    shell.say("Any program gets the token and the address through its environment.");
    shell.run(&["exec", "--", "printenv", "AUTOCOM_API_URL"])?;

    shell.say("Log out of staging; its settings stay for the next login.");
    shell.run(&["auth", "logout", "--profile", "staging"])?;
    shell.run(&["profiles", "list"])?;

    home.close()?;
    Ok(())
}

/// Runs the real program as a user would, in a home directory of its own.
struct Shell<'a> {
    autocom: PathBuf,
    home: &'a Path,
}

impl Shell<'_> {
    fn say(&self, comment: &str) {
        anstream::println!("\n{COMMENT}# {comment}{COMMENT:#}");
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        show("autocom", arguments);
        finish(self.command(arguments).stdin(Stdio::null()))
    }

    /// `token` goes in on standard input: arguments can be read by every other process.
    fn pipe(&self, token: &str, arguments: &[&str]) -> Outcome {
        show("printenv TOKEN | autocom", arguments);
        let (reader, mut writer) = io::pipe()?;
        // smaller than a pipe's buffer, so nobody has to read yet
        writeln!(writer, "{token}")?;
        drop(writer);
        finish(self.command(arguments).stdin(reader))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.autocom);
        command.args(arguments).env_clear();
        command.envs(PASSED_ON.split(' ').filter_map(|name| Some((name, env::var_os(name)?))));
        command.env("HOME", self.home).env("USERPROFILE", self.home);
        // the keychain of this machine is none of the tour's business
        command.env("AUTOCOM_STORE", "file");
        command.env("BROWSER", env::current_exe().unwrap_or_default()).env(BROWSER_USER, "ada");
        // its output is our output: a table in a terminal, plain text in a pipe, and one order of lines in both
        command.stdout(Stdio::inherit()).stderr(io::stdout());
        command
    }
}

/// The command in bold, broken before an option where 80 columns end.
fn show(program: &str, arguments: &[&str]) {
    let mut line = format!("$ {program}");
    let mut shown = String::new();
    for (place, argument) in arguments.iter().enumerate() {
        let value = arguments.get(place + 1).filter(|next| !next.starts_with("--"));
        let width = line.len() + argument.len() + value.map_or(0, |value| value.len() + 1);
        if argument.starts_with("--") && width > 76 {
            shown += &format!("{line} \\\n");
            line = format!("    {argument}");
        } else {
            line += &format!(" {argument}");
        }
    }
    anstream::println!("{COMMAND}{shown}{line}{COMMAND:#}");
}

fn finish(command: &mut Command) -> Outcome {
    io::stdout().flush()?;
    let status = command.status()?;
    if INTERRUPTED.load(Ordering::Relaxed) {
        return Err("interrupted".into());
    }
    if !status.success() {
        return Err(format!("autocom failed: {status}").into());
    }
    Ok(())
}

/// Builds the program with the profile and into the target directory that this example was built with.
fn build() -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
    let executable = env::current_exe()?;
    let profile_dir = executable.ancestors().nth(2).ok_or("this example is not in a target directory")?;
    let target_dir = profile_dir.parent().ok_or("this example is not in a target directory")?;
    let profile = match profile_dir.file_name() {
        Some(name) if name != "debug" => name.to_owned(),
        _ => OsString::from("dev"),
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--bin", "autocom", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--profile")
        .arg(profile)
        .arg("--target-dir")
        .arg(target_dir)
        .status()?;
    if !status.success() {
        return Err("autocom could not be built".into());
    }
    Ok(profile_dir.join(format!("autocom{}", env::consts::EXE_SUFFIX)))
}

/// Ctrl-C reaches autocom too, as one of the terminal's processes: it ends, and we get to clean up.
fn outlive_interrupts() {
    thread::spawn(|| -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            loop {
                tokio::signal::ctrl_c().await?;
                INTERRUPTED.store(true, Ordering::Relaxed);
            }
        })
    });
}

/// What `$BROWSER` does when autocom opens it: the login and approval pages, and the callback at the end.
fn browse(user: &str) -> Outcome {
    let url = env::args().nth(1).ok_or("the browser needs a URL")?;
    match platform::visit_blocking(&url, Visitor::approving(user))? {
        Visited::Delivered { .. } => Ok(()),
        other => Err(format!("no callback: {other:?}").into()),
    }
}
