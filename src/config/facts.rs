//! What a command was decided on before it waited for a person, an editor or the platform: compared with the
//! file, under its lock, when the command writes.

use super::error::Conflict;
use super::resolve::resolve;
use super::{Config, Selection};
use crate::domain::{Key, Layer, ProfileName};

/// What `config.toml` said of a profile: its address and the values that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    name: ProfileName,
    values: Vec<(Key, Option<String>)>,
}

impl Facts {
    /// The address of `name`, which exists, and the values of `keys`.
    pub fn new(config: &Config, name: &ProfileName, keys: &[Key]) -> Facts {
        let keys = std::iter::once(Key::ApiUrl).chain(keys.iter().copied());
        let profile = resolve(config, Selection::listed(name.clone())).ok();
        let values = keys.map(|key| match &profile {
            // What login captured stands in another file.
            Some(profile) => {
                (key, profile.value_of(key).filter(|it| it.layer != Layer::Captured).map(|it| it.value))
            }
            None => {
                let entry = config.document.table_of(name).and_then(|table| table.get(key));
                (key, entry.and_then(|entry| entry.text()).map(str::to_owned))
            }
        });
        Facts { name: name.clone(), values: values.collect() }
    }

    /// # Errors
    /// The profile is gone, or one of the values is another now.
    pub fn check(&self, now: &Config) -> Result<(), Conflict> {
        if !now.exists(&self.name) {
            return Err(Conflict::Gone(self.name.clone()));
        }
        let keys: Vec<Key> = self.values.iter().map(|(key, _)| *key).collect();
        let now = Facts::new(now, &self.name, &keys[1..]);
        let pairs = self.values.iter().zip(now.values);
        match pairs.into_iter().find(|((_, was), (_, is))| was != is) {
            None => Ok(()),
            Some(((key, was), (_, is))) => {
                Err(Conflict::Changed { name: self.name.clone(), key: *key, was: was.clone(), is })
            }
        }
    }
}
