//! The settings that are in force.

use crate::config::Resolved;
use crate::domain::Origin;
use crate::session::answers::listing;
use crate::session::context::Context;
use crate::session::profile::settings::{self, SettingRow};

/// Every key but the name, then how the profile stands by what is known without asking anybody.
pub fn standing_settings(context: &Context, profile: &Resolved) -> Vec<SettingRow> {
    let row = listing::row(context, profile, false);
    let login = profile.login.as_ref().map(|login| Origin::Login { at: login.logged_in_at }.to_string());
    let known = |key, value: Option<String>| {
        let origin = value.as_ref().and(login.clone());
        SettingRow { key, value, origin }
    };
    let token = SettingRow {
        key: "token",
        value: Some(row.token.as_str().to_owned()),
        origin: row.token_variable.or(login.clone()),
    };
    let keys = settings::settings(context, profile).into_iter();
    keys.filter(|row| !matches!(row.key, "profile" | "token"))
        .chain([
            known("user", row.user),
            token,
            known("kept_in", row.store.map(|store| store.as_str().to_owned())),
        ])
        .collect()
}
