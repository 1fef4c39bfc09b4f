//! The tenants that a profile's user is in, and the one that the profile works in.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Login, Resolved, token_variable};
use crate::domain::{CommandOption, Origin, Tenant, autocom};
use crate::error::Result;
use crate::platform::{Platform, PlatformError};
use crate::session::call::bearer;
use crate::session::call::fan_out::{self, Target};
use crate::session::call::guard::Access;
use crate::session::call::membership::{blames_tenant, not_a_member};
use crate::session::call::tokens::CallError;
use crate::session::context::Context;
use crate::session::credential::logins;

/// Who is in more of them types a few letters.
const MAX_REMEMBERED: usize = 500;

/// A row of `tenants list`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TenantRow {
    pub id: String,
    pub name: String,
    pub role: Option<String>,
    /// Whether it is the one that the profile's calls go to.
    pub current: bool,
}

pub fn tenants(context: &Context, profile: &Resolved) -> Result<Vec<TenantRow>> {
    let rows = bearer::call(context, profile, tenant_rows)?;
    remember_tenants(context, profile, &rows);
    Ok(rows)
}

/// As [`tenants`], of every member.
pub fn tenants_of(context: &Context, targets: &[Target]) -> Result<Vec<Result<Vec<TenantRow>>>> {
    let outcomes = fan_out::each(context, targets, "Asking", async |platform| tenant_rows(platform).await)?;
    for (outcome, target) in outcomes.iter().zip(targets) {
        if let (Ok(rows), Ok(profile)) = (outcome, &target.profile) {
            remember_tenants(context, profile, rows);
        }
    }
    Ok(outcomes)
}

/// Keeps the names for completions, which ask no platform. What a variable's token sees is not the
/// stored user's.
fn remember_tenants(context: &Context, profile: &Resolved, rows: &[TenantRow]) {
    let (Some(key), Some(login), Ok(config)) = (&profile.credential, &profile.login, context.config()) else {
        return;
    };
    let seen: Vec<Tenant> = rows.iter().take(MAX_REMEMBERED).filter_map(|row| row.id.parse().ok()).collect();
    let is_newer = seen != login.tenants && !profile.is_foreign() && !login.is_logged_out();
    if is_newer && token_variable(config, profile, true).used.is_none() {
        logins::logins(context)
            .update(&key.value, |login| login.map(|login| Login { tenants: seen, ..login }));
    }
}

/// Whether the platform lets the profile's user into `tenant`: its list doesn't say, since a tenant
/// may have aliases that stand in no list.
///
/// # Errors
/// Forbidden, with the tenants that are theirs, if it doesn't.
pub fn check_tenant(context: &Context, profile: &Resolved, tenant: &Tenant) -> Result<()> {
    bearer::call(context, profile, async |platform| match platform.profile_in(tenant).await {
        Err(CallError::Platform(
            error @ (PlatformError::Forbidden { .. } | PlatformError::NotFound { .. }),
        )) => {
            let Ok(available) = platform.tenants().await else { return Err(error.into()) };
            let anywhere = match platform.profile_anywhere().await {
                Err(CallError::Platform(anywhere)) => Some(anywhere),
                _ => None,
            };
            if !blames_tenant(&error, anywhere.as_ref(), tenant, &available) {
                return Err(error.into());
            }
            let named = profile.name().filter(|_| profile.selection.by_profile_flag());
            let named: Vec<_> = named.map(|name| CommandOption::new("--profile", name)).into_iter().collect();
            let again = |tenant: &Tenant| autocom("tenants use").value(tenant).with(&named);
            let origin = Origin::CommandLine;
            Err(CallError::Own(not_a_member(tenant, &origin, &available, again)))
        }
        other => other.map(drop),
    })
}

/// One profile's rows.
pub(crate) async fn tenant_rows(platform: &Platform<Access>) -> Result<Vec<TenantRow>, CallError> {
    let theirs = platform.tenants().await?;
    let own = platform.tenant();
    let listed = own.filter(|own| theirs.iter().any(|tenant| tenant.id == **own)).cloned();
    let current = match listed {
        Some(own) => Some(own),
        // None was chosen, or one by an alias: only the platform knows which it is.
        None => match platform.profile().await {
            Ok(user) => user.current_tenant,
            Err(CallError::Platform(PlatformError::Forbidden { .. } | PlatformError::NotFound { .. })) => {
                None
            }
            Err(error) => return Err(error),
        },
    };
    let rows = theirs.into_iter().map(|tenant| TenantRow {
        current: current.as_ref() == Some(&tenant.id),
        id: tenant.id.to_string(),
        name: tenant.name,
        role: tenant.role,
    });
    Ok(rows.collect())
}
