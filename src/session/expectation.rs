//! What must be so before anything is sent: `--expect`, `AUTOCOM_EXPECT`, and a profile's `expect_user`.
//!
//! Profile, host, address and tenant are compared as soon as a profile is resolved; the user where the
//! credential is read, so that a stale `logins.toml` neither lets a stranger through nor stops a friend. Of a
//! variable's token only the platform knows whose it is: it is asked once, before anything else.

use std::time::{Duration, Instant};

use super::Session;
use super::bearer::{Bearer, CallError, Tokens};
use super::hints::about_profile;
use super::record::login_command;
use super::several::Pool;
use crate::config::{Login, Resolved, Selection, TokenVariable};
use crate::credentials::Record;
use crate::domain::{
    ApiUrl, Expectation, ExpectedUser, Origin, ProfileName, Secret, Tenant, UserRef, shell_word,
};
use crate::error::{Error, Kind, Result};
use crate::platform::{Platform, Profile as User};

/// Whose a token is, is one question for an address, a variable and a tenant.
pub(super) type Asked = (String, String, Option<Tenant>);

/// The users that a credential may be of: every one of these expectations must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted(Vec<WantedUser>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct WantedUser {
    user: ExpectedUser,
    origin: Origin,
    /// The profile whose `expect_user` this is; none: an expectation of this command.
    lock_of: Option<String>,
    login: String,
}

impl Wanted {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// # Errors
    /// It is somebody else. `whose` says what the user is of: `the credential`, `the token in AUTOCOM_TOKEN`.
    pub fn check(&self, seen: UserRef<'_>, whose: &str) -> Result<()> {
        let Some(wanted) = self.0.iter().find(|wanted| !wanted.user.is(seen)) else { return Ok(()) };
        let seen = seen.label().unwrap_or("nobody".into());
        let WantedUser { user, origin, lock_of, login } = wanted;
        Err(match lock_of {
            Some(profile) => Error::new(
                Kind::Authentication,
                format!("profile {profile} is for {user} only (from {origin}), but {whose} is {seen}'s"),
            )
            .hint(format!("log in as {user}: {login}")),
            None => differs("user", user.as_str(), origin, &seen, whose)
                .hint(format!("log in as {user}: {login}")),
        })
    }

    /// Of what `logins.toml` knows.
    pub fn check_login(&self, login: &Login) -> Result<()> {
        self.check(login.user(), "the login")
    }
}

fn differs(key: &str, expected: &str, by: &Origin, actual: &str, from: &str) -> Error {
    Error::usage(format!("expected {key} {expected} (from {by}), but it is {actual} (from {from})"))
}

/// The `expect_user` that matches `user` only.
///
/// # Errors
/// There is none.
pub(super) fn expected_user(user: UserRef<'_>) -> Result<ExpectedUser> {
    ExpectedUser::of(user).ok_or_else(|| match user.label() {
        None => Error::new(Kind::Authentication, "the platform does not say who this is"),
        Some(label) => Error::new(Kind::Authentication, format!("cannot identify the user `{label}`"))
            .cause("the e-mail address or name contains characters that cannot be compared")
            .hint("show every character: autocom whoami -o json"),
    })
}

