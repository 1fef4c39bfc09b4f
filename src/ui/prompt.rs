//! Questions to a person. Callers make sure that there is one.

use inquire::Select;

/// The answer, or `None` if the person gave up (Esc, Ctrl-C, end of input).
pub fn choose(question: &str, options: Vec<String>) -> Option<usize> {
    let answer = Select::new(question, options.clone()).prompt().ok()?;
    options.iter().position(|option| *option == answer)
}
