//! Ctrl-C while the program is busy with something that can't be given up: a lock that another process
//! holds, a keychain that says nothing.

use std::sync::Once;
use std::time::Duration;

/// What the main thread has for ending by itself, in good order.
const GRACE: Duration = Duration::from_millis(500);

/// The exit code of an interrupted program, as shells have it (128 + SIGINT).
const INTERRUPTED: i32 = 130;

static WATCHING: Once = Once::new();

/// From now on Ctrl-C ends the process, at the latest after a moment of grace. The kernel frees the
/// locks, and a file is written whole or not at all, so the end may come at any time.
pub fn watch() {
    WATCHING.call_once(|| {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if runtime.is_ok_and(|runtime| runtime.block_on(tokio::signal::ctrl_c()).is_ok()) {
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
