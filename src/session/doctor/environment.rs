//! What surrounds autocom on this machine: variables, and what a login in the browser needs.

use crate::config::{Config, Resolved, resolve, select, token_variable};
use crate::domain::{Key, autocom, likely, quoted, shell_word};
use crate::oauth::CALLBACK_PORTS;
use crate::session::context::Context;
use crate::session::doctor::finding::{Finding, Section};
use crate::session::login::grant;
use crate::session::profile::switch::PREVIOUS;
use crate::system::paths::VARIABLES;
use crate::system::{browser, file_status};

/// Variables that are no configuration key's.
const OTHERS: [&str; 7] = [
    "AUTOCOM_CONFIG",
    "AUTOCOM_CREDENTIALS_FILE",
    "AUTOCOM_DEFAULT_CLIENT_ID",
    "AUTOCOM_HOME",
    "AUTOCOM_LOG",
    PREVIOUS,
    "AUTOCOM_TOKEN",
];

const PREFIX: &str = "AUTOCOM_";
const OF_A_PROFILE: &str = "AUTOCOM_TOKEN_";

/// Of no variable is the value shown: it may be a secret that was put into the wrong one.
pub(crate) fn variables(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    let environment = context.environment();
    let known: Vec<&str> = Key::ALL.into_iter().filter_map(Key::variable).chain(OTHERS).collect();
    let config = context.config().ok();
    let of_profiles: Vec<String> =
        config.iter().flat_map(|config| config.profiles()).map(|name| name.token_variable()).collect();
    let selected = config.and_then(|config| resolve(config, select(config).ok()?).ok());
    let its_own = selected.as_ref().and_then(|profile| profile.name()).map(|name| name.token_variable());
    for name in environment.names_with(PREFIX) {
        let found_here = if environment.is_blank(name) {
            Some(
                Finding::warn(Section::Variables, name, "is set, but empty, which counts as unset")
                    .fix(format!("unset {}", shell_word(name))),
            )
        } else if name.starts_with(OF_A_PROFILE) {
            let is_known = of_profiles.iter().chain(&its_own).any(|known| known == name);
            (!is_known).then(|| {
                let near = slip_of(name, OF_A_PROFILE, of_profiles.iter().map(String::as_str));
                let meant = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                let words = format!("is the token of no profile that exists{meant}");
                Finding::warn(Section::Variables, name, words).fix(format!("unset {}", shell_word(name)))
            })
        } else if !known.contains(&name) {
            Some(match slip_of(name, PREFIX, known.iter().copied()) {
                Some(near) => Finding::warn(
                    Section::Variables,
                    name,
                    format!("is no variable of autocom; did you mean {near}?"),
                )
                .fix(format!("export {near}=\"${name}\"; unset {name}")),
                None => Finding::warn(Section::Variables, name, "is no variable of autocom")
                    .fix(format!("unset {}", shell_word(name))),
            })
        } else {
            None
        };
        found.extend(found_here);
    }
    found.extend(VARIABLES.into_iter().filter_map(|name| taken_literally(name, context)));
    if let (Some(config), Some(profile)) = (config, &selected) {
        found.extend(overriding(context, config, profile));
    }
    found
}

/// The variables that go before what `config.toml` says of the profile, or that it goes before.
fn overriding(context: &Context, config: &Config, profile: &Resolved) -> Vec<Finding> {
    let (mut found, environment) = (Vec::new(), context.environment());
    for key in Key::ALL.into_iter().filter(|key| !matches!(key, Key::Profile)) {
        let Some(variable) = key.variable().filter(|name| environment.var(name).is_some()) else {
            continue;
        };
        let in_file = profile
            .name()
            .and_then(|name| config.document.table_of(name))
            .is_some_and(|table| table.get(key).is_some());
        let words = match profile.passed_over.iter().any(|it| it.variable == variable) {
            true => format!("is not used: --profile {} has its own {key}", profile.label()),
            false if in_file => {
                format!("goes before the {key} of profile {} in config.toml", profile.label())
            }
            false => continue,
        };
        found.push(Finding::ok(Section::Variables, variable, words));
    }
    if token_variable(config, profile, true).passed_over {
        let words = format!("belongs to another environment: not used for profile {}", profile.label());
        found.push(Finding::warn(Section::Variables, "AUTOCOM_TOKEN", words).fix("unset AUTOCOM_TOKEN"));
    }
    found
}

/// What an autocom that did not expand `~` has made of a path in the working directory.
fn taken_literally(variable: &str, context: &Context) -> Option<Finding> {
    let value = context.environment().path_var(variable).filter(|value| value.starts_with("~"))?;
    let path = context.environment().current_dir.as_ref()?.join(value);
    path.exists().then(|| {
        let words = format!("{} was created when `~` was not expanded; it may hold a token", path.display());
        Finding::warn(Section::Leftovers, variable, words).fix(format!("rm -r {}", quoted(&path)))
    })
}

/// The name that `name` is most likely meant to be. What all of them begin with makes none of them like it.
fn slip_of<'n>(name: &str, prefix: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let names: Vec<&str> = names.filter(|known| known.starts_with(prefix)).collect();
    let meant = likely(name.strip_prefix(prefix)?, names.iter().map(|known| &known[prefix.len()..]))?;
    names.into_iter().find(|known| known[prefix.len()..] == *meant)
}

/// What a login in the browser needs.
pub(crate) fn login(context: &Context) -> Vec<Finding> {
    vec![ports(), of_browser(context)]
}

fn ports() -> Finding {
    let (first, last) = (CALLBACK_PORTS.start(), CALLBACK_PORTS.end());
    let taken: Vec<u16> = CALLBACK_PORTS.filter(|port| !file_status::is_free(*port)).collect();
    let list = taken.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let check = "callback ports";
    if taken.is_empty() {
        Finding::ok(Section::Login, check, format!("{first} to {last} of 127.0.0.1 are free"))
    } else if taken.len() < CALLBACK_PORTS.len() {
        Finding::ok(Section::Login, check, format!("of {first} to {last} some are free; taken: {list}"))
    } else {
        Finding::broken(Section::Login, check, format!("all are taken: {list}"))
            .fix(autocom("auth login --no-browser"))
    }
}

fn of_browser(context: &Context) -> Finding {
    let check = "browser";
    if let Some(tunnel) = grant::tunnel(context, *CALLBACK_PORTS.start()) {
        let words = "an SSH session without a display: log in with the browser of your own machine, which this leads here:";
        return Finding::warn(Section::Login, check, words).fix(tunnel);
    }
    let (found, missing) = browser::programs(context.environment());
    match (found.first(), missing.is_empty()) {
        (Some(program), _) => Finding::ok(Section::Login, check, format!("{} opens it", program.display())),
        (None, false) => {
            let words = format!("nothing here opens one (looked for {})", missing.join(", "));
            Finding::warn(Section::Login, check, words).fix(autocom("auth login --no-browser"))
        }
        (None, true) => Finding::ok(Section::Login, check, "the operating system opens it"),
    }
}
