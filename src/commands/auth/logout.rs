use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::commands::verb::{Invocation, Verb};
use crate::config::Resolved;
use crate::domain::{Layer, ProfileName, StoreKind, TokenKind, autocom, one_line};
use crate::error::{Error, Kind, Result};
use crate::session::context::Context;
use crate::session::login::logout::{self, LoggedOut, LogoutTarget, Revoke};
use crate::session::login::revocation::Revocation;
use crate::session::profile::selected;
use crate::ui::view::{Cell, Column, View, Viewed};

/// Log out: revoke the tokens at the platform and delete them here; config.toml stays as it is
///
/// A login is refreshed first, which ends its refresh token, and the new access token is then revoked. The platform has five
/// seconds for both; the credential is deleted here in any case.
///
/// A personal access token may be in use elsewhere, such as in CI. In a terminal autocom asks before it revokes one, with --all
/// once for all of them. Elsewhere it is deleted here and not revoked, unless --revoke is given.
#[derive(Debug, Args)]
pub struct Logout {
    /// Log out everywhere: all profiles and everything that is stored
    #[arg(long, conflicts_with_all = ["profile", "api_url"])]
    all: bool,
    /// Delete the credential here only; its tokens still work at the platform
    #[arg(long)]
    local_only: bool,
    /// Revoke personal access tokens as well, without asking
    #[arg(long, conflicts_with = "local_only")]
    revoke: bool,
}

/// `autocom auth logout -o json`: one entry for each credential.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "autocom auth logout")]
#[serde(transparent)]
pub struct LogoutAnswer(pub Vec<LogoutRow>);

#[derive(Serialize, JsonSchema)]
pub struct LogoutRow {
    /// The credential key.
    pub credential: String,
    pub api_url: Option<String>,
    pub user: Option<String>,
    /// The stores that it was deleted from.
    pub deleted_from: Vec<StoreKind>,
    /// Whether the platform revoked the access token, and the refresh token if there is one.
    pub revoked: bool,
    /// Why not all was revoked.
    pub reason: Option<String>,
    /// The profiles that used the credential.
    pub profiles: Vec<String>,
}

impl Viewed for LogoutAnswer {
    fn view(&self) -> View {
        let columns = ["CREDENTIAL", "USER", "DELETED FROM", "REVOKED"].map(Column::kept).to_vec();
        let rows = self.0.iter().map(|row| {
            let stores: Vec<&str> = row.deleted_from.iter().map(|store| store.as_str()).collect();
            vec![
                Cell::new(&row.credential),
                Cell::or_absent(row.user.clone()),
                Cell::or_absent(Some(stores.join(", ")).filter(|stores| !stores.is_empty())),
                Cell::new(if row.revoked { "yes" } else { "no" }),
            ]
        });
        View::Table { columns, rows: rows.collect(), empty: "nobody was logged in" }
    }
}

impl Verb for Logout {
    fn run(self: Box<Self>, context: &Context, _: &Invocation<'_>) -> Result<Done> {
        let (logout_target, only) = if self.all {
            (logout::logout_targets(context)?, None)
        } else {
            let profile = selected::profile(context)?;
            one_target(&profile)?;
            if profile.credential.is_none() {
                context.reporter().progress(format!("profile {} was logged out already.", profile.label()));
            }
            let logout_target =
                profile.credential.is_some().then(|| logout::logout_target(context, &profile)).transpose()?;
            // What a variable has turned to another address is not the profile's own login.
            let is_own = profile.own_api_url.as_ref() == profile.api_url.as_ref().map(|url| &url.value);
            (logout_target.into_iter().collect(), profile.name().cloned().filter(|_| is_own))
        };
        let revoke = self.what_to_revoke(context, &logout_target)?;
        let (mut rows, mut failures): (Vec<LogoutRow>, Vec<Error>) = (Vec::new(), Vec::new());
        let users = logout::users_of_all(context)?;
        let mut tell = |outcome: Result<LoggedOut>| match outcome {
            Ok(done) => {
                let profiles = users.get(&done.key).map(Vec::as_slice).unwrap_or_default();
                rows.extend(self.report(context, done, only.as_ref(), profiles));
            }
            Err(error) => failures.push(error),
        };
        match logout_target.as_slice() {
            [one] => tell(logout::logout(context, one, revoke)),
            many => logout::logout_all(context, many, revoke, tell),
        }
        if failures.last().is_some_and(|error| error.kind.is_interruption()) {
            return Err(failures.remove(failures.len() - 1));
        }
        if rows.is_empty() && failures.is_empty() && self.all {
            context.reporter().progress("Nobody was logged in.");
        }
        // For people the sentences on stderr say it all.
        let done = if context.output_format() == crate::domain::OutputFormat::Table {
            Done::nothing()
        } else {
            Done::answer(LogoutAnswer(rows))
        };
        Ok(done.with_failures(failures))
    }
}

