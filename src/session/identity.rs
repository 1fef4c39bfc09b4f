//! Who a profile is, offline where it can be.

use jiff::Timestamp;

use super::Session;
use super::bearer::Bearer;
use super::record::{Owner, login_of};
use crate::config::{Login, Resolved};
use crate::domain::{Tenant, jwt};
use crate::error::Result;

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

impl Session {
    /// The user of the profile: from what the login captured, else from the store; a variable's
    /// token is asked of the platform.
    pub fn identity(&self, profile: &Resolved) -> Result<Identity> {
        if let Some(variable) = self.token_variable(profile)? {
            let (expires_at, name) = (jwt::expiry(&variable.token), variable.name.clone());
            let tenant = Bearer::Variable(variable).tenant(profile);
            let user = self.call(profile, async |platform| platform.profile().await)?;
            return Ok(Identity {
                name: user.name,
                email: user.email,
                tenant: tenant.or(user.current_tenant),
                expires_at,
                renewable: false,
                variable: Some(name),
            });
        }
        match &profile.login {
            Some(login) if login.is_logged_out() => Err(self.not_logged_in(profile)),
            Some(login) => match (&login.api_url, &profile.api_url) {
                (Some(issuer), Some(url)) if !issuer.same_origin(&url.value) => {
                    Err(Owner::of(profile).foreign(issuer, &url.value))
                }
                _ => Ok(Identity::of(login, profile)),
            },
            None => {
                let stored = self.require_stored(profile)?;
                Ok(Identity::of(&login_of(&stored.record, stored.store, None), profile))
            }
        }
    }
}

impl Identity {
    fn of(login: &Login, profile: &Resolved) -> Identity {
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
