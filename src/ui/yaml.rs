//! YAML of JSON that is already text: numbers keep their digits, which no serializer of YAML lets pass.

use super::escape;
use crate::domain::Json;

/// A document, without its `---`.
pub fn draw(json: &Json) -> String {
    let mut text = String::new();
    if is_block(json) {
        block(json, 0, &mut text)
    } else {
        text.push_str(&(scalar(json) + "\n"))
    }
    text
}

fn is_block(json: &Json) -> bool {
    match json {
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
        _ => false,
    }
}

/// Writes a list or a map whose lines begin `indent` columns in; the cursor is there already.
pub(super) fn block(json: &Json, indent: usize, text: &mut String) {
    let more = |i: usize, text: &mut String| {
        if i > 0 {
            text.extend(std::iter::repeat_n(' ', indent));
        }
    };
    match json {
        Json::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                more(i, text);
                text.push_str("- ");
                if is_block(item) {
                    block(item, indent + 2, text)
                } else {
                    text.push_str(&(scalar(item) + "\n"))
                }
            }
        }
        Json::Object(fields) => {
            for (i, (name, value)) in fields.iter().enumerate() {
                more(i, text);
                text.push_str(&key(name));
                text.push(':');
                if is_block(value) {
                    text.push('\n');
                    text.extend(std::iter::repeat_n(' ', indent + 2));
                    block(value, indent + 2, text);
                } else {
                    text.push(' ');
                    text.push_str(&(scalar(value) + "\n"));
                }
            }
        }
        _ => {}
    }
}

fn scalar(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(digits) => digits.clone(),
        Json::Text(text) => string(text),
        Json::Escaped(raw) => escape::yaml(raw).into_owned(),
        Json::Array(_) => "[]".to_owned(),
        Json::Object(_) => "{}".to_owned(),
    }
}

/// On one line; where that takes escapes, as in JSON, whose strings are YAML too.
fn string(text: &str) -> String {
    if escape::is_needed(text) {
        return quoted(text);
    }
    let drawn = serde_saphyr::to_string(&text).unwrap_or_default();
    match drawn.strip_prefix("---\n").unwrap_or(&drawn).trim_end_matches('\n') {
        line if !line.is_empty() && !line.contains('\n') => line.to_owned(),
        _ => quoted(text),
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if plain { string(name) } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    escape::yaml(&serde_json::to_string(text).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_in_keys_and_strings() {
        let json = r#"{"a\u202eb":"x\u009b31m","\udb40\udc41":["\t\ufeff"]}"#;
        let text = draw(&Json::parse(json.as_bytes()).unwrap());
        insta::assert_snapshot!(text, @r#"
        "a\u202eb": "x\u009b31m"
        "\U000e0041":
          - "\t\ufeff"
        "#);
        let read: std::collections::BTreeMap<String, serde_json::Value> =
            serde_saphyr::from_str(&text).unwrap();
        let same: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(json).unwrap();
        assert_eq!(read, same);
    }

    #[test]
    fn digits_nesting_and_awkward_strings() {
        let json = r#"{"total":9007199254740993.01,"rows":[{"a":1,"b":[]},[2,[3]],"no","1e3","a: b\nc",""],
            "no":null,"a b":{"x":{"y":"- z"}},"none":{}}"#;
        insta::assert_snapshot!(draw(&Json::parse(json.as_bytes()).unwrap()), @r#"
        total: 9007199254740993.01
        rows:
          - a: 1
            b: []
          - - 2
            - - 3
          - "no"
          - "1e3"
          - "a: b\nc"
          - ""
        "no": null
        "a b":
          x:
            "y": "- z"
        none: {}
        "#);
    }
}
