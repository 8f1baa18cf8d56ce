//! Owns the callers of the configuration: which API key, and which certificate, is whose. Keys are known by their hash alone.
//! Does not know what they may do, nor the keys that are made at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Extensions;

use super::certificates::{Certificates, Shown};
pub use crate::authority::caller::Caller;
use crate::crypto::Digest;

/// The callers that are let in, by the SHA-256 of their API key: 256 random bits need no slow hash (store.md, 10), and
/// looking a hash up tells nothing about a key. And by the names in their certificates.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    by_hash: BTreeMap<Digest, Arc<Caller>>,
    certificates: Arc<Certificates>,
}

/// A caller, and how it shows who it is: by one of these.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Who it is.
    pub caller: Caller,
    /// The hash of its API key, if it has one.
    pub key: Option<Digest>,
    /// The names of its certificates: URIs (`spiffe://...`), or `dns:` and a name.
    pub identities: Vec<String>,
}

impl Callers {
    /// These callers, by their keys.
    #[must_use]
    pub fn new(callers: impl IntoIterator<Item = (Digest, Caller)>) -> Self {
        let listed = |(hash, caller)| Listed { caller, key: Some(hash), identities: Vec::new() };
        Self::of(callers.into_iter().map(listed))
    }

    /// These callers, by their keys and certificates.
    #[must_use]
    pub fn of(callers: impl IntoIterator<Item = Listed>) -> Self {
        let (mut by_hash, mut by_identity) = (BTreeMap::new(), Vec::new());
        for Listed { caller, key, identities } in callers {
            let caller = Arc::new(caller);
            by_identity.extend(identities.into_iter().map(|identity| (identity, Arc::clone(&caller))));
            by_hash.extend(key.map(|key| (key, caller)));
        }
        Self { by_hash, certificates: Arc::new(Certificates::new(by_identity)) }
    }

    /// Whose the key is that has this hash.
    #[must_use]
    pub fn with_key(&self, hash: &Digest) -> Option<&Arc<Caller>> {
        self.by_hash.get(hash)
    }

    /// Whose certificate the connection was opened with.
    pub(super) fn with_certificate(&self, connection: &Extensions) -> Shown {
        self.certificates.shown(connection)
    }
}

/// The key in an `authorization` value, `Bearer <key>` (RFC 6750, 2.1; the scheme in any case).
pub(super) fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, key) = authorization.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| key.trim_ascii())
}
