//! Owns counting what is kept under which key. No key is needed for that. Does not know who asks for it.

use std::collections::BTreeMap;

use super::parts::Store;
use super::release::open;
use super::{AppError, settings, tenancy};
use crate::authority::ports::StoreResult;
use crate::config::Config;
use crate::crypto::KeyId;
use crate::session::key::TenantNumber;
use crate::session::key_ring::KeyState;
use crate::session::time::Timestamp;
use crate::vault::{key_of_sealed, keys_of_body};

/// How many records are read at a time.
const AT_ONCE: usize = 500;

/// A key of a tenant, and what is kept under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The tenant's name.
    pub tenant: String,
    /// The key.
    pub id: KeyId,
    /// What it does now; `None` for one that the configuration does not know.
    pub state: Option<KeyState>,
    /// How many of what there are.
    pub kept: Kept,
}

/// How many records there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Living sessions.
    pub sessions: u64,
    /// Users.
    pub users: u64,
    /// Sets of keys that sign our own tokens.
    pub mint_keys: u64,
}

impl Counted {
    /// Whether what is kept can't be read.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let is_there = matches!(self.state, Some(KeyState::VerifyOnly | KeyState::Active | KeyState::Retiring));
        !is_there && self.kept != Kept::default()
    }
}

/// Counts what is kept under the keys of each tenant.
///
/// # Errors
/// When the store can't be used.
pub async fn census(config: &Config, now: Timestamp) -> Result<Vec<Counted>, AppError> {
    let store = open(config).await?;
    let mut all = Vec::new();
    for (tenancy, number) in config.tenancies().zip(tenancy::numbers(config)) {
        let mut counts = kept(&store, number).await?;
        let rings = settings::key_rings(&tenancy);
        let mut states: BTreeMap<KeyId, KeyState> = BTreeMap::new();
        for (_, ring) in rings.iter().flat_map(settings::KeyRings::named).filter(|(name, _)| *name != "csrf") {
            states.extend(ring.states(now).map(|(key, state)| (key.id, state)));
        }
        for id in states.keys() {
            counts.entry(*id).or_default();
        }
        let tenant = &tenancy.tenant.name;
        let counted = |(id, kept)| Counted { tenant: tenant.clone(), id, state: states.get(&id).copied(), kept };
        all.extend(counts.into_iter().map(counted));
    }
    Ok(all)
}

async fn kept(store: &Store, tenant: TenantNumber) -> StoreResult<BTreeMap<KeyId, Kept>> {
    let mut counts: BTreeMap<KeyId, Kept> = BTreeMap::new();
    let mut from = None;
    loop {
        let page = store.sessions.walk(tenant, from, AT_ONCE).await?;
        for (_, record) in page.sessions {
            let mut keys = keys_of_body(&record.body).unwrap_or_default();
            keys.sort_unstable();
            keys.dedup();
            for id in keys {
                counts.entry(id).or_default().sessions += 1;
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    loop {
        let page = store.users.users(tenant, from, AT_ONCE).await?;
        for (_, user) in page.users {
            if let Ok(id) = key_of_sealed(&user.profile) {
                counts.entry(id).or_default().users += 1;
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let mint_keys = store.mint_keys.mint_keys(tenant).await?;
    if let Some(id) = mint_keys.and_then(|kept| key_of_sealed(&kept.sealed).ok()) {
        counts.entry(id).or_default().mint_keys += 1;
    }
    Ok(counts)
}
