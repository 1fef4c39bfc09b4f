//! The thread that the keychain lives on, and the patience of those who wait for it.
//!
//! The OS's calls have no deadline: a dead service, or an unlocking prompt that nobody sees, blocks
//! for ever. So they are made on a thread of their own, one for the process, which is left behind
//! when it does not answer in time and which the process does not wait for at its exit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::opening::Open;
use super::vault::Vault;
use crate::credentials::StoreError;
use crate::system::interrupt;
use crate::system::reporter::Reporter;
use crate::system::runtime;

/// A refusal within this time was nobody's decision: there was no prompt to dismiss, as in a login
/// by ssh. Whoever sits at the terminal may still unlock the keychain in another way.
const NO_HUMAN: Duration = Duration::from_millis(500);

/// What a D-Bus connection needs: a socket, an epoll instance, an eventfd and a timer; and beside the
/// keychain's own thread those of its reactor, its executor and its file reads.
#[cfg(target_os = "linux")]
const DESCRIPTORS_AND_THREADS: (usize, usize) = (6, 4);

#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub deadline: Duration,
    /// `Some` in a terminal: when to say that the keychain keeps us waiting.
    pub say_after: Option<Duration>,
    /// How often a locked keychain is asked again while somebody may be unlocking it.
    pub ask_again: Duration,
}

impl Timing {
    pub(super) fn new(patience: Patience) -> Timing {
        let second = Duration::from_secs(1);
        if patience.interactive {
            Timing { deadline: 60 * second, say_after: Some(second), ask_again: second }
        } else {
            Timing { deadline: 3 * second, say_after: None, ask_again: second }
        }
    }
}

type Job = Box<dyn FnOnce(&mut Vault) + Send>;

enum WorkerState {
    Idle,
    Running {
        jobs: Sender<Job>,
        abandoned: Arc<AtomicBool>,
    },
    /// It let a caller's deadline pass, or somebody at the terminal has not unlocked it: the next
    /// caller need not wait, nor they be asked, once more to learn the same.
    GivenUp(GivenUp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenUp {
    Silent,
    Locked,
}

pub(super) struct Worker {
    open: Arc<Open>,
    timing: Timing,
    reporter: Arc<Reporter>,
    state: Mutex<WorkerState>,
}

impl Worker {
    pub(super) fn new(open: Arc<Open>, timing: Timing, reporter: Arc<Reporter>) -> Worker {
        Worker { open, timing, reporter, state: Mutex::new(WorkerState::Idle) }
    }

    /// The result of `work` on the keychain's thread, or the error that the deadline is.
    ///
    /// In a terminal a locked keychain is asked again until somebody has unlocked it.
    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Vault) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let work = Arc::new(work);
        let started = Instant::now();
        loop {
            let asked = Instant::now();
            let answer = self.ask(work.clone(), started);
            let nobody_refused = asked.elapsed() < NO_HUMAN;
            let in_time = started.elapsed() + self.timing.ask_again < self.timing.deadline;
            match answer {
                Err(StoreError::Locked) if self.timing.say_after.is_some() && nobody_refused && in_time => {
                    self.say_that_we_wait();
                    thread::sleep(self.timing.ask_again);
                }
                Err(StoreError::Locked) if self.timing.say_after.is_some() => {
                    self.leave(WorkerState::GivenUp(GivenUp::Locked));
                    return Err(StoreError::Locked);
                }
                answer => return answer,
            }
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        work: Arc<impl Fn(&mut Vault) -> Result<T, StoreError> + Send + Sync + 'static>,
        started: Instant,
    ) -> Result<T, StoreError> {
        let deadline = self.timing.deadline;
        let (answer, answered) = mpsc::channel();
        // A caller that is gone has the answer dropped, and with it whatever is secret in it.
        self.send(Box::new(move |vault| drop(answer.send(work(vault)))))?;

        let left = || deadline.saturating_sub(started.elapsed());
        let mut result = answered.recv_timeout(self.timing.say_after.unwrap_or(deadline).min(left()));
        if matches!(result, Err(RecvTimeoutError::Timeout)) && self.timing.say_after.is_some() {
            self.say_that_we_wait();
            result = answered.recv_timeout(left());
        }
        match result {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                self.leave(WorkerState::GivenUp(GivenUp::Silent));
                Err(StoreError::NoAnswer { waited: deadline })
            }
            Err(RecvTimeoutError::Disconnected) => {
                if let WorkerState::GivenUp(why) = *self.state() {
                    return Err(self.refusal(why));
                }
                self.leave(WorkerState::Idle);
                Err(StoreError::Keychain { reason: "its library broke down".to_owned() })
            }
        }
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let mut state = self.state();
        if let WorkerState::GivenUp(why) = *state {
            return Err(self.refusal(why));
        }
        let job = match &*state {
            WorkerState::Running { jobs, .. } => match jobs.send(job) {
                Ok(()) => return Ok(()),
                Err(mpsc::SendError(job)) => job,
            },
            _ => job,
        };
        let (jobs, todo) = mpsc::channel::<Job>();
        let abandoned = Arc::new(AtomicBool::new(false));
        let mut vault = Vault::new(self.open.clone(), abandoned.clone());
        let given_up = abandoned.clone();
        #[cfg(target_os = "linux")]
        runtime::try_resources("the keychain's client", DESCRIPTORS_AND_THREADS)?;
        runtime::thread("keychain", move || {
            while let Ok(job) = todo.recv()
                && !given_up.load(Ordering::SeqCst)
            {
                job(&mut vault);
            }
        })?;
        // A thread that ended already drops the job, and the caller sees its answer disconnected.
        let _ = jobs.send(job);
        *state = WorkerState::Running { jobs, abandoned };
        Ok(())
    }

    /// Forgets the thread; whatever it still has to do is not done.
    fn leave(&self, next: WorkerState) {
        if let WorkerState::Running { abandoned, .. } = std::mem::replace(&mut *self.state(), next) {
            abandoned.store(true, Ordering::SeqCst);
        }
    }

    fn refusal(&self, why: GivenUp) -> StoreError {
        match why {
            GivenUp::Silent => StoreError::NoAnswer { waited: self.timing.deadline },
            GivenUp::Locked => StoreError::Locked,
        }
    }

    fn say_that_we_wait(&self) {
        // A minute is long: from now on Ctrl-C must work, whatever else had it in hand.
        interrupt::watch();
        self.reporter.progress("waiting for the keychain to be unlocked...");
    }

    fn state(&self) -> std::sync::MutexGuard<'_, WorkerState> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// How long to wait for a keychain that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Somebody sits at a terminal: it is said that the keychain waits to be unlocked, and there are
    /// 60 seconds to do so. Otherwise 3.
    pub interactive: bool,
}
