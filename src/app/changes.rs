//! Owns what differs between two configurations: what is said of it, what only a start can change, and which keys are
//! lost with it. Does not know how either was read.

use std::collections::{BTreeMap, BTreeSet};

use super::tenancy::{self, Blueprint};
use super::{made, parts};
use crate::config::Config;
use crate::config::fault::{Fault, Faults};
use crate::config::load::Loaded;
use crate::crypto::{Digest, KeyId, digest, key_id_text};
use crate::session::key::TenantNumber;
use crate::session::key_ring::KeyState;
use crate::session::mark::EVERY_TENANT;
use crate::session::time::Timestamp;

/// Sections and keys that only a start can change.
const AT_START: [&str; 8] =
    ["development", "server", "store", "cache", "log", "telemetry", "edge.enabled", "edge.listen"];
/// The same, told apart because edges outside are told of it and the one inside is not.
const PREFIX: &str = "edge.mount_prefix";
/// What of these is loaded all the same.
const TLS: &str = "server.tls";

/// The keys whose values differ.
pub(super) struct Changes {
    applied: Vec<String>,
    left: Vec<String>,
}

impl Changes {
    /// What differs; of a configuration that nobody has read before, everything.
    pub(super) fn between(before: Option<&BTreeMap<String, Digest>>, now: &BTreeMap<String, Digest>) -> Self {
        let none = BTreeMap::new();
        let before = before.unwrap_or(&none);
        let all: BTreeSet<_> = before.keys().chain(now.keys()).collect();
        let differ = all.into_iter().filter(|path| before.get(*path) != now.get(*path)).cloned();
        let (left, applied) = differ.partition(|path| only_at_start(path));
        Self { applied, left }
    }

    /// What of it is of this tenant, in words; `None` where nothing is.
    pub(super) fn of_tenant(&self, name: &str) -> Option<String> {
        of_tenant(self.applied.iter().map(String::as_str), name)
    }

    /// Says what has changed.
    pub(super) fn tell(&self) {
        let (changed, keys) = (self.applied.len(), shown(&self.applied));
        tracing::info!(changed, keys, "the configuration was loaded anew");
        if !self.left.is_empty() {
            let keys = shown(&self.left);
            tracing::warn!(keys, "these stay as they were: only a start of the process changes them");
        }
    }
}

/// Those of these keys that are this tenant's or everybody's, in words: what is another's is none of its business. `None`
/// where there are none.
pub(super) fn of_tenant<'a>(keys: impl Iterator<Item = &'a str>, name: &str) -> Option<String> {
    let is_own = |key: &&str| {
        let of_one = key.strip_prefix("tenants.");
        of_one.is_none_or(|rest| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '['])))
    };
    let own: Vec<_> = keys.filter(is_own).map(str::to_owned).collect();
    (!own.is_empty()).then(|| shown(&own))
}

fn only_at_start(path: &str) -> bool {
    let is_in =
        |section: &str| path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    !is_in(TLS) && AT_START.iter().chain([&PREFIX]).any(|section| is_in(section))
}

