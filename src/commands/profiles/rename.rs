use clap::Args;

use super::super::Done;
use super::{existing, name};
use crate::config::{ConfigEdit, EditTarget};
use crate::domain::Key;
use crate::error::{Error, Result};
use crate::session::Session;

/// Rename a profile; its credential stays as it is
#[derive(Debug, Args)]
pub struct Rename {
    name: String,
    new_name: String,
}

impl Rename {
    pub fn run(self, session: &Session) -> Result<Done> {
        let session = &session.lock_config()?;
        let from = existing(session, &self.name)?;
        let to = name(&self.new_name)
            .map_err(|error| error.hint(format!("autocom profiles rename {from} NEW-NAME")))?;
        session.meet_named(&from)?;
        if from.is_default() {
            return Err(Error::usage(
                "the profile `default` can't be renamed: it is the top level of config.toml",
            )
            .hint(format!("to have it as a profile: autocom profiles set {to} api_url=URL")));
        }
        // A pin that can't be read could not follow.
        session.config()?.pins()?;
        let rename = |edit: &mut ConfigEdit| {
            edit.rename_profile(&from, &to)?;
            let active = edit.before().top().get(Key::Profile).and_then(|entry| entry.text());
            if active == Some(from.as_str()) {
                edit.set(&EditTarget::TopLevel, Key::Profile, to.as_str())?;
            }
            Ok(())
        };
        session.move_profile(&from, Some(&to), rename, || {
            session.notices().progress(format!("renamed {from} to {to}"));
            session.rename_pins(&from, &to)
        })?;
        let (before, now) = (from.token_variable(), to.token_variable());
        if before != now {
            session.notices().progress(format!("its token variable is {now} now, no longer {before}"));
        }
        Ok(Done::nothing())
    }
}
