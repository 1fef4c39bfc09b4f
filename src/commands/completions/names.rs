//! The names that completions know: from `config.toml` and `logins.toml`, read at a glance. No network, no
//! store, nothing written, and where something is wrong no names rather than words.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::config::{Config, Flags, Selection, resolve, select};
use crate::domain::{ApiUrl, Expectation, ExpectedUser, Key, ProfileName};
use crate::platform::orders::STATUSES;
use crate::system::environment::Environment;
use crate::system::paths::Paths;

/// What an argument is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noun {
    Profile,
    Tenant,
    /// A key, plain or dotted.
    Key,
    /// What `profiles show` explains.
    Explained,
    /// `KEY=VALUE,...` of what is expected.
    Expectation,
    /// `KEY=VALUE` of a profile.
    Setting,
    Status,
}

impl Noun {
    /// What the argument `id` of a command is the name of.
    pub(super) fn find(command: &str, id: &str) -> Option<Noun> {
        match (command, id) {
            (_, "profile" | "profiles" | "confirm") | ("profiles remove", "successor") => Some(Noun::Profile),
            ("profiles rename", "new_name") => None,
            ("profiles diff", "left" | "right") => Some(Noun::Profile),
            ("profiles show", "explain") => Some(Noun::Explained),
            (_, "expect") => Some(Noun::Expectation),
            (command, "name" | "names") if command.starts_with("profiles ") => Some(Noun::Profile),
            (_, "tenant") | ("tenants use", "slug") => Some(Noun::Tenant),
            ("config get" | "config set" | "config unset", "key") => Some(Noun::Key),
            ("profiles set", "settings") => Some(Noun::Setting),
            ("orders list", "status") => Some(Noun::Status),
            _ => None,
        }
    }
}

/// The files, read when a name is first asked for.
pub(super) struct Names {
    environment: Environment,
    flags: Flags,
    config: OnceLock<Option<Config>>,
}

impl Names {
    pub(super) fn new(environment: Environment, flags: Flags) -> Names {
        Names { environment, flags, config: OnceLock::new() }
    }

    fn config(&self) -> Option<&Config> {
        let glance =
            || Config::glance(&Paths::new(&self.environment), self.environment.clone(), self.flags.clone());
        self.config.get_or_init(glance).as_ref()
    }

    /// The names that `typed` may become, each with what there is to say of it.
    pub(super) fn beginning_with(&self, noun: Noun, typed: &str) -> Vec<(String, Option<String>)> {
        let mut names = match noun {
            Noun::Profile => self.profiles(),
            Noun::Tenant => self.tenants().into_iter().map(|name| (name, None)).collect(),
            Noun::Key => self.keys(typed),
            Noun::Explained => explained(),
            Noun::Expectation => self.expectations(typed),
            Noun::Setting => settings(typed),
            Noun::Status => STATUSES.map(|status| (status.to_owned(), None)).into(),
        };
        names.retain(|(name, _)| name.starts_with(typed));
        names
    }

    fn profiles(&self) -> Vec<(String, Option<String>)> {
        let Some(config) = self.config() else { return Vec::new() };
        let url = |name: &ProfileName| config.own_api_url(name).map(|url| url.to_string());
        config.profiles().iter().map(|name| (name.to_string(), url(name))).collect()
    }

    /// Those of the platform that the command line means, else all that are known.
    fn tenants(&self) -> BTreeSet<String> {
        let Some(config) = self.config() else { return BTreeSet::new() };
        let selected = select(config).and_then(|selection| resolve(config, selection)).ok();
        let url = selected.and_then(|profile| Some(profile.api_url?.value));
        let here = url.map(|url| tenants(config, Some(&url))).unwrap_or_default();
        if here.is_empty() { tenants(config, None) } else { here }
    }

    /// The list that is typed with a key after its last comma, or with the values known for the last key.
    fn expectations(&self, typed: &str) -> Vec<(String, Option<String>)> {
        let last = typed.rfind(',').map_or(0, |comma| comma + 1);
        let (before, last) = typed.split_at(last);
        let known = last.split_once('=').map(|(key, _)| (key, self.to_expect(key)));
        let ends = match known {
            Some((key, values)) => values.into_iter().map(|value| format!("{key}={value}")).collect(),
            None => Expectation::KEYS.map(|key| format!("{key}=")).to_vec(),
        };
        ends.into_iter().map(|end| (format!("{before}{end}"), None)).collect()
    }

    fn to_expect(&self, key: &str) -> BTreeSet<String> {
        let Some(config) = self.config() else { return BTreeSet::new() };
        let logins = || config.captured.keys().filter_map(|key| config.captured.get(key));
        let profiles = config.profiles();
        let urls = || profiles.iter().filter_map(|name| config.own_api_url(name));
        match key {
            "profile" => profiles.iter().map(ToString::to_string).collect(),
            "tenant" => self.tenants(),
            "user" => {
                logins().filter_map(|login| Some(ExpectedUser::new(login.user())?.to_string())).collect()
            }
            "host" => urls().map(|url| url.authority()).collect(),
            "api_url" => urls().map(|url| url.to_string()).collect(),
            _ => BTreeSet::new(),
        }
    }

    fn keys(&self, typed: &str) -> Vec<(String, Option<String>)> {
        let plain = Key::ALL.map(|key| (key.to_string(), None));
        // All at once would be too many to be of use to anybody who has typed nothing yet.
        if typed.is_empty() || !("profiles.".starts_with(typed) || typed.starts_with("profiles.")) {
            return plain.into();
        }
        let profiles = self.profiles().into_iter().filter(|(name, _)| name != ProfileName::DEFAULT);
        let dotted = profiles.flat_map(|(name, _)| {
            let keys = Key::ALL.into_iter().filter(|key| key.in_profile());
            keys.map(move |key| (format!("profiles.{name}.{key}"), None))
        });
        plain.into_iter().chain(dotted).collect()
    }
}

/// Every key, and the token, which has no key to set.
fn explained() -> Vec<(String, Option<String>)> {
    Key::ALL.iter().map(|key| (key.to_string(), None)).chain([("token".to_owned(), None)]).collect()
}

/// Every tenant that the files name for profiles and logins of that origin, or of any.
fn tenants(config: &Config, at: Option<&ApiUrl>) -> BTreeSet<String> {
    let is_meant = |url: Option<&ApiUrl>| at.is_none_or(|at| url.is_some_and(|url| url.same_origin(at)));
    let of_profiles = config.profiles().into_iter().filter_map(|name| {
        let profile = resolve(config, Selection::listed(name)).ok()?;
        let url = profile.api_url.map(|url| url.value);
        profile.tenant.filter(|_| is_meant(url.as_ref())).map(|tenant| tenant.value)
    });
    let logins = config.captured.keys().filter_map(|key| config.captured.get(key));
    let of_logins = logins
        .filter(|login| is_meant(login.api_url.as_ref()))
        .flat_map(|login| login.tenants.into_iter().chain(login.tenant));
    of_profiles.chain(of_logins).map(|tenant| tenant.to_string()).collect()
}

/// `KEY=`, and behind the sign the values of a key that has few.
fn settings(typed: &str) -> Vec<(String, Option<String>)> {
    let Some((key, _)) = typed.split_once('=') else {
        let keys = Key::ALL.into_iter().filter(|key| key.in_profile());
        return keys.map(|key| (format!("{key}="), None)).collect();
    };
    let values = key.parse().map_or(&[][..], Key::choices);
    values.iter().map(|value| (format!("{key}={value}"), None)).collect()
}
