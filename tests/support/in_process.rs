//! A command in this process, by a clock that is turned.

use std::sync::Arc;

use autocom::config::Flags;
use autocom::domain::Secret;
use autocom::session::Context;
use autocom::system::browser::SystemBrowser;
use autocom::system::clock::ManualClock;
use autocom::system::environment::Environment;
use autocom::system::prompter::{Choice, LoginPage, Prompter, Room, Waiting};
use autocom::system::reporter::Reporter;

use crate::support::World;

struct Nobody;

impl Prompter for Nobody {
    fn show_login(&self, _: &LoginPage<'_>) {}

    fn choose(&self, _: &str, _: &[Choice], _: usize) -> Option<usize> {
        None
    }

    fn answer(&self, _: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _: &str) -> Option<Secret> {
        None
    }

    fn confirm(&self, _: &str, _: bool) -> Option<bool> {
        Some(false)
    }

    fn room(&self) -> Room {
        unreachable!("nobody looks at anything")
    }

    fn waiting(&self, what: &str) -> Box<dyn Waiting> {
        unreachable!("nobody waits for {what}")
    }
}

/// A command of autocom in this home at this time.
pub fn session(world: &World, clock: &Arc<ManualClock>) -> Context {
    let environment = Environment::default().with("HOME", world.home()).with("AUTOCOM_STORE", "file");
    let browser = Arc::new(SystemBrowser::new(&environment));
    let reporter = Arc::new(Reporter::silent());
    Context::new(environment, Flags::default(), reporter, clock.clone(), browser, Arc::new(Nobody))
}
