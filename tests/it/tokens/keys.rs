//! Owns the tests of the keys that sign our own tokens: shared by all replicas, published before they sign, gone after
//! their last token. Does not know what the tokens say.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::mint_token::{Outcome, Question};
use gatelodge::authority::settings::Settings;
use gatelodge::authority::{Error, Presented};
use gatelodge::crypto::SignatureAlgorithm;
use gatelodge::session::mint::{KEEP_KEYS_FOR, LEAD};
use gatelodge::store::embedded::{EmbeddedStore, OpenError};
use serde_json::Value;

use super::{fresh_prefix, over, redis_store};
use crate::world::faults::Fault;
use crate::world::{Browser, FakeClock, World};

const DAY: Duration = Duration::from_hours(24);

fn long_lived(settings: &mut Settings) {
    settings.lifetimes.absolute = DAY * 400;
    settings.lifetimes.idle = DAY * 400;
}

/// The names of the published keys, in their order.
async fn published(world: &World) -> Vec<String> {
    let set: Value = serde_json::from_str(&world.authority.get_jwks().await.unwrap().jwks).unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The name of the key that signs now.
async fn signing(world: &World, presented: &Presented) -> String {
    use base64::Engine as _;
    let audience = "https://orders.example.com".into();
    let question = Question { presented: presented.clone(), audience, ..Question::default() };
    let Outcome::Minted(minted) = world.authority.mint_token(&World::call(), &question).await.unwrap() else {
        panic!("not minted")
    };
    let header = minted.token.expose().split('.').next().unwrap().to_owned();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checker_that_keeps_the_keys_as_told_never_meets_an_unknown_one() {
    let store = redis_store(&fresh_prefix()).await;
    let worlds = [World::with(long_lived), World::built(&["idp"], long_lived, over(&store))];
    for world in worlds {
        let mut browser = Browser::default();
        world.log_in(&mut browser, "ada").await;
        let presented = browser.fetch("GET", "/");
        let (mut known, mut seen) = (published(&world).await, HashSet::new());
        // Ninety days in steps of the time for which keys may be kept; each step mints with what signs then.
        let steps = 90 * DAY.as_secs() / KEEP_KEYS_FOR.as_secs();
        for step in 0..steps {
            // Long stretches in which nothing can happen are passed over.
            let into_turn = (step * KEEP_KEYS_FOR.as_secs()) % (30 * DAY.as_secs());
            let is_quiet = (7200..30 * DAY.as_secs() - 7200).contains(&into_turn);
            world.clock.advance(KEEP_KEYS_FOR);
            if is_quiet && step % 500 != 0 {
                continue;
            }
            let signs = signing(&world, &presented).await;
            assert!(known.contains(&signs), "step {step}: a checker does not know {signs}");
            seen.insert(signs);
            known = published(&world).await;
            assert!(known.len() <= 2, "{known:?}");
        }
        assert!((3..=4).contains(&seen.len()), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_that_make_keys_at_once_agree_on_one() {
    let (prefix, clock) = (fresh_prefix(), World::new().clock);
    let mut replicas = Vec::new();
    for _ in 0..8 {
        let store = redis_store(&prefix).await;
        replicas.push(World::built(&["idp"], long_lived, |ports| {
            over(&store)(ports);
            (ports.entropy, ports.clock) = (Arc::new(SystemEntropy), clock.clone());
        }));
    }
    for turn in 0..3 {
        let all = futures::future::join_all(replicas.iter().map(published)).await;
        assert!(all.iter().all(|keys| *keys == all[0]), "turn {turn}: {all:?}");
        assert_eq!(all[0].len(), if turn == 0 { 1 } else { 2 });
        // A key is made a lead before its turn.
        clock.advance((DAY * 30).checked_sub(if turn == 0 { LEAD } else { Duration::ZERO }).unwrap());
    }
}

#[tokio::test]
async fn another_algorithm_takes_over_without_a_gap() {
    let prefix = fresh_prefix();
    let store = redis_store(&prefix).await;
    let old = World::built(&["idp"], long_lived, over(&store));
    let mut browser = Browser::default();
    old.log_in(&mut browser, "ada").await;
    let first = signing(&old, &browser.fetch("GET", "/")).await;
    let new = World::built(
        &["idp"],
        |settings| {
            long_lived(settings);
            settings.mint.as_mut().unwrap().algorithm = SignatureAlgorithm::EdDsa;
        },
        |ports| {
            over(&store)(ports);
            (ports.entropy, ports.clock) = (Arc::new(SystemEntropy), old.clock.clone());
        },
    );
    let presented = browser.fetch("GET", "/");
    assert_eq!(signing(&new, &presented).await, first, "what nobody could have fetched signs nothing yet");
    let both = published(&new).await;
    assert_eq!(both.len(), 2);
    old.clock.advance(LEAD);
    assert_eq!(signing(&new, &presented).await, both[1]);
    // One that still has the old algorithm publishes both, and may add one of its own.
    assert!(published(&old).await.starts_with(&both));
}

// Keys survive a restart: what they signed before it is still checked.
#[tokio::test]
async fn keys_are_on_disk_before_they_sign() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.redb");
    let clock = Arc::new(FakeClock::default());
    let open = async || {
        // What the one before has begun beside its answer still holds the file.
        let store = loop {
            match EmbeddedStore::open(Some(&file), clock.clone()) {
                Err(OpenError::InUse { .. }) => tokio::task::yield_now().await,
                opened => break opened.unwrap(),
            }
        };
        World::built(&["idp"], long_lived, |ports| {
            (ports.sessions, ports.logins, ports.logouts) = (store.clone(), store.clone(), store.clone());
            ports.mint_keys = store;
            (ports.entropy, ports.clock) = (Arc::new(SystemEntropy), clock.clone());
        })
    };
    let before = published(&open().await).await;
    assert_eq!(published(&open().await).await, before);
}

// Trouble in the store is no new key: a checker would not know it.
#[tokio::test]
async fn a_store_that_is_away_mints_nothing_new() {
    let (world, store) = World::with_faults(long_lived);
    let before = published(&world).await;
    world.clock.advance(Duration::from_secs(31));
    store.set(Fault::Away);
    assert!(matches!(world.authority.get_jwks().await, Err(Error::StoreUnavailable(_))));
    store.set(None);
    assert_eq!(published(&world).await, before);
}
