//! Shows that whoever watches is told of every entry, or that there is a gap: whatever stood still, failed, or was set back, at
//! their own replica or another. Does not know what the entries are about.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::ports::{Clock as _, SessionStore as _};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::settings::Settings;
use gatelodge_client::v1;
use gatelodge_client::v1::AuditAction;
use tonic::Streaming;

use super::watched::{next, users, watch, with_faults};
use super::{ALL, listed, log_in, of};
use crate::rpc::serving::Serving;
use crate::world::faults::Fault;
use crate::world::replicas::Replicas;
use crate::world::{FakeClock, Kept, World, on_every_store};

on_every_store! {
    what_a_replica_writes_that_stood_still_is_told_at_the_others
    what_one_replica_could_not_write_is_a_gap_at_every_other
    an_entry_that_failed_is_a_gap
    a_clock_that_is_set_back_is_a_gap_and_hides_nothing_after_it
}

/// An admin ends what there is of this user, at this replica.
async fn end(world: &World, sub: &str) {
    let target = Target::User(format!("idp_{sub}"));
    world.authority.revoke_as_admin(&World::call(), &target, sub).await.unwrap();
}

/// What an admin gave as the reason.
fn notes(told: &v1::WatchAuditResponse) -> Vec<&str> {
    told.entries.iter().map(|entry| entry.note.as_str()).collect()
}

/// Waits for a gap; what is told until then.
async fn gap(stream: &mut Streaming<v1::WatchAuditResponse>) -> Vec<v1::AuditEntry> {
    let mut entries = Vec::new();
    loop {
        let told = next(stream).await;
        entries.extend(told.entries);
        if told.gap {
            return entries;
        }
    }
}

// Its machine was stopped for a minute, and its clock with it.
async fn what_a_replica_writes_that_stood_still_is_told_at_the_others(kept: Kept) {
    let behind = Arc::new(FakeClock::default());
    let own = Arc::clone(&behind);
    let with_audit = |settings: &mut Settings| settings.audit = Some(ALL);
    let replicas = Replicas::with_other(kept, with_audit, |ports| ports.clock = own).await;
    let now = replicas.store.time().await.unwrap();
    replicas.one.clock.set(now);
    behind.set(now - Duration::from_mins(1));
    let serving = Serving::of(&replicas.one).await;
    let mut stream = watch(&serving, of(&[AuditAction::RevokedByAdmin])).await;
    end(&replicas.one, "first").await;
    assert_eq!(notes(&next(&mut stream).await), ["first"], "it has looked by then");
    end(&replicas.two, "second").await;
    let told = next(&mut stream).await;
    assert_eq!((notes(&told), told.gap), (vec!["second"], false));
    listed(&serving, of(&[AuditAction::RevokedByAdmin]), 2).await;
}

async fn what_one_replica_could_not_write_is_a_gap_at_every_other(kept: Kept) {
    let replicas = Replicas::with(kept, |settings| settings.audit = Some(ALL)).await;
    let serving = Serving::of(&replicas.one).await;
    let mut stream = watch(&serving, of(&[AuditAction::RevokedByAdmin])).await;
    replicas.store.set(Some(Fault::AwayAt("keep_entry")));
    end(&replicas.two, "lost").await;
    while replicas.store.count("keep_entry") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    replicas.store.set(None);
    // Whatever is kept next says what was not.
    end(&replicas.two, "kept").await;
    let told = gap(&mut stream).await;
    assert_eq!(told.iter().map(|entry| entry.note.as_str()).collect::<Vec<_>>(), ["kept"]);
    let entries = listed(&serving, of(&[AuditAction::EntriesLeftOut]), 1).await;
    assert_eq!(entries[0].detail, "1: trouble of the store");
}

async fn an_entry_that_failed_is_a_gap(kept: Kept) {
    let (world, serving, store) = with_faults(kept).await;
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    store.set(Some(Fault::AwayAt("keep_entry")));
    log_in(&world, &serving, "lost").await;
    assert_eq!(gap(&mut stream).await, []);
    store.set(None);
    log_in(&world, &serving, "ada").await;
    let mut told = next(&mut stream).await;
    while told.entries.is_empty() {
        told = next(&mut stream).await;
    }
    assert_eq!(users(&told), ["idp_ada"]);
}

async fn a_clock_that_is_set_back_is_a_gap_and_hides_nothing_after_it(kept: Kept) {
    let (world, serving, _) = with_faults(kept).await;
    let mut stream = watch(&serving, of(&[AuditAction::LoginCompleted])).await;
    log_in(&world, &serving, "before").await;
    assert_eq!(users(&next(&mut stream).await), ["idp_before"]);
    world.clock.set(world.clock.now() - Duration::from_hours(1));
    assert_eq!(gap(&mut stream).await, [], "what others wrote by the later time may be told by now, or never");
    for sub in ["ada", "bob"] {
        log_in(&world, &serving, sub).await;
        let told = next(&mut stream).await;
        assert_eq!((users(&told), told.gap), (vec![&*format!("idp_{sub}")], false));
        world.clock.advance(Duration::from_secs(1));
    }
}
