//! One command over several profiles: all at once, each with an outcome of its own.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use futures_util::stream::{self, StreamExt};
use glob::Pattern;
use tokio::sync::mpsc::{Sender, channel};

use crate::config::{Resolved, Selection, resolve};
use crate::domain::{ProfileName, autocom};
use crate::error::{Error, Result};
use crate::platform::Platform;
use crate::session::call::guard::Access;
use crate::session::call::stream::{Sink, stream as show_pages};
use crate::session::call::token_cache::TokenCache;
use crate::session::call::tokens::CallError;
use crate::session::call::{bearer, everywhere};
use crate::session::context::Context;
use crate::session::credential::stored;
use crate::session::profile::expectation;
use crate::session::profile::hints::about_profile;

/// How many platforms are asked at the same time.
const AT_ONCE: usize = 128;

/// After this time there is a sign of life.
const PATIENCE: Duration = Duration::from_millis(500);

/// Which of the profiles.
#[derive(Debug, Clone)]
pub enum Scope {
    All,
    /// Names, in which `*`, `?` and `[...]` stand for others.
    Named(Vec<Pattern>),
}

/// One of the profiles of a command.
pub struct Target {
    pub name: ProfileName,
    /// Why it can't be resolved, if it can't: the others go on.
    pub profile: Result<Resolved>,
}

/// The profiles of `config.toml` that `scope` means, in the file's order.
pub fn targets(context: &Context, scope: &Scope) -> Result<Vec<Target>> {
    let config = context.config()?;
    config.document.check_present()?;
    let names = config.profiles();
    if names.is_empty() {
        return Err(Error::usage("there are no profiles")
            .hint(autocom("auth login --api-url").placeholder("https://api.example.test")));
    }
    if let Scope::Named(patterns) = scope
        && let Some(idle) =
            patterns.iter().find(|pattern| !names.iter().any(|name| pattern.matches(name.as_str())))
    {
        let known = config.names_near(idle.as_str()).join(", ");
        return Err(Error::usage(format!("no profile is named `{idle}` (from --profiles)"))
            .hint(format!("profiles that exist: {known}")));
    }
    let wanted = |name: &ProfileName| match scope {
        Scope::All => true,
        Scope::Named(patterns) => patterns.iter().any(|pattern| pattern.matches(name.as_str())),
    };
    let target = |name: ProfileName| {
        let profile = resolve(config, Selection::one_of_several(name.clone())).map_err(Error::from);
        // Before anything is sent to any of them: what is expected is expected of all.
        profile
            .as_ref()
            .map_or(Ok(()), |profile| expectation::meet_expectations(context, profile))
            .map_err(|error| error.about(name.as_str()))?;
        Ok(Target { name, profile })
    };
    names.into_iter().filter(wanted).map(target).collect()
}

/// Works with the platform of every member at once. The outcomes are in the members' order; each
/// failure says whose it is.
///
/// # Errors
/// Only an interruption.
pub fn each<T>(
    context: &Context,
    targets: &[Target],
    what: &str,
    work: impl AsyncFn(&Platform<Access>) -> Result<T, CallError>,
) -> Result<Vec<Result<T>>> {
    let pool = TokenCache::of(resolved(targets));
    everywhere::meet_users(context, &pool, resolved(targets))?;
    let one = async |target: &Target| -> Result<T> {
        let platform = connected(context, &pool, target).await?;
        let outcome = work(&platform).await;
        finish(target, &platform, outcome).await
    };
    let outcomes = all_at_once(context, targets, what, async |target| one(target).await)?;
    Ok(outcomes
        .into_iter()
        .zip(targets)
        .map(|(outcome, target)| outcome.map_err(|error| error.about(target.name.as_str())))
        .collect())
}