impl Session {
    /// Whether `profile` is what the command expects to work with, as far as that needs no credential.
    pub(super) fn meet_expectations(&self, profile: &Resolved) -> Result<()> {
        for (expectation, by) in self.config()?.expectations()? {
            let unmet = |actual: Option<String>, from: &Origin| {
                let actual = actual.unwrap_or_else(|| "not set".to_owned());
                let error =
                    differs(expectation.key(), &expectation.to_string(), &by, &actual, &from.to_string());
                about_profile(error.hint(way_out(&expectation, from)), profile)
            };
            // A profile that stands in a list was named by nobody.
            let (named, listed) = (Origin::Flag("the command line"), Origin::Flag("the list of all"));
            let by_selection = match &profile.selection {
                selection if selection.files_only => &listed,
                selection if self.flags.profile.is_none() && selection.by_profile_flag() => &named,
                selection => &selection.origin,
            };
            let url = profile.api_url.as_ref();
            let at = |holds: bool, actual: Option<String>| match (holds, url) {
                (true, _) => Ok(()),
                (false, url) => Err(unmet(actual, url.map_or(by_selection, |url| &url.origin))),
            };
            match &expectation {
                Expectation::Profile(name) if profile.name() == Some(name) => {
                    // The name alone is worth nothing where it leads somewhere else.
                    let turned = url.filter(|_| profile.own_api_url.is_some());
                    if let Some(url) = turned.filter(|url| profile.own_api_url.as_ref() != Some(&url.value)) {
                        return Err(unmet(Some(format!("{name} turned to {}", url.value)), &url.origin));
                    }
                }
                Expectation::Profile(_) => {
                    let name = profile.name().map(ProfileName::to_string);
                    return Err(unmet(name, by_selection));
                }
                Expectation::Host(host, port) => at(
                    url.is_some_and(|url| Expectation::is_host(host, *port, &url.value)),
                    url.map(|url| url.value.authority()),
                )?,
                Expectation::ApiUrl(expected) => {
                    at(url.is_some_and(|url| url.value == *expected), url.map(|url| url.value.to_string()))?
                }
                Expectation::Tenant(expected) => {
                    // One that nobody named may still come with the credential: see `meet_tenant`.
                    let tenant = profile.tenant.as_ref().filter(|tenant| tenant.value != *expected);
                    if let Some(tenant) = tenant {
                        return Err(unmet(Some(tenant.value.to_string()), &tenant.origin));
                    }
                }
                Expectation::User(_) => {}
            }
        }
        Ok(())
    }

    /// Whether `tenant` is the one that is expected, once it is known for certain.
    pub fn meet_tenant(&self, tenant: Option<&Tenant>, from: &str) -> Result<()> {
        for (expectation, by) in self.config()?.expectations()? {
            if let Expectation::Tenant(expected) = &expectation
                && tenant != Some(expected)
            {
                let actual = tenant.map_or("not set", Tenant::as_str);
                return Err(differs("tenant", expected.as_str(), &by, actual, from)
                    .hint(format!("name it: --tenant {}", shell_word(expected))));
            }
        }
        Ok(())
    }

    /// The whole of it for a command that opens no credential: what is known offline counts.
    pub fn meet_all_expectations(&self) -> Result<()> {
        // Before any file is read: `doctor` looks at them as they are.
        if self.expects_nothing() {
            return Ok(());
        }
        let profile = self.profile()?;
        let variable = self.token_variable(&profile)?;
        if profile.tenant.is_none() || variable.is_some() {
            let tenant = match variable.clone() {
                Some(variable) => Bearer::Variable(variable).tenant(&profile),
                None => profile.tenant.as_ref().map(|tenant| tenant.value.clone()),
            };
            self.meet_tenant(tenant.as_ref(), &format!("profile {}", profile.label()))?;
        }
        let wanted = self.expected_users(&profile)?;
        if wanted.is_empty() {
            return Ok(());
        }
        match (variable, &profile.login) {
            (Some(variable), _) => self.variable_user(&profile, &variable).map(drop),
            (None, Some(login)) if !login.is_logged_out() => wanted.check_login(login),
            (None, Some(_)) => wanted.check(UserRef::new(None, None), "the login"),
            (None, None) => match self.stored(&profile)? {
                Some(_) => Ok(()), // who it is was checked when it was read
                None => wanted.check(UserRef::new(None, None), "the login"),
            },
        }
    }

    /// As [`Session::meet_everywhere`], of all profiles that there are.
    pub fn meet_all_profiles(&self) -> Result<()> {
        if self.expects_nothing() {
            return Ok(());
        }
        let config = self.config()?;
        let resolve = |name| config.resolve(Selection::one_of_several(name)).ok();
        let profiles: Vec<Resolved> = config.profiles().into_iter().filter_map(resolve).collect();
        self.meet_everywhere(&profiles.iter().collect::<Vec<_>>())
    }

    /// All that is expected, as `AUTOCOM_EXPECT` says it; `None`: nothing by flag.
    pub fn expected(&self) -> Option<String> {
        let variable = self.environment.var("AUTOCOM_EXPECT");
        let all: Vec<String> = self.flags.expect.iter().cloned().chain(variable).collect();
        (!self.flags.expect.is_empty()).then(|| all.join(","))
    }

    fn expects_nothing(&self) -> bool {
        self.flags.expect.is_empty() && self.environment.var("AUTOCOM_EXPECT").is_none()
    }

