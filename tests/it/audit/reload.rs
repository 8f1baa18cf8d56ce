//! Shows that what waits to be written down over a change of keys is written by the keys that are then in force, whichever
//! authority added it. Does not know how a configuration is loaded.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::list_audit::{EntryView, Filter, Question};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::settings::Settings;
use gatelodge::authority::tenants::{Tenancy, Tenants};
use gatelodge::authority::{Authority, Memory, Ports};
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::vault::Vault;

use super::ALL;
use crate::world::faults::Fault;
use crate::world::{FaultyStore, Kept, World, on_every_store, settings};

on_every_store! {
    what_waits_over_a_change_of_keys_is_written_by_the_later_ones
}

/// A process whose keys change.
struct Process {
    ports: Ports,
    memory: Memory,
    store: Arc<FaultyStore>,
}

impl Process {
    /// Its authority with these keys, the first of which seals.
    fn with(&self, keys: &[&str]) -> Authority {
        let secret = |name: &&str| Secret::new(format!("a secret for a test: {name}"));
        let (first, others) = keys.split_first().unwrap();
        let ring = KeyRing::new(secret(first), others.iter().map(secret));
        let settings = Settings { audit: Some(ALL), ..settings() };
        Authority::with(self.ports.clone(), Vault::new(&ring, &ring), settings, &self.memory)
    }

    /// What whoever has this key alone is listed, once there is so much of it.
    async fn listed(&self, key: &str, filter: Filter, count: usize) -> Vec<EntryView> {
        let memory = Memory::new(self.ports.entropy.as_ref(), None);
        let reader = Process { ports: self.ports.clone(), memory, store: Arc::clone(&self.store) }.with(&[key]);
        let question = Question { filter, page_size: 100, ..Default::default() };
        for _ in 0..500 {
            let page = reader.list_audit(&question).await.unwrap();
            if page.entries.len() >= count {
                return page.entries;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("fewer than {count} under {key}");
    }
}

async fn end(authority: &Authority, reason: &str) {
    let target = Target::User("idp_ada".into());
    authority.revoke_as_admin(&World::call(), &target, reason).await.unwrap();
}

fn notes(views: &[EntryView]) -> Vec<&str> {
    let mut notes: Vec<_> = views.iter().map(|view| view.entry.note.as_str()).collect();
    notes.sort_unstable();
    notes
}

async fn what_waits_over_a_change_of_keys_is_written_by_the_later_ones(kept: Kept) {
    let (_, mut ports) = World::kept_in(kept).await;
    let store = FaultyStore::before(&mut ports);
    let memory = Memory::new(ports.entropy.as_ref(), None);
    let process = Process { ports, memory, store };
    let before = process.with(&["before"]);
    let tenants = Tenants::new(Tenancy::new(before.clone(), [], []));
    process.store.set(Some(Fault::HoldsBefore("keep_entry")));
    // This one is on its way; the next ones wait for it.
    end(&before, "on its way").await;
    while process.store.count("keep_entry") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    end(&before, "waiting 1").await;
    end(&before, "waiting 2").await;
    // One that is built and never put in force changes nothing.
    let after = process.with(&["after", "before"]);
    drop(process.with(&["refused"]));
    tenants.replace(Tenancy::new(after, [], []));
    process.store.set(None);
    let all = process.listed("after", Filter::default(), 2).await;
    assert_eq!(notes(&all), ["waiting 1", "waiting 2"]);
    // A call that began before the change, and ends after it.
    end(&before, "late").await;
    let all = process.listed("after", Filter::default(), 3).await;
    assert_eq!(notes(&all), ["late", "waiting 1", "waiting 2"]);
    // They are found by names that are made with the later keys too.
    let by_user = Filter { user_id: "idp_ada".into(), ..Default::default() };
    assert_eq!(notes(&process.listed("after", by_user, 3).await), ["late", "waiting 1", "waiting 2"]);
    assert_eq!(notes(&process.listed("before", Filter::default(), 1).await), ["on its way"]);
}
