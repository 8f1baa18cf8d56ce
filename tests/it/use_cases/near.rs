//! Owns what must hold of sessions that an authority knows by heart: a hit asks no store, what has ended or changed
//! elsewhere is not believed, and while nobody would tell, the store is asked. Does not know how they are kept.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::validate_session::{Outcome, Question, Requirements};
use gatelodge::authority::{Error, Presented, watch_sessions};
use gatelodge::session::event::{Position, What};
use gatelodge::session::need::{LoginNeeds, Needs};

use crate::redis::Server;
use crate::store::bench::keys_of;
use crate::world::faults::Fault;
use crate::world::replicas::{Replicas, until};
use crate::world::{Browser, Kept, World};

async fn ask(world: &World, question: Question) -> Result<Outcome, Error> {
    world.authority.validate_session(&World::call(), question).await
}

async fn presented(world: &World, presented: Presented) -> Result<Outcome, Error> {
    ask(world, Question { presented, touch: true, ..Question::default() }).await
}

async fn is_active(world: &World, browser: &Browser) -> bool {
    matches!(presented(world, browser.fetch("GET", "/")).await.unwrap(), Outcome::Active(_))
}

/// A browser that is logged in, and whose session both know by heart.
async fn known(replicas: &Replicas, sub: &str) -> Browser {
    let mut browser = Browser::default();
    replicas.one.log_in(&mut browser, sub).await.result.unwrap();
    replicas.catch_up().await;
    for world in [&replicas.one, &replicas.two] {
        assert!(is_active(world, &browser).await);
    }
    browser
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hit_asks_no_store_and_is_judged_like_any_other() {
    let replicas = Replicas::over(Kept::Memory).await;
    let browser = known(&replicas, "ada").await;
    replicas.store.set(Fault::Away);
    assert!(is_active(&replicas.two, &browser).await);
    let scopes = |scope: &str| Requirements {
        needs: Needs { scopes: vec![scope.into()], ..Needs::default() },
        ..Requirements::default()
    };
    let question = |requirements| Question { presented: browser.get("/"), requirements, ..Question::default() };
    assert!(matches!(ask(&replicas.two, question(scopes("openid"))).await, Ok(Outcome::Active(_))));
    // A no is asked of the store: what is known may be older than the request.
    assert!(matches!(ask(&replicas.two, question(scopes("more"))).await, Err(Error::StoreUnavailable(_))));
    let posted = presented(&replicas.two, browser.fetch("POST", "/")).await;
    assert!(matches!(posted, Err(Error::StoreUnavailable(_))), "without a CSRF token: {posted:?}");
    let stranger = browser.with("GET", "/", |context| context.user_agent = Some("Other".into()));
    assert!(matches!(presented(&replicas.two, stranger).await, Err(Error::StoreUnavailable(_))));
    // And nothing rests on what is too old.
    replicas.two.clock.advance(Duration::from_secs(5));
    assert!(matches!(presented(&replicas.two, browser.get("/")).await, Err(Error::StoreUnavailable(_))));
    replicas.store.set(None);
    assert!(is_active(&replicas.two, &browser).await);
}

// Every way in which sessions end or change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_elsewhere_is_refused_as_soon_as_it_is_heard() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let targets = [
            None,
            Some(Target::User("idp_ada".into())),
            Some(Target::Provider("idp".into())),
            Some(Target::Tenant),
            Some(Target::Everything),
        ];
        for target in targets {
            replicas.one.clock.advance(Duration::from_millis(5));
            let browser = known(&replicas, "ada").await;
            let one = &replicas.one.authority;
            match &target {
                Some(target) => drop(one.revoke_as_admin(&World::call(), target, "test").await.unwrap()),
                None => drop(replicas.one.revoke(&browser).await),
            }
            assert!(!is_active(&replicas.one, &browser).await, "{kept:?} {target:?}: where it was ended, at once");
            replicas.catch_up().await;
            assert!(!is_active(&replicas.two, &browser).await, "{kept:?} {target:?}");
        }
    }
}

// store.md, 6: while the stream is broken caches are bypassed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hears_nothing_asks_the_store() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let browser = known(&replicas, "ada").await;
        replicas.cut_off().await;
        replicas.one.revoke(&browser).await;
        assert!(!is_active(&replicas.two, &browser).await, "{kept:?}");
        let other = known_to_one(&replicas).await;
        let Ok(Outcome::Active(active)) = presented(&replicas.two, other.get("/")).await else { panic!("{kept:?}") };
        assert_eq!(active.keeping, None, "nobody would tell the caller either");
    }
}

async fn known_to_one(replicas: &Replicas) -> Browser {
    let mut browser = Browser::default();
    replicas.one.log_in(&mut browser, "bob").await.result.unwrap();
    browser
}

// Whatever a log gives it for: a real failover is in `rpc::failover`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_empties_the_cache() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let browser = known(&replicas, "ada").await;
        replicas.cut.forgets.store(true, Ordering::SeqCst);
        until(|| !replicas.cut.forgets.load(Ordering::SeqCst)).await;
        replicas.hear().await;
        replicas.store.set(Fault::Away);
        assert!(
            matches!(presented(&replicas.two, browser.get("/")).await, Err(Error::StoreUnavailable(_))),
            "{kept:?}"
        );
    }
}

