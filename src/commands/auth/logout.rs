use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Done;
use crate::config::Resolved;
use crate::domain::{Layer, ProfileName, StoreKind, TokenKind, shell_word};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::session::logout::{LoggedOut, Revocation};
use crate::ui::view::{Cell, Column, View, Viewed};

/// Log out: revoke the token at the platform and delete it here; config.toml stays as it is
#[derive(Debug, Args)]
pub struct Logout {
    /// Log out everywhere: all profiles and everything that is stored
    #[arg(long, conflicts_with_all = ["profile", "api_url"])]
    all: bool,
    /// Delete the credential here only; the token stays good at the platform
    #[arg(long)]
    local_only: bool,
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
    /// Whether the platform revoked the token.
    pub revoked: bool,
    /// Why it was not revoked.
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

impl Logout {
    pub fn run(self, session: &Session) -> Result<Done> {
        let (doomed, only) = if self.all {
            (session.all_doomed()?, None)
        } else {
            let profile = session.profile()?;
            one_target(&profile)?;
            if profile.credential.is_none() {
                session.notices().progress(format!("profile {} was logged out already.", profile.label()));
            }
            let doomed = profile.credential.is_some().then(|| session.doomed(&profile)).transpose()?;
            // What a variable has turned to another address is not the profile's own login.
            let is_own = profile.own_api_url.as_ref() == profile.api_url.as_ref().map(|url| &url.value);
            (doomed.into_iter().collect(), profile.name().cloned().filter(|_| is_own))
        };
        let (mut rows, mut failures): (Vec<LogoutRow>, Vec<Error>) = (Vec::new(), Vec::new());
        let users = session.users_of_all()?;
        let mut tell = |outcome: Result<LoggedOut>| match outcome {
            Ok(done) => {
                let profiles = users.get(&done.key).map(Vec::as_slice).unwrap_or_default();
                rows.extend(self.report(session, done, only.as_ref(), profiles));
            }
            Err(error) => failures.push(error),
        };
        match doomed.as_slice() {
            [one] => tell(session.logout(one, self.local_only)),
            many => session.logout_all(many, self.local_only, tell),
        }
        if failures.last().is_some_and(|error| error.kind.is_interruption()) {
            return Err(failures.remove(failures.len() - 1));
        }
        if rows.is_empty() && failures.is_empty() && self.all {
            session.notices().progress("Nobody was logged in.");
        }
        // For people the sentences on stderr say it all.
        let done = if session.output_format() == crate::domain::OutputFormat::Table {
            Done::nothing()
        } else {
            Done::answer(LogoutAnswer(rows))
        };
        Ok(done.with_failures(failures))
    }

    fn report(
        &self,
        session: &Session,
        done: LoggedOut,
        profile: Option<&ProfileName>,
        profiles: &[ProfileName],
    ) -> Option<LogoutRow> {
        let was_there = !done.stores.is_empty();
        if !was_there && self.all {
            return None;
        }
        let notices = session.notices();
        let subject = profile.map_or_else(|| done.key.to_string(), |name| format!("profile {name}"));
        if !was_there {
            notices.progress(format!("{subject} was logged out already."));
            return None;
        }
        let reason = tell(session, &subject, &done);
        let others: Vec<&str> =
            profiles.iter().filter(|name| Some(*name) != profile).map(ProfileName::as_str).collect();
        if !others.is_empty() && !self.all {
            let too = if profile.is_some() { " too" } else { "" };
            notices.progress(format!("It was the credential of {}{too}.", others.join(", ")));
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
    Err(Error::usage(format!("profile {name} {bound}")).hint(format!(
        "autocom auth logout --profile {name}; or whoever is logged in there: autocom auth logout --api-url {}",
        shell_word(url)
    )))
}

/// Says what became of a credential, and answers why it was not revoked.
pub fn tell(session: &Session, subject: &str, done: &LoggedOut) -> Option<String> {
    let user = done.user.as_ref().map(|user| format!(" ({user})")).unwrap_or_default();
    let reason = match &done.revocation {
        Revocation::Done => None,
        Revocation::Skipped => Some("--local-only: the token stays good at the platform".to_owned()),
        Revocation::AlreadyDead => Some("the token was dead at the platform already".to_owned()),
        Revocation::Nothing => Some("the credential could not be read".to_owned()),
        Revocation::Failed(why) => Some(why.clone()),
    };
    let revoked = match (&reason, done.kind) {
        (None, Some(TokenKind::Pat)) => {
            "The personal access token is revoked: it is dead everywhere".to_owned()
        }
        (None, _) => "The token is revoked at the platform".to_owned(),
        (Some(why), _) => format!("The token was not revoked ({why})"),
    };
    let stores: Vec<&str> = done.stores.iter().map(|store| store.as_str()).collect();
    let sentence =
        format!("Logged out {subject}{user}.\n{revoked}; deleted from the {}.", stores.join(" and the "));
    match done.revocation {
        // A token that may live on is worth a word even with --quiet.
        Revocation::Failed(_) | Revocation::Nothing => session.notices().warn(sentence),
        _ => session.notices().progress(sentence),
    }
    reason
}
