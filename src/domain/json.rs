//! JSON whose numbers keep their digits and whose objects keep their order: money is in it.
//!
//! serde_json's own `Value` reads 9007199254740993.01 as a float. Its feature that doesn't changes how
//! numbers look to every other serializer of the program, so the pieces are read as raw text here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// As deep as serde_json goes.
const DEEPEST: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    /// In order; a key may come twice.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// `None`: it is not JSON, or nested more deeply than anything that is meant.
    pub fn parse(text: &[u8]) -> Option<Json> {
        Json::of(serde_json::from_slice(text).ok()?, 0)
    }

    fn of(raw: &RawValue, depth: usize) -> Option<Json> {
        let text = raw.get();
        if depth == DEEPEST {
            return None;
        }
        Some(match text.as_bytes().first()? {
            b'n' => Json::Null,
            b't' | b'f' => Json::Bool(text == "true"),
            b'"' => Json::Text(serde_json::from_str(text).ok()?),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                Json::Array(items.into_iter().map(|item| Json::of(item, depth + 1)).collect::<Option<_>>()?)
            }
            b'{' => {
                let Fields(fields) = serde_json::from_str(text).ok()?;
                let fields =
                    fields.into_iter().map(|(name, value)| Some((name, Json::of(value, depth + 1)?)));
                Json::Object(fields.collect::<Option<_>>()?)
            }
            _ => Json::Number(text.to_owned()),
        })
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
            Json::Number(digits) => {
                RawValue::from_string(digits.clone()).map_err(S::Error::custom)?.serialize(to)
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

/// An object's fields, not looked into yet.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fields<'de>, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Reader)
    }
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
    fn what_is_no_json_or_bottomless_is_none() {
        for text in ["", "{", "01", "\"\\ud800\"", "[1,]", "1 2", "NaN"] {
            assert_eq!(Json::parse(text.as_bytes()), None, "{text}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(Json::parse(deep.as_bytes()), None);
    }
}
