//! JSON for a person's eyes: what steers a terminal is escaped, so that it is still the same JSON.

use std::borrow::Cow;

use crate::domain::steers;

/// Drawn JSON, in which a line break is between values and everything else that steers is in a string.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    escaped(text, |c, out| {
        let mut units = [0; 2];
        out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
    })
}

/// A YAML string between double quotes, whose escapes have no surrogates (YAML 1.2, section 5.7).
pub(super) fn yaml(text: &str) -> Cow<'_, str> {
    escaped(text, |c, out| match u32::from(c) {
        code @ ..=0xffff => *out += &format!("\\u{code:04x}"),
        code => *out += &format!("\\U{code:08x}"),
    })
}

pub(super) fn is_needed(text: &str) -> bool {
    text.chars().any(steers_on_its_line)
}

fn steers_on_its_line(c: char) -> bool {
    // YAML has none of the last two (YAML 1.2, section 5.1).
    c != '\n' && (steers(c) || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !is_needed(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers_on_its_line(c) { escape(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_as_it_was() {
        let text = "a\u{9b}31m\u{202e}\u{e0041}\u{7f}\u{feff}\u{fffe}\u{ffff}é\n\t";
        let drawn = serde_json::to_string_pretty(&[text]).unwrap();
        let shown = json(&drawn);
        assert!(!is_needed(&shown), "{shown:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [text]);
        assert!(shown.contains("é") && shown.starts_with("[\n  "));
        let drawn = serde_json::to_string(text).unwrap();
        assert_eq!(serde_saphyr::from_str::<String>(&yaml(&drawn)).unwrap(), text);
        assert!(!is_needed(&yaml(&drawn)));
    }
}
