//! What was sent to protected profiles: `journal.jsonl`, a line for each request before it goes out and one
//! for what came of it, so that a process that is killed between leaves its trace.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::records::records;
use crate::domain::redact::redacted;
use crate::domain::time::rfc3339;
use crate::error::{Error, Kind, Result};
use crate::session::context::Context;
use crate::session::protection::lease::no_home;
use crate::session::protection::records::Records;
use crate::system::files::{self, Trust};

/// Who or what let a request through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permit {
    /// The profile's name was typed.
    Typed,
    /// `--confirm`.
    Flag,
    /// `profiles unlock`.
    Lease,
}

/// A line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JournalLine {
    pub at: Timestamp,
    #[serde(flatten)]
    pub event: JournalEvent,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum JournalEvent {
    /// Written before the request goes out.
    Sent(Sent),
    Answered {
        id: String,
        status: u16,
        request_id: Option<String>,
    },
    Failed {
        id: String,
        reason: String,
    },
    Unlocked {
        profile: String,
        user: String,
        until: Timestamp,
        reason: String,
        /// Older lines have none.
        #[serde(default)]
        permit: Option<Permit>,
    },
    /// Written before `config.toml` is.
    Loosened {
        profile: String,
        api_url: Option<String>,
        change: String,
        permit: Permit,
    },
    Locked {
        profile: String,
    },
}

impl JournalEvent {
    /// Without secrets in text from outside. Only there: a search over the whole line could cut its structure.
    fn redacted(mut self) -> JournalEvent {
        let texts: Vec<&mut String> = match &mut self {
            JournalEvent::Sent(Sent { tenant, user, path, operation, reason, .. }) => {
                [tenant, user, operation, reason].into_iter().flatten().chain([path]).collect()
            }
            JournalEvent::Answered { request_id, .. } => request_id.iter_mut().collect(),
            JournalEvent::Failed { reason, .. } => vec![reason],
            JournalEvent::Unlocked { user, reason, .. } => vec![user, reason],
            JournalEvent::Loosened { change, .. } => vec![change],
            JournalEvent::Locked { .. } => Vec::new(),
        };
        texts.into_iter().for_each(|text| *text = redacted(text).into_owned());
        self
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub id: String,
    pub profile: String,
    pub api_url: String,
    pub tenant: Option<String>,
    /// Null for a variable's token of which nobody asked whose it is.
    pub user: Option<String>,
    pub token_variable: Option<String>,
    pub method: String,
    /// Below `api_url`, without the query.
    pub path: String,
    /// GraphQL's.
    pub operation: Option<String>,
    pub permit: Permit,
    /// The lease's.
    pub reason: Option<String>,
}

/// What happened, as `autocom journal` lists it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JournalEntry {
    /// RFC 3339, UTC.
    pub at: String,
    pub event: EntryEvent,
    pub profile: String,
    pub api_url: Option<String>,
    pub tenant: Option<String>,
    /// Null for a variable's token of which nobody asked whose it is.
    pub user: Option<String>,
    pub token_variable: Option<String>,
    pub method: Option<String>,
    /// Below `api_url`, without the query.
    pub path: Option<String>,
    /// GraphQL's operation, or how protection was loosened.
    pub operation: Option<String>,
    pub permit: Option<Permit>,
    /// Why the profile was unlocked.
    pub reason: Option<String>,
    /// When the profile locks itself again: RFC 3339, UTC.
    pub until: Option<String>,
    /// The platform's answer; null if none came.
    pub status: Option<u16>,
    /// Why no answer came.
    pub failure: Option<String>,
    pub request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryEvent {
    Request,
    Unlocked,
    Locked,
    /// A change of config.toml took protection away.
    Loosened,
}

pub(crate) fn write(records: &Records, event: JournalEvent) -> Result<()> {
    let place = records.journal.as_ref().ok_or_else(no_home)?;
    let _lock = records.locks.protection(place)?;
    let line = serde_json::to_string(&JournalLine { at: records.clock.now(), event: event.redacted() })
        .map_err(|error| Error::new(Kind::Failed, "the journal's line could not be made").cause(error))?;
    Ok(files::append_line(&place.path, &line, Trust::new(place, false), &records.reporter)?)
}

/// The newest `most` that `wanted` wants, the oldest first, each request with what came of it. A line that
/// can't be read is left out with a warning. However long the journal is, no more than these are held.
pub fn journal(
    records: &Records,
    most: usize,
    wanted: impl Fn(&JournalEntry) -> bool,
) -> Result<Vec<JournalEntry>> {
    let Some(place) = &records.journal else { return Ok(Vec::new()) };
    let mut newest = Newest { most, ..Newest::default() };
    let mut unreadable = 0;
    files::each_line(&place.path, Trust::new(place, false), &records.reporter, |text| {
        match serde_json::from_slice::<JournalLine>(text) {
            Ok(line) => newest.take(line, &wanted),
            Err(_) if text.is_empty() => {}
            Err(_) => unreadable += 1,
        }
    })?;
    if unreadable > 0 {
        let lines = if unreadable == 1 { "a line" } else { "some lines" };
        records.reporter.warn(format!("{}: {lines} can't be read ({unreadable})", place.path.display()));
    }
    Ok(newest.entries.into())
}

/// The last so many entries, while lines come in.
#[derive(Default)]
struct Newest {
    most: usize,
    entries: VecDeque<JournalEntry>,
    /// How many were dropped at the front.
    dropped: usize,
    /// Where each request is that waits for its answer, counted from the first ever.
    requests: HashMap<String, usize>,
}

impl Newest {
    fn take(&mut self, line: JournalLine, wanted: impl Fn(&JournalEntry) -> bool) {
        let entry = JournalEntry::at(line.at);
        match line.event {
            JournalEvent::Sent(sent) => {
                let id = sent.id.clone();
                if self.push(entry.of(sent), wanted) {
                    self.requests.insert(id, self.dropped + self.entries.len() - 1);
                }
            }
            JournalEvent::Answered { id, status, request_id } => {
                if let Some(entry) = self.waiting(&id) {
                    (entry.status, entry.request_id) = (Some(status), request_id);
                }
            }
            JournalEvent::Failed { id, reason } => {
                if let Some(entry) = self.waiting(&id) {
                    entry.failure = Some(reason);
                }
            }
            JournalEvent::Unlocked { profile, user, until, reason, permit } => {
                let entry = JournalEntry {
                    event: EntryEvent::Unlocked,
                    profile,
                    user: Some(user),
                    reason: Some(reason),
                    until: Some(rfc3339(until)),
                    permit,
                    ..entry
                };
                self.push(entry, wanted);
            }
            JournalEvent::Loosened { profile, api_url, change, permit } => {
                let entry = JournalEntry {
                    event: EntryEvent::Loosened,
                    profile,
                    api_url,
                    operation: Some(change),
                    permit: Some(permit),
                    ..entry
                };
                self.push(entry, wanted);
            }
            JournalEvent::Locked { profile } => {
                self.push(JournalEntry { event: EntryEvent::Locked, profile, ..entry }, wanted);
            }
        }
    }

