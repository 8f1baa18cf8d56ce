//! Owns what must hold when a provider, a tenant or everything is revoked, and of what replicas tell each other. Does not
//! know which store it is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use gatelodge::app::keeper::keeping;
use gatelodge::authority::Error;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::preview_revoke::Preview;
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::stream::News;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::session::event::{Event, What};
use tokio::time::Instant;

use crate::world::replicas::{Replicas, two};
use crate::world::{Browser, Kept, World, state_of};

async fn is_active(world: &World, browser: &Browser) -> bool {
    matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_))
}

async fn revoke(world: &World, target: Target) {
    assert_eq!(world.authority.revoke_as_admin(&World::call(), &target, "test").await.unwrap(), 0);
}

fn targets() -> [Target; 3] {
    [Target::Provider("idp".into()), Target::Tenant, Target::Everything]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_before_are_dead_and_those_of_after_live() {
    for kept in [Kept::Memory, Kept::Redis] {
        let world = World::built(&["idp"], |_| (), kept.ready().await);
        for target in targets() {
            let (mut before, mut after) = (Browser::default(), Browser::default());
            let session = world.log_in(&mut before, "ada").await.result.unwrap().key.public();
            assert!(is_active(&world, &before).await);
            world.clock.advance(Duration::from_millis(5));
            revoke(&world, target.clone()).await;
            assert!(!is_active(&world, &before).await, "{kept:?} {target:?}");
            assert!(matches!(world.authority.get_session(&session).await, Err(Error::SessionNotFound)));
            world.clock.advance(Duration::from_millis(5));
            world.log_in(&mut after, "ada").await.result.unwrap();
            assert!(is_active(&world, &after).await && !is_active(&world, &before).await, "{kept:?} {target:?}");
        }
    }
}

#[tokio::test]
async fn a_login_that_began_before_is_refused_and_can_begin_again() {
    for target in targets() {
        let world = World::new();
        let mut browser = Browser::default();
        let started = world.start(&browser, "").await;
        browser.keep(&started.answer.set_cookies);
        world.clock.advance(Duration::from_millis(5));
        revoke(&world, target.clone()).await;
        let code = world.provider.code_for("ada");
        let outcome = world.callback(&browser, &format!("code={code}&state={}", state_of(&started.answer))).await;
        assert_eq!(outcome.failure().unwrap(), LoginFailure::RevokedMeanwhile, "{target:?}");
        world.log_in(&mut browser, "ada").await.result.unwrap();
        assert!(is_active(&world, &browser).await, "{target:?}");
    }
}

// What was ended is told to every replica, and takes a moment to get there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_lives_that_begins_after_an_end_of_which_its_replica_has_not_heard() {
    for kept in [Kept::Memory, Kept::Redis] {
        for target in targets() {
            let both = Replicas::over(kept).await;
            both.leave_two().await;
            both.one.clock.advance(Duration::from_millis(5));
            revoke(&both.one, target.clone()).await;
            assert!(both.two.authority.hears_everything(), "as far as it knows");
            let mut browser = Browser::default();
            both.two.log_in(&mut browser, "ada").await.result.unwrap();
            for world in [&both.one, &both.two] {
                assert!(is_active(world, &browser).await, "{kept:?} {target:?}");
            }
        }
    }
}

#[tokio::test]
async fn another_providers_sessions_live_on() {
    let world = World::with_providers(&["idp", "other"], |_| ());
    let mut browser = Browser::default();
    let started = world.start(&browser, "provider=idp").await;
    browser.keep(&started.answer.set_cookies);
    let code = world.provider.code_for("ada");
    let outcome = world.callback(&browser, &format!("code={code}&state={}", state_of(&started.answer))).await;
    browser.keep(&outcome.answer.set_cookies);
    revoke(&world, Target::Provider("other".into())).await;
    assert!(is_active(&world, &browser).await);
    let unknown = Target::Provider("nope".into());
    let refused = world.authority.revoke_as_admin(&World::call(), &unknown, "").await;
    assert!(matches!(refused, Err(Error::InvalidField { field: "provider", .. })));
}

