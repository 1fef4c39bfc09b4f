//! What all commands have in common: a policy, and an action.

use super::Done;
use crate::config::Flags;
use crate::error::Result;
use crate::session::Context;
use crate::system::environment::Environment;
use crate::ui::output::Output;

/// What a command runs with besides its context.
pub struct Invocation<'a> {
    /// For commands that write as answers come in.
    pub output: &'a dyn Fn() -> Output,
    /// The whole command line, for its pages.
    pub root: fn() -> clap::Command,
}

impl Invocation<'_> {
    pub fn output(&self) -> Output {
        (self.output)()
    }
}

/// What holds for a command before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// It fails where `output` in `config.toml` is invalid. Not if it reads no such file, or fixes it.
    pub heeds_output_setting: bool,
    /// It compares what is expected itself, where it resolves its profiles and reads their credentials, or works
    /// with none. Every other is held to it before it begins.
    pub checks_expectations: bool,
    /// Other programs read its answer as it is (a prompt, a script, a page, a bare word, the platform's own answer):
    /// then only `-o` and `--jq` change its format.
    pub is_plain: bool,
    /// It says nothing but its answer, and changes not even a mode.
    pub only_looks: bool,
    /// What it prints is its own. Else no filter applies.
    pub has_answer: bool,
}

impl Policy {
    pub const DEFAULT: Policy = Policy {
        heeds_output_setting: true,
        checks_expectations: false,
        is_plain: false,
        only_looks: false,
        has_answer: true,
    };

    /// Of a command that needs no configuration.
    pub const STANDALONE: Policy =
        Policy { heeds_output_setting: false, checks_expectations: true, is_plain: true, ..Policy::DEFAULT };

    pub const fn without_output_setting(self) -> Policy {
        Policy { heeds_output_setting: false, ..self }
    }

    pub const fn with_own_expectations(self) -> Policy {
        Policy { checks_expectations: true, ..self }
    }

    pub const fn plain(self) -> Policy {
        Policy { is_plain: true, ..self }
    }
}

/// A command as it was typed.
pub trait Verb {
    fn policy(&self) -> Policy {
        Policy::DEFAULT
    }

    /// What a shell that evaluates its output is to evaluate if it fails.
    fn failure_in_shell(&self, _: &Environment) -> Option<&'static str> {
        None
    }

    /// Options of its own that are values of configuration keys.
    fn add_flags(&self, _: &mut Flags) {}

    fn run(self: Box<Self>, context: &Context, invocation: &Invocation<'_>) -> Result<Done>;
}
