//! Lines that a person pastes into the terminal while something else is waited for.
//!
//! They are not shown: what is pasted holds a code, and a sign of life may be drawing on the same line.
//! Reading can be given up at any time (a question may come next, and must get its keys), so nothing
//! here blocks in a read.

#[cfg(unix)]
pub use unix::Keyboard;
#[cfg(unix)]
pub(super) use unix::is_in_front;

#[cfg(not(unix))]
pub use elsewhere::Keyboard;

#[cfg(unix)]
mod unix {
    use std::io::{Stdin, stdin};
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::process::getpgrp;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    };
    use zeroize::Zeroizing;

    use crate::domain::Secret;

    /// Nobody pastes more in a line.
    const MAX_LINE: usize = 64 << 10;
    const BACKSPACE: u8 = 0x7f;
    /// Ctrl-U.
    const KILL: u8 = 0x15;

    /// How often it is looked whether something was typed. tokio's way of being told of it needs unsafe
    /// code, and does not know every system's terminals.
    const LOOK_EVERY: Duration = Duration::from_millis(50);

    /// The terminal at stdin, in a state in which it shows nothing, until this is dropped.
    pub struct Keyboard {
        stdin: Stdin,
        before: Termios,
        line: Zeroizing<Vec<u8>>,
    }

    impl Keyboard {
        /// `None` where no line can come: no terminal, or a process in the background, which the kernel
        /// would stop for trying.
        pub fn open() -> Option<Keyboard> {
            let stdin = stdin();
            if !is_in_front(&stdin) {
                return None;
            }
            let before = tcgetattr(&stdin).ok()?;
            silence(&stdin, &before)?;
            Some(Keyboard { stdin, before, line: Zeroizing::new(Vec::with_capacity(MAX_LINE)) })
        }

        /// The next line. Never comes back once the terminal is gone.
        pub async fn line(&mut self) -> Secret {
            let mut chunk = Zeroizing::new([0_u8; 1024]);
            loop {
                if !self.is_ready() {
                    tokio::time::sleep(LOOK_EVERY).await;
                    continue;
                }
                let read = rustix::io::read(&self.stdin, &mut *chunk);
                match read {
                    Ok(0) | Err(Errno::INTR | Errno::AGAIN) => tokio::time::sleep(LOOK_EVERY).await,
                    Ok(_) => {}
                    Err(_) => std::future::pending().await,
                }
                if let Some(line) = read.ok().and_then(|length| self.take(&chunk[..length])) {
                    return line;
                }
            }
        }

        /// Whether a read has something to take. Ctrl-Z and `fg` may have happened since the last look: then
        /// the shell has put its own modes back, or we are in the background and must not touch the terminal.
        fn is_ready(&self) -> bool {
            if !is_in_front(&self.stdin) {
                return false;
            }
            match tcgetattr(&self.stdin) {
                Ok(modes) if modes.local_modes.contains(LocalModes::ICANON) => {
                    _ = silence(&self.stdin, &modes);
                }
                _ => {}
            }
            let mut stdin = [PollFd::new(&self.stdin, PollFlags::IN)];
            poll(&mut stdin, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
        }

        /// Adds what was typed; answers the line that it completes. What is behind its end is dropped:
        /// a paste is one line.
        fn take(&mut self, typed: &[u8]) -> Option<Secret> {
            for byte in typed {
                match *byte {
                    b'\n' | b'\r' => {
                        let line = Secret::unsearched(String::from_utf8_lossy(&self.line).into_owned());
                        self.line.clear();
                        return Some(line);
                    }
                    BACKSPACE | b'\x08' => _ = self.line.pop(),
                    KILL => self.line.clear(),
                    byte if self.line.len() < MAX_LINE => self.line.push(byte),
                    _ => {}
                }
            }
            None
        }
    }

    impl Drop for Keyboard {
        fn drop(&mut self) {
            if is_in_front(&self.stdin) {
                let _ = tcsetattr(&self.stdin, OptionalActions::Now, &self.before);
            }
        }
    }

    /// Whether the terminal is ours to read and to set; whoever is in the background is stopped for it.
    pub(crate) fn is_in_front(stdin: &Stdin) -> bool {
        tcgetpgrp(stdin).is_ok_and(|group| group == getpgrp())
    }

    fn silence(stdin: &Stdin, modes: &Termios) -> Option<()> {
        let mut silent = modes.clone();
        // Not by lines: the kernel's longest line is shorter than some addresses are. Ctrl-C stays.
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
        // A read takes what there is and never waits.
        silent.special_codes[SpecialCodeIndex::VMIN] = 0;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin, OptionalActions::Now, &silent).ok()
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use crate::domain::Secret;

    /// There is none here: a read that can't be given up would take the keys of the next question.
    pub enum Keyboard {}

    impl Keyboard {
        pub fn open() -> Option<Keyboard> {
            None
        }

        pub async fn line(&mut self) -> Secret {
            match *self {}
        }
    }
}
