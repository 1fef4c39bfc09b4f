//! The gate in front of a protected profile: what may change something is confirmed, written down, then sent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Protection;
use crate::domain::{ApiUrl, Secret, Tenant, autocom, one_line};
use crate::error::{Error, Kind, Result};
use crate::platform::{Admission, Change, Outcome, Platform, TokenSource};
use crate::session::call::tokens::{CallError, Tokens};
use crate::session::profile::loosening;
use crate::session::protection::journal::{self, JournalEvent, Permit, Sent};
use crate::session::protection::lease;
use crate::session::protection::records::Records;
use crate::system::http::Http;
use crate::system::prompter::Prompter;
use crate::system::runtime;

/// Held while a question is on the terminal.
static ASKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The tokens of a profile and the gate in front of it. Clones are the same gate.
#[derive(Clone)]
pub struct Access {
    pub tokens: Tokens,
    gate: Gate,
}

#[derive(Clone)]
enum Gate {
    /// Nothing is protected there.
    Open,
    Guarded(Arc<Guard>),
    /// Nobody can tell whether something is protected there, and why: what reads goes through, and nothing else.
    Shut(Arc<Error>),
}

/// Why a change is not let through.
enum Denied {
    Refused(Error),
    /// Whose the token is can't be had, so nobody knows whether a lease is for them.
    Unknown(Error),
}

impl Denied {
    fn error(self) -> Error {
        match self {
            Denied::Refused(error) | Denied::Unknown(error) => error,
        }
    }
}

/// The gate of one profile in one command.
pub(crate) struct Guard {
    pub protection: Protection,
    /// The profile that is at work.
    pub label: String,
    pub http: Http,
    pub url: ApiUrl,
    pub tenant: Option<Tenant>,
    /// Whether `--confirm` names the profile.
    pub confirmed: bool,
    /// Who may be asked.
    pub prompter: Option<Arc<dyn Prompter>>,
    pub records: Records,
    /// The names that were typed: a command asks once.
    pub typed: Arc<Mutex<HashSet<String>>>,
}

impl Access {
    /// `guard`: of a protected profile; an error is why nobody knows whether it is one.
    pub(crate) fn new(tokens: Tokens, guard: Result<Option<Guard>>) -> Access {
        let gate = match guard {
            Ok(None) => Gate::Open,
            Ok(Some(guard)) => Gate::Guarded(Arc::new(guard)),
            Err(why) => Gate::Shut(Arc::new(why)),
        };
        Access { tokens, gate }
    }

    /// Leave to send `change`, without sending it: so that nothing is sent anywhere before all is settled.
    ///
    /// # Errors
    /// Only a refusal: what else stops the change does so when it is to be sent.
    pub async fn ask(&self, change: &Change) -> Result<()> {
        match &self.gate {
            Gate::Open => Ok(()),
            Gate::Guarded(guard) => match guard.permit(change, &self.tokens).await {
                Err(Denied::Refused(error)) => Err(error),
                Ok(_) | Err(Denied::Unknown(_)) => Ok(()),
            },
            Gate::Shut(why) => Err(shut(change, why)),
        }
    }
}

impl TokenSource for Access {
    type Error = CallError;

    async fn current(&self) -> Result<Secret, CallError> {
        self.tokens.current().await
    }

    async fn instead_of(&self, rejected: &Secret) -> Result<Option<Secret>, CallError> {
        let before = self.tokens.held();
        let other = self.tokens.instead_of(rejected).await?;
        // What was let through, and written down, was one user's request: nobody else's token takes it on.
        if let (Gate::Guarded(_), Some(_), Some(before), Some(now)) =
            (&self.gate, &other, before, self.tokens.held())
            && !now.record.is_of_the_user_of(&before.record)
        {
            let (before, now) = (before.record.user_label(), now.record.user_label());
            return Err(CallError::Own(
                Error::new(
                    Kind::Authentication,
                    format!("{now} has logged in in place of {before} meanwhile"),
                )
                .hint(autocom("whoami")),
            ));
        }
        Ok(other)
    }

    async fn admit(&self, change: &Change) -> Result<Admission, CallError> {
        let guard = match &self.gate {
            Gate::Open => return Ok(Admission::default()),
            Gate::Guarded(guard) => guard,
            Gate::Shut(why) => return Err(CallError::Own(shut(change, why))),
        };
        let permit = guard.permit(change, &self.tokens).await;
        let (permit, reason) = permit.map_err(|barred| CallError::Own(barred.error()))?;
        let id = guard.write_down(change, &self.tokens, permit, reason).map_err(CallError::Own)?;
        let records = guard.records.clone();
        Ok(Admission::telling(move |outcome| {
            let event = match outcome {
                Outcome::Answered(status, request_id) => {
                    JournalEvent::Answered { id, status, request_id: request_id.as_str().map(str::to_owned) }
                }
                Outcome::Failed(error) => JournalEvent::Failed { id, reason: error.to_string() },
                Outcome::Rejected => JournalEvent::Answered { id, status: 401, request_id: None },
            };
            if let Err(error) = journal::write(&records, event) {
                records.reporter.warn(format!("the journal lacks an answer: {}", error.message));
            }
        }))
    }
}

