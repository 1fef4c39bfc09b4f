//! Text of others, made fit for a terminal.

/// `text` on one line, at most `longest` characters, without what could move the cursor or reorder
/// letters (control characters, bidirectional overrides): what a server says is shown, not obeyed.
pub fn printable(text: &str, longest: usize) -> String {
    let reorders =
        |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let clean: String = text.chars().map(|c| if c.is_control() || reorders(c) { ' ' } else { c }).collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= longest {
        return words;
    }
    words.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(printable("a\x1b[31m\r\n b\u{202e}c\u{9b}d", 99), "a [31m b c d");
        assert_eq!(printable(&"é".repeat(50), 10), "é".repeat(9) + "…");
    }
}
