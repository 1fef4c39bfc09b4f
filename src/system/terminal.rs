//! The terminal while a question has it: nothing is echoed then, keys come one by one, and Ctrl-C is a key.
//! Whoever asks puts all that back in the end, but not if a signal ends the process first; that is done here.

pub use modes::Lent;

/// Makes the terminal what it was before the question that has it, if one has.
pub fn take_back() {
    modes::take_back();
}

#[cfg(unix)]
mod modes {
    use std::io::{Write, stderr, stdin};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    use crate::system::keyboard::is_in_front;

    /// No bracketed paste, the cursor shown, and nothing of the question below what the shell writes next.
    const PLAIN: &[u8] = b"\x1b[?2004l\x1b[?25h\r\n\x1b[J";

    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    pub struct Lent;

    impl Lent {
        pub fn now() -> Lent {
            *before() = tcgetattr(stdin()).ok();
            Lent
        }
    }

    impl Drop for Lent {
        fn drop(&mut self) {
            *before() = None;
        }
    }

    pub(super) fn take_back() {
        let before = before();
        if let Some(modes) = before.as_ref().filter(|_| is_in_front(&stdin())) {
            let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
            let _ = stderr().write_all(PLAIN);
        }
    }

    fn before() -> MutexGuard<'static, Option<Termios>> {
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The console of Windows sends no signal to a process that reads its keys one by one.
#[cfg(not(unix))]
mod modes {
    pub struct Lent;

    impl Lent {
        pub fn now() -> Lent {
            Lent
        }
    }

    pub(super) fn take_back() {}
}
