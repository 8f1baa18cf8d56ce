//! Owns what must hold of two authorities over one Redis when the clock of one machine is wrong. Does not know how the
//! store's time is measured.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::store_clock::StoreClock;
use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::authority::ports::{Clock, SessionStore as _};
use gatelodge::authority::validate_session::Outcome;
use gatelodge::session::admission::InactiveReason;
use gatelodge::session::time::{Lifetimes, Timestamp};
use gatelodge::store::redis::{RedisSettings, RedisStore};

use super::bench::{self, fresh, keys_of, settings_for};
use crate::redis::Server;
use crate::world::{Browser, World};

const HOUR: i64 = 3_600_000;

/// A machine's clock that is wrong by so many milliseconds.
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis().checked_add_signed(self.0).unwrap())
    }
}

/// An authority on a machine whose clock is wrong by so much, its own clock measured or not.
async fn replica(store: &Arc<RedisStore>, wrong_by: i64, lifetimes: Lifetimes) -> (World, Arc<StoreClock>) {
    let clock = Arc::new(StoreClock::new(Arc::new(Wrong(wrong_by))));
    clock.measure(store.as_ref()).await.unwrap();
    let world = World::built(
        &["idp"],
        |settings| settings.lifetimes = lifetimes,
        |ports| {
            (ports.sessions, ports.logins, ports.events) = (store.clone(), store.clone(), store.clone());
            (ports.clock, ports.wall) = (clock.clone(), Arc::new(Wrong(wrong_by)));
            ports.entropy = Arc::new(SystemEntropy);
        },
    );
    (world, clock)
}

async fn store() -> (Arc<RedisStore>, String) {
    let port = tokio::task::spawn_blocking(|| Server::shared().port).await.unwrap();
    let prefix = format!("r{:02x?}", fresh::<4>()).replace(['[', ']', ',', ' '], "");
    let settings = RedisSettings { key_prefix: prefix.clone(), ..settings_for(port) };
    (bench::connect(settings).await.unwrap(), prefix)
}

fn lifetimes(idle: Duration, absolute: Duration) -> Lifetimes {
    Lifetimes { idle, absolute, touch_interval: Duration::from_millis(100) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_logged_out_by_the_clock_of_a_machine() {
    let (store, _) = store().await;
    let limits = lifetimes(Duration::from_mins(10), Duration::from_mins(20));
    let mut worlds = Vec::new();
    for wrong_by in [0, HOUR, -HOUR] {
        let (world, clock) = replica(&store, wrong_by, limits).await;
        let ahead = clock.ahead().unwrap();
        assert!((ahead + wrong_by).abs() < 1000, "{ahead} ms at a machine that is {wrong_by} ms wrong");
        worlds.push(world);
    }
    for made_by in &worlds {
        let mut browser = Browser::default();
        made_by.log_in(&mut browser, "ada").await;
        for judged_by in worlds.iter().chain(&worlds) {
            let outcome = judged_by.validate(browser.fetch("GET", "/")).await;
            let Outcome::Active(active) = outcome else { panic!("{outcome:?}") };
            let now = store.time().await.unwrap();
            let times = active.session.times;
            assert!(times.created <= now && now.since(times.created) < Duration::from_secs(30), "{times:?} at {now:?}");
            assert!(times.last_active <= now + Duration::from_secs(1), "{times:?} at {now:?}");
        }
    }
}

// security.md 56: the authority enforces the limits, whatever the store still has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_expired_session_lives_on_by_the_clock_of_a_machine() {
    let (store, prefix) = store().await;
    let limits = lifetimes(Duration::from_millis(600), Duration::from_millis(1500));
    let (right, _) = replica(&store, 0, limits).await;
    let (early, _) = replica(&store, -HOUR, limits).await;
    let (late, _) = replica(&store, HOUR, limits).await;
    let mut browsers = Vec::new();
    for world in [&right, &early, &late] {
        let mut browser = Browser::default();
        world.log_in(&mut browser, "ada").await;
        assert!(matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_)));
        browsers.push(browser);
    }
    // The store forgets to forget.
    tokio::task::spawn_blocking(move || {
        for key in keys_of(Server::shared(), &prefix) {
            redis::cmd("PERSIST").arg(key).exec(&mut Server::shared().admin()).unwrap();
        }
    })
    .await
    .unwrap();
    for (pause, reason) in [(800, InactiveReason::Idle), (900, InactiveReason::Expired)] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        for browser in &browsers {
            for world in [&right, &early, &late] {
                let outcome = world.validate(browser.fetch("GET", "/")).await;
                assert!(matches!(&outcome, Outcome::Inactive(gone) if gone.reason == reason), "{outcome:?}");
            }
        }
    }
}
