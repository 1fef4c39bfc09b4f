//! Each credential of a set of profiles, read once.

use std::collections::HashMap;

use tokio::sync::OnceCell;

use crate::config::{Login, Resolved};
use crate::domain::{CredentialKey, ExpectedUser, StoreChoice, StoreKind};
use crate::error::Result;
use crate::session::call::bearer;
use crate::session::call::tokens::{self, Tokens};
use crate::session::context::Context;

/// Each credential of a set of profiles, read when it is first needed.
pub(crate) struct TokenCache(HashMap<CacheKey, OnceCell<Result<Option<Tokens>>>>);

impl TokenCache {
    pub(crate) fn of<'p>(profiles: impl IntoIterator<Item = &'p Resolved>) -> TokenCache {
        TokenCache(
            profiles.into_iter().filter_map(TokenCache::key).map(|key| (key, OnceCell::new())).collect(),
        )
    }

    fn key(profile: &Resolved) -> Option<CacheKey> {
        let (key, url) = (profile.credential.as_ref()?, profile.api_url.as_ref()?);
        let lock = profile.expect_user.as_ref().map(|expected| expected.value.clone());
        Some((
            key.value.clone(),
            url.value.to_string(),
            CredentialPlace::new(profile),
            lock,
            network_key(profile),
        ))
    }

    /// As [`tokens`], but a credential is read once.
    pub(crate) async fn tokens(&self, context: &Context, profile: &Resolved) -> Result<Option<Tokens>> {
        if tokens::token_variable(context, profile)?.is_some() {
            return bearer::tokens(context, profile).await;
        }
        match TokenCache::key(profile).and_then(|key| self.0.get(&key)) {
            Some(cell) => cell.get_or_init(|| bearer::tokens(context, profile)).await.clone(),
            None => bearer::tokens(context, profile).await,
        }
    }
}

/// Which stored credential, of whom it must be, and the way to its platform: profiles that agree in this
/// share one, its renewal included.
type CacheKey = (CredentialKey, String, CredentialPlace, Option<ExpectedUser>, NetworkKey);

/// `proxy` and `ca_bundle` of a profile: over one way a platform may be in reach, and over another not.
pub(crate) type NetworkKey = [Option<String>; 2];

pub(crate) fn network_key(profile: &Resolved) -> NetworkKey {
    [
        profile.proxy.as_ref().map(|proxy| proxy.value.to_string()),
        profile.ca_bundle.as_ref().map(|bundle| bundle.value.to_string()),
    ]
}

/// Where a credential is: by `logins.toml`, else where it is to be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CredentialPlace {
    Known(StoreKind),
    LookedFor(StoreChoice),
}

impl CredentialPlace {
    pub(crate) fn new(profile: &Resolved) -> CredentialPlace {
        let known = profile.login.as_ref().and_then(Login::kept_in);
        known.map_or(CredentialPlace::LookedFor(profile.store.value), CredentialPlace::Known)
    }
}
