//! Which profile a login is for, and what it may write to `config.toml`.
//!
//! A login creates a profile only if `--api-url` gives its address, so that a typo in `--profile` is an error. A login
//! by `--api-url` alone switches to its profile; one by `--profile` switches with `--use`, or if `config.toml` selects
//! no profile and has no top-level `api_url`. Only values that the file does not already resolve to are written.

use crate::config::{
    Config, ConfigError, EditTarget, Facts, Login, Resolved, Selection, active, resolve, select, url_flag,
};
use crate::credentials::Record;
use crate::domain::{
    ApiUrl, ClientId, CredentialKey, ExpectedUser, Key, Layer, ProfileName, Scopes, StoreChoice, Tenant,
    autocom,
};
use crate::error::{Error, Result};
use crate::session::context::{Context, no_environment};
use crate::session::profile::selected;
use crate::session::profile::{config_file, expectation};

/// The profile to log in to.
pub struct LoginTarget {
    pub profile: Resolved,
    pub url: ApiUrl,
    /// The key of the credential, once `config.toml` says what this login makes it say.
    pub key: CredentialKey,
    /// `--use`.
    pub asks_to_activate: bool,
    /// Whether the profile is made by this login.
    pub creates: bool,
    /// Whether it becomes the active one.
    pub activates: bool,
    /// The keys that the login read from `config.toml`: it does not write these, since they may have changed since.
    given: Vec<Key>,
    /// What the login is decided on; `None`: `config.toml` does not know the profile.
    facts: Option<Facts>,
}

/// What the login used, to be compared with what the files say afterwards.
pub struct LoginValues<'a> {
    pub tenant: Option<&'a Tenant>,
    pub client_id: Option<&'a ClientId>,
    pub scope: Option<&'a Scopes>,
    pub store: Option<StoreChoice>,
    /// `--lock-user`: the profile is for this user from now on.
    pub expect_user: Option<&'a ExpectedUser>,
    /// Set if the login got a key of its own.
    pub own_key: Option<&'a CredentialKey>,
    /// What `logins.toml` will say of it.
    pub login: (&'a CredentialKey, &'a Login),
}

/// `make_active` is `--use`.
pub fn login_target(context: &Context, make_active: bool) -> Result<LoginTarget> {
    let config = context.config()?;
    let (selection, creates) = match (config.flags.get(Key::Profile), url_flag(config)?) {
        (Some(name), url) => named_target(config, name, url.as_ref())?,
        (None, Some(_)) => target_by_url(config)?,
        (None, None) => (select(config)?, false),
    };
    target(context, make_active, selection, creates)
}

/// The target of a login that is done, by the files as they are now. A profile that it makes may have another
/// name by now; one that was there must be what it was.
pub(crate) fn target_now(context: &Context, before: &LoginTarget, record: &Record) -> Result<LoginTarget> {
    let target = match &before.facts {
        Some(facts) => {
            facts.check(context.config()?).map_err(|conflict| Error::usage(conflict.to_string()))?;
            target(context, before.asks_to_activate, before.profile.selection.clone(), false)?
        }
        None => login_target(context, before.asks_to_activate)?,
    };
    let target = LoginTarget { given: before.given.clone(), ..target };
    let wanted = expectation::wanted(context, &target.profile)?;
    wanted.check(record.user(), "this login")?;
    Ok(target)
}

fn target(context: &Context, make_active: bool, selection: Selection, creates: bool) -> Result<LoginTarget> {
    let config = context.config()?;
    let by_url_flag = config.flags.get(Key::Profile).is_none() && config.flags.get(Key::ApiUrl).is_some();
    let fresh =
        config.document.top().get(Key::Profile).is_none() && config.document.top().get(Key::ApiUrl).is_none();
    let by_profile_flag = config.flags.get(Key::Profile).is_some();
    let activates = make_active || by_url_flag || (by_profile_flag && fresh);
    let activates = activates && selection.name.is_some() && !selection.only_in_variables;
    let profile = resolve(config, selection)?;
    // A captured tenant is the one of the login before.
    let tenant = profile.tenant.clone().filter(|tenant| tenant.layer != Layer::Captured);
    expectation::meet_expectations(context, &Resolved { tenant, ..profile.clone() })?;
    let url = profile.api_url.as_ref().ok_or_else(|| no_environment(&profile))?.value.clone();
    if make_active && !activates {
        return Err(Error::usage("--use needs a profile, and none is bound to that environment").hint(
            autocom("auth login --profile NAME").option("--api-url", &url).words("--use").after("name one: "),
        ));
    }
    // A flag's address becomes the profile's own, so the profile's own key is the one that counts.
    let declared =
        profile.name().filter(|_| profile.api_url.as_ref().is_some_and(|url| url.layer == Layer::Flag));
    let declared = declared.and_then(|name| resolve(config, Selection::listed(name.clone())).ok());
    let declared = declared.and_then(|own| Some((own.credential?.value, own.api_url?.value)));
    let key = match declared {
        Some((key, own)) if key != CredentialKey::from(&own) => key,
        _ => context.key_of(&profile)?.clone(),
    };
    let known = profile.name().filter(|_| !creates && !profile.selection.only_in_variables);
    let facts = known.map(|name| Facts::new(config, name, &[Key::Credential]));
    let from_file = |key: &Key| {
        let layer = profile.value_of(*key).map(|value| value.layer);
        matches!(layer, Some(Layer::Profile | Layer::TopLevel))
    };
    let given = [Key::Tenant, Key::ClientId, Key::Scope].into_iter().filter(from_file).collect();
    let target =
        LoginTarget { profile, url, key, asks_to_activate: make_active, creates, activates, given, facts };
    if target.may_be_written() {
        // What can't be read can't be changed either, and that would be noticed only after the login.
        config.document.check_readable()?;
    }
    Ok(target)
}

