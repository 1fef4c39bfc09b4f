//! What must be so before anything is sent: `--expect`, `AUTOCOM_EXPECT`, and a profile's `expect_user`.
//!
//! Profile, host, address and tenant are compared as soon as a profile is resolved; the user where the
//! credential is read, so that a stale `logins.toml` neither lets a stranger through nor stops a friend. Of a
//! variable's token only the platform knows whose it is: it is asked once, before anything else.

use crate::config::{Login, Resolved, Selection, resolve};
use crate::credentials::Record;
use crate::domain::{
    Expectation, ExpectedUser, Hint, Key, NextCommand, Origin, ProfileName, Tenant, UserRef, autocom,
    shell_word,
};
use crate::error::{Error, Kind, Result};
use crate::session::context::Context;
use crate::session::profile::hints::about_profile;
use crate::session::profile::login_command::login_command;

/// The users that a credential may be of: every one of these expectations must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserConstraint(Vec<RequiredUser>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct RequiredUser {
    user: ExpectedUser,
    origin: Origin,
    /// The profile whose `expect_user` this is; none: an expectation of this command.
    lock_of: Option<String>,
    login: NextCommand,
}

impl UserConstraint {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// # Errors
    /// It is somebody else. `whose` says what the user is of: `the credential`, `the token in AUTOCOM_TOKEN`.
    pub(crate) fn check(&self, seen: UserRef<'_>, whose: &str) -> Result<()> {
        let Some(wanted) = self.0.iter().find(|wanted| !wanted.user.is(seen)) else { return Ok(()) };
        let seen = seen.label().unwrap_or("nobody".into());
        let RequiredUser { user, origin, lock_of, login } = wanted;
        Err(match lock_of {
            Some(profile) => Error::new(
                Kind::Authentication,
                format!("profile {profile} is for {user} only (from {origin}), but {whose} is {seen}'s"),
            )
            .hint(login.clone().after(format!("log in as {user}: ")))
            .naming(profile),
            None => differs("user", user.as_str(), origin, &seen, whose)
                .hint(login.clone().after(format!("log in as {user}: "))),
        })
    }

