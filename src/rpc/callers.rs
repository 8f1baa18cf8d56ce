//! Owns the callers of the configuration: which API key, and which certificate, is whose. Keys are known by their hash alone.
//! Does not know what they may do, nor the keys that are made at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::Extensions;

use super::certificates::{Certificates, Shown};
pub use crate::authority::caller::Caller;
use crate::crypto::Digest;

/// The callers that are let in, by the SHA-256 of their API key: 256 random bits need no slow hash (store.md, 10), and
/// looking a hash up tells nothing about a key. And by the names in their certificates. Others can take their place while calls
/// go on; a clone has the same.
#[derive(Clone, Debug, Default)]
pub struct Callers(Arc<ArcSwap<InForce>>);

#[derive(Debug, Default)]
struct InForce {
    listed: Vec<(Listed, Arc<Caller>)>,
    by_hash: BTreeMap<Digest, Arc<Caller>>,
    certificates: Certificates,
}

/// A caller, and how it shows who it is: by one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let none = Self::default();
        none.replace(callers);
        none
    }

    /// Puts these in the place of all others. One that was there, and has not changed, stays the same.
    pub fn replace(&self, callers: impl IntoIterator<Item = Listed>) {
        let (before, mut now) = (self.0.load(), InForce::default());
        let mut by_identity = Vec::new();
        for listed in callers {
            let known = before.listed.iter().find(|(known, _)| *known == listed);
            let caller = known.map_or_else(|| Arc::new(listed.caller.clone()), |(_, caller)| Arc::clone(caller));
            by_identity.extend(listed.identities.iter().map(|identity| (identity.clone(), Arc::clone(&caller))));
            now.by_hash.extend(listed.key.map(|key| (key, Arc::clone(&caller))));
            now.listed.push((listed, caller));
        }
        now.certificates = Certificates::new(by_identity);
        self.0.store(Arc::new(now));
    }

    /// Whose the key is that has this hash.
    #[must_use]
    pub fn with_key(&self, hash: &Digest) -> Option<Arc<Caller>> {
        self.0.load().by_hash.get(hash).cloned()
    }

    /// Whose certificate the connection was opened with.
    pub(super) fn with_certificate(&self, connection: &Extensions) -> Shown {
        self.0.load().certificates.shown(connection)
    }

    /// Whether this is one of them still, as it was when it was let in.
    pub(super) fn has(&self, caller: &Arc<Caller>) -> bool {
        self.0.load().listed.iter().any(|(_, own)| Arc::ptr_eq(own, caller))
    }
}

/// The key in an `authorization` value, `Bearer <key>` (RFC 6750, 2.1; the scheme in any case).
pub(super) fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, key) = authorization.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| key.trim_ascii())
}
