//! Shows that entries are told as they come, late ones too, and that it is said where some are left out. Does not know what they
//! are about.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::audit_store::{AuditStore, EntryAdded, KeptEntry};
use gatelodge::authority::ports::Clock as _;
use gatelodge::authority::settings::Settings;
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::rpc::policy::Role;
use gatelodge::session::audit::{Action, Entry, EntryId, Room};
use gatelodge::vault::Vault;
use gatelodge_client::v1;
use gatelodge_client::v1::AuditAction;
use tonic::Streaming;

use super::{ALL, listed, log_in, of, world};
use crate::rpc::serving::{Serving, by};
use crate::world::faults::Fault;
use crate::world::{FaultyStore, Kept, World, on_every_store, settings};

on_every_store! {
    new_entries_are_told_as_they_come
    more_than_can_be_told_is_said_to_be_a_gap
    an_entry_that_does_not_open_is_a_gap
    an_entry_that_had_to_wait_for_the_store_is_told_all_the_same
}

pub(super) async fn watch(serving: &Serving, filter: v1::AuditFilter) -> Streaming<v1::WatchAuditResponse> {
    let question = v1::WatchAuditRequest { filter: Some(filter) };
    let mut stream = serving.admin().await.watch_audit(by(Role::Admin, question)).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap(), v1::WatchAuditResponse::default());
    stream
}

pub(super) async fn next(stream: &mut Streaming<v1::WatchAuditResponse>) -> v1::WatchAuditResponse {
    tokio::time::timeout(Duration::from_mins(1), stream.message()).await.unwrap().unwrap().unwrap()
}

pub(super) fn users(told: &v1::WatchAuditResponse) -> Vec<&str> {
    told.entries.iter().map(|entry| entry.user_id.as_str()).collect()
}

/// A world whose store can be told to fail.
pub(super) async fn with_faults(kept: Kept) -> (World, Serving, Arc<FaultyStore>) {
    with_faults_and(kept, |_| ()).await
}

/// The same, whose settings differ.
pub(super) async fn with_faults_and(
    kept: Kept,
    change: impl FnOnce(&mut Settings),
) -> (World, Serving, Arc<FaultyStore>) {
    let (put, mut store) = (kept.ready().await, None);
    let world = World::built(
        &["idp"],
        |settings| {
            settings.audit = Some(ALL);
            change(settings);
        },
        |ports| {
            put(ports);
            store = Some(FaultyStore::before(ports));
        },
    );
    let serving = Serving::of(&world).await;
    (world, serving, store.unwrap())
}

async fn new_entries_are_told_as_they_come(kept: Kept) {
    let (world, serving) = world(kept, |_| ()).await;
    log_in(&world, &serving, "before").await;
    listed(&serving, v1::AuditFilter::default(), 2).await;
    world.clock.advance(Duration::from_secs(1));
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    for sub in ["ada", "bob"] {
        log_in(&world, &serving, sub).await;
        let told = next(&mut stream).await;
        assert_eq!((users(&told), told.gap), (vec![&*format!("idp_{sub}")], false));
        world.clock.advance(Duration::from_secs(1));
    }
}

