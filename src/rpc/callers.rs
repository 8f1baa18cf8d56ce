//! Owns the callers of the configuration: which API key is whose. Keys are known by their hash alone. Does not know what they
//! may do, nor the keys that are made at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::authority::caller::Caller;
use crate::crypto::Digest;

/// The callers that are let in, by the SHA-256 of their API key: 256 random bits need no slow hash (store.md, 10), and
/// looking a hash up tells nothing about a key.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    by_hash: BTreeMap<Digest, Arc<Caller>>,
}

impl Callers {
    /// These callers.
    #[must_use]
    pub fn new(callers: impl IntoIterator<Item = (Digest, Caller)>) -> Self {
        Self { by_hash: callers.into_iter().map(|(hash, caller)| (hash, Arc::new(caller))).collect() }
    }

    /// Whose the key is that has this hash.
    #[must_use]
    pub fn with_key(&self, hash: &Digest) -> Option<&Arc<Caller>> {
        self.by_hash.get(hash)
    }
}

/// The key in an `authorization` value, `Bearer <key>` (RFC 6750, 2.1; the scheme in any case).
pub(super) fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, key) = authorization.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| key.trim_ascii())
}
