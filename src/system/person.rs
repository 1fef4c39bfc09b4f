//! The person in front of the terminal, as far as somebody below the user interface needs them.

/// Who can be asked and shown that something is going on.
pub trait Person: Send + Sync {
    /// The index of the chosen option, or `None` if the person gave up.
    fn choose(&self, question: &str, options: Vec<String>) -> Option<usize>;

    /// A line that the person types, or `None` if they gave up.
    fn answer(&self, question: &str) -> Option<String>;

    /// Shows the code of a login on another device, the page to enter it on, and where there is one the
    /// page that has it already.
    fn show_code(&self, code: &str, page: &str, complete: Option<&str>);

    /// Shows that `what` is waited for, until the answer is dropped.
    fn waiting(&self, what: &str) -> Box<dyn Waiting>;
}

/// Runs what prints while the sign of life is out of the way.
pub type Aside = Box<dyn Fn(&dyn Fn()) + Send + Sync>;

/// A sign of life on the terminal.
pub trait Waiting {
    /// A way to print meanwhile: `print` runs with the sign out of the way.
    fn aside(&self) -> Aside;

    /// Says something else from now on.
    fn say(&self, what: &str);
}
