//! Who a profile is, offline where it can be.

use jiff::Timestamp;

use crate::config::{Login, Resolved};
use crate::domain::{Lifetime, Tenant, jwt};
use crate::error::Result;
use crate::platform::Profile as User;
use crate::session::call::check::{self, Checked};
use crate::session::call::fan_out::Target;
use crate::session::call::owner;
use crate::session::call::tokens;
use crate::session::context::Context;
use crate::session::credential::logins::login_of;
use crate::session::credential::stored;
use crate::session::profile::expectation;
use crate::session::profile::login_command::Owner;

/// A user as a profile knows them.
pub struct Identity {
    pub name: Option<String>,
    pub email: Option<String>,
    /// The tenant that the profile's calls go to.
    pub tenant: Option<Tenant>,
    pub expires_at: Option<Timestamp>,
    /// Whether the token renews itself.
    pub renewable: bool,
    /// The variable that supplies it, if one does.
    pub variable: Option<String>,
}

/// The user of the profile: from what the login captured, else from the store; a variable's
/// token is asked of the platform.
pub fn identity(context: &Context, profile: &Resolved) -> Result<Identity> {
    if let Some(variable) = tokens::token_variable(context, profile)? {
        let user = owner::variable_user(context, profile, &variable)?;
        return Ok(identified(context, profile, user, context));
    }
    match &profile.login {
        Some(login) if login.is_logged_out() => Err(stored::not_logged_in(context, profile)),
        Some(login) => match (&login.api_url, &profile.api_url) {
            (Some(issuer), Some(url)) if !issuer.same_origin(&url.value) => {
                Err(Owner::new(profile).foreign(issuer, &url.value))
            }
            _ => {
                expectation::wanted(context, profile)?.check_login(login)?;
                Ok(Identity::new(login, profile))
            }
        },
        None => {
            let stored = stored::require_stored(context, profile)?;
            Ok(Identity::new(&login_of(&stored.record, stored.store, None), profile))
        }
    }
}

/// Who the profile's token is by the platform's own word.
pub fn checked_identity(context: &Context, profile: &Resolved) -> Result<Identity> {
    let Checked { outcome, lifetime, .. } = check::check(context, profile)?;
    Ok(identified(context, profile, outcome?, &context.reloaded()).living(lifetime))
}

/// As [`checked_identity`], of all members at once and in their order.
pub fn checked_identities(
    context: &Context,
    targets: &[Target],
) -> Result<Vec<Result<(Resolved, Identity)>>> {
    let profiles: Vec<&Resolved> = targets.iter().filter_map(|it| it.profile.as_ref().ok()).collect();
    let mut checks = check::checks(context, &profiles)?.into_iter();
    let now = context.reloaded();
    let identity = |target: &Target| -> Result<(Resolved, Identity)> {
        let profile = target.profile.clone()?;
        let checked = checks.next().ok_or_else(|| stored::not_logged_in(context, &profile))?;
        let identity = identified(context, &profile, checked.outcome?, &now).living(checked.lifetime);
        Ok((profile, identity))
    };
    let identities = targets.iter().map(identity).zip(targets);
    Ok(identities
        .map(|(identity, target)| identity.map_err(|error| error.about(target.name.as_str())))
        .collect())
}

/// `now` has the files as the check has left them: it may have renewed the token.
fn identified(context: &Context, profile: &Resolved, user: User, now: &Context) -> Identity {
    let variable = tokens::token_variable(context, profile).ok().flatten();
    let login = profile
        .credential
        .as_ref()
        .and_then(|key| now.config().ok()?.captured.get(&key.value))
        .filter(|_| variable.is_none());
    let name = variable.as_ref().map(|variable| variable.name.clone());
    let expires_at = match &variable {
        Some(variable) => jwt::expiry(&variable.token),
        None => login.as_ref().and_then(|login| login.expires_at),
    };
    let tenant = match variable {
        Some(_) => tokens::own_tenant(profile),
        None => profile.tenant.as_ref().map(|tenant| tenant.value.clone()),
    };
    Identity {
        name: user.name,
        email: user.email,
        tenant: tenant.or(user.current_tenant),
        expires_at,
        renewable: login.is_some_and(|login| login.renewable),
        variable: name,
    }
}

impl Identity {
    /// As the record has it, where one was read: `logins.toml` lags behind where it can't be written.
    fn living(self, lifetime: Option<Lifetime>) -> Identity {
        match lifetime {
            Some(Lifetime { expires_at, renewable, .. }) => Identity { expires_at, renewable, ..self },
            None => self,
        }
    }

    fn new(login: &Login, profile: &Resolved) -> Identity {
        Identity {
            name: login.user_name.clone(),
            email: login.user_email.clone(),
            tenant: profile.tenant.as_ref().map(|tenant| tenant.value.clone()),
            expires_at: login.expires_at,
            renewable: login.renewable,
            variable: None,
        }
    }
}
