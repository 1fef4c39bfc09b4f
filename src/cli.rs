//! The command line: clap's root, the global flags and the subcommands. Reads no file.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};

use crate::commands::durations::seconds;
use crate::commands::verb::Verb;
use crate::commands::{
    api, auth, completions, config, doctor, exec, journal, man, orders, profiles, prompt, tenants, version,
    whoami,
};
use crate::config::Flags;
use crate::domain::{Key, OutputFormat};
use crate::ui::style::ColorChoice;

/// Log in to the environments of an Autocom platform, switch between them, see which tokens live.
#[derive(Debug, Parser)]
#[command(name = "autocom", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "\
Start:  autocom auth login --api-url https://api.example.test --client-id ID
Then:   autocom profiles list")]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalFlags,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalFlags {
    /// Profile to use for this command
    #[arg(long, short, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Environment to use: selects the profile bound to this URL
    #[arg(long, global = true, value_name = "URL")]
    pub api_url: Option<String>,
    /// Tenant to work in
    #[arg(long, global = true, value_name = "SLUG")]
    pub tenant: Option<String>,
    /// Output format (table is TSV in a pipe)
    #[arg(long, short, global = true, value_name = "FORMAT", value_parser = PossibleValuesParser::new(OutputFormat::ALL))]
    pub output: Option<String>,
    /// Filter JSON output with a jq expression; strings are printed without quotes
    #[arg(long, global = true, value_name = "EXPRESSION")]
    pub jq: Option<String>,
    /// Say nothing but answers, warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Log to stderr; repeat for more (also AUTOCOM_LOG)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Never ask: fail and name the flag to pass instead
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Fail before the first request unless profile, tenant, user, host or api_url is so (also AUTOCOM_EXPECT)
    #[arg(long, global = true, value_name = "KEY=VALUE,...")]
    pub expect: Vec<String>,
    /// Skip the confirmation for this protected profile, or for taking its protection away (repeat for several)
    #[arg(long, global = true, value_name = "PROFILE")]
    pub confirm: Vec<String>,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_parser = PossibleValuesParser::new(ColorChoice::ALL))]
    pub color: Option<String>,
    /// Longest time for one request to the platform
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub request_timeout: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in and out, see who you are logged in as
    #[command(subcommand)]
    Auth(auth::Auth),
    /// Short for `auth login`
    Login(auth::login::Login),
    /// Short for `auth logout`
    Logout(auth::logout::Logout),
    /// Say who you are in the selected profile
    Whoami(whoami::Whoami),
    /// List, switch and change profiles
    #[command(subcommand, alias = "profile")]
    Profiles(profiles::Profiles),
    /// Read and change config.toml
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// List tenants, and choose the one to work in
    #[command(subcommand, alias = "tenant")]
    Tenants(tenants::Tenants),
    /// List orders
    #[command(subcommand, alias = "order")]
    Orders(orders::Orders),
    Api(api::Api),
    Exec(exec::Exec),
    Journal(journal::Journal),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
    Prompt(prompt::Prompt),
    /// Print the version
    Version(version::Version),
}

impl GlobalFlags {
    /// The flags that are values of configuration keys. `is_plain`: the command's answer has one form only, unless the
    /// flags ask for another.
    pub fn settings(&self, is_plain: bool) -> Flags {
        let filtered = self.jq.as_ref().map(|_| OutputFormat::Json.to_string());
        let plain = is_plain.then(|| OutputFormat::Table.to_string());
        Flags::expecting(self.expect.clone())
            .with(Key::Profile, self.profile.clone())
            .with(Key::ApiUrl, self.api_url.clone())
            .with(Key::Tenant, self.tenant.clone())
            .with(Key::Output, self.output.clone().or(filtered).or(plain))
    }
}

impl Command {
    pub fn verb(self) -> Box<dyn Verb> {
        match self {
            Command::Auth(auth) => auth.verb(),
            Command::Login(login) => Box::new(login),
            Command::Logout(logout) => Box::new(logout),
            Command::Whoami(whoami) => Box::new(whoami),
            Command::Profiles(profiles) => profiles.verb(),
            Command::Config(config) => config.verb(),
            Command::Tenants(tenants) => tenants.verb(),
            Command::Orders(orders) => orders.verb(),
            Command::Api(api) => Box::new(api),
            Command::Exec(exec) => Box::new(exec),
            Command::Journal(journal) => Box::new(journal),
            Command::Doctor(doctor) => Box::new(doctor),
            Command::Completions(completions) => Box::new(completions),
            Command::Man(man) => Box::new(man),
            Command::Prompt(prompt) => Box::new(prompt),
            Command::Version(version) => Box::new(version),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::commands::command_line::typed;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn no_argument_has_the_name_of_a_global_flag() {
        use clap::CommandFactory;
        // clap would take the value of the one for the other's.
        fn check(command: &clap::Command, global: &[String]) {
            for sub in command.get_subcommands() {
                for argument in sub.get_arguments().filter(|argument| !argument.is_global_set()) {
                    let id = argument.get_id().to_string();
                    assert!(!global.contains(&id), "`{}` of `{}`", id, sub.get_name());
                }
                check(sub, global);
            }
        }
        let root = Cli::command();
        let global = root.get_arguments().filter(|argument| argument.is_global_set());
        let global: Vec<String> = global.map(|argument| argument.get_id().to_string()).collect();
        assert!(global.len() > 8, "{global:?}");
        check(&root, &global);
    }

    #[test]
    fn an_option_is_found_in_every_spelling_before_the_end_of_options() {
        for (line, value) in [
            ("whoami -o json", Some("json")),
            ("whoami -ojson", Some("json")),
            ("-o=json whoami", Some("json")),
            ("whoami -qvojson", Some("json")),
            ("-qo json whoami", Some("json")),
            ("whoami --output json", Some("json")),
            ("--output=json", Some("json")),
            ("exec -- x -o json", None),
            ("whoami -po", None),
            ("whoami --outputs json", None),
            ("whoami -o", None),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(typed(&words, Some('o'), "output"), value, "{line}");
        }
    }

    #[test]
    fn a_time_out_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["0", "-1", "x", "inf", "NaN", "1e9"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