/// The first of them.
fn shown(keys: &[String]) -> String {
    const MOST: usize = 20;
    let text = keys.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match keys.len().saturating_sub(MOST) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// The configuration with all of another that can be changed while the process runs.
///
/// # Errors
/// Where tenants have come or gone, or have other numbers: the store has to be told first.
pub(super) fn with_what_stays(before: &Config, now: Config) -> Result<Config, Faults> {
    if tenancy::named(before) != tenancy::named(&now) {
        let message = "tenants can't come, go, or change their numbers and names while the process runs: restart it";
        return Err(Fault::of("tenants", message).into());
    }
    // The new one was judged by what it says itself: laxer rules than those that stay in force.
    if before.development != now.development {
        return Err(Fault::of("development", "can't change while the process runs: restart it").into());
    }
    if before.server.tls.cert_file.is_some() != now.server.tls.cert_file.is_some() {
        let message = "TLS can't be turned on or off while the process runs: restart it";
        return Err(Fault::of("server.tls.cert_file", message).into());
    }
    let server = crate::config::server::Server { tls: now.server.tls, ..before.server.clone() };
    let edge = crate::config::edge::Edge {
        enabled: before.edge.enabled,
        listen: before.edge.listen,
        mount_prefix: before.edge.mount_prefix.clone(),
        ..now.edge
    };
    Ok(Config {
        server,
        store: before.store.clone(),
        cache: before.cache.clone(),
        log: before.log.clone(),
        telemetry: before.telemetry.clone(),
        edge,
        ..now
    })
}

/// Judges a configuration of which a part is new, and the rest as it was at the start: each half was judged beside
/// another.
///
/// # Errors
/// What does not go together.
pub(super) fn judge_mixed(config: &Config, changes: &Changes) -> Result<(), Faults> {
    let faults = config.faults(parts::faults);
    if faults.is_empty() {
        return Ok(());
    }
    if changes.left.is_empty() {
        return Err(Faults::sorted(faults));
    }
    let left = shown(&changes.left);
    let remedy = |fault: Fault| {
        let message = format!(
            "{}. It was judged beside what only a start of the process changes, as that is now ({left}): restart it",
            fault.message
        );
        Fault { message, ..fault }
    };
    Err(Faults::sorted(faults.into_iter().map(remedy).collect()))
}

/// The values in force: those that only a start can change are as before.
pub(super) fn values_with_what_stays(
    before: &BTreeMap<String, Digest>,
    mut now: BTreeMap<String, Digest>,
) -> BTreeMap<String, Digest> {
    now.retain(|path, _| !only_at_start(path));
    now.extend(before.iter().filter(|(path, _)| only_at_start(path)).map(|(path, hash)| (path.clone(), *hash)));
    now
}

/// What the keys of a tenant do that are not retired, by their rings.
type Doing = BTreeMap<(&'static str, KeyId), KeyState>;

/// What the keys of each tenant do at some time. Other dates alone make no difference.
pub(super) struct KeysNow(BTreeMap<TenantNumber, Doing>);

impl KeysNow {
    pub(super) fn of(blueprints: &[Blueprint], now: Timestamp) -> Self {
        let doing = |blueprint: &Blueprint| {
            let rings = blueprint.rings.named();
            let all = rings.flat_map(|(name, ring)| ring.states(now).map(move |(key, state)| ((name, key.id), state)));
            all.filter(|(_, state)| *state != KeyState::Retired).collect()
        };
        Self(blueprints.iter().map(|blueprint| (blueprint.number(), doing(blueprint))).collect())
    }

    /// Whose keys do something else now than before: [`EVERY_TENANT`] where those of all tenants do, so that many that
    /// share a ring are told of once.
    pub(super) fn differ_from(&self, before: &Self) -> Vec<TenantNumber> {
        let differ = self.0.iter().filter(|(tenant, doing)| before.0.get(tenant) != Some(doing));
        let differ: Vec<_> = differ.map(|(tenant, _)| *tenant).collect();
        if differ.len() > 1 && differ.len() == self.0.len() { vec![EVERY_TENANT] } else { differ }
    }

    /// The rings of a tenant whose keys do something else now than before.
    pub(super) fn rings_that_differ(&self, before: &Self, tenant: TenantNumber) -> BTreeSet<&'static str> {
        let none = Doing::new();
        let (now, before) = (self.0.get(&tenant).unwrap_or(&none), before.0.get(&tenant).unwrap_or(&none));
        let differ = now.keys().chain(before.keys()).filter(|key| now.get(key) != before.get(key));
        differ.map(|(ring, _)| *ring).collect()
    }
}

/// A hash of all that each tenant's providers are made of, their files included.
pub(super) fn of_providers(loaded: &Loaded) -> BTreeMap<String, Digest> {
    let default = loaded.config.tenant.name.clone();
    let of = |tenancy: Config| {
        let name = tenancy.tenant.name.clone();
        let under = if name == default { "oidc.".to_owned() } else { format!("tenants.{name}.oidc.") };
        let mut parts: Vec<Vec<u8>> = vec![name.clone().into_bytes()];
        for (path, hash) in loaded.values.iter().filter(|(path, _)| path.starts_with(&under)) {
            parts.extend([path.clone().into_bytes(), hash.to_vec()]);
        }
        let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
        (name, digest("gatelodge providers", &parts))
    };
    loaded.config.tenancies().map(of).collect()
}

/// A key that was at hand, and is not any more before its time is over.
pub(super) struct LostKey {
    tenant: String,
    ring: &'static str,
    id: KeyId,
}

/// The keys that are lost with a change.
pub(super) fn lost_keys(before: &[Blueprint], now: &[Blueprint], at: Timestamp) -> Vec<LostKey> {
    let there = |blueprint: &Blueprint, ring: &str, id: KeyId| {
        let rings = blueprint.rings.named().filter(|(name, _)| *name == ring || *name == "session");
        let mut keys = rings.flat_map(|(_, ring)| ring.keys());
        keys.any(|key| key.id == id && key.secret.is_some())
    };
    let mut lost = Vec::new();
    for former in before {
        let Some(now) = now.iter().find(|now| now.name == former.name) else { continue };
        for (ring, keys) in former.rings.named() {
            let held = keys.states(at).filter(|(_, state)| !matches!(state, KeyState::Retired | KeyState::Missing));
            let gone = held.filter(|(key, _)| !there(now, ring, key.id)).map(|(key, _)| key.id);
            lost.extend(gone.map(|id| LostKey { tenant: former.name.clone(), ring, id }));
        }
    }
    lost
}

impl LostKey {
    /// Which key of a tenant's it is, in words; `None` where it is another's.
    pub(super) fn of_tenant(&self, name: &str) -> Option<String> {
        (self.tenant == name).then(|| format!("{} {}", self.ring, key_id_text(self.id)))
    }

    /// Says which records it takes with it.
    pub(super) fn tell(&self) {
        let Self { tenant, ring, id } = self;
        tracing::warn!(
            tenant,
            ring,
            key = key_id_text(*id),
            takes = made::takes(ring),
            "a key is gone from the configuration while it was in use: what it made can't be read until it is back; \
             nothing is deleted. `gatelodge rings check` counts the records"
        );
    }
}

/// Says which key of each ring is active.
pub(super) fn tell_keys(blueprint: &Blueprint, now: Timestamp) {
    for (ring, keys) in blueprint.rings.named() {
        for (key, state) in keys.states(now).filter(|_| keys.keys().len() > 1) {
            let tenant = blueprint.name.as_str();
            tracing::info!(
                tenant,
                ring,
                key = key_id_text(key.id),
                state = state.name(),
                "the keys of a ring have turned"
            );
        }
    }
}
