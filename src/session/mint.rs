//! Owns the rules for tokens of our own: when a signing key is made, when it signs and when it goes, and what an
//! application may put into a token. Does not know keys or signatures.

use std::time::Duration;

use serde_json::{Map, Value};

use super::time::Timestamp;

/// How long a checker may keep the published keys.
pub const KEEP_KEYS_FOR: Duration = Duration::from_mins(5);
/// A new key is published so long before it signs: whoever keeps the keys for no longer than they may has it by then.
pub const LEAD: Duration = Duration::from_mins(15);
/// A key stays published so much longer than the last token that it may have signed: checkers' clocks differ.
const SLACK: Duration = Duration::from_mins(5);

/// How keys follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// A key signs for so long.
    pub after: Duration,
    /// No token lives longer.
    pub longest_token: Duration,
}

/// One of the keys, as far as rotation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAge {
    /// It signs from this moment on, until the next one does.
    pub signs_from: Timestamp,
    /// Whether it is of the algorithm that is configured.
    pub fits: bool,
}

impl Rotation {
    /// From when a key that has to be made now would sign; `None` when none is due. `keys` are in their order.
    /// The first one signs at once: nobody can know another.
    #[must_use]
    pub fn due(&self, keys: &[KeyAge], now: Timestamp) -> Option<Timestamp> {
        match keys.last() {
            None => Some(now),
            Some(last) if last.signs_from > now => None,
            Some(last) if !last.fits || now + LEAD >= last.signs_from + self.after => Some(now + LEAD),
            Some(_) => None,
        }
    }

    /// Which of the keys signs now: the last whose time has come; the first if a clock has gone back.
    #[must_use]
    pub fn signing(&self, keys: &[KeyAge], now: Timestamp) -> Option<usize> {
        let last = keys.iter().rposition(|key| key.signs_from <= now);
        last.or_else(|| (!keys.is_empty()).then_some(0))
    }

    /// Whether the last token of the key at this place has ended.
    #[must_use]
    pub fn is_over(&self, keys: &[KeyAge], place: usize, now: Timestamp) -> bool {
        let successor = keys.get(place + 1);
        successor.is_some_and(|next| now >= next.signs_from + self.longest_token + SLACK)
    }

    /// How long the keys have to be kept from now on, if nobody asks for them any more.
    #[must_use]
    pub fn keep_for(&self, keys: &[KeyAge], now: Timestamp) -> Duration {
        let last = keys.last().map_or(now, |last| last.signs_from);
        (last + self.after + LEAD + self.longest_token + SLACK).since(now)
    }
}

/// Claims that say who vouches for what: ours alone to write (RFC 7519, 4.1; RFC 9068, 2.2; OpenID Connect Core, 2).
const REGISTERED: [&str; 37] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "client_id",
    "scope",
    "scp",
    "sid",
    "tenant",
    "tid",
    "typ",
    "token_use",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "auth_time",
    "acr",
    "amr",
    "events",
    "cnf",
    "act",
    "may_act",
    "email",
    "email_verified",
    "name",
    "picture",
    "provider",
    "issuer",
    "user_id",
    OF_SESSION,
    "_claim_names",
    "_claim_sources",
];
/// The claim that names those rights in a token which are its session's, as of when it was minted: where the session is
/// asked, its present ones go before them. All others are the application's.
pub const OF_SESSION: &str = "of_session";
/// What a user may do, in a token: the session's or the application's.
pub const RIGHTS: [&str; 2] = ["roles", "permissions"];
/// An application's claims may take this much together, as JSON.
pub const MOST_BYTES: usize = 4096;
const DEEPEST: usize = 6;

/// Why an application's claims are refused.
#[must_use]
pub fn refuse_claims(claims: &Map<String, Value>) -> Option<String> {
    if let Some(name) = claims.keys().find(|name| REGISTERED.contains(&name.as_str()) || name.is_empty()) {
        return Some(format!("claims of the application's own; {name:?} is the authority's"));
    }
    if claims.values().any(|value| depth(value) > DEEPEST) {
        return Some(format!("claims that nest at most {DEEPEST} deep"));
    }
    let length = serde_json::to_string(claims).map_or(usize::MAX, |text| text.len());
    (length > MOST_BYTES).then(|| format!("claims of at most {MOST_BYTES} bytes as JSON"))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DAY: u64 = 86_400;
    const ROTATION: Rotation =
        Rotation { after: Duration::from_secs(30 * DAY), longest_token: Duration::from_hours(1) };

    fn key(signs_from: u64) -> KeyAge {
        KeyAge { signs_from: Timestamp::from_secs(signs_from), fits: true }
    }

    #[test]
    fn a_key_is_published_a_while_before_it_signs_and_stays_until_its_last_token_has_ended() {
        let (at, lead) = (Timestamp::from_secs, LEAD.as_secs());
        let turn = 30 * DAY;
        assert_eq!(ROTATION.due(&[], at(1000)), Some(at(1000)));
        assert_eq!(ROTATION.due(&[key(0)], at(turn - lead - 1)), None);
        assert_eq!(ROTATION.due(&[key(0)], at(turn - lead)), Some(at(turn)));
        assert_eq!(ROTATION.due(&[key(0), key(turn)], at(turn - 1)), None);
        let both = [key(0), key(turn)];
        assert_eq!(ROTATION.signing(&both, at(turn - 1)), Some(0));
        assert_eq!(ROTATION.signing(&both, at(turn)), Some(1));
        assert!(
            !ROTATION.is_over(&both, 0, at(turn + 3600 + 299)) && ROTATION.is_over(&both, 0, at(turn + 3600 + 300))
        );
        assert!(!ROTATION.is_over(&both, 1, at(10 * turn)));
        assert!(LEAD >= KEEP_KEYS_FOR * 2);
    }

    #[test]
    fn another_algorithm_is_a_reason_for_a_new_key_with_the_same_lead() {
        let old = KeyAge { fits: false, ..key(0) };
        assert_eq!(ROTATION.due(&[old], Timestamp::from_secs(9)), Some(Timestamp::from_secs(9) + LEAD));
        assert_eq!(ROTATION.due(&[old, key(9 + LEAD.as_secs())], Timestamp::from_secs(10)), None);
    }

    #[test]
    fn a_clock_that_went_back_finds_a_key_all_the_same() {
        assert_eq!(ROTATION.signing(&[key(500)], Timestamp::from_secs(1)), Some(0));
        assert_eq!(ROTATION.signing(&[], Timestamp::from_secs(1)), None);
    }

    #[test]
    fn an_application_writes_none_of_the_authoritys_claims_and_no_large_ones() {
        let refused = |value: Value| refuse_claims(value.as_object().unwrap());
        assert_eq!(refused(json!({"user": 5, "roles": ["a"], "permissions": ["orders:read"]})), None);
        for name in ["sub", "iss", "exp", "scope", "email", "sid", "cnf", ""] {
            assert!(refused(json!({ name: "x" })).is_some(), "{name}");
        }
        assert!(refused(json!({"a": "x".repeat(MOST_BYTES)})).is_some());
        assert!(refused(json!({"a": [[[[[[[1]]]]]]]})).is_some());
    }
}
