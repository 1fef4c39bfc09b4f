//! Questions to a person, on stderr. Callers make sure that there is one, and that the terminal is put
//! right if a signal comes meanwhile.

use std::cmp::Reverse;
use std::fmt;
use std::io::stderr;

use inquire::ui::RenderConfig;
use inquire::{Confirm, Password, PasswordDisplayMode, Select, Text};
use terminal_size::terminal_size_of;
use unicode_width::UnicodeWidthStr;

use super::matching;
use crate::domain::Secret;

/// More of a list at once is not easier to look through.
const MAX_PAGE: usize = 15;

/// The question itself, what the keys do, and a line to spare for a filter that is long.
const AROUND_A_PAGE: usize = 3;

/// What stands in front of a line of a list: the mark of the cursor.
const BEFORE_A_LINE: usize = 2;

/// One of several things.
pub struct ChoiceLine<'a> {
    pub line: &'a str,
    /// What remains on the screen of the one that was chosen.
    pub name: &'a str,
    /// What typing is compared with.
    pub words: &'a [String],
}

impl fmt::Display for ChoiceLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.line)
    }
}

/// The index of the one that is chosen; the cursor begins at `start`. Typing leaves those that match.
pub fn choose(question: &str, choices: Vec<ChoiceLine<'_>>, start: usize, colours: bool) -> Option<usize> {
    let (columns, rows) = size();
    let start = start.min(choices.len().saturating_sub(1));
    let mut select = Select::new(question, choices)
        .with_scorer(&|typed, choice: &ChoiceLine<'_>, _, _| matching::score(typed, choice.words))
        // Stable: what matches equally well, all of it before anything is typed, stays in its order.
        .with_sorter(&|found| found.sort_by_key(|(_, score)| Reverse(*score)))
        .with_formatter(&|chosen| chosen.value.name.to_owned())
        // A frame higher than the screen can't be drawn over again.
        .with_page_size(rows.saturating_sub(AROUND_A_PAGE).clamp(1, MAX_PAGE))
        .with_starting_cursor(start)
        // The lines have colours of their own; the mark tells where the cursor is.
        .with_render_config(RenderConfig { selected_option: None, ..look(colours) });
    // One that breaks over two lines costs more than it tells.
    select.help_message = select.help_message.filter(|help| help.width() + "[]".len() < columns);
    Some(select.raw_prompt().ok()?.index)
}

/// How wide the line of a choice may be.
pub fn columns() -> usize {
    size().0.saturating_sub(BEFORE_A_LINE)
}

/// One line, or `None` if the person gave up (Esc, Ctrl-C, end of input).
pub fn line(question: &str, colours: bool) -> Option<String> {
    Text::new(question).with_render_config(look(colours)).prompt().ok()
}

/// One line that is not shown while it is typed or pasted.
pub fn hidden(question: &str, colours: bool) -> Option<Secret> {
    let prompt = Password::new(question).without_confirmation().with_render_config(look(colours));
    prompt.with_display_mode(PasswordDisplayMode::Hidden).prompt().ok().map(Secret::new)
}

/// Yes or no; who just presses Enter says `default`.
pub fn confirm(question: &str, default: bool, colours: bool) -> Option<bool> {
    Confirm::new(question).with_default(default).with_render_config(look(colours)).prompt().ok()
}

/// Inquire itself looks at `NO_COLOR` alone.
fn look(colours: bool) -> RenderConfig<'static> {
    if colours { RenderConfig::default_colored() } else { RenderConfig::empty() }
}

/// Columns and rows of the terminal that questions are drawn on: stdout may be a pipe.
fn size() -> (usize, usize) {
    terminal_size_of(stderr())
        .map_or((80, 24), |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)))
}
