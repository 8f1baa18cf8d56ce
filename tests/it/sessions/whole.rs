//! Shows what it costs to end all sessions of a tenant, and what others wait for meanwhile: nothing that grows with their number.
//! Does not know how a store does it; `store::scale` counts the writes of Redis.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use gatelodge::authority::ports::{EventLog as _, Heard, SessionStore as _};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::session::event::What;
use gatelodge::session::mark::{MarksNow, ProviderTag};
use tokio::time::timeout;

use crate::store::bench::{new_session, user};
use crate::world::faults::Fault;
use crate::world::replicas::{Replicas, until};
use crate::world::{Browser, Kept, World, on_every_store};

on_every_store! { in several threads:
    a_tenant_is_ended_by_the_same_steps_and_one_event_however_many_sessions_it_has
}

/// Makes so many sessions with tokens, each of a user of its own.
async fn fill(replicas: &Replicas, sessions: usize) {
    let now = replicas.store.time().await.unwrap();
    let create = |_| async move {
        let mut new = new_session(now, &user());
        assert!(new.tokens.is_some());
        new.record.header.marks = MarksNow::default().at_birth(ProviderTag::of("idp"));
        replicas.store.create(new).await.unwrap();
    };
    stream::iter(0..sessions).map(create).buffer_unordered(64).for_each(|()| async {}).await;
}

async fn is_active(world: &World, browser: &Browser) -> bool {
    let asked = timeout(Duration::from_secs(5), world.validate(browser.fetch("GET", "/"))).await;
    matches!(asked.expect("it does not wait for the mark"), Outcome::Active(_))
}

type Steps = BTreeMap<&'static str, usize>;

/// The steps that its store was asked for so far, but for what goes on by itself, beside the calls.
fn steps(replicas: &Replicas) -> Steps {
    replicas
        .store
        .counts()
        .into_iter()
        .filter(|(step, _)| !["marks", "time", "changes", "keep_entry"].contains(step))
        .collect()
}

/// Those from one moment to another.
fn between(before: &Steps, after: &Steps) -> Vec<(&'static str, usize)> {
    let more = after.iter().map(|(step, times)| (*step, times - before.get(step).unwrap_or(&0)));
    more.filter(|(_, times)| *times > 0).collect()
}

// store.md 5. The second authority revokes and is asked, so what it asks its store for is all there is.
async fn a_tenant_is_ended_by_the_same_steps_and_one_event_however_many_sessions_it_has(kept: Kept) {
    let mut costs = Vec::new();
    for sessions in [10, 2000] {
        let replicas = Replicas::over(kept).await;
        fill(&replicas, sessions).await;
        let mut before = Browser::default();
        replicas.one.log_in(&mut before, "ada").await;
        replicas.catch_up().await;
        let Heard::Reset(position) = replicas.cut.next(None, Duration::ZERO).await.unwrap() else { panic!() };
        let began = steps(&replicas);

        replicas.store.set(Fault::HoldsBefore("raise"));
        let authority = replicas.two.authority.clone();
        let target = Target::Tenant;
        let revoking = tokio::spawn(async move { authority.revoke_as_admin(&World::call(), &target, "test").await });
        until(|| replicas.store.count("raise") == 1).await;
        let (asked, held) = (50, steps(&replicas));
        for _ in 0..asked {
            assert!(is_active(&replicas.two, &before).await, "{kept:?}: nobody waits for the mark");
        }
        let validated = steps(&replicas);
        let reads: usize = between(&held, &validated).iter().map(|(_, times)| times).sum();
        assert!(reads <= asked, "{kept:?}: one reading for a validation at most: {validated:?}");
        replicas.store.set(None);
        revoking.await.unwrap().unwrap();
        let cost = [between(&began, &held), between(&validated, &steps(&replicas))].concat();
        assert!(cost.contains(&("raise", 1)), "{cost:?}");
        assert!(!is_active(&replicas.two, &before).await, "dead where it was revoked, when that is answered");
        costs.push(cost);
        let heard = replicas.cut.next(Some(position), Duration::from_secs(1)).await.unwrap();
        let Heard::Events(events) = heard else { panic!("{heard:?}") };
        let told: Vec<_> = events.iter().filter(|(_, event)| !matches!(event.what, What::Heartbeat { .. })).collect();
        assert_eq!(told.len(), 1, "{kept:?}: {told:?}");
        let mut after = Browser::default();
        replicas.one.clock.advance(Duration::from_millis(2));
        replicas.one.log_in(&mut after, "ada").await;
        replicas.catch_up().await;
        for world in [&replicas.one, &replicas.two] {
            assert!(is_active(world, &after).await && !is_active(world, &before).await, "{kept:?}");
        }
    }
    assert_eq!(costs[0], costs[1], "{kept:?}: of ten sessions, and of two thousand");
}