impl Guard {
    /// Who lets the change through; the lease's reason goes along.
    async fn permit(&self, change: &Change, tokens: &Tokens) -> Result<(Permit, Option<String>), Denied> {
        if self.confirmed {
            return Ok((Permit::Flag, None));
        }
        let name = &self.protection.name;
        if self.typed().contains(name.as_str()) {
            return Ok((Permit::Typed, None));
        }
        if let Some(reason) = self.lease(tokens).await.map_err(Denied::Unknown)? {
            return Ok((Permit::Lease, Some(reason)));
        }
        let Some(prompter) = &self.prompter else { return Err(Denied::Refused(self.refusal(change))) };
        // A command that sends several changes asks one question at a time.
        let _turn = ASKING.lock().await;
        if self.typed().contains(name.as_str()) {
            return Ok((Permit::Typed, None));
        }
        let user =
            tokens.held().map(|stored| format!(", as {}", stored.record.user_label())).unwrap_or_default();
        let tenant = self.tenant.as_ref().map(|tenant| format!(", tenant {tenant}")).unwrap_or_default();
        self.records.reporter.show(format!(
            "{name} is protected, and this may change something there:\n\n  {}\n  at {}{tenant}{user}\n",
            said(change),
            self.url
        ));
        let (prompter, asked) = (prompter.clone(), name.clone());
        let question = move || loosening::ask_for_name(prompter.as_ref(), asked.as_str(), "nothing was sent");
        match runtime::blocking(question).await {
            Ok(Some(answer)) => answer.map_err(Denied::Refused)?,
            Ok(None) => {
                return Err(Denied::Refused(Error::new(Kind::Failed, "the confirmation cannot be read")));
            }
            Err(error) => return Err(Denied::Refused(error.into())),
        }
        self.typed().insert(name.to_string());
        Ok((Permit::Typed, None))
    }

    fn typed(&self) -> MutexGuard<'_, HashSet<String>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reason of the lease that opens the profile for the token's user.
    async fn lease(&self, tokens: &Tokens) -> Result<Option<String>> {
        let Some(lease) = lease::lease(&self.records, &self.protection.name, &self.url) else {
            return Ok(None);
        };
        let is_theirs = match tokens {
            Tokens::Stored(_) => tokens.held().is_some_and(|stored| lease.is_for(stored.record.user())),
            // Whose it is, only the platform knows.
            Tokens::Variable(variable) => {
                let platform = Platform::new(
                    self.http.clone(),
                    self.url.clone(),
                    variable.token.clone(),
                    self.tenant.clone(),
                );
                lease.is_for(platform.profile().await.map_err(Error::from)?.user())
            }
        };
        if is_theirs {
            return Ok(Some(lease.reason));
        }
        self.records.reporter.warn(format!(
            "{} is unlocked for {} only",
            lease.profile,
            one_line(&lease.user)
        ));
        Ok(None)
    }

    fn refusal(&self, change: &Change) -> Error {
        let Protection { name, origin } = &self.protection;
        Error::usage(format!("profile {name} is protected, and {} may change something there", said(change)))
            .cause(if *self.label == *name.as_str() {
                format!("protected by {origin}; nothing was sent")
            } else {
                format!("protected by {origin}, and {} leads to the same host; nothing was sent", self.label)
            })
            .hint(
                autocom("profiles unlock")
                    .value(name)
                    .words("--for 15m --reason TEXT")
                    .option("--confirm", name)
                    .after(format!(
                        "if that is what you want: the same command with --confirm {name}; for a while: "
                    )),
            )
    }

    /// Before the request goes out: one that can't be written down is not sent.
    fn write_down(
        &self,
        change: &Change,
        tokens: &Tokens,
        permit: Permit,
        reason: Option<String>,
    ) -> Result<String> {
        let id = format!("{:016x}", fastrand::u64(..));
        let token_variable = match tokens {
            Tokens::Variable(variable) => Some(variable.name.clone()),
            Tokens::Stored(_) => None,
        };
        let sent = Sent {
            id: id.clone(),
            profile: self.protection.name.to_string(),
            api_url: self.url.to_string(),
            tenant: self.tenant.as_ref().map(ToString::to_string),
            user: tokens.held().map(|stored| stored.record.user_label().into_owned()),
            token_variable,
            method: change.method.to_string(),
            path: change.path.clone(),
            operation: change.operation.clone(),
            permit,
            reason,
        };
        journal::write(&self.records, JournalEvent::Sent(sent)).map_err(|error| {
            Error { message: format!("nothing was sent: {}", error.message), ..error }.hint_if_none(|| {
                "what goes to a protected profile is journaled first: make that writable".to_owned()
            })
        })?;
        Ok(id)
    }
}

fn shut(change: &Change, why: &Error) -> Error {
    let message =
        format!("{} may change something, and nobody can tell whether that is protected", said(change));
    let error = Error::usage(message).cause("nothing was sent").cause(&why.message);
    let error = why.causes.iter().fold(error, Error::cause);
    Error { hint: why.hint.clone(), ..error }
}

/// `PATCH /orders/7`, or `POST /graphql (mutation cancelOrder)`.
fn said(change: &Change) -> String {
    let operation = change.operation.as_ref().map(|words| format!(" ({words})")).unwrap_or_default();
    format!("{} {}{operation}", change.method, change.path)
}
