//! Questions to a person. Callers make sure that there is one.

use inquire::{Confirm, Password, PasswordDisplayMode, Select, Text};

use crate::domain::Secret;

/// The answer, or `None` if the person gave up (Esc, Ctrl-C, end of input).
pub fn choose(question: &str, options: Vec<String>) -> Option<usize> {
    let answer = Select::new(question, options.clone()).prompt().ok()?;
    options.iter().position(|option| *option == answer)
}

/// One line, or `None` if the person gave up.
pub fn line(question: &str) -> Option<String> {
    Text::new(question).prompt().ok()
}

/// One line that is not shown while it is typed or pasted.
pub fn hidden(question: &str) -> Option<Secret> {
    let prompt = Password::new(question).without_confirmation();
    prompt.with_display_mode(PasswordDisplayMode::Hidden).prompt().ok().map(Secret::new)
}

/// Yes or no; who just presses Enter says `default`, who gives up says no.
pub fn confirm(question: &str, default: bool) -> bool {
    Confirm::new(question).with_default(default).prompt().unwrap_or(false)
}