impl Logout {
    fn what_to_revoke(&self, context: &Context, logout_target: &[LogoutTarget]) -> Result<Revoke> {
        if self.local_only || self.revoke || !context.can_ask() {
            return Ok(match (self.local_only, self.revoke) {
                (true, _) => Revoke::Nothing,
                (_, true) => Revoke::All,
                _ => Revoke::Logins,
            });
        }
        let tokens = logout::personal_access_tokens(context, logout_target)?;
        if tokens.is_empty() {
            return Ok(Revoke::Logins);
        }
        let lines: String = tokens.iter().map(|(key, user)| format!("\n  {key}  {user}")).collect();
        context
            .reporter()
            .always(format!("Personal access tokens may be in use elsewhere, such as in CI:{lines}"));
        let question = match tokens.len() {
            1 => "Revoke it everywhere?".to_owned(),
            many => format!("Revoke these {many} everywhere?"),
        };
        match context.prompter().confirm(&question, false) {
            Some(true) => Ok(Revoke::All),
            Some(false) => Ok(Revoke::Logins),
            None => Err(Error::new(Kind::Interrupted, "canceled: no profile was logged out")),
        }
    }

    fn report(
        &self,
        context: &Context,
        done: LoggedOut,
        profile: Option<&ProfileName>,
        profiles: &[ProfileName],
    ) -> Option<LogoutRow> {
        let was_there = !done.stores.is_empty();
        if !was_there && self.all {
            return None;
        }
        let reporter = context.reporter();
        let subject = profile.map_or_else(|| done.key.to_string(), |name| format!("profile {name}"));
        if !was_there {
            reporter.progress(format!("{subject} was logged out already."));
            return None;
        }
        let reason = tell(context, &subject, &done);
        let others: Vec<&str> =
            profiles.iter().filter(|name| Some(*name) != profile).map(ProfileName::as_str).collect();
        if !others.is_empty() && !self.all {
            let too = if profile.is_some() { " too" } else { "" };
            reporter.progress(format!("It was the credential of {}{too}.", others.join(", ")));
        }
        Some(LogoutRow {
            credential: done.key.to_string(),
            api_url: done.api_url,
            user: done.user,
            deleted_from: done.stores,
            revoked: reason.is_none(),
            reason,
            profiles: profiles.iter().map(ToString::to_string).collect(),
        })
    }
}

/// A profile at an address that is not its own would be logged out in name only.
fn one_target(profile: &Resolved) -> Result<()> {
    let url = profile.api_url.as_ref().filter(|url| url.layer == Layer::Flag).map(|url| &url.value);
    let name = profile.name().filter(|_| profile.selection.by_profile_flag());
    let (Some(name), Some(url)) = (name, url.filter(|url| profile.own_api_url.as_ref() != Some(url))) else {
        return Ok(());
    };
    let bound = match &profile.own_api_url {
        Some(own) => format!("is bound to {own}, not to {url}"),
        None => format!("is not bound to {url}"),
    };
    Err(Error::usage(format!("profile {name} {bound}")).hint(
        autocom("auth logout")
            .option("--profile", name)
            .text("; or whoever is logged in there: ")
            .command(autocom("auth logout").option("--api-url", url)),
    ))
}

/// Says what became of a credential, and answers why not all of it was revoked.
pub fn tell(context: &Context, subject: &str, done: &LoggedOut) -> Option<String> {
    let user = done.user.as_ref().map(|user| format!(" ({})", one_line(user))).unwrap_or_default();
    let token = match done.kind {
        Some(TokenKind::Pat) => "personal access token",
        _ => "token",
    };
    let not_revoked = |why: &str| (format!("The {token} was not revoked ({why})"), Some(why.to_owned()));
    let (revoked, reason) = match &done.revocation {
        Revocation::Done => (format!("The {token} is revoked at the platform"), None),
        Revocation::AccessTokenOnly(why) => {
            let alive = format!("the refresh token may still work: {why}");
            (format!("The access token is revoked at the platform; {alive}"), Some(alive))
        }
        Revocation::Kept => (
            format!(
                "The {token} still works at the platform, since it may be in use elsewhere; --revoke revokes it"
            ),
            Some("personal access tokens are revoked with --revoke only".to_owned()),
        ),
        Revocation::Shared(holder) => {
            let shared = format!("the credential `{holder}` has the same token");
            (format!("The {token} was not revoked, since {shared}"), Some(shared))
        }
        Revocation::Skipped => not_revoked("--local-only: it still works at the platform"),
        Revocation::AlreadyDead => not_revoked("it no longer worked at the platform"),
        Revocation::Unconfirmed(why) => {
            let alive = if done.is_renewable {
                "it and its refresh token may still work"
            } else {
                "it may still work"
            };
            let unconfirmed = format!("could not confirm that the token was revoked: {why}");
            (format!("{unconfirmed}; {alive}"), Some(unconfirmed))
        }
        Revocation::Nothing => not_revoked("the credential could not be read"),
    };
    let stores: Vec<&str> = done.stores.iter().map(|store| store.as_str()).collect();
    let logged_out = format!("Logged out {subject}{user}; deleted from the {}.", stores.join(" and the "));
    let reporter = context.reporter();
    match done.revocation {
        // A token that may still work is worth a word even with --quiet.
        Revocation::Unconfirmed(_) => {
            reporter.progress(logged_out);
            reporter.warn(revoked);
        }
        Revocation::Nothing | Revocation::AccessTokenOnly(_) => {
            reporter.warn(format!("{logged_out}\n{revoked}."));
        }
        _ => reporter.progress(format!("{logged_out}\n{revoked}.")),
    }
    reason
}