/// As [`each`], for answers that come in pages: `feed` hands on each page of one member's.
/// They are shown in the members' order, a member's all together, while those that follow fetch a page
/// ahead. Answers with the sink, or `None` if its reader has gone away or a member's list broke off in the
/// middle (what was begun is not to be closed then), and with what failed.
pub(crate) fn each_in_pages<P: Send + 'static, S: Sink<(ProfileName, P)>>(
    context: &Context,
    targets: &[Target],
    feed: impl AsyncFn(&Platform<Access>, &Sender<P>) -> Result<(), CallError>,
    sink: S,
) -> Result<(Option<S>, Vec<Error>)> {
    let pool = TokenCache::of(resolved(targets));
    everywhere::meet_users(context, &pool, resolved(targets))?;
    let (senders, receivers): (Vec<_>, Vec<_>) = targets.iter().map(|_| channel(1)).unzip();
    let one = async |target: &Target, sender: Sender<P>| -> Result<()> {
        let platform = connected(context, &pool, target).await?;
        let outcome = feed(&platform, &sender).await;
        finish(target, &platform, outcome).await
    };
    context.block_on(async {
        let (one, mut failures) = (&one, Vec::new());
        let fetching = targets.iter().zip(senders).map(|(target, sender)| async move {
            let outcome = one(target, sender).await;
            (&target.name, outcome.map_err(|error| error.about(target.name.as_str())))
        });
        let mut failed = HashSet::new();
        let fetching = stream::iter(fetching).buffered(AT_ONCE).for_each(|(name, outcome)| {
            if let Err(error) = outcome {
                failures.push(error);
                failed.insert(name);
            }
            std::future::ready(())
        });
        let pages = targets.iter().zip(receivers);
        let pages = stream::iter(pages).flat_map(|(target, receiver)| {
            stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)))
                .map(|page| (target.name.clone(), page))
        });
        let shown_of = RefCell::new(HashSet::new());
        let pages = pages.inspect(|(name, _)| _ = shown_of.borrow_mut().insert(name.clone()));
        let mut pages = std::pin::pin!(pages);
        let mut showing = std::pin::pin!(show_pages(async || Ok(pages.next().await), sink));
        let mut fetching = std::pin::pin!(fetching.fuse());
        let shown = tokio::select! {
            shown = &mut showing => shown,
            () = &mut fetching => showing.await,
        };
        // All pages are shown: what is left are failures. Without a reader nobody waits for them.
        if matches!(shown, Ok(Some(_))) && !fetching.is_terminated() {
            fetching.await;
        }
        let sink = shown.map_err(|error| match error {
            CallError::Own(error) | CallError::Token(error) => error,
            CallError::Platform(error) => error.into(),
        })?;
        let broke_off = failed.iter().any(|name| shown_of.borrow().contains(*name));
        Ok((sink.filter(|_| !broke_off), failures))
    })
}

/// What the hints of a failure look at is the member's own profile.
async fn finish<T>(target: &Target, platform: &Platform<Access>, outcome: Result<T, CallError>) -> Result<T> {
    let error = match outcome {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    let error = bearer::with_available_tenants(error, platform).await.with(&platform.tokens().tokens);
    Err(match &target.profile {
        Ok(profile) => about_profile(error, profile),
        Err(_) => error,
    })
}

async fn connected(context: &Context, pool: &TokenCache, target: &Target) -> Result<Platform<Access>> {
    let profile = target.profile.as_ref().map_err(Clone::clone)?;
    let tokens = pool.tokens(context, profile).await?;
    bearer::platform(context, profile, tokens.ok_or_else(|| stored::not_logged_in(context, profile))?)
}

/// Runs `work` on all of `items` at once, with a sign of how far it is.
pub(crate) fn all_at_once<I, T>(
    context: &Context,
    items: &[I],
    what: &str,
    work: impl AsyncFn(&I) -> T,
) -> Result<Vec<T>> {
    let count = items.len();
    let said = |done: usize| match count {
        1 => format!("{what} the platform"),
        _ => format!("{what} {done} of {count} environments"),
    };
    context.block_on(async {
        let work = &work;
        let numbered = items.iter().enumerate();
        let running = numbered.map(|(at, item)| async move { (at, work(item).await) });
        let mut outcomes = stream::iter(running).buffer_unordered(AT_ONCE);
        let mut done = Vec::with_capacity(count);
        // What is quick needs no sign of life.
        let (mut waiting, patience) = (None, tokio::time::sleep(PATIENCE));
        tokio::pin!(patience);
        loop {
            tokio::select! {
                biased;
                outcome = outcomes.next() => match outcome {
                    Some(outcome) => done.push(outcome),
                    None => break,
                },
                () = &mut patience, if waiting.is_none() => {
                    waiting = Some(context.prompter.waiting(&said(done.len())));
                }
            }
            if let Some(waiting) = &waiting {
                waiting.say(&said(done.len()));
            }
        }
        done.sort_unstable_by_key(|(at, _)| *at);
        Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
    })
}

/// Those that can be worked with.
fn resolved(targets: &[Target]) -> impl Iterator<Item = &Resolved> + Clone {
    targets.iter().filter_map(|target| target.profile.as_ref().ok())
}
