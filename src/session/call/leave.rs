//! Confirmation of a change in several profiles, before anything is sent to any of them.

use crate::config::protection;
use crate::error::Result;
use crate::platform::Change;
use crate::session::call::bearer;
use crate::session::call::fan_out::Target;
use crate::session::context::Context;

/// Asks for leave to send `change` to each member that is protected, before anything is sent to any.
///
/// # Errors
/// It is refused for one of them. Whoever can't be asked at all, for want of a credential, fails alone when
/// it is their turn.
pub(crate) fn ask_leave(context: &Context, targets: &[Target], change: &Change) -> Result<()> {
    let config = context.config()?;
    let profiles = targets.iter().filter_map(|target| target.profile.as_ref().ok());
    let guarded: Vec<_> =
        profiles.filter(|profile| !matches!(protection(config, profile), Ok(None))).collect();
    if guarded.is_empty() {
        return Ok(());
    }
    context.block_on(async {
        for profile in guarded {
            let Ok(Some(tokens)) = bearer::tokens(context, profile).await else { continue };
            let Ok(access) = bearer::access(context, profile, tokens) else { continue };
            access.ask(change).await?;
        }
        Ok(())
    })
}
