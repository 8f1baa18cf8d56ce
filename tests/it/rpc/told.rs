//! Owns what is told of what may have ended or changed, where nobody knows whether it has: the store's answer was lost, or the
//! authority stops; and what it tells when it stops. Does not know how anything ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::app::keeper::{self, keeping};
use gatelodge::authority::Error;
use gatelodge::authority::ports::{EventLog, SessionStore};
use gatelodge::authority::revoke_as_admin::Target;
use gatelodge::authority::stream::News;
use gatelodge::rpc::policy::Role;
use gatelodge::session::event::What;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, SessionEventKind as Kind};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};

use super::serving::{Serving, by, validation};
use super::waiting::end;
use super::watching::{Watch, log_in, next, of, watch};
use crate::world::faults::Fault;
use crate::world::log::Log;
use crate::world::replicas::{self, Replicas};
use crate::world::{Kept, World};

const STORES: [Kept; 2] = [Kept::Memory, Kept::Redis];
const PATIENCE: Duration = Duration::from_secs(20);

async fn watched(replicas: &Replicas) -> (Serving, Watch) {
    let door = Serving::of(&replicas.one).await;
    let mut watch = watch(&door, of(&[])).await;
    next(&mut watch).await;
    (door, watch)
}

async fn until_reset(watch: &mut Watch) {
    let reset = async { while !next(watch).await.reset {} };
    timeout(PATIENCE, reset).await.expect("nobody was told to begin anew");
}

/// Waits until this is told of the session.
async fn until_told(watch: &mut Watch, kind: Kind, session: &str) {
    let told = async {
        loop {
            let message = next(watch).await;
            if message.events.iter().any(|event| event.kind() == kind && event.session_id == session) {
                return;
            }
        }
    };
    timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("nobody was told {kind:?}"));
}

async fn revoke(world: &World, target: Target) -> Result<u64, Error> {
    world.authority.revoke_as_admin(&World::call(), &target, "test").await
}

// Nobody asks again: whoever holds something open for a session learns that it may be over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_ended_is_told_though_the_stores_answer_is_lost() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (_door, mut watch) = watched(&replicas).await;
        let (store, two) = (&replicas.store, &replicas.two);
        for (step, sub) in [("end", "ada"), ("end_user", "bob"), ("delete_user", "cyd"), ("disable_user", "dan")] {
            let (_, session) = log_in(&replicas.one, sub).await;
            let (call, id) = (World::call(), format!("idp_{sub}"));
            store.set(Fault::LosesAnswerOf(step));
            let ended = match step {
                "end" => revoke(two, Target::Session(session.clone())).await,
                "end_user" => revoke(two, Target::User(id)).await,
                "delete_user" => two.authority.delete_user(&call, &id, "test").await,
                _ => two.authority.disable_user(&call, &id, "test").await,
            };
            assert!(matches!(ended, Err(Error::StoreUnavailable(_))), "{kept:?} {step}: {ended:?}");
            store.set(None);
            until_told(&mut watch, Kind::Changed, &session).await;
        }
        for target in [Target::Tenant, Target::Provider("idp".into())] {
            store.set(Fault::LosesAnswerOf("raise"));
            let ended = revoke(two, target).await;
            assert!(matches!(ended, Err(Error::StoreUnavailable(_))), "{kept:?}: {ended:?}");
            store.set(None);
            until_reset(&mut watch).await;
        }
    }
}

// What was under way when the time to stop was over may be done all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stop_cuts_off_is_told_as_what_may_have_ended() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (_door, mut watch) = watched(&replicas).await;
        let (_, session) = log_in(&replicas.one, "ada").await;
        let drain = Duration::from_millis(300);
        let mut stopping = Serving::with(&replicas.two, |settings| settings.drain = drain).await;
        replicas.store.set(Fault::HoldsAnswersOf(&["end"]));
        let ending = end(&stopping, session.clone()).await;
        replicas::until(|| replicas.store.waiting() > 0).await;
        stopping.stop();
        stopping.ended().await.unwrap();
        until_told(&mut watch, Kind::Changed, &session).await;
        replicas.store.set(None);
        ending.abort();
    }
}