#[tokio::test]
async fn a_preview_counts_and_ends_nothing() {
    let world = World::new();
    let mut browser = Browser::default();
    let session = world.log_in(&mut browser, "ada").await.result.unwrap().key.public();
    world.log_in(&mut Browser::default(), "bob").await.result.unwrap();
    let expected = [
        (Target::Session(session), 1, true),
        (Target::User("idp_ada".into()), 1, true),
        (Target::Provider("idp".into()), 2, true),
        (Target::Tenant, 2, true),
        (Target::Everything, 2, false),
    ];
    for (target, count, exact) in expected {
        assert_eq!(world.authority.preview_revoke(&target).await.unwrap(), Preview { count, exact }, "{target:?}");
    }
    assert!(is_active(&world, &browser).await);
    revoke(&world, Target::Tenant).await;
    assert_eq!(world.authority.preview_revoke(&Target::Tenant).await.unwrap(), Preview { count: 0, exact: true });
}

// store.md, 6: an announcement that fails is tried again; once nobody can rely on what was before, it is not needed.
#[tokio::test(start_paused = true)]
async fn a_revocation_that_cannot_be_announced_is_answered_when_nobody_relies_on_the_session() {
    let (one, two, cut) = two(Kept::Memory).await;
    let mut browser = Browser::default();
    let session = one.log_in(&mut browser, "ada").await.result.unwrap().key.public();
    cut.off.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let target = Target::Session(session);
    assert_eq!(two.authority.revoke_as_admin(&World::call(), &target, "").await.unwrap(), 1);
    assert!((5..7).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    cut.off.store(false, Ordering::SeqCst);
    let began = Instant::now();
    assert_eq!(two.authority.revoke_as_admin(&World::call(), &target, "").await.unwrap(), 0);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_one_ends_all_subscribers_of_another_hear() {
    let (one, two, _) = two(Kept::Memory).await;
    let keeper = tokio::spawn(keeping(two.authority.clone()));
    let mut browser = Browser::default();
    let session = one.log_in(&mut browser, "ada").await.result.unwrap();
    while !two.authority.hears_everything() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(two.authority.cacheable_for() > Duration::ZERO);
    let mut news = two.authority.subscribe();
    one.revoke(&browser).await;
    let heard = loop {
        match news.next().await.unwrap() {
            News::Event(position, Event { what: What::Revoked(key), .. }) => break (position, key),
            other => assert!(matches!(other, News::Event(_, Event { what: What::Heartbeat { .. }, .. })), "{other:?}"),
        }
    };
    assert_eq!(heard.1, session.key);
    assert!(two.authority.heard_up_to().unwrap() >= heard.0);
    keeper.abort();
}

// While the stream is broken, marks are read with the session: what was not heard holds all the same.
#[tokio::test(start_paused = true)]
async fn an_authority_that_hears_nothing_believes_no_old_mark() {
    let (one, two, cut) = two(Kept::Memory).await;
    let keeper = tokio::spawn(keeping(two.authority.clone()));
    let mut browser = Browser::default();
    one.log_in(&mut browser, "ada").await.result.unwrap();
    while !two.authority.hears_everything() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cut.off.store(true, Ordering::SeqCst);
    // The world's clock stands: without it nothing grows old.
    tokio::time::sleep(Duration::from_secs(1)).await;
    one.clock.advance(Duration::from_secs(4));
    assert!(!two.authority.hears_everything() && two.authority.cacheable_for() < Duration::from_secs(2));
    revoke(&one, Target::Tenant).await;
    assert!(!is_active(&two, &browser).await);
    cut.off.store(false, Ordering::SeqCst);
    while !two.authority.hears_everything() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!is_active(&two, &browser).await);
    keeper.abort();
}
