use clap::Args;

use super::super::Done;
use super::keys::{known, target};
use crate::config::{EditTarget, unknown};
use crate::domain::{Key, Origin, ProfileName};
use crate::error::{Error, Result};
use crate::session::context::Session;
use crate::session::profile::settings::typed;
use crate::session::profile::{config_file, expectation, switch};

/// Write a key: at the top level, with --profile in that profile, or dotted (profiles.NAME.KEY)
#[derive(Debug, Args)]
pub struct Set {
    key: String,
    value: String,
}

impl Set {
    pub fn run(self, session: &Session) -> Result<Done> {
        let session = &config_file::lock_config(session)?;
        let (target, name) = target(session, &self.key)?;
        let key = known(name)?;
        let config = session.config()?;
        if key == Key::Profile
            && let Ok(name) = self.value.parse::<ProfileName>()
        {
            if !config.exists(&name) {
                return Err(unknown(config, &self.value, Origin::Flag("the command line")).into());
            }
            expectation::meet_named(session, &name)?;
        }
        config_file::change_config(session, |edit| {
            edit.set(&target, key, &typed(session, key, &self.value)?).map_err(|error| {
                let again = error.key().map(|_| self.again(session, key));
                again.into_iter().fold(Error::from(error), |error, again| error.hint_if_none(|| again))
            })
        })?;
        if let (Key::Profile, Ok(name)) = (key, self.value.parse()) {
            switch::remember_previous(session, config, &name);
        }
        switch::mention_overrides(session, &target, key);
        let place = match &target {
            EditTarget::TopLevel => String::new(),
            EditTarget::Profile(name) => format!(" in profile {name}"),
        };
        session.notices().progress(format!("set {key}{place}"));
        Ok(Done::nothing())
    }

    /// The command with a place for another value.
    fn again(&self, session: &Session, key: Key) -> String {
        let profile = session.config().ok().and_then(|config| config.flags.profile.as_ref());
        let profile = profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
        format!("autocom config set {} {}{profile}", self.key, key.placeholder())
    }
}
