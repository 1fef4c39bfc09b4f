//! The value of an option in a command line that is not parsed as a whole.

use std::ffi::OsString;

/// The letters that take no value, so that an option's own may follow them: `-qojson`.
const SWITCHES: [char; 4] = ['q', 'v', 'i', 'h'];

/// The value of an option of a command line that is not parsed as a whole.
pub fn typed<'a>(arguments: &'a [OsString], short: Option<char>, long: &str) -> Option<&'a str> {
    let long = format!("--{long}");
    let mut words =
        arguments.iter().filter_map(|argument| argument.to_str()).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let own = match word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
            Some(letters) => {
                let at = letters.find(|letter| !SWITCHES.contains(&letter)).unwrap_or(letters.len());
                letters[at..].strip_prefix(short.unwrap_or_default()).filter(|_| short.is_some())
            }
            None => word.strip_prefix(&long).filter(|rest| rest.is_empty() || rest.starts_with('=')),
        };
        match own {
            Some("") => return words.next(),
            Some(value) => return Some(value.trim_start_matches('=')),
            None => {}
        }
    }
    None
}
