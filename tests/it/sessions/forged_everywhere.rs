//! Shows that what comes forged is counted over all replicas (security.md 108), beside the answers: a refusal rests on what the
//! others have counted too, the store gets a bounded number of writes, and its trouble is nobody's. Does not know how a store
//! counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use gatelodge::authority::Ports;
use gatelodge::authority::ports::Beside;
use gatelodge::rpc::policy::Role;
use gatelodge::session::rate::{Allowance, Rate};
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;
use tokio::sync::Semaphore;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::door::COOKIE;
use crate::rpc::failed;
use crate::rpc::serving::{Serving, by, validation};
use crate::world::faults::Fault;
use crate::world::log::Log;
use crate::world::replicas::until;
use crate::world::{Browser, FaultyStore, Kept, Spawned, World, on_every_store};

on_every_store! {
    bad_credentials_are_counted_over_all_replicas
    one_that_has_heard_refuses_without_the_store
    a_tenants_bad_credentials_are_counted_over_all_replicas
    a_flood_from_many_addresses_makes_a_bounded_number_of_writes
    stray_credentials_reach_no_store
    without_the_store_each_replica_counts_and_nobody_waits_or_is_refused
}

/// One comes back in 450 seconds; a sixteenth of it is less than one.
const EIGHT: Allowance = Allowance { most: 8, within: Duration::from_hours(1) };
const EIGHTH: Duration = Duration::from_secs(450);

/// Tasks of the test's runtime that say how often they have paused, and pause for no longer than the test lets them.
struct Rounds {
    paused: AtomicUsize,
    over: Arc<Semaphore>,
}

impl Rounds {
    fn paused(&self) -> usize {
        self.paused.load(Ordering::SeqCst)
    }
}

impl Beside for Rounds {
    fn run(&self, work: BoxFuture<'static, ()>) -> bool {
        Spawned.run(work)
    }

    fn finish(&self, work: BoxFuture<'static, ()>) {
        Spawned.finish(work);
    }

    fn pause(&self, _: Duration) -> BoxFuture<'static, ()> {
        self.paused.fetch_add(1, Ordering::SeqCst);
        let over = Arc::clone(&self.over);
        Box::pin(async move { over.acquire().await.unwrap().forget() })
    }
}

struct Replica {
    serving: Serving,
    world: World,
    store: Arc<FaultyStore>,
    rounds: Arc<Rounds>,
}

impl Replica {
    async fn over(ports: &Ports, rate: Rate, pauses: usize) -> Self {
        let rounds = Arc::new(Rounds { paused: AtomicUsize::default(), over: Arc::new(Semaphore::new(pauses)) });
        let mut store = None;
        let world = World::built(
            &["idp"],
            |settings| settings.rates.bad_credentials = rate,
            |own| {
                let (clock, providers) = (own.clock.clone(), own.providers.clone());
                *own = Ports { clock: clock.clone(), wall: clock, providers, ..ports.clone() };
                own.beside = rounds.clone();
                store = Some(FaultyStore::before(own));
            },
        );
        Self { serving: Serving::of(&world).await, world, store: store.unwrap(), rounds }
    }

    /// Presents something forged from there: how long to wait, where it was refused.
    async fn forged_from(&self, peer: &str) -> Option<Duration> {
        let forged = Browser { cookies: vec![(COOKIE.to_owned(), "sess_forged".to_owned())], ..Browser::default() };
        let mut question = validation(&forged);
        question.context.as_mut().unwrap().peer_address = Some(peer.to_owned().into());
        match self.serving.sessions().await.validate_session(by(Role::Edge, question)).await {
            Ok(answer) => {
                let Some(Outcome::Inactive(found)) = answer.into_inner().outcome else { panic!("it was let in") };
                assert_eq!(found.reason(), v1::InactiveReason::Forged);
                None
            }
            refused => {
                let status = failed(refused, Code::ResourceExhausted, "RATE_LIMITED");
                Some(status.get_details_retry_info().unwrap().retry_delay.unwrap())
            }
        }
    }

    /// The same, and all have heard of it as far as they can.
    async fn shared_from(&self, peer: &str) -> Option<Duration> {
        let before = self.rounds.paused();
        let refused = self.forged_from(peer).await;
        if refused.is_none() {
            until(|| self.rounds.paused() > before).await;
        }
        refused
    }
}

async fn three(kept: Kept, rate: Rate) -> [Replica; 3] {
    let (_first, ports) = World::kept_in(kept).await;
    let one = async || Replica::over(&ports, rate, 1_000_000).await;
    [one().await, one().await, one().await]
}

fn client(allowance: Allowance) -> Rate {
    Rate { client: Some(allowance), tenant: None }
}

