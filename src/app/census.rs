//! Owns counting what is kept under which key. No key is needed for that. Does not know who asks for it.
//!
//! Not all that a key makes names it in the store ([`made`]): of the rest it is known for how long it may be there.

use std::collections::BTreeMap;
use std::time::Duration;

use super::parts::Store;
use super::release::open;
use super::{AppError, made, settings, tenancy};
use crate::authority::ports::StoreResult;
use crate::config::Config;
use crate::crypto::KeyId;
use crate::session::audit::EntryId;
use crate::session::key::TenantNumber;
use crate::session::key_ring::{KeyState, Ring};
use crate::session::mark::EVERY_TENANT;
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
    /// Whether something may be under it that is not among these.
    pub untold: Untold,
}

/// Whether something may be under a key that no count of records shows. The latest of these counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untold {
    /// Nothing.
    #[default]
    Nothing,
    /// Until then.
    Until(Timestamp),
    /// It makes more, or nobody knows since when it does not.
    Unknown,
}

/// How many records there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Living sessions.
    pub sessions: u64,
    /// Users.
    pub users: u64,
    /// API keys that were made at run time. Those that are for several tenants count for the default one.
    pub caller_keys: u64,
    /// Sets of keys that sign our own tokens.
    pub mint_keys: u64,
    /// Entries of the audit.
    pub audit_entries: u64,
}

impl Kept {
    /// Each kind by its name.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 5] {
        [
            ("sessions", self.sessions),
            ("users", self.users),
            ("api_keys", self.caller_keys),
            ("mint_keys", self.mint_keys),
            ("audit_entries", self.audit_entries),
        ]
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.named().iter().map(|(_, count)| count).sum()
    }
}

impl Counted {
    /// Whether it may be taken out: a later one has taken its place, and nothing is under it any more.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.state == Some(KeyState::Retiring) && self.kept.total() == 0 && self.untold == Untold::Nothing
    }

    /// Whether what is kept can't be read.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let is_there = matches!(self.state, Some(KeyState::VerifyOnly | KeyState::Active | KeyState::Retiring));
        !is_there && self.kept.total() > 0
    }
}

impl Untold {
    /// Of a key of a ring, of which what it made may be there for so long.
    fn of(ring: &Ring, id: KeyId, life: Duration, now: Timestamp) -> Self {
        match ring.followed_since(id, now).map(|since| since + life) {
            _ if life.is_zero() => Self::Nothing,
            Some(until) if until <= now => Self::Nothing,
            Some(until) => Self::Until(until),
            None => Self::Unknown,
        }
    }
}

/// Counts what is kept under the keys of each tenant, which do what they do at this time of the store's clock.
///
/// # Errors
/// When the store can't be used.
pub async fn census(config: &Config) -> Result<Vec<Counted>, AppError> {
    let store = open(config).await?;
    let now = store.sessions.time().await?;
    let mut all = Vec::new();
    for (tenancy, number) in config.tenancies().zip(tenancy::numbers(config)) {
        let rooms = if all.is_empty() { vec![number, EVERY_TENANT] } else { vec![number] };
        let mut counts = kept(&store, number, &rooms).await?;
        let rings = settings::key_rings(&tenancy);
        let mut states: BTreeMap<KeyId, KeyState> = BTreeMap::new();
        let mut untold: BTreeMap<KeyId, Untold> = BTreeMap::new();
        for (name, ring) in rings.iter().flat_map(settings::KeyRings::named).filter(|(name, _)| *name != "csrf") {
            states.extend(ring.states(now).map(|(key, state)| (key.id, state)));
            let life = made::longest_untold(&tenancy, name);
            for key in ring.keys() {
                let whole = untold.entry(key.id).or_default();
                *whole = (*whole).max(Untold::of(ring, key.id, life, now));
            }
        }
        for id in states.keys() {
            counts.entry(*id).or_default();
        }
        let tenant = &tenancy.tenant.name;
        let counted = |(id, kept)| Counted {
            tenant: tenant.clone(),
            id,
            state: states.get(&id).copied(),
            kept,
            untold: untold.get(&id).copied().unwrap_or_default(),
        };
        all.extend(counts.into_iter().map(counted));
    }
    Ok(all)
}

/// The time by the clock of the store, which the dates of keys are of.
///
/// # Errors
/// When the store can't be used.
pub async fn store_time(config: &Config) -> Result<Timestamp, AppError> {
    Ok(open(config).await?.sessions.time().await?)
}

/// How many records are under each key.
#[derive(Default)]
struct Counts(BTreeMap<KeyId, Kept>);

impl Counts {
    /// Counts a record. One that is too short to be sealed at all is under none.
    fn add(&mut self, sealed: &[u8], kind: impl Fn(&mut Kept) -> &mut u64) {
        if let Ok(id) = key_of_sealed(sealed) {
            *kind(self.0.entry(id).or_default()) += 1;
        }
    }
}

async fn kept(store: &Store, tenant: TenantNumber, rooms: &[TenantNumber]) -> StoreResult<BTreeMap<KeyId, Kept>> {
    let mut counts = Counts::default();
    count_sessions(store, tenant, &mut counts).await?;
    count_users(store, tenant, &mut counts).await?;
    count_entries(store, tenant, &mut counts).await?;
    for room in rooms {
        for (_, key) in store.callers.caller_keys(*room).await? {
            counts.add(&key.sealed, |kept| &mut kept.caller_keys);
        }
    }
    if let Some(keys) = store.mint_keys.mint_keys(tenant).await? {
        counts.add(&keys.sealed, |kept| &mut kept.mint_keys);
    }
    Ok(counts.0)
}

async fn count_sessions(store: &Store, tenant: TenantNumber, counts: &mut Counts) -> StoreResult<()> {
    let mut from = None;
    loop {
        let page = store.sessions.walk(tenant, from, AT_ONCE).await?;
        for (_, record) in page.sessions {
            let mut keys = keys_of_body(&record.body).unwrap_or_default();
            keys.sort_unstable();
            keys.dedup();
            for id in &keys {
                counts.add(id, |kept| &mut kept.sessions);
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(());
        }
    }
}

async fn count_users(store: &Store, tenant: TenantNumber, counts: &mut Counts) -> StoreResult<()> {
    let mut from = None;
    loop {
        let page = store.users.users(tenant, from, AT_ONCE).await?;
        for (_, user) in &page.users {
            counts.add(&user.profile, |kept| &mut kept.users);
        }
        from = page.next;
        if from.is_none() {
            return Ok(());
        }
    }
}

async fn count_entries(store: &Store, tenant: TenantNumber, counts: &mut Counts) -> StoreResult<()> {
    let mut end = EntryId::LAST;
    loop {
        let page = store.audit.entries(tenant, None, EntryId::at(Timestamp::default())..end, AT_ONCE).await?;
        for (_, sealed) in &page.entries {
            counts.add(sealed, |kept| &mut kept.audit_entries);
        }
        match page.next {
            Some(next) => end = next,
            None => return Ok(()),
        }
    }
}
