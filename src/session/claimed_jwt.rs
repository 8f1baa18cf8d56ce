//! Owns what a token in the form of a JWT says of itself before anybody has verified it: who issued it, and for whom. It
//! finds out who may verify it, and serves for nothing else. Does not know signatures, nor what else stands in one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// A longer token is none that anybody verifies.
pub const LONGEST: usize = 32 * 1024;

/// What a token says of itself. Nothing of it is to be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJwt {
    /// Who issued it (`iss`).
    pub issuer: String,
    /// For whom it is (`aud`), where that is one alone: none that is for several is taken (security.md 27).
    pub audience: Option<String>,
}

#[derive(Deserialize)]
struct Payload {
    iss: String,
    aud: Option<Value>,
}

impl ClaimedJwt {
    /// Reads a token; `None` where it has no such form, or names no issuer.
    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let mut segments = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return None;
        };
        let Payload { iss, aud } = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let audience = match aud {
            Some(Value::String(one)) => Some(one),
            Some(Value::Array(all)) => match <[Value; 1]>::try_from(all) {
                Ok([Value::String(one)]) => Some(one),
                _ => None,
            },
            _ => None,
        };
        Some(Self { issuer: iss, audience })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claimed(payload: &Value) -> Option<(String, Option<String>)> {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()));
        ClaimedJwt::read(&token).map(|claimed| (claimed.issuer, claimed.audience))
    }

    #[test]
    fn issuer_and_the_one_audience_are_read_and_nothing_is_guessed() {
        let one = Some(("i".to_owned(), Some("a".to_owned())));
        assert_eq!(claimed(&json!({"iss": "i", "aud": "a", "sub": {"deep": []}})), one);
        assert_eq!(claimed(&json!({"iss": "i", "aud": ["a"]})), one);
        for aud in [json!(["a", "b"]), json!([]), json!([5]), json!(5), Value::Null] {
            assert_eq!(claimed(&json!({"iss": "i", "aud": aud})), Some(("i".to_owned(), None)), "{aud}");
        }
        assert_eq!(claimed(&json!({"iss": 5, "aud": "a"})), None);
        assert_eq!(claimed(&json!({"aud": "a"})), None);
        assert_eq!(claimed(&json!([])), None);
    }

    #[test]
    fn what_has_another_form_or_is_too_long_is_none() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"iss":"i"}"#);
        assert!(ClaimedJwt::read(&format!("a.{payload}.c")).is_some());
        for token in [format!("a.{payload}"), format!("a.{payload}.c.d"), format!("a.{payload}=.c"), String::new()] {
            assert_eq!(ClaimedJwt::read(&token), None, "{token}");
        }
        assert_eq!(ClaimedJwt::read(&format!("a.{payload}.{}", "c".repeat(LONGEST))), None);
        let twice = URL_SAFE_NO_PAD.encode(r#"{"iss":"i","iss":"j"}"#);
        assert_eq!(ClaimedJwt::read(&format!("a.{twice}.c")), None);
    }
}