    fn push(&mut self, entry: JournalEntry, wanted: impl Fn(&JournalEntry) -> bool) -> bool {
        if self.most == 0 || !wanted(&entry) {
            return false;
        }
        if self.entries.len() == self.most {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(entry);
        true
    }

    /// A request is answered once.
    fn waiting(&mut self, id: &str) -> Option<&mut JournalEntry> {
        let place = self.requests.remove(id)?.checked_sub(self.dropped)?;
        self.entries.get_mut(place)
    }
}

impl JournalEntry {
    fn at(time: Timestamp) -> JournalEntry {
        JournalEntry {
            at: rfc3339(time),
            event: EntryEvent::Request,
            profile: String::new(),
            api_url: None,
            tenant: None,
            user: None,
            token_variable: None,
            method: None,
            path: None,
            operation: None,
            permit: None,
            reason: None,
            until: None,
            status: None,
            failure: None,
            request_id: None,
        }
    }

    fn of(self, sent: Sent) -> JournalEntry {
        JournalEntry {
            profile: sent.profile,
            api_url: Some(sent.api_url),
            tenant: sent.tenant,
            user: sent.user,
            token_variable: sent.token_variable,
            method: Some(sent.method),
            path: Some(sent.path),
            operation: sent.operation,
            permit: Some(sent.permit),
            reason: sent.reason,
            ..self
        }
    }
}

/// The newest `most` entries about `profile`, or about all, the oldest first.
pub fn newest(context: &Context, profile: Option<&str>, most: usize) -> Result<Vec<JournalEntry>> {
    // Also of one that is gone by now: what was sent was sent.
    journal(&records(context), most, |entry| profile.is_none_or(|name| entry.profile == name))
}
