//! Shows that entries are told as they come, late ones too, and that it is said where some are left out. Does not know what they
//! are about.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::audit_store::{AuditStore, KeptEntry};
use gatelodge::authority::ports::Clock as _;
use gatelodge::rpc::policy::Role;
use gatelodge::session::audit::EntryId;
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

async fn watch(serving: &Serving, filter: v1::AuditFilter) -> Streaming<v1::WatchAuditResponse> {
    let question = v1::WatchAuditRequest { filter: Some(filter) };
    let mut stream = serving.admin().await.watch_audit(by(Role::Admin, question)).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap(), v1::WatchAuditResponse::default());
    stream
}

async fn next(stream: &mut Streaming<v1::WatchAuditResponse>) -> v1::WatchAuditResponse {
    tokio::time::timeout(Duration::from_mins(1), stream.message()).await.unwrap().unwrap().unwrap()
}

fn users(told: &v1::WatchAuditResponse) -> Vec<&str> {
    told.entries.iter().map(|entry| entry.user_id.as_str()).collect()
}

/// A world whose store can be told to fail.
async fn with_faults(kept: Kept) -> (World, Serving, Arc<FaultyStore>) {
    let (put, mut store) = (kept.ready().await, None);
    let world = World::built(
        &["idp"],
        |settings| settings.audit = Some(ALL),
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

// What another replica has written, more of it than is read at once. Its entries open nowhere: that they were there counts.
async fn more_than_can_be_told_is_said_to_be_a_gap(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    let (now, tenant) = (world.clock.now(), settings().tenant);
    let entry = |number: u16| KeptEntry {
        id: EntryId::new(now, number, [7; 8]),
        names: Vec::new(),
        room: None,
        sealed: b"another's".to_vec(),
    };
    let keep = async |numbers: Range<u16>| {
        let kept = numbers.map(|number| store.keep_entry(tenant, entry(number), Duration::from_hours(1), 1));
        assert!(join_all(kept).await.into_iter().all(Result::unwrap));
    };
    // All of it comes between two looks.
    store.set(Some(Fault::HoldsBefore("entries")));
    while store.waiting() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for from in (0..10_100).step_by(100) {
        keep(from..from + 100).await;
    }
    store.set(None);
    let told = next(&mut stream).await;
    assert_eq!((told.gap, told.entries), (true, vec![]));
    // It goes on from there.
    world.clock.advance(Duration::from_mins(1));
    log_in(&world, &serving, "ada").await;
    let told = next(&mut stream).await;
    assert_eq!((users(&told), told.gap), (vec!["idp_ada"], false));
}

// Under a key that this replica has not: whether it was wanted is not known.
async fn an_entry_that_does_not_open_is_a_gap(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    let id = EntryId::new(world.clock.now(), 0, [7; 8]);
    let entry = KeptEntry { id, names: Vec::new(), room: None, sealed: b"another's".to_vec() };
    assert!(store.keep_entry(settings().tenant, entry, Duration::from_hours(1), 1).await.unwrap());
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
