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

/// Words as a shell would split them, with quotes and the backslash, which parts folders on Windows and is no escape
/// there. `None` if a quote is not closed.
pub fn split_words(text: &str) -> Option<Vec<String>> {
    if cfg!(windows) { shlex::split(&text.replace('\\', r"\\")) } else { shlex::split(text) }
}
