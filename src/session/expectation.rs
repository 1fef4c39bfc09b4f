//! What must be so before anything is sent: `--expect`, `AUTOCOM_EXPECT`, and a profile's `expect_user`.
//!
//! Profile, host, address and tenant are compared as soon as a profile is resolved; the user where the
//! credential is read, so that a stale `logins.toml` neither lets a stranger through nor stops a friend. Of a
//! variable's token only the platform knows whose it is: it is asked once, before anything else.

use super::Session;
use super::bearer::{Bearer, Tokens};
use super::record::{about_profile, login_command};
use super::several::Pool;
use crate::config::{Login, Resolved, TokenVariable};
use crate::domain::{ApiUrl, Expectation, ExpectedUser, Origin, ProfileName, Tenant};
use crate::error::{Error, Kind, Result};
use crate::platform::{Platform, Profile as User};

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
    pub fn check(&self, email: Option<&str>, name: Option<&str>, whose: &str) -> Result<()> {
        let Some(wanted) = self.0.iter().find(|wanted| !wanted.user.is(email, name)) else { return Ok(()) };
        let seen = [email, name].into_iter().flatten().find(|text| !text.is_empty()).unwrap_or("nobody");
        let WantedUser { user, origin, lock_of, login } = wanted;
        Err(match lock_of {
            Some(profile) => Error::new(
                Kind::Authentication,
                format!("profile {profile} is for {user} only (from {origin}), but {whose} is {seen}'s"),
            )
            .hint(format!("log in as {user}: {login}")),
            None => {
                differs("user", user.as_str(), origin, seen, whose).hint(format!("log in as {user}: {login}"))
            }
        })
    }

    pub fn check_user(&self, user: &User, whose: &str) -> Result<()> {
        self.check(user.email.as_deref(), user.name.as_deref(), whose)
    }

    /// Of what `logins.toml` knows.
    pub fn check_login(&self, login: &Login) -> Result<()> {
        self.check(login.user_email.as_deref(), login.user_name.as_deref(), "the login")
    }
}

fn differs(key: &str, expected: &str, by: &Origin, actual: &str, from: &str) -> Error {
    Error::usage(format!("expected {key} {expected} (from {by}), but it is {actual} (from {from})"))
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
            let by_selection = &profile.selection.origin;
            let url = profile.api_url.as_ref();
            let at = |holds: bool, actual: Option<String>| match (holds, url) {
                (true, _) => Ok(()),
                (false, url) => Err(unmet(actual, url.map_or(by_selection, |url| &url.origin))),
            };
            match &expectation {
                Expectation::Profile(name) if profile.name() == Some(name) => {}
                Expectation::Profile(_) => {
                    let name = profile.name().map(ProfileName::to_string);
                    return Err(unmet(name, by_selection));
                }
                Expectation::Host(host) => at(
                    url.is_some_and(|url| Expectation::is_host(host, &url.value)),
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
    pub(super) fn meet_tenant(&self, tenant: Option<&Tenant>, from: &str) -> Result<()> {
        for (expectation, by) in self.config()?.expectations()? {
            if let Expectation::Tenant(expected) = &expectation
                && tenant != Some(expected)
            {
                let actual = tenant.map_or("not set", Tenant::as_str);
                return Err(differs("tenant", expected.as_str(), &by, actual, from)
                    .hint(format!("name it: --tenant {expected}")));
            }
        }
        Ok(())
    }

    /// The whole of it for a command that opens no credential: what is known offline counts.
    pub fn meet_all_expectations(&self) -> Result<()> {
        // Before any file is read: `doctor` looks at them as they are.
        if self.flags.expect.is_empty() && self.environment.var("AUTOCOM_EXPECT").is_none() {
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
            (None, Some(_)) => wanted.check(None, None, "the login"),
            (None, None) => match self.stored(&profile)? {
                Some(_) => Ok(()), // who it is was checked when it was read
                None => wanted.check(None, None, "the login"),
            },
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
        let key = (url.to_string(), variable.name.clone());
        let known = self.owners.borrow().get(&key).cloned();
        let user = match known {
            Some(user) => user,
            None => {
                let user = self.ask_owner(profile, variable, url).await?;
                self.owners.borrow_mut().insert(key, user.clone());
                user
            }
        };
        self.wanted(profile)?.check_user(&user, &format!("the token in {}", variable.name))?;
        Ok(user)
    }

    async fn ask_owner(&self, profile: &Resolved, variable: &TokenVariable, url: ApiUrl) -> Result<User> {
        let tokens = Tokens::Variable(variable.clone());
        let tenant = tokens.tenant(profile);
        let platform = Platform::new(self.http(profile), url, tokens, tenant);
        platform.profile().await.map_err(|error| about_profile(error.with(platform.tokens()), profile))
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
        (Expectation::Profile(name), _) => format!("name it: --profile {name}"),
        (Expectation::Tenant(tenant), _) => format!("name it: --tenant {tenant}"),
        _ => "see where it comes from: autocom profiles show".to_owned(),
    }
}