    /// For a command that sends something to every platform: each profile must be what is expected.
    pub(super) fn meet_everywhere(&self, profiles: &[&Resolved]) -> Result<()> {
        for profile in profiles {
            self.meet_expectations(profile).map_err(|error| error.about(profile.label()))?;
        }
        self.meet_users(&Pool::of(profiles.iter().copied()), profiles.iter().copied())
    }

    /// A profile that the command names itself is no other than --profile does.
    pub fn meet_flag(&self, name: &str) -> Result<()> {
        match &self.flags.profile {
            Some(flag) if flag != name => {
                Err(Error::usage(format!("`{name}` and --profile {flag} name two profiles"))
                    .hint("autocom profiles list"))
            }
            _ => Ok(()),
        }
    }

    /// As [`Session::meet_expectations`], for a profile that the command names beside the selected one.
    pub fn meet_named(&self, name: &ProfileName) -> Result<()> {
        self.meet_flag(name.as_str())?;
        let config = self.config()?;
        if config.exists(name) {
            return match config.resolve(Selection::by_flag(name.clone())) {
                Ok(profile) => self.meet_expectations(&profile),
                // One that can't be read is there to be mended.
                Err(_) => self.meet_name(name.as_str()),
            };
        }
        self.meet_name(name.as_str())
    }

    /// As [`Session::meet_named`], for a profile that can't be resolved: its name is all that there is.
    pub fn meet_name(&self, name: &str) -> Result<()> {
        self.meet_flag(name)?;
        for (expectation, by) in self.config()?.expectations()? {
            if let Expectation::Profile(expected) = &expectation
                && expected.as_str() != name
            {
                let from = "the command line";
                return Err(
                    differs("profile", expected.as_str(), &by, name, from).hint("autocom profiles list")
                );
            }
        }
        Ok(())
    }

    /// Whether a credential that is to be deleted is the expected user's, whatever variables and
    /// `logins.toml` say.
    pub(super) fn meet_stored_user(&self, record: &Record) -> Result<()> {
        for (expectation, by) in self.config()?.expectations()? {
            if let Expectation::User(user) = &expectation
                && !user.is(record.user())
            {
                let from = "the stored credential";
                return Err(differs("user", user.as_str(), &by, &record.user_label(), from)
                    .hint("see who is logged in: autocom profiles list"));
            }
        }
        Ok(())
    }

    /// What is about every login there is can't be what one is expected to be.
    pub(super) fn meet_nothing(&self) -> Result<()> {
        match self.config()?.expectations()?.first() {
            None => Ok(()),
            Some((expectation, by)) => Err(Error::usage(format!(
                "--all is about every login there is, but {} {expectation} is expected (from {by})",
                expectation.key()
            ))
            .hint("autocom auth logout --profile NAME, one by one")),
        }
    }

