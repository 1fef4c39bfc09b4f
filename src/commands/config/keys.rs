//! Keys of `config.toml` as they are typed, and the table of their values.

use crate::config::{ConfigError, EditTarget, select, unknown};
use crate::domain::{Key, NextCommand, ProfileName, autocom};
use crate::error::{Error, Result};
use crate::session::context::Context;
use crate::session::profile::expectation;
use crate::session::profile::settings::SettingRow;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View};

/// `profiles.staging.tenant` as a table and the key's name in it; `None` if the key isn't dotted.
pub(super) fn dotted(text: &str) -> Result<Option<(ProfileName, &str)>> {
    let Some(rest) = text.strip_prefix("profiles.") else { return Ok(None) };
    let Some((name, key)) = rest.split_once('.') else {
        return Err(Error::usage(format!("`{text}` names a profile, not a key"))
            .hint(autocom("config get").value(format_args!("{text}.api_url"))));
    };
    let name: ProfileName = name.parse().map_err(|why| {
        Error::usage(format!("the profile name `{name}` {why}")).hint(autocom("profiles list"))
    })?;
    Ok(Some((name, key)))
}

pub(super) fn known(key: &str) -> Result<Key> {
    key.parse().map_err(|why: crate::domain::Invalid| ConfigError::UnknownKey(why.to_string()).into())
}

/// The profile of a dotted key, which must exist.
pub(super) fn profile_of(context: &Context, name: ProfileName, hint: NextCommand) -> Result<EditTarget> {
    let config = context.config()?;
    if name.is_default() {
        Err(Error::usage("the profile `default` is the top level of config.toml").hint(hint))
    } else if config.exists(&name) {
        Ok(EditTarget::Profile(name))
    } else {
        Err(unknown(config, name.as_str(), crate::domain::Origin::Key).into())
    }
}

/// Which table `config set` and `unset` change, and the name of the key in it.
pub(super) fn target<'k>(context: &Context, key: &'k str) -> Result<(EditTarget, &'k str)> {
    let config = context.config()?;
    if let Some((name, key)) = dotted(key)? {
        let hint = autocom("config set").value(key).words("VALUE");
        let target = profile_of(context, name, hint)?;
        if let EditTarget::Profile(name) = &target {
            expectation::meet_named(context, name)?;
        }
        return Ok((target, key));
    }
    let target = match config.flags.get(Key::Profile) {
        Some(_) => select(config)?.name.map_or(EditTarget::TopLevel, |name| EditTarget::new(&name)),
        None => EditTarget::TopLevel,
    };
    Ok((target, key))
}

/// Keys, values and origins as a table.
pub(in crate::commands) fn settings_view(rows: &[SettingRow]) -> View {
    View::Table {
        columns: vec![Column::kept("KEY"), Column::kept("VALUE"), Column::kept("ORIGIN")],
        rows: rows
            .iter()
            .map(|row| {
                vec![
                    Cell::new(row.key),
                    Cell::or_absent(row.value.clone()),
                    Cell::new(row.origin.clone().unwrap_or_default()).tone(Tone::Faint),
                ]
            })
            .collect(),
        empty: "",
    }
}