    /// Of what `logins.toml` knows.
    pub(crate) fn check_login(&self, login: &Login) -> Result<()> {
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
pub(crate) fn expected_user(user: UserRef<'_>) -> Result<ExpectedUser> {
    ExpectedUser::new(user).ok_or_else(|| match user.label() {
        None => Error::new(Kind::Authentication, "the platform does not say who this is"),
        Some(label) => Error::new(Kind::Authentication, format!("cannot identify the user `{label}`"))
            .cause("the e-mail address or name contains characters that cannot be compared")
            .hint(autocom("whoami -o json").after("show every character: ")),
    })
}

/// Whether `profile` is what the command expects to work with, as far as that needs no credential.
pub(crate) fn meet_expectations(context: &Context, profile: &Resolved) -> Result<()> {
    for (expectation, by) in context.config()?.expectations()? {
        let unmet = |actual: Option<String>, from: &Origin| {
            let actual = actual.unwrap_or_else(|| "not set".to_owned());
            let error = differs(expectation.key(), &expectation.to_string(), &by, &actual, &from.to_string());
            about_profile(error.hint(way_out(&expectation, from)), profile)
        };
        // A profile that stands in a list was named by nobody.
        let (named, listed) = (Origin::CommandLine, Origin::List);
        let by_selection = match &profile.selection {
            selection if selection.files_only => &listed,
            selection if context.flags.get(Key::Profile).is_none() && selection.by_profile_flag() => &named,
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
pub fn meet_tenant(context: &Context, tenant: Option<&Tenant>, from: &str) -> Result<()> {
    for (expectation, by) in context.config()?.expectations()? {
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

/// All that is expected, as `AUTOCOM_EXPECT` says it; `None`: nothing by flag.
pub fn expected(context: &Context) -> Option<String> {
    let variable = context.environment.var("AUTOCOM_EXPECT");
    let all: Vec<String> = context.flags.expect.iter().cloned().chain(variable).collect();
    (!context.flags.expect.is_empty()).then(|| all.join(","))
}

pub(crate) fn expects_nothing(context: &Context) -> bool {
    context.flags.expect.is_empty() && context.environment.var("AUTOCOM_EXPECT").is_none()
}

/// A profile that the command names itself is no other than --profile does.
pub fn meet_flag(context: &Context, name: &str) -> Result<()> {
    match context.flags.get(Key::Profile) {
        Some(flag) if flag != name => {
            Err(Error::usage(format!("`{name}` and --profile {flag} name two profiles"))
                .hint(autocom("profiles list")))
        }
        _ => Ok(()),
    }
}

/// As [`meet_expectations`], for a profile that the command names beside the selected one.
pub fn meet_named(context: &Context, name: &ProfileName) -> Result<()> {
    meet_flag(context, name.as_str())?;
    let config = context.config()?;
    if config.exists(name) {
        return match resolve(config, Selection::by_flag(name.clone())) {
            Ok(profile) => meet_expectations(context, &profile),
            // One that can't be read is there to be mended.
            Err(_) => meet_name(context, name.as_str()),
        };
    }
    meet_name(context, name.as_str())
}

/// As [`meet_named`], for a profile that can't be resolved: its name is all that there is.
pub fn meet_name(context: &Context, name: &str) -> Result<()> {
    meet_flag(context, name)?;
    for (expectation, by) in context.config()?.expectations()? {
        if let Expectation::Profile(expected) = &expectation
            && expected.as_str() != name
        {
            let from = "the command line";
            return Err(differs("profile", expected.as_str(), &by, name, from).hint(autocom("profiles list")));
        }
    }
    Ok(())
}

/// Whether a credential that is to be deleted is the expected user's, whatever variables and
/// `logins.toml` say.
pub(crate) fn meet_stored_user(context: &Context, record: &Record) -> Result<()> {
    for (expectation, by) in context.config()?.expectations()? {
        if let Expectation::User(user) = &expectation
            && !user.is(record.user())
        {
            let from = "the stored credential";
            return Err(differs("user", user.as_str(), &by, &record.user_label(), from)
                .hint(autocom("profiles list").after("see who is logged in: ")));
        }
    }
    Ok(())
}

/// What is about every login there is can't be what one is expected to be.
pub(crate) fn meet_nothing(context: &Context) -> Result<()> {
    match context.config()?.expectations()?.first() {
        None => Ok(()),
        Some((expectation, by)) => Err(Error::usage(format!(
            "--all is about every login there is, but {} {expectation} is expected (from {by})",
            expectation.key()
        ))
        .hint(autocom("auth logout --profile NAME").text(", one by one"))),
    }
}

/// Who a credential of `profile` must be of: `expect_user`, and what this command expects.
pub(crate) fn wanted(context: &Context, profile: &Resolved) -> Result<UserConstraint> {
    let UserConstraint(mut all) = expected_users(context, profile)?;
    // Also where a flag or a variable has turned the profile to another address: it is for that user.
    all.extend(profile.expect_user.as_ref().map(|expected| RequiredUser {
        user: expected.value.clone(),
        origin: expected.origin.clone(),
        lock_of: Some(profile.label().to_owned()),
        login: login_command(profile),
    }));
    Ok(UserConstraint(all))
}

/// What this command alone expects.
pub(crate) fn expected_users(context: &Context, profile: &Resolved) -> Result<UserConstraint> {
    let expected = context.config()?.expectations()?.into_iter().filter_map(|(expectation, origin)| {
        let Expectation::User(user) = expectation else { return None };
        Some(RequiredUser { user, origin, lock_of: None, login: login_command(profile) })
    });
    Ok(UserConstraint(expected.collect()))
}

/// The next command, by where the wrong value comes from.
fn way_out(expectation: &Expectation, from: &Origin) -> Hint {
    match (expectation, from) {
        (_, Origin::Variable(name)) => format!("unset {name}").into(),
        (Expectation::Profile(_), Origin::CommandLine | Origin::List) => autocom("profiles list").into(),
        (Expectation::Profile(name), _) => format!("name it: --profile {name}").into(),
        (Expectation::Tenant(tenant), _) => format!("name it: --tenant {}", shell_word(tenant)).into(),
        _ => autocom("profiles show").after("see where it comes from: "),
    }
}