fn named_target(config: &Config, name: &str, url: Option<&ApiUrl>) -> Result<(Selection, bool)> {
    let selection = match (select(config), url) {
        (Ok(selection), _) => selection,
        (Err(ConfigError::UnknownProfile { .. } | ConfigError::MissingFile { .. }), Some(_)) => {
            let name: ProfileName = name
                .parse()
                .map_err(|why| Error::usage(format!("the profile name {why} (from --profile)")))?;
            // Writing it would be refused too, but only after the login.
            config.check_new_name(&name)?;
            return Ok((Selection::new_by(name, "--profile"), true));
        }
        (Err(error @ ConfigError::UnknownProfile { .. }), None) => {
            let create = autocom("auth login").option("--profile", name).words("--api-url URL");
            return Err(selected::or_create(config, error.into(), create));
        }
        (Err(error), _) => return Err(error.into()),
    };
    let own = selection.name.as_ref().and_then(|name| config.own_api_url(name));
    match (own, url) {
        (Some(own), Some(url)) if !own.same_origin(url) => {
            Err(Error::usage(format!("profile {name} is bound to {own}, which is another origin than {url}"))
                .hint(autocom("profiles set").value(name).setting("api_url", url)))
        }
        _ => Ok((selection, false)),
    }
}

fn target_by_url(config: &Config) -> Result<(Selection, bool)> {
    let selection = select(config)?;
    if selection.name.is_some() {
        return Ok((selection, false));
    }
    let url = resolve(config, selection)?.api_url.map(|url| url.value);
    let suggested = url.map_or_else(|| "local".to_owned(), |url| url.suggested_name());
    let name = free_name(&suggested, |name| config.check_new_name(name).is_err());
    Ok((Selection::new_by(name, "--api-url"), true))
}

/// Writes what the files don't resolve to already. A file that can't be written costs a warning: what was
/// captured serves.
/// Answers whether the profile became the active one.
pub fn write_login(context: &Context, target: &LoginTarget, used: &LoginValues<'_>) -> bool {
    try_write_login(context, target, used).unwrap_or_else(|error| {
        context.reporter.warn(format!(
            "logged in, but config.toml could not be changed: {}{}",
            error.message,
            error.causes.first().map(|cause| format!(" ({cause})")).unwrap_or_default()
        ));
        false
    })
}

pub fn try_write_login(context: &Context, target: &LoginTarget, used: &LoginValues<'_>) -> Result<bool> {
    let name = target.profile.name().filter(|_| target.may_be_written());
    let Some(name) = name else { return Ok(false) };
    let mut files = context.files_now()?;
    let (key, login) = used.login;
    files.captured.insert(key.clone(), login);
    let table = EditTarget::new(name);
    let writes_url = files.own_api_url(name).as_ref() != Some(&target.url);
    // No question while the locks of a login are held: a change that loosens protection is left out.
    let unasked = Context { can_ask: false, ..context.reloaded() };
    config_file::change_config(&unasked, |edit| {
        if target.creates {
            edit.set_all(&[(table.clone(), Key::ApiUrl, target.url.as_str())])?;
        } else if writes_url {
            edit.set(&table, Key::ApiUrl, target.url.as_str())?;
        }
        if let Some(key) = used.own_key {
            edit.set(&table, Key::Credential, key.as_str())?;
        }
        // With the address and the key in place: what would the files say now?
        let config =
            Config::new(edit.preview()?, files.captured.clone(), Default::default(), Default::default())?;
        let now = resolve(&config, Selection::listed(name.clone()))?;
        let captured = [
            (Key::Tenant, used.tenant.map(Tenant::as_str)),
            (Key::ClientId, used.client_id.map(ClientId::as_str)),
            (Key::Scope, used.scope.map(Scopes::as_str)),
        ];
        for (key, value) in captured.into_iter().filter(|(key, _)| !target.given.contains(key)) {
            if let Some(value) = value
                && now.value_of(key).is_none_or(|now| now.value != value)
                && !by_variable(target.profile.value_of(key).map(|setting| setting.layer))
            {
                edit.set(&table, key, value)?;
            }
        }
        if let Some(store) = used.store
            && now.store.value != store
        {
            edit.set(&table, Key::Store, store.as_str())?;
        }
        if let Some(user) = used.expect_user {
            edit.set(&table, Key::ExpectUser, user.as_str())?;
        }
        let activates = target.activates && active(&config).ok().and_then(|s| s.name).as_ref() != Some(name);
        if activates {
            edit.set(&EditTarget::TopLevel, Key::Profile, name.as_str())?;
        }
        Ok(activates)
    })
}

impl LoginTarget {
    /// Whether `config.toml` is any of this login's business: a profile or a URL from a variable
    /// creates and switches nothing.
    pub fn may_be_written(&self) -> bool {
        let turned_away = self.profile.own_api_url.as_ref() != Some(&self.url)
            && by_variable(self.profile.api_url.as_ref().map(|url| url.layer));
        !self.profile.selection.only_in_variables && !turned_away
    }
}

fn by_variable(layer: Option<Layer>) -> bool {
    matches!(layer, Some(Layer::Variable | Layer::PassedOverVariable))
}

/// `suggested`, or the first of `suggested-2`, `suggested-3`, ... that is not taken.
pub(crate) fn free_name(suggested: &str, taken: impl Fn(&ProfileName) -> bool) -> ProfileName {
    std::iter::once(suggested.to_owned())
        .chain((2..).map(|n| format!("{suggested}-{n}")))
        .filter_map(|name| name.parse().ok())
        .find(|name| !taken(name))
        .unwrap_or_else(ProfileName::default_profile)
}
