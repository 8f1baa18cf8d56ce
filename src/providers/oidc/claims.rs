//! Owns the rules for an ID token's claims (OpenID Connect Core, 3.1.3.7), each with the name under which it
//! refuses. Does not know signatures: it judges before and apart from them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::{TokenKind, rejected};
use crate::authority::provider::ProviderError;
use crate::crypto::{Secret, equal};
use crate::providers::json::Object;
use crate::session::identity::IssuerRule;
use crate::session::time::Timestamp;

/// The last second of the year 9999: what lies beyond is no date.
const LAST_SECOND: u64 = 253_402_300_799;
const MAX_TEXT: usize = 255;

/// What an ID token is held against.
pub(super) struct Expected<'a> {
    pub issuer: &'a IssuerRule,
    pub client_id: &'a str,
    /// The nonce of the login; a refreshed token need not carry one (Core, 12.2).
    pub nonce: Option<&'a str>,
    /// The access token that came with it, for `at_hash`.
    pub access_token: &'a Secret,
    /// When the user may have authenticated at the earliest, if the login asked.
    pub authenticated_after: Option<Timestamp>,
    pub now: Timestamp,
    pub leeway: Duration,
    /// How long ago the token may have been issued.
    pub max_token_age: Duration,
}

/// The claims of an ID token that have been judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub issuer: String,
    pub sub: String,
    /// By our clock.
    pub auth_time: Option<Timestamp>,
    pub acr: Option<String>,
    pub amr: Vec<String>,
    pub sid: Option<String>,
    /// All of them, as they came.
    pub all: Object,
}

/// Judges the claims of a token whose header names `algorithm`.
pub(super) fn judge(all: Object, algorithm: Algorithm, expected: &Expected<'_>) -> Result<Claims, ProviderError> {
    let issuer = issuer(&all, expected.issuer, TokenKind::Id)?;
    audience(&all, expected.client_id, TokenKind::Id)?;
    let auth_time = times(&all, expected)?;
    if let Some(nonce) = expected.nonce {
        match all.get("nonce") {
            Some(Value::String(own)) if equal(own.as_bytes(), nonce.as_bytes()) => {}
            _ => return rejected("id_token.nonce"),
        }
    }
    if let Some(hash) = all.get("at_hash") {
        let full = algorithm.hash(expected.access_token.expose().as_bytes());
        let (half, _) = full.split_at(full.len() / 2);
        let own = hash.as_str().unwrap_or_default();
        if !equal(own.as_bytes(), URL_SAFE_NO_PAD.encode(half).as_bytes()) {
            return rejected("id_token.at_hash");
        }
    }
    // A logout token has `events`, whatever its header says (Back-Channel Logout, 2.4).
    if all.contains_key("events") {
        return rejected("id_token.events");
    }
    let Some(sub) = all.get("sub").and_then(identifier) else { return rejected("id_token.sub") };
    let Ok(sid) = optional(&all, "sid", identifier) else { return rejected("id_token.sid") };
    let Ok(acr) = optional(&all, "acr", identifier) else { return rejected("id_token.acr") };
    let Ok(amr) = optional(&all, "amr", identifiers) else { return rejected("id_token.amr") };
    Ok(Claims { issuer, sub, auth_time, acr, amr: amr.unwrap_or_default(), sid, all })
}

/// The issuer, byte for byte; for an issuer template, filled with the token's own `tid`.
pub(super) fn issuer(all: &Object, rule: &IssuerRule, of: TokenKind) -> Result<String, ProviderError> {
    let tid = all.get("tid").and_then(Value::as_str);
    let Some(expected) = rule.expected(tid) else { return refuse!(of, "tid") };
    if all.get("iss").and_then(Value::as_str) != Some(&expected) {
        return refuse!(of, "iss");
    }
    Ok(expected)
}

