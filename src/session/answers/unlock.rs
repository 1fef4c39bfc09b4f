//! Unlocking a protected profile for a while.

use jiff::{SignedDuration, Timestamp};

use crate::config::{Facts, Resolved, protection};
use crate::domain::{Key, UserRef, autocom};
use crate::error::{Error, Result};
use crate::session::answers::identity;
use crate::session::context::{Context, no_environment};
use crate::session::profile::expectation::expected_user;
use crate::session::profile::{config_file, loosening};
use crate::session::protection::journal::{self, JournalEvent};
use crate::session::protection::lease::{self, Lease};
use crate::session::protection::records;

/// Opens a protected profile to its user for a while.
pub fn unlock(context: &Context, profile: &Resolved, time: SignedDuration, reason: &str) -> Result<Lease> {
    let config = context.config()?;
    let Some(protection) = protection(config, profile)? else {
        return Err(Error::usage(format!("profile {} is not protected", profile.label()))
            .hint(autocom("profiles set").value(profile.label()).words("protected=true")));
    };
    let url = profile.api_url.as_ref().ok_or_else(|| no_environment(profile))?;
    let keys = [Key::Protected, Key::Credential, Key::ExpectUser];
    let facts = [profile.name().unwrap_or(&protection.name), &protection.name]
        .map(|name| Facts::new(config, name, &keys));
    let permit = loosening::confirm_loosening(context, protection.name.as_str(), "unlock it")?;
    let identity = identity::identity(context, profile)?;
    let user = UserRef::new(identity.email.as_deref(), identity.name.as_deref());
    let user = expected_user(user)?.to_string();
    // The platform has been asked meanwhile. A lease is written while its profile is what was decided on.
    let context = config_file::lock_config(context)?;
    for facts in facts {
        context.check_facts(&facts, &autocom("profiles unlock").value(profile.label()))?;
    }
    let since = context.clock.now();
    let lease = Lease {
        profile: protection.name.to_string(),
        api_url: url.value.to_string(),
        user: user.clone(),
        reason: reason.to_owned(),
        since,
        until: since.saturating_add(time).unwrap_or(Timestamp::MAX),
    };
    let (profile, until, reason) = (lease.profile.clone(), lease.until, lease.reason.clone());
    // Written down first: an open profile of which the journal knows nothing must not be.
    journal::write(
        &records::records(&context),
        JournalEvent::Unlocked { profile, user, until, reason, permit: Some(permit) },
    )?;
    lease::grant(&records::records(&context), lease.clone())?;
    Ok(lease)
}
