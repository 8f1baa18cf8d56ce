//! Owns the moment at which a provider is asked, by both clocks: what it signs is judged by the world's time, and what
//! is kept of its answer is in the store's, which every replica shares. Does not know what is asked.

use super::Authority;
use crate::session::record::Tokens;
use crate::session::time::Timestamp;

/// One moment by both clocks.
pub(super) struct Asked {
    /// By the machine's clock.
    pub(super) wall: Timestamp,
    store: Timestamp,
}

impl Authority {
    pub(super) fn asked(&self) -> Asked {
        Asked { wall: self.ports.wall.now(), store: self.ports.clock.now() }
    }
}

impl Asked {
    /// The tokens of the answer, with an end that a replica whose machine goes wrong reads as this one does.
    pub(super) fn in_store_time(&self, tokens: Tokens) -> Tokens {
        Tokens { access_end: tokens.access_end.map(|end| self.end_in_store_time(end)), ..tokens }
    }

    /// A moment of before that the provider has signed.
    pub(super) fn past_in_store_time(&self, at: Timestamp) -> Timestamp {
        self.store - self.wall.since(at)
    }

    /// A moment of before that we have kept, as the provider would sign it.
    pub(super) fn past_in_world_time(&self, at: Timestamp) -> Timestamp {
        self.wall - self.store.since(at)
    }

    /// The end of something that the answer brought, in the same way.
    pub(super) fn end_in_store_time(&self, end: Timestamp) -> Timestamp {
        self.store + end.since(self.wall)
    }
}