/// We and nobody else: another audience could present the token to us as its own (security.md 27, 28).
pub(super) fn audience(all: &Object, client_id: &str, of: TokenKind) -> Result<(), ProviderError> {
    let ours = match all.get("aud") {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(many)) => matches!(many.as_slice(), [Value::String(one)] if one == client_id),
        _ => false,
    };
    if !ours {
        return refuse!(of, "aud");
    }
    if all.get("azp").is_some_and(|party| party != client_id) {
        return refuse!(of, "azp");
    }
    Ok(())
}

/// Judges when the token is good and `auth_time`, and answers the last by our clock.
fn times(all: &Object, expected: &Expected<'_>) -> Result<Option<Timestamp>, ProviderError> {
    let (now, leeway) = (expected.now, expected.leeway);
    let (issued, _) = validity(all, now, leeway, expected.max_token_age, TokenKind::Id)?;
    let Ok(auth_time) = optional(all, "auth_time", date) else { return rejected("id_token.auth_time") };
    if auth_time.is_some_and(|at| at > now + leeway) {
        return rejected("id_token.auth_time");
    }
    let auth_time = auth_time.map(|at| by_our_clock(at, issued, now, leeway));
    match expected.authenticated_after {
        Some(earliest) if auth_time.is_none_or(|at| at < earliest) => rejected("id_token.auth_time"),
        _ => Ok(auth_time),
    }
}

/// Judges `exp`, `iat` and `nbf`, and answers `iat` and `exp`.
pub(super) fn validity(
    all: &Object,
    now: Timestamp,
    leeway: Duration,
    max_age: Duration,
    of: TokenKind,
) -> Result<(Timestamp, Timestamp), ProviderError> {
    let Some(end) = all.get("exp").and_then(date) else { return refuse!(of, "exp") };
    if now >= end + leeway {
        return refuse!(of, "exp");
    }
    let Some(issued) = all.get("iat").and_then(date) else { return refuse!(of, "iat") };
    if issued > now + leeway || now.since(issued) > max_age + leeway || issued >= end {
        return refuse!(of, "iat");
    }
    match optional(all, "nbf", date) {
        Ok(begin) if begin.is_none_or(|begin| begin <= now + leeway) => Ok((issued, end)),
        _ => refuse!(of, "nbf"),
    }
}

/// A moment before the token was issued, by our clock: the token has just been issued, so the rest is how the provider's
/// clock differs. What is more than the leeway is not: some keep a token for a while, and some date it back.
fn by_our_clock(at: Timestamp, issued: Timestamp, now: Timestamp, leeway: Duration) -> Timestamp {
    let (behind, ahead) = (now.since(issued).min(leeway), issued.since(now));
    (at + behind - ahead).min(now)
}

/// Seconds since the epoch, with or without a fraction (RFC 7519, 2); never text.
pub(super) fn date(value: &Value) -> Option<Timestamp> {
    let seconds = match value.as_u64() {
        Some(seconds) => seconds,
        None => whole(value.as_f64()?)?,
    };
    (seconds <= LAST_SECOND).then(|| Timestamp::from_secs(seconds))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
fn whole(seconds: f64) -> Option<u64> {
    (0.0..1e12).contains(&seconds).then_some(seconds as u64)
}

/// Printable ASCII, not empty, at most 255 characters (Core, 2, for `sub`).
pub(super) fn identifier(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits = !text.is_empty() && text.len() <= MAX_TEXT && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    fits.then(|| text.to_owned())
}

pub(super) fn identifiers(value: &Value) -> Option<Vec<String>> {
    value.as_array().filter(|items| items.len() <= 32)?.iter().map(identifier).collect()
}

pub(super) struct Mistyped;

/// A claim that may be absent but must be right when it is there.
pub(super) fn optional<T>(all: &Object, name: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Mistyped> {
    match all.get(name) {
        None => Ok(None),
        Some(value) => read(value).map(Some).ok_or(Mistyped),
    }
}
