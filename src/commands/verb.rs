//! What all commands have in common: a policy, and an action.

use super::Done;
use crate::config::Flags;
use crate::error::Result;
use crate::session::Context;
use crate::system::environment::Environment;
use crate::ui::output::Output;

/// What a command runs with.
pub struct Invocation<'a> {
    pub context: &'a Context,
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

/// A command as it was typed.
pub trait Verb {
    /// Whether it fails where `output` in `config.toml` is invalid. Not if it reads no such file, or fixes it.
    fn heeds_output_setting(&self) -> bool {
        true
    }

    /// Whether it compares what is expected itself, where it resolves its profiles and reads their credentials, or
    /// works with none. Every other is held to it before it begins.
    fn checks_expectations(&self) -> bool {
        false
    }

    /// Whether other programs read its answer as it is (a prompt, a script, a page, a bare word, the platform's own
    /// answer): then only `-o` and `--jq` change its format.
    fn is_plain(&self) -> bool {
        false
    }

    /// Whether it says nothing but its answer, and changes not even a mode.
    fn only_looks(&self) -> bool {
        false
    }

    /// Whether what it prints is its own. Else no filter applies.
    fn has_answer(&self) -> bool {
        true
    }

    /// What a shell that evaluates its output is to evaluate if it fails.
    fn failure_in_shell(&self, _: &Environment) -> Option<&'static str> {
        None
    }

    /// Options of its own that are values of configuration keys.
    fn add_flags(&self, _: &mut Flags) {}

    fn run(self: Box<Self>, invocation: &Invocation<'_>) -> Result<Done>;
}
