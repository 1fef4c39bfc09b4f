//! Text of others, made fit for a terminal: what a server says is shown, not obeyed.

use std::borrow::Cow;
use std::path::Path;

/// `text` on one line and trimmed, at most `longest` characters, without what steers a terminal.
pub fn printable(text: &str, longest: usize) -> String {
    let words = one_line(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= longest {
        return words;
    }
    words.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// `text` on one line, each character that steers a terminal as a blank.
pub fn one_line(text: &str) -> Cow<'_, str> {
    // Nearly every cell of a table; lists are long.
    if text.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if steers(c) { ' ' } else { c }).collect())
}

/// A path as a shell takes it for one word.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", one_line(&text).replace('\'', r"'\''"))
    }
}

/// Whether it could move the cursor, break the line, reorder letters or hide among them: control
/// characters, Unicode's line breaks, bidirectional controls and tags.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{one_line, printable};

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(printable("a\x1b[31m\r\n b\u{202e}c\u{9b}d\x07", 99), "a [31m b c d");
        assert_eq!(printable(&"é".repeat(50), 10), "é".repeat(9) + "…");
        assert_eq!(one_line("  a\tb\u{2028}\u{2067}é"), "  a b  é");
    }
}
