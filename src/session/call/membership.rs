//! Tenants that a user is not in.

use crate::domain::{NextCommand, Origin, Tenant};
use crate::error::{Error, Kind};
use crate::platform::{Membership, PlatformError};

/// Whether a refusal with 403 or 404 is about the tenant. It is not if the same refusal comes without a tenant
/// (`anywhere`), or if the user belongs to the tenant: then only the platform's own words tell what it means.
pub(crate) fn blames_tenant(
    error: &PlatformError,
    anywhere: Option<&PlatformError>,
    tenant: &Tenant,
    available: &[Membership],
) -> bool {
    let is_same = anywhere.is_some_and(|other| other.refusal().is_some_and(|it| error.refusal() == Some(it)));
    !is_same && !available.iter().any(|membership| membership.id == *tenant)
}

/// `again`: the command that goes on with another tenant.
pub(crate) fn not_a_member(
    tenant: &Tenant,
    origin: &Origin,
    available: &[Membership],
    again: impl FnOnce(&Tenant) -> NextCommand,
) -> Error {
    let error =
        Error::new(Kind::Forbidden, format!("this user is not in the tenant `{tenant}` (from {origin})"));
    match available.first() {
        Some(first) => {
            let ids = ids(available);
            error.hint(again(&first.id).after(format!("available tenants: {ids}; choose one: ")))
        }
        None => error.cause("this user is in no tenant of the platform"),
    }
}

pub(crate) fn ids(theirs: &[Membership]) -> String {
    theirs.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>().join(", ")
}
