//! Owns the strict reading of what a browser sent as query, form or JSON: nothing comes twice, nothing is guessed.
//! Does not know what the parameters mean.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer as _, MapAccess, Visitor};

/// Named values, each of which came once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, String>);

/// Why parameters could not be read. `Display` is for a browser too: of what came, it holds names alone, and of these
/// letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than allowed; by which name, where there are names: the longest of them.
    #[error("{0} is too long")]
    TooLong(String),
    /// More values than anybody needs.
    #[error("Too many parameters came")]
    TooMany,
    /// A name came twice (security.md 16).
    #[error("The parameter {0} came more than once")]
    Twice(String),
    /// Not UTF-8, not percent-encoded as it should be, or not a JSON object of strings.
    #[error("The request can't be read")]
    Unreadable,
}

const MOST: usize = 64;

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`: a query without its "?", or a form.
    ///
    /// # Errors
    /// When it is longer than `limit`, a name comes twice, or a value is not UTF-8.
    pub fn form(bytes: &[u8], limit: usize) -> Result<Self, Malformed> {
        let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        if bytes.len() > limit {
            let longest = pairs.max_by_key(|pair| pair.len()).unwrap_or_default();
            let name = decode(cut(longest).0).unwrap_or_default();
            return Err(Malformed::TooLong(format!("The parameter {}", shown(&name))));
        }
        let mut all = Self::default();
        for pair in pairs {
            let (name, value) = cut(pair);
            all.add(decode(name)?, decode(value)?)?;
        }
        Ok(all)
    }

    /// Reads a JSON object. Values that are not strings are left out: none of ours is one.
    ///
    /// # Errors
    /// When it is longer than `limit`, not an object, or a name comes twice.
    pub fn json(bytes: &[u8], limit: usize) -> Result<Self, Malformed> {
        if bytes.len() > limit {
            return Err(Malformed::TooLong("The body".to_owned()));
        }
        let mut twice = None;
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let read = reader.deserialize_map(ObjectOfStrings { twice: &mut twice });
        let read = read.and_then(|parameters| reader.end().map(|()| parameters));
        read.map_err(|_| twice.map_or(Malformed::Unreadable, Malformed::Twice))
    }

    /// The value of a parameter; `None` when it did not come.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), Malformed> {
        if self.0.len() >= MOST {
            return Err(Malformed::TooMany);
        }
        if self.0.contains_key(&name) {
            return Err(Malformed::Twice(shown(&name)));
        }
        self.0.insert(name, value);
        Ok(())
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A pair at its first `=`.
fn cut(pair: &[u8]) -> (&[u8], &[u8]) {
    let at = pair.iter().position(|byte| *byte == b'=');
    at.map_or((pair, b""), |at| (pair.get(..at).unwrap_or(pair), pair.get(at + 1..).unwrap_or_default()))
}

/// What may be shown of a name.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect()
}

fn decode(bytes: &[u8]) -> Result<String, Malformed> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = percent_encoding::percent_decode(&spaced).decode_utf8().map_err(|_| Malformed::Unreadable)?;
    Ok(text.into_owned())
}

struct ObjectOfStrings<'a> {
    twice: &'a mut Option<String>,
}

impl<'de> Visitor<'de> for ObjectOfStrings<'_> {
    type Value = Parameters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
        let mut all = Parameters::default();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            let text = if let serde_json::Value::String(text) = value { text } else { String::new() };
            if let Err(fault) = all.add(name, text) {
                if let Malformed::Twice(name) = fault {
                    *self.twice = Some(name);
                }
                return Err(de::Error::custom("twice"));
            }
        }
        all.0.retain(|_, value| !value.is_empty());
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_once() {
        let read = Parameters::form(b"code=a%2Bb+c&state=&x&&n%61me=%2525", 100).unwrap();
        let got = |name| read.get(name);
        assert_eq!((got("code"), got("state"), got("x")), (Some("a+b c"), Some(""), Some("")));
        assert_eq!((got("name"), got("missing")), (Some("%25"), None));
    }

    // security.md 16: never last-wins, whatever the encoding of the name.
    #[test]
    fn nothing_comes_twice() {
        for query in ["state=a&state=b", "state=a&st%61te=b", "state&state"] {
            assert_eq!(Parameters::form(query.as_bytes(), 100), Err(Malformed::Twice("state".into())), "{query}");
        }
        assert_eq!(Parameters::json(br#"{"code":"a","co\u0064e":"b"}"#, 100), Err(Malformed::Twice("code".into())));
    }

    #[test]
    fn what_cant_be_read_is_refused() {
        assert_eq!(Parameters::form(b"a=%ff", 100), Err(Malformed::Unreadable));
        let long = format!("state=s&<co>de={}&x=y", "a".repeat(100));
        let named = Malformed::TooLong("The parameter code".into());
        assert_eq!(Parameters::form(long.as_bytes(), 100), Err(named));
        for json in ["", "[]", "{", "\"x\"", "{}x"] {
            assert_eq!(Parameters::json(json.as_bytes(), 100), Err(Malformed::Unreadable), "{json}");
        }
        assert_eq!(Parameters::json(br#"{"state":"s","n":1}"#, 100).unwrap().get("state"), Some("s"));
    }
}
