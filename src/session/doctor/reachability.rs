//! The way to each platform: asked without a token, all at once, each within a deadline of its own.

use std::collections::HashSet;

use bytes::Bytes;
use http::header::DATE;
use http::{Request, Response};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use crate::config::Resolved;
use crate::domain::{NextCommand, autocom};
use crate::error::{Error, Result};
use crate::session::call::fan_out;
use crate::session::context::Context;
use crate::session::doctor::finding::{Finding, Section};
use crate::session::doctor::patient::Doctor;
use crate::system::http::{Cause, HttpError, Peer, Unreachable};

/// An answer to nobody is a sentence.
const MAX_ANSWER: usize = 1 << 20;

/// A token counts as expired within this time of its end, so more is felt.
const TOLERATED: SignedDuration = SignedDuration::from_secs(30);

/// The platform's `Date` has whole seconds: its clock is up to one ahead of it.
const GRAIN: SignedDuration = SignedDuration::from_secs(1);

pub(crate) fn skipped() -> Finding {
    Finding::skipped(Section::Network, "platforms", "not asked: --offline")
}

pub(crate) fn look(doctor: &Doctor) -> Result<Vec<Finding>> {
    let mut seen = HashSet::new();
    let mut environments: Vec<&Resolved> = doctor.patients.iter().map(|patient| &patient.profile).collect();
    environments.retain(|profile| {
        let proxy = profile.proxy.as_ref().map(|it| it.value.to_string());
        let bundle = profile.ca_bundle.as_ref().map(|it| it.value.to_string());
        profile.api_url.as_ref().is_some_and(|url| seen.insert((url.value.to_string(), proxy, bundle)))
    });
    if environments.is_empty() {
        return Ok(vec![Finding::skipped(Section::Network, "platforms", "no profile names one")]);
    }
    let context = &doctor.context;
    let found = fan_out::all_at_once(context, &environments, "Asking", async |profile| {
        reach(context, profile).await
    })?;
    Ok(found.into_iter().flatten().collect())
}

async fn reach(context: &Context, profile: &Resolved) -> Vec<Finding> {
    let Some(url) = profile.api_url.as_ref().map(|url| &url.value) else { return Vec::new() };
    let (origin, http) = (url.origin(), context.http(profile));
    let endpoint = url.endpoint("/profile");
    let Ok(request) = Request::get(&endpoint).body(Bytes::new()) else { return Vec::new() };
    let proxy = http.proxy(&endpoint);
    let asked = context.clock().now();
    let outcome = http.call(request, MAX_ANSWER).await;
    let answered = context.clock().now();
    let mut found = Vec::new();
    let way = proxy.map(|proxy| format!(", through the proxy {proxy}")).unwrap_or_default();
    match outcome {
        Ok(answer) => {
            let ms = answered.duration_since(asked).as_millis();
            found.push(judged(&origin, profile, &answer, &format!("in {ms} ms{way}")));
            found.push(clock(&origin, &answer, asked, answered));
        }
        Err(error) => {
            let check = stage(&error);
            let is_timeout = is_timeout(&error);
            let finding = Finding::failed(Section::Network, check, Error::from(&error));
            let finding = Finding { finding: format!("{origin}: {}{way}", finding.finding), ..finding };
            found.push(match &finding.fix {
                _ if is_timeout => finding.fix(autocom("doctor --request-timeout 60")),
                Some(fix) if fix.commands().any(|command| command.is("config get api_url")) => {
                    finding.fix(show_address(profile))
                }
                _ => finding,
            });
        }
    }
    found
}

fn is_timeout(error: &HttpError) -> bool {
    let HttpError::Unreachable(Unreachable { cause, .. }) = error else { return false };
    matches!(cause, Cause::Timeout(_) | Cause::ConnectTimeout(_))
}

/// How far it came.
fn stage(error: &HttpError) -> &'static str {
    match error {
        HttpError::Unreachable(unreachable) => match &unreachable.cause {
            _ if matches!(unreachable.at, Peer::Proxy(_)) => "proxy",
            Cause::ProxyPassword { .. } | Cause::Proxy { .. } => "proxy",
            Cause::Dns => "dns",
            Cause::Tls(_) => "tls",
            _ => "platform",
        },
        HttpError::Misconfigured { .. } => "settings",
        _ => "platform",
    }
}

