//! Owns the reading of JSON that a stranger wrote: an object, no doubled names, no deep nesting (security.md 35).
//! Does not know what the members mean.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A JSON object.
pub type Object = Map<String, Value>;

const MAX_DEPTH: usize = 16;

/// Reads one JSON object and nothing after it. `None` for whatever is not UTF-8, not an object, has a name twice in
/// any of its objects, or nests deeper than 16.
#[must_use]
pub fn object(bytes: &[u8]) -> Option<Object> {
    match value(bytes)? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// As [`object`], for a list.
#[must_use]
pub fn list(bytes: &[u8]) -> Option<Vec<Value>> {
    match value(bytes)? {
        Value::Array(list) => Some(list),
        _ => None,
    }
}

fn value(bytes: &[u8]) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(value)
}

/// The member at a path whose dots lead into objects: `realm_access.roles`. Members whose own names
/// have dots are found too: `https://example.com/roles`, `resource_access.my.app.roles`.
#[must_use]
pub fn at<'a>(object: &'a Object, path: &str) -> Option<&'a Value> {
    object.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let (first, rest) = path.split_at_checked(dot)?;
            at(object.get(first)?.as_object()?, rest.get(1..)?)
        })
    })
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without doubled names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::object;

    // security.md 35: doubled names, other shapes, depth bombs, broken text.
    #[test]
    fn only_a_plain_object_is_read() {
        assert_eq!(object(br#"{"a":[{"b":1.5},null,"x",true,-3]}"#).map(|o| o.len()), Some(1));
        let deep = [b"{\"a\":".as_slice(), &b"[".repeat(40), &b"]".repeat(40), b"}"].concat();
        let refused: [&[u8]; 12] = [
            b"",
            b"[]",
            b"null",
            b"\"text\"",
            br#"{"a":1,"a":1}"#,
            br#"{"a":1,"\u0061":2}"#,
            br#"{"o":{"a":1,"a":2}}"#,
            br#"{"a":1} {}"#,
            br#"{"a":1"#,
            b"{\"a\":\"\xff\"}",
            br#"{"a":1e999}"#,
            &deep,
        ];
        for text in refused {
            assert!(object(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
    }
}
