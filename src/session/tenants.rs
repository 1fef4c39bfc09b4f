//! The tenants that a profile's user is in, and the one that the profile works in.

use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use super::bearer::CallError;
use super::login::{ids, not_a_member};
use super::protection::Access;
use super::several::Member;
use crate::config::Resolved;
use crate::domain::{Origin, Tenant};
use crate::error::Result;
use crate::platform::{Platform, PlatformError};

/// A row of `tenants list`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TenantRow {
    pub id: String,
    pub name: String,
    pub role: Option<String>,
    /// Whether it is the one that the profile's calls go to.
    pub current: bool,
}

impl Session {
    pub fn tenants(&self, profile: &Resolved) -> Result<Vec<TenantRow>> {
        self.call(profile, tenant_rows)
    }

    /// As [`Session::tenants`], of every member.
    pub fn tenants_of(&self, members: &[Member]) -> Result<Vec<Result<Vec<TenantRow>>>> {
        self.each(members, "Asking", async |platform| tenant_rows(platform).await)
    }

    /// Whether the platform lets the profile's user into `tenant`: its list doesn't say, since a tenant
    /// may have aliases that stand in no list.
    ///
    /// # Errors
    /// Forbidden, with the tenants that are theirs, if it doesn't.
    pub fn check_tenant(&self, profile: &Resolved, tenant: &Tenant) -> Result<()> {
        self.call(profile, async |platform| match platform.profile_in(tenant).await {
            Err(CallError::Platform(
                error @ (PlatformError::Forbidden { .. } | PlatformError::NotFound { .. }),
            )) => {
                let theirs = platform.tenants().await.map_err(|_| error)?;
                let refused = not_a_member(tenant, &Origin::Flag("the command line"), &theirs);
                Err(CallError::Own(match theirs.first() {
                    Some(first) => {
                        refused.hint(format!("theirs: {}; autocom tenants use {}", ids(&theirs), first.id))
                    }
                    None => refused,
                }))
            }
            other => other.map(drop),
        })
    }
}

/// One profile's rows.
pub(super) async fn tenant_rows(platform: &Platform<Access>) -> Result<Vec<TenantRow>, CallError> {
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