/// An authority that has ended a session of which its log has taken nothing, and stops; and what its log says.
async fn stopping(kept: Kept, grace: Duration) -> (Replicas, Serving, Watch, String, JoinHandle<()>) {
    let replicas = Replicas::over(kept).await;
    let (door, watch) = watched(&replicas).await;
    let (_, session) = log_in(&replicas.one, "ada").await;
    replicas.leave_two().await;
    let mut beside = JoinSet::new();
    beside.spawn(keeping(replicas.two.authority.clone()));
    replicas.cut.hangs.store(true, Ordering::SeqCst);
    assert_eq!(revoke(&replicas.two, Target::Session(session.clone())).await.unwrap(), 1);
    let (authority, until) = (replicas.two.authority.clone(), Instant::now() + grace);
    let stopped = tokio::spawn(async move { keeper::stop(beside, Some(&authority), until).await });
    (replicas, door, watch, session, stopped)
}

#[tokio::test]
async fn an_authority_that_can_tell_nobody_what_has_ended_says_so_when_it_stops() {
    for kept in STORES {
        let log = Log::default();
        let _listening = log.listen();
        let (_replicas, _door, _watch, _, stopped) = stopping(kept, Duration::ZERO).await;
        timeout(PATIENCE, stopped).await.expect("it stops").unwrap();
        let text = log.text();
        let line = text.lines().find(|line| line.contains("were not told")).expect("it says so");
        assert!(line.contains("ERROR"), "{line}");
    }
}

#[tokio::test]
async fn an_authority_that_stops_tells_what_has_ended_as_soon_as_the_log_is_back() {
    for kept in STORES {
        let (replicas, _door, mut watch, session, stopped) = stopping(kept, Duration::from_mins(5)).await;
        replicas.cut.hangs.store(false, Ordering::SeqCst);
        until_told(&mut watch, Kind::Revoked, &session).await;
        timeout(PATIENCE, stopped).await.expect("it stops when all are told").unwrap();
    }
}

// A limit that was shortened ends sessions earlier than those believe who keep an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_shortened_limit_is_written_down_is_told() {
    for kept in STORES {
        let replicas = Replicas::over(kept).await;
        let (_door, mut watch) = watched(&replicas).await;
        let (browser, session) = log_in(&replicas.one, "ada").await;
        let (store, log) = (replicas.store.clone(), replicas.cut.clone());
        let shorter = World::built(
            &["idp"],
            |settings| {
                settings.lifetimes.absolute = Duration::from_mins(30);
                settings.lifetimes.idle = Duration::from_mins(10);
            },
            |ports| (ports.sessions, ports.events) = (store as Arc<dyn SessionStore>, log as Arc<dyn EventLog>),
        );
        let keeper = tokio::spawn(keeping(shorter.authority.clone()));
        let serving = Serving::of(&shorter).await;
        let question = v1::ValidateSessionRequest { can_set_cookies: true, ..validation(&browser) };
        let answer = serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
        let Some(Outcome::Active(active)) = answer.outcome else { panic!("{answer:?}") };
        assert_eq!(active.set_cookies.len(), 1, "{kept:?}: the cookie is sent again");
        until_told(&mut watch, Kind::Changed, &session).await;
        keeper.abort();
    }
}

// The log holds one event for each change, however many authorities hear it.
#[tokio::test]
async fn what_is_told_beside_the_answers_is_told_once() {
    let replicas = Replicas::over(Kept::Memory).await;
    let mut news = replicas.one.authority.subscribe();
    let (browser, _) = log_in(&replicas.one, "ada").await;
    replicas.two.authority.refresh_tokens(&World::call(), &browser.fetch("GET", "/")).await.unwrap();
    replicas.catch_up().await;
    replicas.catch_up().await;
    let mut refreshed = 0;
    while let Ok(news) = news.try_recv() {
        let What::Refreshed { .. } = (match news {
            News::Event(_, event) => event.what,
            News::Reset(_) => panic!("a reset"),
        }) else {
            continue;
        };
        refreshed += 1;
    }
    assert_eq!(refreshed, 1);
}
