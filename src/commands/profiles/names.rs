//! Names of profiles, as they are typed and as tables show them.

use jiff::Timestamp;

use crate::config::unknown;
use crate::domain::time::span;
use crate::domain::{Origin, ProfileName, autocom};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::protection_state::ProtectionState;
use crate::ui::style::Tone;
use crate::ui::view::Cell;

/// The cell of a profile's name, in which a protected one stands out. Programs read the name alone.
pub(in crate::commands) fn name_cell(cell: Cell, protection_state: ProtectionState, now: Timestamp) -> Cell {
    let plain = cell.plain_text().to_owned();
    let Some((note, tone)) = note_on(protection_state, now) else { return cell };
    Cell::new(format!("{} ({note})", cell.text())).plain(plain).tone(tone)
}

/// What is said of a profile behind its name, and in which tone.
pub(super) fn note_on(protection_state: ProtectionState, now: Timestamp) -> Option<(String, Tone)> {
    match protection_state {
        ProtectionState::Open | ProtectionState::Unknown => None,
        ProtectionState::Protected => Some(("protected".to_owned(), Tone::Guarded)),
        ProtectionState::Unlocked { until } => {
            Some((format!("unlocked, {} left", span(until.duration_since(now))), Tone::Warn))
        }
    }
}

/// A name from the command line, which need not exist.
pub(super) fn name(text: &str) -> Result<ProfileName> {
    text.parse().map_err(|why| {
        Error::usage(format!("the profile name `{text}` {why}")).hint(autocom("profiles list"))
    })
}

/// A name from the command line that must exist.
pub(super) fn existing(context: &Context, text: &str) -> Result<ProfileName> {
    let config = context.config()?;
    config.document.check_usable(text)?;
    let name = name(text)?;
    if config.exists(&name) { Ok(name) } else { Err(unknown(config, text, Origin::CommandLine).into()) }
}
