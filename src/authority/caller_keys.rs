//! Owns what the use cases about callers' keys have in common: how a key is shown, how its caller is named, and which keys an
//! admin may reach. Does not know what is done with them.

use super::Authority;
use super::ports::KeptCallerKey;
use super::tenants::{Asker, Scope};
use crate::crypto::digest;
use crate::session::caller::{CallerFacts, CallerKeyId};
use crate::session::key::TenantNumber;
use crate::session::mark::EVERY_TENANT;
use crate::session::time::Timestamp;
use crate::vault::VaultError;

/// How many keys a tenant may have at most, and as many that are for several.
pub const MOST: usize = 1000;

/// A key as an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerKeyView {
    /// Its id.
    pub id: CallerKeyId,
    /// From when on it is refused.
    pub ends: Timestamp,
    /// What else is kept of it, or why that does not open.
    pub kept: Result<KeptView, VaultError>,
}

/// What is kept of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptView {
    /// The caller as logs name it.
    pub caller: String,
    /// What is kept of it.
    pub facts: CallerFacts,
    /// Whether it was made under a former secret.
    pub by_former_secret: bool,
}

/// Which keys a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of its tenant.
    Tenant,
    /// Those of its tenant, and those that are for several.
    Several,
}

impl Reach {
    /// Who is for every tenant and names none reaches keys that are for several.
    #[must_use]
    pub fn of(asker: &Asker) -> Self {
        if asker.scope == Scope::Every && asker.named.is_none() { Self::Several } else { Self::Tenant }
    }
}

impl KeptView {
    /// A key as an audit entry names it: its id, whose it is, and what it may do.
    pub(super) fn words(&self, id: &CallerKeyId) -> String {
        format!("{} of {}, role {}", id.public(), self.caller, self.facts.role.name())
    }
}

impl Authority {
    /// The numbers under which the keys are kept that a call reaches.
    pub(super) fn rooms(&self, reach: Reach) -> impl Iterator<Item = TenantNumber> + use<> {
        let several = (reach == Reach::Several).then_some(EVERY_TENANT);
        std::iter::once(self.settings.tenant).chain(several)
    }

    /// The caller as logs name it: no caller of the configuration has such a name, nor one of another tenant.
    pub(super) fn caller_name(&self, id: &CallerKeyId, name: &str) -> String {
        let whose = if id.tenant == EVERY_TENANT { "*" } else { &self.settings.tenant_name };
        format!("{whose}/{name}")
    }

    pub(super) fn key_view(&self, id: CallerKeyId, kept: &KeptCallerKey) -> CallerKeyView {
        let facts = self.vault.open_caller(&id, &kept.sealed);
        CallerKeyView { id, ends: kept.ends, kept: facts.map(|facts| self.kept_view(&id, facts)) }
    }

    pub(super) fn kept_view(&self, id: &CallerKeyId, facts: CallerFacts) -> KeptView {
        let by_former_secret = facts.signer.is_some_and(|signer| self.vault.caller_key.active() != Some(signer));
        KeptView { caller: self.caller_name(id, &facts.name), facts, by_former_secret }
    }
}

/// What the store knows a name by.
pub(super) fn name_hash(name: &str) -> [u8; 16] {
    let hash = digest("gatelodge caller name", &[name.as_bytes()]);
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    short
}
