//! JSON whose numbers keep their digits and whose objects keep their order: money is in it.
//!
//! serde_json's own `Value` reads 9007199254740993.01 as a float. Its feature that doesn't changes how
//! numbers look to every other serializer of the program, and no visitor sees a number's text. So serde_json
//! judges the text as a whole, once, and what it has found good is then walked through from end to end.

use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// Deeper than anything that is meant, and far from the end of a thread's stack.
const MAX_DEPTH: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    /// A text with half of a surrogate pair, which is no Unicode, as it was written.
    Escaped(String),
    Array(Vec<Json>),
    /// In order; a key may come twice.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// `None`: it is not JSON, or nested more deeply than anything that is meant.
    pub fn parse(text: &[u8]) -> Option<Json> {
        // RFC 8259, section 8.1: a byte order mark may be ignored.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let sound: &RawValue = serde_json::from_slice(text).ok()?;
        JsonReader(sound.get()).value(0)
    }

    /// The field of that name, if this is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Json::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => to.serialize_unit(),
            Json::Bool(value) => to.serialize_bool(*value),
            Json::Number(raw) | Json::Escaped(raw) => {
                RawValue::from_string(raw.clone()).map_err(S::Error::custom)?.serialize(to)
            }
            Json::Text(text) => to.serialize_str(text),
            Json::Array(items) => to.collect_seq(items),
            Json::Object(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

/// What is left of a text that is JSON for certain.
struct JsonReader<'a>(&'a str);

impl JsonReader<'_> {
    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth == MAX_DEPTH {
            return None;
        }
        Some(match self.next()? {
            '{' => {
                let mut fields = Vec::new();
                while self.goes_on('{', '}') {
                    let name = match self.text()? {
                        Json::Text(name) => name,
                        Json::Escaped(raw) => without_surrogates(&raw)?,
                        _ => return None,
                    };
                    self.skip(':');
                    fields.push((name, self.value(depth + 1)?));
                }
                Json::Object(fields)
            }
            '[' => {
                let mut items = Vec::new();
                while self.goes_on('[', ']') {
                    items.push(self.value(depth + 1)?);
                }
                Json::Array(items)
            }
            '"' => self.text()?,
            _ => match self.word() {
                "null" => Json::Null,
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                digits => Json::Number(digits.to_owned()),
            },
        })
    }

    /// The next character that is no blank; it stays.
    fn next(&mut self) -> Option<char> {
        self.0 = self.0.trim_start_matches([' ', '\t', '\r', '\n']);
        self.0.chars().next()
    }

    /// Goes past `mark` if it comes next.
    fn skip(&mut self, mark: char) -> bool {
        let is_next = self.next() == Some(mark);
        if is_next {
            self.0 = &self.0[mark.len_utf8()..];
        }
        is_next
    }

    /// Whether another item follows, behind the opening mark or a comma; else it is behind the closing one.
    fn goes_on(&mut self, opening: char, closing: char) -> bool {
        if self.skip(closing) {
            return false;
        }
        let _mark = self.skip(opening) || self.skip(',');
        !self.skip(closing)
    }

    fn text(&mut self) -> Option<Json> {
        self.next()?;
        let mut texts = serde_json::Deserializer::from_str(self.0).into_iter::<&RawValue>();
        let raw = texts.next()?.ok()?.get();
        self.0 = &self.0[texts.byte_offset()..];
        Some(serde_json::from_str(raw).map_or_else(|_| Json::Escaped(raw.to_owned()), Json::Text))
    }

    /// A number, or one of the three words.
    fn word(&mut self) -> &str {
        let is_end = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.');
        let (word, rest) = self.0.split_at(self.0.find(is_end).unwrap_or(self.0.len()));
        self.0 = rest;
        word
    }
}

/// A text in its JSON spelling, with a replacement character in place of each surrogate.
fn without_surrogates(raw: &str) -> Option<String> {
    let (mut text, mut rest) = (String::with_capacity(raw.len()), raw);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text += before;
        let digits = escape.strip_prefix("\\u").and_then(|digits| digits.get(..4));
        let is_surrogate = digits.is_some_and(|digits| {
            u16::from_str_radix(digits, 16).is_ok_and(|unit| (0xd800..0xe000).contains(&unit))
        });
        let length = if digits.is_some() { 6 } else { 2 };
        text += if is_surrogate { "\\ufffd" } else { &escape[..length] };
        rest = &escape[length..];
    }
    serde_json::from_str(&(text + rest)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_order_and_repeated_keys_survive() {
        let text = r#"{"z":9007199254740993.01,"a":[2999.00,-1E+2,null,true,"é\u0007"],"z":{}}"#;
        let json = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
    }

    #[test]
    fn blanks_and_empty_lists_at_every_place() {
        let text = "\r\n { \"a\" : [ ] , \"b\" :[[],[ [ { } ] ,0\t]] ,\"\\\"]\":\"}\\\\\" , \"c\":false } ";
        let json = Json::parse(text.as_bytes()).unwrap();
        let drawn = r#"{"a":[],"b":[[],[[{}],0]],"\"]":"}\\","c":false}"#;
        assert_eq!(serde_json::to_string(&json).unwrap(), drawn);
    }

    proptest::proptest! {
        #[test]
        fn whatever_serde_json_reads_is_read_alike(text in r#"[\[\]{},:"\\ 0-9a-enultrfs.+\-]{0,12}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = Json::parse(text.as_bytes());
            // No number is too large for us.
            let too_large = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            proptest::prop_assume!(!too_large);
            proptest::prop_assert_eq!(ours.is_some(), theirs.is_ok(), "{}", &text);
            if let (Some(ours), Ok(theirs)) = (ours, theirs) {
                let again: serde_json::Value = serde_json::from_str(&serde_json::to_string(&ours).unwrap()).unwrap();
                proptest::prop_assert_eq!(again, theirs);
            }
        }
    }

    #[test]
    fn a_byte_order_mark_half_a_surrogate_pair_and_depth_are_no_obstacle() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let name = Json::parse(br#"{"\\ud83d\u0041":1}"#).unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), r#"{"\\ud83dA":1}"#);
        let name = Json::parse(br#"{"\ud83d\u0041":1}"#).unwrap();
        assert_eq!(name.get("\u{fffd}A"), Some(&Json::Number("1".to_owned())));
        let text = format!("{{\"n\":[\"\\ud83d cut\",\"\\ud83d\\ude00\"],\"deep\":{deep}}}");
        let json = Json::parse(format!("\u{feff}{text}").as_bytes()).unwrap();
        let drawn = serde_json::to_string(&json).unwrap();
        assert_eq!(drawn, text.replace("\\ud83d\\ude00", "😀"));
    }

    #[test]
    fn what_is_no_json_or_bottomless_is_none() {
        for text in ["", "{", "01", "\"\\ud80\"", "[1,]", "1 2", "NaN"] {
            assert_eq!(Json::parse(text.as_bytes()), None, "{text}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(Json::parse(deep.as_bytes()), None);
    }
}
