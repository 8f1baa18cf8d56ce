//! Owns what waits until others have been told, while the event log takes nothing: it keeps no place from those who ask, and
//! what nobody waits for keeps none at all. Does not know what is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use gatelodge::authority::ports::Beside;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1::{self, SessionEventKind as Kind};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};

use super::failed;
use super::serving::{Serving, by, context, validation};
use super::watching::{log_in, next, of, until, watch};
use crate::world::replicas::{self, Replicas};
use crate::world::{Browser, Kept, Spawned, World, logout_token};

const STORES: [Kept; 2] = [Kept::Memory, Kept::Redis];
const PATIENCE: Duration = Duration::from_secs(20);

/// Whoever waits here waits for ever.
struct Endless;

impl Beside for Endless {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        Spawned.run(work)
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        Spawned.finish(work);
    }

    fn pause(&self, _length: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Two authorities, the second of which waits for ever for others to be told.
async fn who_tells_for_ever(kept: Kept) -> Replicas {
    let replicas = Replicas::with_other(kept, |_| (), |ports| ports.beside = Arc::new(Endless)).await;
    "app".clone_into(&mut replicas.one.provider.client.lock().unwrap());
    replicas
}

pub(super) async fn end(serving: &Serving, session: String) -> JoinHandle<Result<(), Status>> {
    let mut admin = serving.admin().await;
    tokio::spawn(async move {
        let target = Some(v1::admin_service_revoke_request::Target::SessionId(session));
        let request = v1::AdminServiceRevokeRequest { target, reason: "test".into(), ..Default::default() };
        admin.revoke(by(Role::Admin, request)).await.map(drop)
    })
}

/// Waits until the store was asked to end so many sessions at the second authority.
async fn until_ended(replicas: &Replicas, number: usize) {
    replicas::until(|| replicas.store.count("end") == number).await;
}

// A log in trouble is no outage: what waits for it leaves the places to those who ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_tells_what_has_ended_keeps_no_place_among_the_calls() {
    const PLACES: usize = 4;
    for kept in STORES {
        let replicas = who_tells_for_ever(kept).await;
        let serving = Serving::with(&replicas.two, |settings| settings.max_in_flight = PLACES).await;
        let (browser, _) = log_in(&replicas.one, "ada").await;
        let mut sessions = Vec::new();
        for number in 0..PLACES {
            sessions.push(log_in(&replicas.one, &format!("user{number}")).await.1);
        }
        replicas.cut.hangs.store(true, Ordering::SeqCst);
        let mut ending = Vec::new();
        for session in sessions {
            ending.push(end(&serving, session).await);
        }
        until_ended(&replicas, PLACES).await;
        is_answered(&serving, &browser).await;
        assert!(ending.iter().all(|ending| !ending.is_finished()), "{kept:?}: they wait until all are told");
    }
}

async fn is_answered(serving: &Serving, browser: &Browser) {
    let (mut sessions, began) = (serving.sessions().await, Instant::now());
    while let Err(status) = sessions.validate_session(by(Role::Edge, validation(browser))).await {
        failed::<()>(Err(status), Code::ResourceExhausted, "OVERLOADED");
        assert!(began.elapsed() < PATIENCE, "there is never a place for it");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

// security.md 93: so few may be at work because of what it costs to verify them; that is over then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_tells_what_a_provider_ended_keeps_no_place_among_the_logout_tokens() {
    for kept in STORES {
        let replicas = who_tells_for_ever(kept).await;
        let serving = Serving::of(&replicas.two).await;
        let subs: Vec<_> = (0..20).map(|number| format!("user{number}")).collect();
        for sub in &subs {
            *replicas.one.provider.sid.lock().unwrap() = Some(sub.clone());
            log_in(&replicas.one, sub).await;
        }
        replicas.cut.hangs.store(true, Ordering::SeqCst);
        let mut telling = Vec::new();
        for (number, sub) in subs.iter().enumerate() {
            let form = format!("logout_token={}", logout_token("app", sub, sub, Some(sub))).into();
            let context = Some(context("POST", "/auth/web/backchannel-logout"));
            let question = v1::HandleBackchannelLogoutRequest { form, context, ..Default::default() };
            let mut logins = serving.logins().await;
            let call = async move { logins.handle_backchannel_logout(by(Role::Edge, question)).await.map(drop) };
            telling.push(tokio::spawn(call));
            until_ended(&replicas, number + 1).await;
        }
        assert!(telling.iter().all(|telling| !telling.is_finished()), "{kept:?}: they wait until all are told");
    }
}

// What nobody waits for takes nothing from those who do: neither a place beside nor the time of a log that hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_log_hangs_what_nobody_waits_for_takes_no_room_beside_the_answers() {
    for kept in STORES {
        let counted = Arc::new(Counted::default());
        let beside = Arc::clone(&counted);
        let replicas = Replicas::with_other(kept, |_| (), |ports| ports.beside = beside).await;
        let door = Serving::of(&replicas.one).await;
        let mut watch = watch(&door, of(&[Kind::Refreshed])).await;
        next(&mut watch).await;
        replicas.cut.hangs.store(true, Ordering::SeqCst);
        let before = counted.0.load(Ordering::SeqCst);
        let mut sessions = Vec::new();
        for number in 0..10 {
            let (browser, session) = log_in(&replicas.one, &format!("user{number}")).await;
            replicas.two.authority.refresh_tokens(&World::call(), &browser.fetch("GET", "/")).await.unwrap();
            sessions.push(session);
        }
        assert_eq!(counted.0.load(Ordering::SeqCst), before + 10, "{kept:?}: the refreshes, and nothing else");
        replicas.cut.hangs.store(false, Ordering::SeqCst);
        let (events, _) = timeout(PATIENCE, until(&mut watch, Kind::Refreshed)).await.expect("they are told");
        assert!(events.iter().any(|event| sessions.contains(&event.session_id)), "{kept:?}");
    }
}

/// Counts what is begun beside the answers.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Beside for Counted {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst);
        Spawned.run(work)
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        Spawned.finish(work);
    }

    fn pause(&self, length: Duration) -> BoxFuture<'static, ()> {
        Spawned.pause(length)
    }
}
