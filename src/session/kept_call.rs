//! Owns what is kept of a call with an idempotency key, to answer its repeats. Does not know where it is kept.

use crate::crypto::Secret;

/// How a call was answered. Sealed under a key made from what whoever repeats it has to present again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptCall {
    /// With this.
    Answer {
        /// The answer, as whoever asked the use case has written it down.
        bytes: Vec<u8>,
        /// The credential that it gives out, if it does: it is repeated while that one is in force.
        credential: Option<Secret>,
    },
    /// It failed for good; why, as the use case numbers it.
    Failure(u8),
}
