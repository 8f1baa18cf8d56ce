//! HOW SESSIONS ARE KEPT. Owns the stores and the record format; both stores pass one conformance suite.
//! Knows the ports it fills; does not know a provider, a transport or what is inside a sealed part.
#![doc = ""]
#![doc = include_str!("FORMAT.md")]

mod answer;
mod attributes;
mod caller_key;
pub mod embedded;
mod mint_keys;
mod position;
pub mod record;
pub mod redis;
mod user;

use std::time::Duration;

use crate::authority::ports::{NewSession, StoreError};

/// No length of time that a store is given counts for more than this: it keeps every sum within 53 bits, which is
/// what Lua's numbers hold exactly.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// What has no life at all would have no TTL either.
const SHORTEST: Duration = Duration::from_millis(1);

/// A length of time that every store can keep.
fn length(length: Duration) -> Duration {
    length.clamp(SHORTEST, LONGEST)
}

/// That one step can reach everything it names: the session, those it replaces and the user share a partition.
fn in_one_place(new: &NewSession) -> Result<(), StoreError> {
    let place = (new.user.tenant, new.user.partition);
    let stray = std::iter::once(&new.key).chain(&new.replaces).any(|key| (key.tenant, key.partition) != place);
    if stray { Err(StoreError::Unreadable("a session outside its user's partition".into())) } else { Ok(()) }
}