/// What a platform says to nobody is 401, in JSON.
fn judged(origin: &str, profile: &Resolved, answer: &Response<Bytes>, how: &str) -> Finding {
    let (status, check) = (answer.status().as_u16(), "platform");
    let in_json =
        serde_json::from_slice::<serde_json::Value>(answer.body()).is_ok_and(|body| body.is_object());
    let is = |what: &str| format!("{origin} {what} (status {status}, {how})");
    let address = || show_address(profile);
    match status {
        401 if in_json => {
            Finding::ok(Section::Network, check, format!("{origin} answers as a platform does, {how}"))
        }
        401 => Finding::warn(Section::Network, check, is("wants a login, but not in a platform's words"))
            .fix(address()),
        429 => Finding::warn(Section::Network, check, is("is asked too much")).fix(autocom("doctor")),
        500.. => {
            Finding::broken(Section::Network, check, is("has a problem of its own")).fix(autocom("doctor"))
        }
        _ => Finding::broken(Section::Network, check, is("does not answer as an Autocom platform does"))
            .fix(address()),
    }
}

fn show_address(profile: &Resolved) -> NextCommand {
    match profile.name() {
        Some(name) if !profile.selection.only_in_variables => {
            autocom("config get api_url").option("--profile", name)
        }
        _ => autocom("config get api_url"),
    }
}

/// The platform read its clock between our question and its answer: what lies outside of that is skew.
fn clock(origin: &str, answer: &Response<Bytes>, asked: Timestamp, answered: Timestamp) -> Finding {
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    let Some(theirs) = date.and_then(|date| rfc2822::parse(date).ok()).map(|date| date.timestamp()) else {
        return Finding::skipped(Section::Network, "clock", format!("{origin} does not tell the time"));
    };
    let ahead = asked.duration_since(theirs).saturating_sub(GRAIN);
    let behind = theirs.duration_since(answered);
    let (skew, word) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    if skew <= TOLERATED {
        return Finding::ok(
            Section::Network,
            "clock",
            format!("this machine's agrees with that of {origin}"),
        );
    }
    let effect = if word == "behind" { "dead tokens look alive" } else { "live tokens look expired" };
    let words = format!("this machine's is {} s {word} that of {origin}: {effect}", skew.as_secs());
    Finding::warn(Section::Network, "clock", words).fix(if cfg!(target_os = "macos") {
        "sudo sntp -sS time.apple.com"
    } else if cfg!(windows) {
        "w32tm /resync"
    } else {
        "sudo timedatectl set-ntp true"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::doctor::finding::FindingStatus;

    #[test]
    fn whole_seconds_and_a_slow_answer_are_no_skew() {
        let theirs: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let answer =
            Response::builder().header(DATE, "Thu, 01 Jan 2026 00:01:00 GMT").body(Bytes::new()).unwrap();
        let judge = |asked: i64, answered: i64| {
            let at = |ms: i64| theirs + SignedDuration::from_millis(ms);
            clock("x", &answer, at(asked), at(answered))
        };
        assert_eq!(judge(0, 10).status, FindingStatus::Ok);
        assert_eq!(judge(31_000, 31_010).status, FindingStatus::Ok, "30 s after the end of their second");
        assert_eq!(judge(-60_000, 0).status, FindingStatus::Ok, "a minute on its way");
        assert_eq!(judge(-30_000, -30_000).status, FindingStatus::Ok);
        assert!(judge(32_000, 32_010).finding.contains("31 s ahead of"));
        assert!(judge(-91_000, -31_000).finding.contains("31 s behind"));
        // The last second that a timestamp can have.
        let end =
            Response::builder().header(DATE, "Thu, 30 Dec 9999 22:00:00 GMT").body(Bytes::new()).unwrap();
        assert!(clock("x", &end, theirs, theirs).finding.contains("s behind"));
    }
}
