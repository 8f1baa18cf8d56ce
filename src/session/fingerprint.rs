//! Owns the fingerprint: what of a client is expected to stay the same during a session. Does not know who it is.

use crate::crypto::MacRing;

use super::request::RequestContext;

/// What a changed client means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FingerprintMode {
    /// Nothing: it is not looked at.
    Off,
    /// It is noted, in the answer and in the log.
    Warn,
    /// The request is refused.
    Strict,
}

/// How a client compares with the one at login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Not compared: switched off, without a context, or none was taken at login.
    None,
    /// The same.
    Matched,
    /// Another.
    Differed,
}

/// The keyed hash of a client's fingerprint: its exact user agent and accept-language.
/// A header that is missing counts as one of its own kind, apart from an empty one.
#[must_use]
pub fn take(context: &RequestContext, ring: &MacRing) -> [u8; 16] {
    with_parts(context, |parts| ring.sign(parts).1)
}

/// Compares a client with the fingerprint that was taken at login. A header that came then and is missing now is a
/// difference, since a thief chooses what to send; that it differs refuses a request and never ends a session.
#[must_use]
pub fn compare(context: Option<&RequestContext>, at_login: Option<&[u8; 16]>, ring: &MacRing) -> Comparison {
    let (Some(context), Some(at_login)) = (context, at_login) else { return Comparison::None };
    let matched = with_parts(context, |parts| ring.tags(parts).any(|tag| crate::crypto::equal(&tag, at_login)));
    if matched { Comparison::Matched } else { Comparison::Differed }
}

fn with_parts<T>(context: &RequestContext, run: impl FnOnce(&[&[u8]]) -> T) -> T {
    let (agent, language) = (context.user_agent.as_deref(), context.accept_language.as_deref());
    let came = |value: Option<&[u8]>| [u8::from(value.is_some())];
    run(&[&came(agent), agent.unwrap_or_default(), &came(language), language.unwrap_or_default()])
}
