//! The gate for text from outside, made fit to be shown, logged and kept: what a server or a file says is shown, not
//! obeyed, and a secret that it repeats is not shown.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use super::redact::redacted;

/// No message need be longer.
const MAX_MESSAGE: usize = 4000;

/// What of a message that is too long stays at its end, where the reason is.
const KEPT_END: usize = 1000;

/// `text` on one line, without secrets and without what steers a terminal.
pub fn sanitized(text: &str) -> Cow<'_, str> {
    match redacted(text) {
        Cow::Borrowed(text) => one_line(text),
        Cow::Owned(text) => Cow::Owned(one_line(&text).into_owned()),
    }
}

/// As [`sanitized`], for messages: one that is very long loses its middle.
pub fn diagnostic(text: &str) -> String {
    sanitized(&bounded(text)).into_owned()
}

/// As [`diagnostic`], for messages of several lines of our own.
pub fn diagnostic_lines(text: &str) -> String {
    text.split('\n').map(diagnostic).collect::<Vec<_>>().join("\n")
}

fn bounded(text: &str) -> Cow<'_, str> {
    let boundary =
        |from: usize| (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    if text.len() <= MAX_MESSAGE {
        return Cow::Borrowed(text);
    }
    let (start, end) = (boundary(MAX_MESSAGE - KEPT_END), boundary(text.len() - KEPT_END));
    Cow::Owned(format!("{}…{}", &text[..start], &text[end..]))
}

/// `text` on one line and trimmed, at most `longest` characters, without secrets and without what steers a terminal.
pub fn printable(text: &str, longest: usize) -> String {
    let words = sanitized(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= longest {
        return words;
    }
    words.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// Whether a person who looks at `text` misses a part of it: blanks at its ends, and what has no width.
pub fn has_invisible(text: &str) -> bool {
    text.trim() != text || text.chars().any(|c| c.is_control() || (!c.is_ascii() && is_invisible(c)))
}

/// `text` in quotes, with escapes in place of what is invisible.
pub fn with_escapes(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '\r' => "\\r".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_control() || is_invisible(c) => format!("\\u{{{:x}}}", u32::from(c)),
        c => c.to_string(),
    });
    printable(&format!("\"{}\"", escaped.collect::<String>()), 200)
}

fn is_invisible(c: char) -> bool {
    c != ' ' && (steers(c) || c.is_whitespace() || unicode_width::UnicodeWidthChar::width(c) == Some(0))
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
    shell_word(path.display())
}

/// A value as a shell takes it for one word: whatever stands in a command that people copy.
pub fn shell_word(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    // zsh takes a word that begins with = for a command.
    let is_plain = |(at, c): (usize, char)| plain(c) || (c == '=' && at > 0);
    if !text.is_empty() && text.char_indices().all(is_plain) {
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
    use super::{MAX_MESSAGE, diagnostic, one_line, printable, shell_word};

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(printable("a\x1b[31m\r\n b\u{202e}c\u{9b}d\x07", 99), "a [31m b c d");
        assert_eq!(printable(&"é".repeat(50), 10), "é".repeat(9) + "…");
        assert_eq!(one_line("  a\tb\u{2028}\u{2067}é"), "  a b  é");
    }

    #[test]
    fn a_long_message_loses_its_middle_and_keeps_its_reason() {
        let text = format!("profile `{}` not found", "é".repeat(1 << 20));
        let shown = diagnostic(&text);
        assert!(shown.len() < MAX_MESSAGE + 8 && shown.starts_with("profile `éé"), "{}", shown.len());
        assert!(shown.ends_with("éé` not found") && shown.contains('…'));
    }

    #[test]
    fn a_shell_takes_any_value_for_one_word() {
        assert_eq!(shell_word("https://a.test:1/api/v1"), "https://a.test:1/api/v1");
        assert_eq!(shell_word("acme;touch${IFS}X;#"), "'acme;touch${IFS}X;#'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
