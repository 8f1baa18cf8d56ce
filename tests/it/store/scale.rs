//! Owns what must hold of a tenant with very many sessions, over Redis, on two authorities: a hundred thousand without
//! tokens. The bench `scale` raises a mark over a million, in the store alone. Does not know the scripts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use gatelodge::app::keeper::keeping;
use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::ports::{EventLog as _, Heard, SessionStore as _};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::validate_session::Outcome;
use gatelodge::session::event::What;
use gatelodge::session::mark::ProviderTag;
use gatelodge::store::redis::{RedisSettings, RedisStore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::bench::{TENANT, connect, new_session, settings_for, user};
use crate::redis::Server;
use crate::world::{Browser, World};

const SESSIONS: usize = 100_000;

fn authority(store: &Arc<RedisStore>) -> World {
    World::built(
        &["idp"],
        |settings| settings.lifetimes.touch_interval = Duration::from_secs(1),
        |ports| {
            (ports.sessions, ports.logins, ports.events) = (store.clone(), store.clone(), store.clone());
            ports.entropy = Arc::new(SystemEntropy);
            ports.clock =
                Arc::new(gatelodge::app::store_clock::StoreClock::new(Arc::new(gatelodge::app::world::SystemClock)));
        },
    )
}

async fn is_active(world: &World, browser: &Browser) -> bool {
    matches!(world.validate(browser.fetch("GET", "/")).await, Outcome::Active(_))
}

/// Waits until the authority's stream is whole.
async fn whole(world: &World) {
    while !world.authority.hears_everything() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn fill(store: &RedisStore, sessions: usize) {
    let now = store.time().await.unwrap();
    let create = |_| async move {
        let mut new = new_session(now, &user());
        new.tokens = None;
        new.record.header.marks = gatelodge::session::mark::MarksNow::default().at_birth(ProviderTag::of("idp"));
        store.create(new).await.unwrap();
    };
    stream::iter(0..sessions).map(create).buffer_unordered(512).for_each(|()| async {}).await;
}

/// How many commands of a kind the server has run.
fn ran(server: &Server, command: &str) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query(&mut server.admin()).unwrap();
    let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:")));
    line.and_then(|line| line.split(&['=', ','][..]).nth(1)).map_or(0, |calls| calls.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_sessions_are_dead_after_one_event_while_validation_goes_on() {
    let server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    let settings = || RedisSettings { key_prefix: "m".into(), ..settings_for(server.port) };
    let (one, two) = (connect(settings()).await.unwrap(), connect(settings()).await.unwrap());
    let (here, there) = (authority(&one), authority(&two));
    let mut keepers = JoinSet::new();
    keepers.spawn(keeping(here.authority.clone()));
    keepers.spawn(keeping(there.authority.clone()));
    whole(&here).await;
    whole(&there).await;
    let began = Instant::now();
    fill(&one, SESSIONS).await;
    println!("{SESSIONS} sessions made in {:?}", began.elapsed());
    let mut before = Browser::default();
    here.log_in(&mut before, "ada").await;
    assert!(is_active(&there, &before).await);

    let (log, stop) = (two.next(None, Duration::ZERO).await.unwrap(), AtomicBool::new(false));
    let Heard::Reset(position) = log else { panic!("{log:?}") };
    let written = ran(&server, "hset");
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let began = Instant::now();
        here.authority.revoke_as_admin(&World::call(), &Target::Tenant, "test").await.unwrap();
        let answered = Instant::now();
        assert!(!is_active(&here, &before).await, "dead where it was revoked, when that is answered");
        while is_active(&there, &before).await {
            tokio::task::yield_now().await;
        }
        let refused = Instant::now();
        stop.store(true, Ordering::SeqCst);
        (answered - began, refused - began)
    };
    let validate = async {
        let (mut slowest, mut asked) = (Duration::ZERO, 0);
        while !stop.load(Ordering::SeqCst) {
            let began = Instant::now();
            is_active(&there, &before).await;
            slowest = slowest.max(began.elapsed());
            asked += 1;
        }
        (slowest, asked)
    };
    let ((answered, refused), (slowest, asked)) = tokio::join!(revoke, validate);
    println!(
        "revoked in {answered:?}, refused on the other authority after {refused:?}; of {asked} validations meanwhile the \
         slowest took {slowest:?}"
    );
    assert_eq!(ran(&server, "hset") - written, 1024, "small writes, however many sessions there are");
    let heard = two.next(Some(position), Duration::from_secs(1)).await.unwrap();
    let Heard::Events(events) = heard else { panic!("{heard:?}") };
    let told = events.iter().filter(|(_, event)| !matches!(event.what, What::Heartbeat { .. })).count();
    assert_eq!(told, 1, "events: {events:?}");
    assert!(refused < Duration::from_secs(2) && slowest < Duration::from_secs(1), "it stalled");

    // None of them is left to be seen, anywhere.
    let mut position = None;
    loop {
        let page = one.walk(TENANT, position, 4096).await.unwrap();
        assert!(page.sessions.is_empty());
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    let mut after = Browser::default();
    there.log_in(&mut after, "ada").await;
    assert!(is_active(&here, &after).await && is_active(&there, &after).await, "a session made after the mark lives");
    assert!(!is_active(&here, &before).await && !is_active(&there, &before).await);
    keepers.shutdown().await;
}
