//! Ctrl-C while the program is busy with something that can't be given up: a lock that another process
//! holds, a keychain that says nothing, a renewal whose only copy of a token is on its way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use tokio::signal::ctrl_c;
use tokio::sync::Notify;

/// What the main thread has for ending by itself, in good order.
const GRACE: Duration = Duration::from_millis(500);

/// What shielded work has for coming to its end.
const SHIELDED: Duration = Duration::from_secs(5);

/// The exit code of an interrupted program, as shells have it (128 + SIGINT).
const INTERRUPTED: i32 = 130;

static WATCHING: Once = Once::new();
static SHIELDS: AtomicUsize = AtomicUsize::new(0);
/// What the newest of them protects.
static SHIELDED_WORK: Mutex<&str> = Mutex::new("");
/// Since work under a shield may look only later.
static PRESSED: AtomicBool = AtomicBool::new(false);
static LAST_SHIELD_GONE: Notify = Notify::const_new();

/// While one is held, Ctrl-C waits: for the last of them to go, for five seconds at most, or for
/// another Ctrl-C.
pub struct Shield(());

/// `what` is being done meanwhile, as a clause that a person reads who has pressed Ctrl-C.
pub fn shield(what: &'static str) -> Shield {
    *SHIELDED_WORK.lock().unwrap_or_else(PoisonError::into_inner) = what;
    SHIELDS.fetch_add(1, Ordering::SeqCst);
    Shield(())
}

impl Drop for Shield {
    fn drop(&mut self) {
        if SHIELDS.fetch_sub(1, Ordering::SeqCst) == 1 {
            LAST_SHIELD_GONE.notify_waiters();
        }
    }
}

/// Comes back when somebody presses Ctrl-C, whatever is shielded from it, or has done so before.
pub async fn pressed() {
    if PRESSED.load(Ordering::SeqCst) {
        return;
    }
    if ctrl_c().await.is_err() {
        // No handler can be had: then the signal ends the process by itself.
        std::future::pending::<()>().await;
    }
    PRESSED.store(true, Ordering::SeqCst);
}

/// Comes back when somebody has pressed Ctrl-C and nothing is shielded from it. If something is, `wait`
/// is called with what that is.
pub async fn interrupted(wait: impl FnOnce(&str)) {
    pressed().await;
    tokio::select! {
        () = settled(wait) => {}
        _ = ctrl_c() => {}
    }
}

/// Comes back when nothing is shielded any more, after five seconds at most. If something is, `wait` is
/// called with what that is.
pub async fn settled(wait: impl FnOnce(&str)) {
    let gone = LAST_SHIELD_GONE.notified();
    tokio::pin!(gone);
    // Listening before looking: what goes in between is not missed.
    gone.as_mut().enable();
    if SHIELDS.load(Ordering::SeqCst) > 0 {
        let what = *SHIELDED_WORK.lock().unwrap_or_else(PoisonError::into_inner);
        wait(what);
        let _ = tokio::time::timeout(SHIELDED, gone).await;
    }
}

/// From now on Ctrl-C ends the process, at the latest after a moment of grace. The kernel frees the
/// locks, and a file is written whole or not at all, so the end may come at any time.
pub fn watch() {
    WATCHING.call_once(|| {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(interrupted(|_| {}));
                std::thread::sleep(GRACE);
                end();
            }
        });
    });
}

#[expect(clippy::disallowed_methods, reason = "the main thread is stuck: it can't return an exit code")]
fn end() -> ! {
    std::process::exit(INTERRUPTED)
}
