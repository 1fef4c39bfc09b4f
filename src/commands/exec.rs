use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::Command;

use clap::Args;
use jiff::SignedDuration;

use super::Done;
use crate::commands::durations::time_to_live;
use crate::commands::verb::{Invocation, Policy, Verb};
use crate::domain::{autocom, shell_word};
use crate::error::{Error, Result};
use crate::session::Context;
use crate::session::call::bearer;
use crate::session::profile::{expectation, selected};
use crate::system::process::become_command;

/// Run a command with the selected profile's token and address in its environment
///
/// The command gets AUTOCOM_TOKEN, AUTOCOM_API_URL, AUTOCOM_TENANT and AUTOCOM_PROFILE; every other
/// AUTOCOM_TOKEN_... is taken out of its environment. On Unix autocom becomes the command: the process
/// id, signals and exit code are the command's own. One that can't be run is exit 2.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  autocom exec -p staging -- ./smoke-test.sh
  autocom exec --min-ttl 1800 -- sh -c 'curl -H \"Authorization: Bearer $AUTOCOM_TOKEN\" \"$AUTOCOM_API_URL/orders\"'")]
pub struct Exec {
    /// Seconds that the token must still be valid for, or fail [default: 60, or what is left if there is no other token]
    #[arg(long, value_name = "SECONDS", value_parser = time_to_live)]
    min_ttl: Option<SignedDuration>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Verb for Exec {
    fn policy(&self) -> Policy {
        Policy { has_answer: false, ..Policy::DEFAULT.with_own_expectations() }
    }

    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let profile = selected::profile(context)?;
        let bearer = bearer::bearer(context, &profile, self.min_ttl)?;
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Error::usage("there is no command to run").hint(autocom("exec -- COMMAND")));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        // Another profile's token is none of its business; the profile's own is in AUTOCOM_TOKEN.
        for name in context.environment().names_with("AUTOCOM_TOKEN_") {
            command.env_remove(name);
        }
        // What `--profile` passes over here would bend the profile there, where a variable selects it.
        for passed_over in &profile.passed_over {
            command.env_remove(&passed_over.variable);
        }
        let (url, tenant) = (profile.api_url.as_ref(), bearer.tenant(&profile));
        let values = [
            ("AUTOCOM_API_URL", url.map(|url| url.value.to_string())),
            ("AUTOCOM_TENANT", tenant.map(|tenant| tenant.to_string())),
            ("AUTOCOM_PROFILE", profile.name().map(ToString::to_string)),
        ];
        for (name, value) in values {
            // One left over from outside would contradict the token.
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // What is expected here is expected of every autocom in there.
        if let Some(expected) = expectation::expected(context) {
            command.env("AUTOCOM_EXPECT", expected);
        }
        command.env("AUTOCOM_TOKEN", bearer.token().expose());
        become_command(command).map(Done::ended).map_err(|error| {
            // Not the 126 and 127 of env(1): those could be the command's own, and there is none. What was
            // typed can't be run, which is exit 2 everywhere here.
            let name = program.to_string_lossy();
            let hint = match error.kind() {
                ErrorKind::NotFound => {
                    format!("is {name} on PATH? a shell's own words need a shell: sh -c '...'")
                }
                _ => format!("ls -l {}", shell_word(&name)),
            };
            Error::usage(format!("could not run {name}")).cause(error).hint(hint)
        })
    }
}
