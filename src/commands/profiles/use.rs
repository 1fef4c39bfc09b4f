use clap::Args;

use super::super::Done;
use super::{existing, name_cell};
use crate::config::{EditTarget, Selection};
use crate::domain::Key;
use crate::error::Result;
use crate::session::Session;
use crate::session::protection::Openness;
use crate::ui::view::Cell;

/// Make a profile the active one
#[derive(Debug, Args)]
pub struct Use {
    name: String,
}

impl Use {
    pub fn run(self, session: &Session) -> Result<Done> {
        let name = existing(session, &self.name)?;
        session.config_file().edit(|edit| edit.set(&EditTarget::TopLevel, Key::Profile, name.as_str()))?;
        let profile = session.config()?.resolve(Selection::listed(name.clone()));
        let openness = profile.map_or(Openness::Unknown, |profile| session.openness(&profile));
        let cell = name_cell(Cell::new(name.as_str()), openness, session.clock().now());
        session.notices().progress(format!("active profile: {}", cell.text));
        session.mention_overrides(&EditTarget::TopLevel, Key::Profile);
        Ok(Done::nothing())
    }
}
