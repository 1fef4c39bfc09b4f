//! The token of a profile, for calls to its platform.

use super::record::{login_command, not_logged_in};
use super::{Session, no_environment};
use crate::config::{Resolved, TokenVariable};
use crate::credentials::Stored;
use crate::domain::{Layer, Secret, Tenant};
use crate::error::{Error, Kind, Result};
use crate::platform::Platform;

/// Where a profile's token comes from.
pub enum Bearer {
    Variable(TokenVariable),
    Stored(Box<Stored>),
}

impl Bearer {
    pub fn token(&self) -> &Secret {
        match self {
            Bearer::Variable(variable) => &variable.token,
            Bearer::Stored(stored) => &stored.record.access_token,
        }
    }
}

impl Session {
    /// The token that a call for `profile` would send: a variable's, else the store's. Silent
    /// renewal belongs here, in front of the check of the clock.
    pub fn bearer(&self, profile: &Resolved) -> Result<Bearer> {
        if let Some(variable) = self.token_variable(profile)? {
            return Ok(Bearer::Variable(variable));
        }
        let stored = self.stored(profile)?.ok_or_else(|| not_logged_in(profile))?;
        if stored.record.lifetime().is_expired(self.clock().now()) {
            return Err(Error::new(Kind::Authentication, "credentials expired").hint(login_command(profile)));
        }
        Ok(Bearer::Stored(Box::new(stored)))
    }

    /// The variable that supplies the selected profile's token. One that belongs to another
    /// environment is mentioned.
    pub fn token_variable(&self, profile: &Resolved) -> Result<Option<TokenVariable>> {
        let variables = self.config()?.token_variable(profile, true);
        if variables.passed_over {
            self.notices().warn(format!(
                "AUTOCOM_TOKEN belongs to another environment and is not used for profile {}",
                profile.label()
            ));
        }
        if let Some(TokenVariable { name, token }) = &variables.used
            && !token.expose().chars().all(|c| c.is_ascii_graphic())
        {
            let message = format!("the token in {name} is not one word of visible ASCII characters");
            return Err(Error::new(Kind::Authentication, message)
                .hint(format!("set {name} to the token alone, without quotes or spaces")));
        }
        Ok(variables.used)
    }

    /// The tenant that a call with a variable's token names: not the one that a login learned, which
    /// may have been somebody else's.
    pub fn tenant_for_variable(profile: &Resolved) -> Option<Tenant> {
        let tenant = profile.tenant.as_ref().filter(|tenant| tenant.layer != Layer::Captured);
        tenant.map(|tenant| tenant.value.clone())
    }

    pub(super) fn platform(
        &self,
        profile: &Resolved,
        token: &Secret,
        tenant: Option<Tenant>,
    ) -> Result<Platform<Secret>> {
        let url = profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?.value.clone();
        Ok(Platform::new(self.http(), url, token.clone(), tenant))
    }
}
