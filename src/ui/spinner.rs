//! A sign of life while autocom waits for somebody.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Spins on stderr until dropped; in no terminal it does nothing.
pub struct Spinner(Option<ProgressBar>);

impl Spinner {
    pub fn start(text: &str, terminal: bool) -> Spinner {
        if !terminal {
            return Spinner(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style.tick_strings(&["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", " "]));
        }
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Spinner(Some(bar))
    }

    pub fn say(&self, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(text.to_owned());
        }
    }

    /// A way to print while it spins: `print` runs with the spinner's line out of the way.
    pub fn aside(&self) -> impl Fn(&dyn Fn()) + Send + Sync + 'static {
        let bar = self.0.clone();
        move |print| match &bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
