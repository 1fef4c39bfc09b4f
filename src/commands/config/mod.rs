pub mod edit;
pub mod get;
pub mod list;
pub mod path;
pub mod set;
pub mod unset;

use clap::Subcommand;

use super::Done;
use crate::config::{ConfigError, EditTarget};
use crate::domain::{Key, ProfileName, shell_word};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::session::settings::SettingRow;
use crate::ui::style::Tone;
use crate::ui::view::{Cell, Column, View};

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    #[command(visible_alias = "ls")]
    List(list::List),
    Get(get::Get),
    Set(set::Set),
    Unset(unset::Unset),
    Edit(edit::Edit),
    Path(path::Path),
}

impl ConfigCommand {
    pub fn run(self, session: &Session) -> Result<Done> {
        match self {
            ConfigCommand::List(list) => list.run(session),
            ConfigCommand::Get(get) => get.run(session),
            ConfigCommand::Set(set) => set.run(session),
            ConfigCommand::Unset(unset) => unset.run(session),
            ConfigCommand::Edit(edit) => edit.run(session),
            ConfigCommand::Path(path) => path.run(session),
        }
    }
}

/// `profiles.staging.tenant` as a table and the key's name in it; `None` if the key isn't dotted.
fn dotted(text: &str) -> Result<Option<(ProfileName, &str)>> {
    let Some(rest) = text.strip_prefix("profiles.") else { return Ok(None) };
    let Some((name, key)) = rest.split_once('.') else {
        return Err(Error::usage(format!("`{text}` names a profile, not a key"))
            .hint(format!("autocom config get {}", shell_word(format_args!("{text}.api_url")))));
    };
    let name: ProfileName = name.parse().map_err(|why| {
        Error::usage(format!("the profile name `{name}` {why}")).hint("autocom profiles list")
    })?;
    Ok(Some((name, key)))
}

fn known(key: &str) -> Result<Key> {
    key.parse().map_err(|why: crate::domain::Invalid| ConfigError::UnknownKey(why.to_string()).into())
}

/// The profile of a dotted key, which must exist.
fn profile_of(session: &Session, name: ProfileName, hint: String) -> Result<EditTarget> {
    let config = session.config()?;
    if name.is_default() {
        Err(Error::usage("the profile `default` is the top level of config.toml").hint(hint))
    } else if config.exists(&name) {
        Ok(EditTarget::Profile(name))
    } else {
        Err(config.unknown(name.as_str(), crate::domain::Origin::Flag("the key")).into())
    }
}

/// Which table `config set` and `unset` change, and the name of the key in it.
fn target<'k>(session: &Session, key: &'k str) -> Result<(EditTarget, &'k str)> {
    let config = session.config()?;
    if let Some((name, key)) = dotted(key)? {
        let hint = format!("autocom config set {key} VALUE");
        let target = profile_of(session, name, hint)?;
        if let EditTarget::Profile(name) = &target {
            session.meet_named(name)?;
        }
        return Ok((target, key));
    }
    let target = match &config.flags.profile {
        Some(_) => config.select()?.name.map_or(EditTarget::TopLevel, |name| EditTarget::of(&name)),
        None => EditTarget::TopLevel,
    };
    Ok((target, key))
}

/// Keys, values and origins as a table.
pub fn settings_view(rows: &[SettingRow]) -> View {
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
