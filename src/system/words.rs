//! Commands as variables hold them (`$BROWSER`, `$EDITOR`): never through a shell.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The words of a command, at least one. An entry that names a file as a whole is that program, spaces and
/// all; any other is split. A bare word is looked up in PATH: a file of that name in the working directory
/// is not it.
pub fn command_words(entry: &OsStr) -> Option<Vec<OsString>> {
    let path = Path::new(entry);
    if path.components().count() > 1 && path.is_file() {
        return Some(vec![entry.to_owned()]);
    }
    let words = split_words(entry.to_str()?)?;
    (!words.is_empty()).then(|| words.into_iter().map(OsString::from).collect())
}

/// Words as a shell would split them, with quotes and (not on Windows, where it parts folders) the
/// backslash, and nothing else of a shell. `None` if a quote is not closed.
pub fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None | Some('"')) if !cfg!(windows) => word.get_or_insert_default().push(rest.next()?),
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}
