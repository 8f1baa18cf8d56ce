//! Owns the callers: which API key is whose. Keys are known by their hash alone. Does not know what they may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::policy::{self, Role, Rule};
use crate::authority::tenants::Scope;
use crate::crypto::{Digest, sha256};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name that logs show.
    pub name: Arc<str>,
    /// What it is for.
    pub role: Role,
    /// For which tenants it may ask.
    pub tenants: Scope,
}

impl Caller {
    /// One that may ask for every tenant.
    #[must_use]
    pub fn new(name: &str, role: Role) -> Self {
        Self { name: name.into(), role, tenants: Scope::Every }
    }
}

/// The callers that are let in, by the SHA-256 of their API key: 256 random bits need no slow hash (store.md, 10), and
/// looking a hash up tells nothing about a key.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    by_hash: BTreeMap<Digest, Caller>,
}

impl Callers {
    /// These callers.
    #[must_use]
    pub fn new(callers: impl IntoIterator<Item = (Digest, Caller)>) -> Self {
        Self { by_hash: callers.into_iter().collect() }
    }

    /// Whose key this is, if they may call a method. For a key that a request brings beside its caller's own.
    #[must_use]
    pub fn who_may(&self, method: &str, key: &[u8]) -> Option<&Caller> {
        let caller = self.by_hash.get(&sha256(key.trim_ascii()))?;
        match policy::rule(method)? {
            Rule::Anyone | Rule::AnyKey => Some(caller),
            Rule::Roles(roles) => roles.contains(&caller.role).then_some(caller),
        }
    }

    /// Whose key came in an `authorization` value, `Bearer <key>` (RFC 6750, 2.1; the scheme in any case).
    #[must_use]
    pub fn identify(&self, authorization: &[u8]) -> Option<&Caller> {
        const SCHEME: &[u8] = b"bearer ";
        let (scheme, key) = authorization.split_at_checked(SCHEME.len())?;
        scheme.eq_ignore_ascii_case(SCHEME).then(|| self.by_hash.get(&sha256(key.trim_ascii())))?
    }
}
