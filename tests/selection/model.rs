//! A model of the configuration rules, written without the program's code.
//!
//! The profile is named by the first of: `--profile`, `--api-url`, `AUTOCOM_PROFILE`, `AUTOCOM_API_URL`, the longest
//! pinned directory, the nearest accepted `.autocom.toml`, `profile` in `config.toml`, `default`.
//!
//! Each value comes from the first of: flag, variable, the profile's table, the top level, the last login, the
//! built-in default. With `--profile`, the variables other than `AUTOCOM_OUTPUT` come after the last login. A profile
//! at another `api_url` than the top level's never inherits its `client_id`, and inherits its `tenant` only if no
//! tenant was captured at a login.

use super::{Case, Layer, Repository, url};

#[derive(Debug, PartialEq)]
pub enum Failure {
    Unknown(String),
    Ambiguous,
}

#[derive(Debug, PartialEq)]
pub enum Answer {
    Failed(Failure),
    /// Name, what selected it, values, credential key, variables that were passed over.
    Selected(Option<String>, String, [Option<String>; 5], Option<String>, [bool; 5]),
}

const URL: usize = 0;
const TENANT: usize = 1;
const CLIENT: usize = 2;
const OUTPUT: usize = 4;

impl Case {
    fn table(&self, name: &str) -> Option<&Layer> {
        if name == "default" { Some(&self.top) } else { self.profiles.get(name) }
    }

    /// The address that the files give a profile.
    fn own_url(&self, name: &str) -> Option<String> {
        let table = self.table(name)?;
        table.values[URL].clone().or_else(|| self.top.values[URL].clone())
    }

    fn by_url(&self, wanted: &str) -> Result<Option<String>, Failure> {
        let mut bound: Vec<&str> = self.profiles.keys().copied().collect();
        bound.extend(self.top.values[URL].is_some().then_some("default"));
        bound.retain(|name| self.own_url(name).as_deref() == Some(wanted));
        let active = self.active.unwrap_or("default");
        if bound.contains(&active) {
            return Ok(Some(active.to_owned()));
        }
        if bound.len() > 1 {
            let keyed = |name: &&str| {
                let key = self.table(name).and_then(|table| table.credential.clone());
                key.is_none_or(|key| key == wanted)
            };
            let keyed: Vec<&str> = bound.iter().copied().filter(|name| keyed(name)).collect();
            return if keyed.len() == 1 { Ok(Some(keyed[0].to_owned())) } else { Err(Failure::Ambiguous) };
        }
        Ok(bound.first().map(|name| (*name).to_owned()))
    }

    /// The profile, what selected it, and whether that was `--profile`.
    fn selected(
        &self,
        place: &dyn Fn(&str, usize) -> String,
    ) -> Result<(Option<String>, String, bool), Failure> {
        let existing = |name: &str, by: String| match self.table(name) {
            Some(_) => Ok((Some(name.to_owned()), by)),
            None => Err(Failure::Unknown(format!("there is no profile `{name}` (named by {by})"))),
        };
        if let Some(name) = self.flags.0 {
            return existing(name, "--profile".to_owned()).map(|(name, by)| (name, by, true));
        }
        let found = if let Some(url) = &self.flags.1.values[URL] {
            (self.by_url(url)?, "--api-url".to_owned())
        } else if let Some(name) = self.variables.0 {
            match self.variables.1.values[URL] {
                Some(_) => (Some(name.to_owned()), "AUTOCOM_PROFILE".to_owned()),
                None => existing(name, "AUTOCOM_PROFILE".to_owned())?,
            }
        } else if let Some(url) = &self.variables.1.values[URL] {
            (self.by_url(url)?, "AUTOCOM_API_URL".to_owned())
        } else if let Some(at) = (0..=self.depth).rev().find(|at| self.pins[*at].is_some()) {
            existing(self.pins[at].unwrap_or_default(), place("pin", at))?
        } else if let Some((at, name)) = (0..=self.depth).rev().find_map(|at| match self.repository[at] {
            Repository::Accepted(name) => Some((at, name)),
            _ => None,
        }) {
            existing(name, place("file", at))?
        } else if let Some(name) = self.active {
            existing(name, place("config", 0))?
        } else {
            (Some("default".to_owned()), "built-in default".to_owned())
        };
        Ok((found.0, found.1, false))
    }

    pub fn expected(&self, place: &dyn Fn(&str, usize) -> String) -> Answer {
        let (name, by, by_flag) = match self.selected(place) {
            Ok(found) => found,
            Err(failure) => return Answer::Failed(failure),
        };
        let empty = Layer::default();
        let table = name.as_deref().and_then(|name| self.table(name)).unwrap_or(&empty);
        let is_default = name.as_deref() == Some("default");
        let own = name.as_deref().and_then(|name| self.own_url(name));
        let (flags, variables, top) = (&self.flags.1.values, &self.variables.1.values, &self.top.values);
        let variable = |key: usize, in_front: bool| {
            let yields = by_flag && key != OUTPUT;
            variables[key].clone().filter(|_| yields != in_front)
        };
        let first = |key: usize| {
            flags[key].clone().or_else(|| variable(key, true)).or_else(|| table.values[key].clone())
        };
        let address = first(URL).or_else(|| top[URL].clone()).or_else(|| variable(URL, false));
        // An address from elsewhere has a credential of its own.
        let key = match (&address, &own) {
            (Some(address), own) if own.as_ref() != Some(address) => Some(address.clone()),
            _ => table.credential.clone().or_else(|| address.clone()),
        };
        let login = key.as_ref().and_then(|key| self.logins.get(key));
        let login = login.filter(|(theirs, ..)| Some(url(&format!("u{theirs}"))) == address);
        let same = is_default || top[URL] == address;
        let value = |key: usize| {
            let captured = login.and_then(|(_, tenant, client)| match key {
                TENANT => tenant.clone(),
                CLIENT => client.clone(),
                _ => None,
            });
            let (mut before, mut after) = (None, None);
            match key {
                TENANT if !same => after = top[key].clone(),
                CLIENT if !same && top[URL].is_some() => {}
                _ => before = top[key].clone(),
            }
            first(key)
                .or_else(|| before.take())
                .or(captured)
                .or_else(|| after.take())
                .or_else(|| variable(key, false))
        };
        let mut values = [0, 1, 2, 3, 4].map(value);
        let passed = [0, 1, 2, 3, 4]
            .map(|key| variable(key, false).is_some_and(|it| values[key].as_ref() != Some(&it)));
        values[3].get_or_insert_with(|| "auto".to_owned());
        Answer::Selected(name, by, values, key, passed)
    }
}