    /// Whether every credential is the expected user's, before one of them is used.
    pub(super) fn meet_users<'p>(
        &self,
        pool: &Pool,
        profiles: impl Iterator<Item = &'p Resolved>,
    ) -> Result<()> {
        let expectations = self.config()?.expectations()?;
        if !expectations.iter().any(|(expectation, _)| matches!(expectation, Expectation::User(_))) {
            return Ok(());
        }
        self.block_on(async {
            for profile in profiles {
                // What else is wrong with one is said when it is its turn.
                if let Err(error) = pool.tokens(self, profile).await
                    && error.kind == Kind::Usage
                {
                    return Err(error.about(profile.label()));
                }
            }
            Ok(())
        })
    }

    /// Who a credential of `profile` must be of: `expect_user`, and what this command expects.
    pub(super) fn wanted(&self, profile: &Resolved) -> Result<Wanted> {
        let Wanted(mut all) = self.expected_users(profile)?;
        // Also where a flag or a variable has turned the profile to another address: it is for that user.
        all.extend(profile.expect_user.as_ref().map(|expected| WantedUser {
            user: expected.value.clone(),
            origin: expected.origin.clone(),
            lock_of: Some(profile.label().to_owned()),
            login: login_command(profile),
        }));
        Ok(Wanted(all))
    }

    /// What this command alone expects.
    fn expected_users(&self, profile: &Resolved) -> Result<Wanted> {
        let expected = self.config()?.expectations()?.into_iter().filter_map(|(expectation, origin)| {
            let Expectation::User(user) = expectation else { return None };
            Some(WantedUser { user, origin, lock_of: None, login: login_command(profile) })
        });
        Ok(Wanted(expected.collect()))
    }

    /// Whose a variable's token is, asked of the platform once, and refused if it is the wrong one's.
    pub(super) async fn variable_owner(&self, profile: &Resolved, variable: &TokenVariable) -> Result<User> {
        let url = profile.api_url.as_ref().ok_or_else(|| super::no_environment(profile))?.value.clone();
        let user = match self.known_owner(profile, variable) {
            Some((user, _)) => user,
            None => {
                let started = Instant::now();
                let user = self.ask_owner(profile, variable, url).await?;
                let answer = (user.clone(), started.elapsed());
                self.owners.borrow_mut().insert(owner_key(profile, variable), answer);
                user
            }
        };
        self.wanted(profile)?.check(user.user(), &format!("the token in {}", variable.name))?;
        Ok(user)
    }

    /// Whose a variable's token is, if that was asked already, and how long the answer took.
    pub(super) fn known_owner(
        &self,
        profile: &Resolved,
        variable: &TokenVariable,
    ) -> Option<(User, Duration)> {
        self.owners.borrow().get(&owner_key(profile, variable)).cloned()
    }

    /// Whether a token that is not let into a tenant is that of the user whom `profile` is for: that it
    /// is a stranger's comes first. `platform`: in no tenant. Where it is for anybody, nobody is asked.
    pub(super) async fn meet_anywhere(
        &self,
        profile: &Resolved,
        platform: &Platform<Secret>,
        whose: &str,
    ) -> Result<()> {
        let wanted = self.wanted(profile)?;
        if wanted.is_empty() {
            return Ok(());
        }
        match platform.profile().await {
            Ok(user) => wanted.check(user.user(), whose),
            // What was wrong first says more.
            Err(_) => Ok(()),
        }
    }

    async fn ask_owner(&self, profile: &Resolved, variable: &TokenVariable, url: ApiUrl) -> Result<User> {
        let tokens = Tokens::Variable(variable.clone());
        let tenant = tokens.tenant(profile);
        let platform = Platform::new(self.http(profile), url.clone(), tokens, tenant);
        match platform.profile().await {
            Ok(user) => Ok(user),
            Err(error) => {
                if matches!(&error, CallError::Platform(error) if error.is_no_entry()) {
                    let anywhere = Platform::new(self.http(profile), url, variable.token.clone(), None);
                    let whose = format!("the token in {}", variable.name);
                    self.meet_anywhere(profile, &anywhere, &whose).await?;
                }
                Err(about_profile(error.with(platform.tokens()), profile))
            }
        }
    }

    /// As [`Session::variable_owner`], for who is not at work with the network yet.
    pub(super) fn variable_user(&self, profile: &Resolved, variable: &TokenVariable) -> Result<User> {
        self.block_on(self.variable_owner(profile, variable))
    }

    /// Before a variable's token is used: whose it is, if that matters.
    pub(super) async fn vet(&self, profile: &Resolved, variable: &TokenVariable) -> Result<()> {
        match self.wanted(profile)?.is_empty() {
            true => Ok(()),
            false => self.variable_owner(profile, variable).await.map(drop),
        }
    }
}

/// The next command, by where the wrong value comes from.
fn way_out(expectation: &Expectation, from: &Origin) -> String {
    match (expectation, from) {
        (_, Origin::Variable(name)) => format!("unset {name}"),
        (Expectation::Profile(_), Origin::Flag("the command line" | "the list of all")) => {
            "autocom profiles list".to_owned()
        }
        (Expectation::Profile(name), _) => format!("name it: --profile {name}"),
        (Expectation::Tenant(tenant), _) => format!("name it: --tenant {}", shell_word(tenant)),
        _ => "see where it comes from: autocom profiles show".to_owned(),
    }
}

fn owner_key(profile: &Resolved, variable: &TokenVariable) -> Asked {
    let url = profile.api_url.as_ref().map(|url| url.value.to_string()).unwrap_or_default();
    let tenant = Tokens::Variable(variable.clone()).tenant(profile);
    (url, variable.name.clone(), tenant)
}
