//! Ctrl-C (SIGINT), and on Unix SIGTERM and SIGHUP, while the program is busy: with something that can be
//! given up at once, or with something that can't, such as a renewal whose only copy of a token is on its
//! way.
//!
//! A signal that was ignored when we were started stays so (a job in the background of a script, `nohup`).

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, Once, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::Notify;

use super::{runtime, terminal};

/// What the main thread has for ending by itself, in good order.
const GRACE: Duration = Duration::from_millis(500);

static WATCHING: Once = Once::new();
static SHIELDS: Mutex<Vec<Shielded>> = Mutex::new(Vec::new());
static A_SHIELD_IS_GONE: Notify = Notify::const_new();
/// The number of the signal that came first; 0: none. Since work under a shield may look only later.
static CAME: AtomicU8 = AtomicU8::new(0);

struct Shielded {
    id: usize,
    work: &'static str,
    at_most: Duration,
}

/// While one is held, a signal waits: for the last of them to go, for as long as the most patient of them
/// says, or for another signal.
pub struct Shield(usize);

/// `work` is being done meanwhile, as a clause that a person reads who has pressed Ctrl-C.
pub fn shield(work: &'static str, at_most: Duration) -> Shield {
    let mut shields = shields();
    let id = shields.last().map_or(0, |last| last.id + 1);
    shields.push(Shielded { id, work, at_most });
    Shield(id)
}

impl Drop for Shield {
    fn drop(&mut self) {
        shields().retain(|shield| shield.id != self.0);
        A_SHIELD_IS_GONE.notify_waiters();
    }
}

fn shields() -> std::sync::MutexGuard<'static, Vec<Shielded>> {
    SHIELDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is being done under the newest shield.
fn shielded_work() -> Option<&'static str> {
    shields().last().map(|shield| shield.work)
}

/// How a command was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// The number of the signal: 2 is SIGINT.
    pub signal: u8,
    /// What was to be waited for and did not come to its end in time.
    pub unfinished: Option<&'static str>,
}

impl Interruption {
    /// As shells have it.
    pub fn exit_code(self) -> u8 {
        128 + self.signal
    }
}

/// Whether a signal has come that ends us.
pub fn has_come() -> bool {
    CAME.load(Ordering::SeqCst) != 0
}

/// Comes back when a signal comes, whatever is shielded from it, or has come before.
pub async fn pressed() -> Interruption {
    if !has_come() {
        let signal = next_signal().await;
        let _ = CAME.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
    }
    Interruption { signal: CAME.load(Ordering::SeqCst), unfinished: None }
}

/// Comes back when a signal has come and nothing is shielded from it. If something is, `wait` is called
/// with what that is.
pub async fn interrupted(wait: impl FnOnce(&str)) -> Interruption {
    let interruption = pressed().await;
    tokio::select! {
        // Listening before anything is said: whoever is told of it may press again at once.
        biased;
        _ = next_signal() => {}
        () = settled(wait) => {}
    }
    Interruption { unfinished: shielded_work(), ..interruption }
}

/// Comes back when nothing is shielded any more, or has been for too long. If something is, `wait` is
/// called with what that is.
pub async fn settled(wait: impl FnOnce(&str)) {
    let Some(work) = shielded_work() else { return };
    wait(work);
    let at_most = shields().iter().map(|shield| shield.at_most).max().unwrap_or_default();
    let _ = tokio::time::timeout(at_most, async {
        loop {
            // Listening before looking: what goes in between is not missed.
            let gone = A_SHIELD_IS_GONE.notified();
            tokio::pin!(gone);
            gone.as_mut().enable();
            if shields().is_empty() {
                return;
            }
            gone.await;
        }
    })
    .await;
}

/// From now on a signal ends the process, at the latest after a moment of grace, also where the main thread
/// is stuck. The kernel frees the locks, and a file is written whole or not at all, so the end may come at
/// any time.
pub fn watch() {
    WATCHING.call_once(|| {
        let (listens, listening) = mpsc::channel();
        // Where it can't be had, a signal ends the process on the spot, as it does before this.
        let _ = runtime::thread("signals", move || {
            if let Ok(runtime) = runtime::new() {
                let interruption = runtime.block_on(listen(listens));
                std::thread::sleep(GRACE);
                end(interruption);
            }
        });
        // Before that a signal would still end us on the spot, whatever state the terminal is in by then.
        let _ = listening.recv();
    });
}

/// Says when it listens, and waits for the signal that ends us.
async fn listen(listens: mpsc::Sender<()>) -> Interruption {
    let interrupted = interrupted(|_| {});
    tokio::pin!(interrupted);
    // Its first look installs the handlers.
    tokio::select! {
        biased;
        interruption = &mut interrupted => return interruption,
        () = std::future::ready(()) => { let _ = listens.send(()); }
    }
    interrupted.await
}

/// While this is held, Ctrl-C is for another program, which has the terminal now, and passes us by. (Once it
/// is dropped too, until somebody [`watch`]es or asks: a handler can't be taken back.)
pub struct LeftToChild {
    _runtime: Option<tokio::runtime::Runtime>,
}

pub fn leave_to_child() -> LeftToChild {
    let runtime = runtime::new().ok();
    if let Some(runtime) = &runtime {
        let _inside = runtime.enter();
        take_ctrl_c();
    }
    LeftToChild { _runtime: runtime }
}

/// A handler, not "ignored": that the child would inherit.
#[cfg(unix)]
fn take_ctrl_c() {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::interrupt(), SignalKind::quit()] {
        let bit = kind.as_raw_value() - 1;
        if ignored_signals() >> bit & 1 == 0 {
            let _ = signal(kind);
        }
    }
}

#[cfg(windows)]
fn take_ctrl_c() {
    let _ = tokio::signal::windows::ctrl_c();
}

#[cfg(not(any(unix, windows)))]
fn take_ctrl_c() {}

#[expect(clippy::disallowed_methods, reason = "the main thread is stuck: it can't return an exit code")]
fn end(interruption: Interruption) -> ! {
    terminal::take_back();
    std::process::exit(interruption.exit_code().into())
}

/// The number of the next signal that would end us.
#[cfg(unix)]
async fn next_signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};

    async fn next(kind: SignalKind, ignored: u64) -> u8 {
        let number = u8::try_from(kind.as_raw_value()).unwrap_or_default();
        let is_ignored = number > 0 && ignored >> (number - 1) & 1 == 1;
        if is_ignored {
            std::future::pending::<()>().await;
        }
        match signal(kind) {
            Ok(mut signal) => _ = signal.recv().await,
            // No handler can be had: then the signal ends the process by itself.
            Err(_) => std::future::pending().await,
        }
        number
    }
    let ignored = ignored_signals();
    tokio::select! {
        signal = next(SignalKind::interrupt(), ignored) => signal,
        signal = next(SignalKind::terminate(), ignored) => signal,
        signal = next(SignalKind::hangup(), ignored) => signal,
    }
}

#[cfg(not(unix))]
async fn next_signal() -> u8 {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    2
}

/// The signals that were ignored when we were started, a bit each. Asking the kernel for it takes unsafe
/// code; Linux also tells it in a file.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    static IGNORED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    })
}
