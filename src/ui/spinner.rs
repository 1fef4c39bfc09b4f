//! A sign of life while autocom waits for somebody.
//!
//! Drawn by hand: the library for this estimates rates too, for which every command, also one that never
//! waits, had to load the mathematics library at its start. That costs a fifth of what `/bin/true` does.

use std::io::{Stderr, Write, stderr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossterm::cursor::MoveToColumn;
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType, size};

use super::table::cut;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TURN: Duration = Duration::from_millis(100);

/// Spins on stderr until dropped; in no terminal it does nothing.
pub struct Spinner(Option<Turning>);

struct Turning {
    line: Arc<Line>,
    turner: Option<JoinHandle<()>>,
}

/// What is drawn. Who holds the lock has the terminal's line to itself.
struct Line {
    text: Mutex<Option<String>>,
    ended: Condvar,
}

impl Spinner {
    pub fn start(text: &str, terminal: bool) -> Spinner {
        if !terminal {
            return Spinner(None);
        }
        let line = Arc::new(Line { text: Mutex::new(Some(text.to_owned())), ended: Condvar::new() });
        let turned = Arc::clone(&line);
        // Where there is no thread for it, nothing spins.
        let turner = Builder::new().name("spinner".to_owned()).spawn(move || turned.turn()).ok();
        Spinner(Some(Turning { line, turner }))
    }

    pub fn say(&self, text: &str) {
        if let Some(turning) = &self.0 {
            *turning.line.lock() = Some(text.to_owned());
        }
    }

    /// A way to print while it spins: `print` runs with the spinner's line out of the way.
    pub fn aside(&self) -> impl Fn(&dyn Fn()) + Send + Sync + 'static {
        let line = self.0.as_ref().map(|turning| Arc::clone(&turning.line));
        move |print| {
            let _held = line.as_ref().map(|line| {
                let held = line.lock();
                draw("");
                held
            });
            print();
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        let Some(turning) = &mut self.0 else { return };
        *turning.line.lock() = None;
        turning.line.ended.notify_all();
        if let Some(turner) = turning.turner.take() {
            let _ = turner.join();
        }
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) {
        let mut line = self.lock();
        for frame in FRAMES.iter().cycle() {
            let Some(text) = line.as_deref() else { break };
            draw(&format!("{frame} {text}"));
            let waited = self.ended.wait_timeout_while(line, TURN, |line| line.is_some());
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        draw("");
    }
}

/// Makes this the terminal's line. The last column stays free: some terminals break the line there.
fn draw(text: &str) {
    let width = size().map_or(80, |(columns, _)| usize::from(columns));
    let put = |stderr: &mut Stderr| {
        queue!(stderr, MoveToColumn(0), Clear(ClearType::CurrentLine))?;
        stderr.write_all(cut(text, width.saturating_sub(1)).as_bytes())
    };
    let _ = put(&mut stderr()); // a sign of life is not worth a failure
}