/// Presents something forged to each in turn until all refuse: how often it was answered, and how long each says to wait.
async fn until_refused(replicas: &[Replica; 3], peer: impl Fn(usize) -> String) -> (usize, [Duration; 3]) {
    let (mut answered, mut waits) = (0, [None; 3]);
    for number in 0..99 {
        if waits.iter().all(Option::is_some) {
            break;
        }
        waits[number % 3] = replicas[number % 3].shared_from(&peer(number)).await;
        answered += usize::from(waits[number % 3].is_none());
    }
    (answered, waits.map(Option::unwrap))
}

async fn bad_credentials_are_counted_over_all_replicas(kept: Kept) {
    let replicas = three(kept, client(EIGHT)).await;
    let (answered, waits) = until_refused(&replicas, |_| "192.0.2.7".to_owned()).await;
    assert!(
        (8..=10).contains(&answered),
        "the allowance, and a sixteenth, or one, at each further replica: {answered}"
    );
    let moment = Duration::from_mins(1);
    assert!(waits.iter().all(|wait| *wait + moment > EIGHTH && *wait <= 3 * EIGHTH), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait > 2 * EIGHTH), "what went beyond is paid back: {waits:?}");
    for replica in &replicas {
        assert_eq!(replica.forged_from("192.0.2.8").await, None, "of another client nothing is known");
    }
}

async fn one_that_has_heard_refuses_without_the_store(kept: Kept) {
    let replicas = three(kept, client(EIGHT)).await;
    let mut browser = Browser::default();
    replicas[0].world.log_in(&mut browser, "ada").await;
    until_refused(&replicas, |_| "192.0.2.7".to_owned()).await;
    for replica in &replicas {
        let before = ["owe", "take_one", "read", "read_among_many"].map(|step| replica.store.count(step));
        for _ in 0..20 {
            assert!(replica.forged_from("192.0.2.7").await.is_some());
        }
        let after = ["owe", "take_one", "read", "read_among_many"].map(|step| replica.store.count(step));
        assert_eq!(after, before);
        let good = by(Role::Edge, validation(&browser));
        let answer = replica.serving.sessions().await.validate_session(good).await.unwrap().into_inner();
        assert!(matches!(answer.outcome, Some(Outcome::Active(_))), "a good one from there is never refused");
    }
}

async fn a_tenants_bad_credentials_are_counted_over_all_replicas(kept: Kept) {
    let replicas = three(kept, Rate { client: None, tenant: Some(EIGHT) }).await;
    let (answered, _) = until_refused(&replicas, |number| format!("192.0.2.{number}")).await;
    assert!((8..=10).contains(&answered), "{answered}");
}

async fn a_flood_from_many_addresses_makes_a_bounded_number_of_writes(kept: Kept) {
    let (_first, ports) = World::kept_in(kept).await;
    let replica = Replica::over(&ports, client(EIGHT), 0).await;
    replica.forged_from("198.51.100.1").await;
    until(|| replica.rounds.paused() == 1).await;
    for number in 0..300 {
        assert_eq!(replica.forged_from(&format!("10.1.{}.{}", number / 100, number % 100)).await, None);
    }
    assert_eq!(replica.store.count("owe"), 1, "the next round is a second away");
    for round in 2..=3 {
        replica.rounds.over.add_permits(1);
        until(|| replica.rounds.paused() == round).await;
        assert_eq!(replica.store.count("owe"), 1 + (round - 1) * 100);
    }
    assert_eq!(["take_one", "read", "read_among_many"].map(|step| replica.store.count(step)), [0; 3]);
}

async fn stray_credentials_reach_no_store(kept: Kept) {
    let thousand = Allowance { most: 1000, within: Duration::from_mins(1) };
    let [replica, ..] = three(kept, client(thousand)).await;
    for _ in 0..61 {
        assert_eq!(replica.forged_from("192.0.2.7").await, None);
    }
    assert_eq!((replica.store.count("owe"), replica.rounds.paused()), (0, 0));
    for _ in 61..64 {
        replica.forged_from("192.0.2.7").await;
    }
    until(|| replica.store.count("owe") == 1).await;
}

async fn without_the_store_each_replica_counts_and_nobody_waits_or_is_refused(kept: Kept) {
    let log = Log::default();
    let _listening = log.listen();
    for fault in [Fault::AwayAt("owe"), Fault::SilentAt("owe"), Fault::LosesAnswerOf("owe")] {
        let replicas = three(kept, client(EIGHT)).await;
        for replica in &replicas {
            replica.store.set(fault);
            for number in 0..8 {
                assert_eq!(replica.forged_from("192.0.2.7").await, None, "{fault:?}, {number}");
            }
            assert!(replica.forged_from("192.0.2.7").await.is_some(), "{fault:?}: it is counted here");
        }
    }
    until(|| log.text().contains("counted by this replica alone")).await;
}