// What another replica has written, of the same keys, all of it between two looks.
async fn more_than_can_be_told_is_said_to_be_a_gap(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let mut stream = watch(&serving, of(&[AuditAction::Theft])).await;
    let (now, tenant) = (world.clock.now(), settings().tenant);
    let ring = |text: &str| KeyRing::new(Secret::new(text), []);
    let vault = Vault::new(&ring("session ring"), &ring("csrf ring"));
    let entry = |number: u16| {
        let id = EntryId::new(now, number, [7; 8]);
        let entry = Entry { request_id: format!("call-{number}"), ..Entry::new(Action::Theft, now) };
        let sealed = vault.seal_entry([7; 12], tenant, &id, &entry);
        KeptEntry { id, names: Vec::new(), room: Room::Users, sealed }
    };
    let write = async |numbers: Range<u16>| {
        store.set(Some(Fault::HoldsBefore("entries")));
        while store.waiting() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for from in numbers.clone().step_by(100) {
            let some = from..numbers.end.min(from + 100);
            let kept = some.map(|number| store.keep_entry(tenant, entry(number), Duration::from_hours(1), 1));
            assert!(join_all(kept).await.into_iter().all(|added| added.unwrap() == EntryAdded::Yes));
        }
        store.set(None);
    };
    // More than is read at once, but not too much: all of it is told, and no gap.
    write(0..1_200).await;
    assert_eq!(told_in_all(&mut stream, 1_200).await, (numbered(0..1_200), vec![false; 6]));
    // Too much: the newest are told, and that others may have been left out before them.
    write(1_200..11_300).await;
    let (told, gaps) = told_in_all(&mut stream, 10_000).await;
    assert_eq!(told, numbered(1_300..11_300));
    assert_eq!(gaps.iter().position(|gap| *gap), Some(0));
    assert_eq!(gaps.iter().filter(|gap| **gap).count(), 1, "it is said once");
    // It goes on from there.
    world.clock.advance(Duration::from_mins(1));
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    log_in(&world, &serving, "ada").await;
    let told = next(&mut stream).await;
    assert_eq!((users(&told), told.gap), (vec!["idp_ada"], false));
}

fn numbered(numbers: Range<u16>) -> Vec<String> {
    numbers.map(|number| format!("call-{number}")).collect()
}

/// The calls of the next so many entries, and which of the messages speak of a gap.
async fn told_in_all(stream: &mut Streaming<v1::WatchAuditResponse>, count: usize) -> (Vec<String>, Vec<bool>) {
    let (mut calls, mut gaps) = (Vec::new(), Vec::new());
    while calls.len() < count {
        let told = next(stream).await;
        gaps.push(told.gap);
        calls.extend(told.entries.into_iter().map(|entry| entry.request_id));
    }
    (calls, gaps)
}

// Under a key that this replica has not: whether it was wanted is not known.
async fn an_entry_that_does_not_open_is_a_gap(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    let id = EntryId::new(world.clock.now(), 0, [7; 8]);
    let entry = KeptEntry { id, names: Vec::new(), room: Room::Users, sealed: b"another's".to_vec() };
    let added = store.keep_entry(settings().tenant, entry, Duration::from_hours(1), 1).await.unwrap();
    assert_eq!(added, EntryAdded::Yes);
    let told = next(&mut stream).await;
    assert_eq!((told.gap, told.entries), (true, vec![]));
    log_in(&world, &serving, "ada").await;
    let told = next(&mut stream).await;
    assert_eq!((users(&told), told.gap), (vec!["idp_ada"], false), "it is told once");
}

// Whoever watches has looked past the moment when it was made.
async fn an_entry_that_had_to_wait_for_the_store_is_told_all_the_same(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    log_in(&world, &serving, "first").await;
    assert_eq!(users(&next(&mut stream).await), ["idp_first"]);
    store.set(Some(Fault::HoldsBefore("keep_entry")));
    log_in(&world, &serving, "ada").await;
    let made = world.clock.now();
    let asked = store.count("entries");
    world.clock.advance(Duration::from_mins(1));
    while store.count("entries") < asked + 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.set(None);
    let mut told = v1::WatchAuditResponse::default();
    // The entry of its beginning was under way for that long: others may have looked past it.
    while told.entries.is_empty() || !told.gap {
        let more = next(&mut stream).await;
        told.gap |= more.gap;
        told.entries.extend(more.entries);
    }
    assert_eq!(users(&told), ["idp_ada"]);
    assert_eq!(told.entries[0].time.unwrap().seconds.unsigned_abs(), made.as_millis() / 1000, "when it was made");
    // It is listed by when it was written, and on one side of a moment alone.
    let later = Some(prost_types::Timestamp { seconds: told.entries[0].time.unwrap().seconds + 30, nanos: 0 });
    let ada = || v1::AuditFilter { user_id: "idp_ada".into(), ..Default::default() };
    assert_eq!(listed(&serving, v1::AuditFilter { after_time: later, ..ada() }, 1).await.len(), 1);
    assert_eq!(listed(&serving, v1::AuditFilter { before_time: later, ..ada() }, 0).await, []);
}