// XREAD goes on silently at the oldest entry that is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_in_the_stream_of_redis_is_noticed() {
    let replicas = Replicas::over(Kept::Redis).await;
    let browser = known(&replicas, "ada").await;
    let mut watch = pin!(replicas.two.authority.watch_sessions(watch_sessions::Question::default()));
    assert!(!watch.next().await.unwrap().reset);
    replicas.cut.off.store(true, Ordering::SeqCst);
    replicas.one.revoke(&browser).await;
    replicas.one.authority.announce(What::KeysRotated).await;
    let prefix = replicas.prefix.clone();
    let trimmed = tokio::task::spawn_blocking(move || {
        let server = Server::shared();
        let stream = keys_of(server, &prefix).into_iter().find(|key| key.ends_with(b"e\0\0\0\0")).unwrap();
        redis::cmd("XTRIM").arg(stream).arg("MAXLEN").arg(1).query::<u64>(&mut server.admin()).unwrap()
    });
    assert!(trimmed.await.unwrap() > 0);
    assert!(is_active(&replicas.two, &browser).await, "nobody could tell it yet");
    replicas.cut.off.store(false, Ordering::SeqCst);
    while !watch.next().await.unwrap().reset {}
    assert!(!is_active(&replicas.two, &browser).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_says_how_it_may_be_kept() {
    let replicas = Replicas::over(Kept::Memory).await;
    let browser = known(&replicas, "ada").await;
    let question = || Question { presented: browser.get("/"), touch: true, ..Question::default() };
    let keeping = async |question| match ask(&replicas.two, question).await.unwrap() {
        Outcome::Active(active) => active.keeping,
        other => panic!("{other:?}"),
    };
    replicas.two.clock.advance(Duration::from_millis(1500));
    let kept = keeping(question()).await.unwrap();
    assert_eq!(kept.keep_for, Duration::from_millis(3500), "what is left of five seconds");
    let heard = replicas.two.authority.heard_up_to().unwrap();
    let same = keeping(Question { as_of: Some(kept.position), ..question() }).await.unwrap();
    assert!(same.position >= kept.position && same.keep_for == kept.keep_for && heard >= kept.position);
    let ahead = Some(Position([0xff; 16]));
    let anew = keeping(Question { as_of: ahead, ..question() }).await.unwrap();
    assert_eq!(anew.keep_for, Duration::from_secs(5), "whoever has heard more is answered from the store");
    let login = LoginNeeds { max_age: Some(Duration::from_secs(4)), ..LoginNeeds::default() };
    let age = Requirements { needs: Needs { login, ..Needs::default() }, ..Requirements::default() };
    let kept = keeping(Question { requirements: age, ..question() }).await.unwrap();
    assert!(kept.keep_for <= Duration::from_secs(3), "the login grows too old: {kept:?}");
    assert_eq!(keeping(Question { issue_csrf_token: true, ..question() }).await, None, "a token is for one answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_is_too_slow_is_told_a_reset() {
    let replicas = Replicas::over(Kept::Memory).await;
    let mut watch = pin!(replicas.two.authority.watch_sessions(watch_sessions::Question::default()));
    assert!(!watch.next().await.unwrap().reset);
    for _ in 0..5000 {
        replicas.one.authority.announce(What::KeysRotated).await;
    }
    replicas.catch_up().await;
    let mut told = 0;
    loop {
        let message = watch.next().await.unwrap();
        if message.reset {
            break;
        }
        told += message.events.len();
    }
    assert!(told < 5000, "{told}");
    let next = watch.next().await.unwrap();
    assert!(!next.reset && next.max_staleness.is_some(), "and it goes on: {next:?}");
}

// An insert that began before an invalidation never wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_before_a_session_changed_or_ended_is_not_kept() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let mut browser = Browser::default();
        let session = replicas.one.log_in(&mut browser, "ada").await.result.unwrap().key;
        let asked_while = async |change: BoxFuture<'_, ()>| {
            replicas.store.set(Fault::SlowToAnswer(Duration::from_millis(400)));
            let changed = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                change.await;
                replicas.catch_up().await;
            };
            let (active, ()) = tokio::join!(is_active(&replicas.two, &browser), changed);
            replicas.store.set(Fault::Away);
            let again = presented(&replicas.two, browser.get("/")).await;
            assert!(matches!(again, Err(Error::StoreUnavailable(_))), "{kept:?}: {again:?}");
            active
        };
        let one = &replicas.one.authority;
        assert!(asked_while(one.announce(What::Changed(session)).boxed()).await, "it lives all the same");
        replicas.store.set(None);
        asked_while(async { assert_eq!(replicas.one.revoke(&browser).await, 1) }.boxed()).await;
        replicas.store.set(None);
        assert!(!is_active(&replicas.two, &browser).await, "{kept:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_races_with_a_revocation_none_leaves_a_dead_session() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Arc::new(Replicas::over(kept).await);
        let mut races = Vec::new();
        for number in 0..100 {
            let mut browser = Browser::default();
            replicas.one.log_in(&mut browser, &format!("user{number}")).await.result.unwrap();
            races.push(browser);
        }
        let races = races.into_iter().map(|browser| {
            let replicas = Arc::clone(&replicas);
            tokio::spawn(async move {
                let ended = async { replicas.one.revoke(&browser).await };
                let asked = async {
                    for _ in 0..8 {
                        is_active(&replicas.two, &browser).await;
                    }
                };
                tokio::join!(asked, ended);
                browser
            })
        });
        let browsers = futures::future::try_join_all(races).await.unwrap();
        replicas.catch_up().await;
        for browser in browsers {
            assert!(!is_active(&replicas.two, &browser).await, "{kept:?}");
        }
    }
}
