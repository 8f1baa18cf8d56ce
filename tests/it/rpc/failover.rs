//! Owns what callers see when the primary that holds the event log dies and its replica is promoted, also one that has lost
//! the last of it: nobody is logged out, nothing that was known by heart is used, watchers begin anew, and what has ended or
//! ends afterwards is dead. Does not know how a cluster chooses.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::keeper::keeping;
use gatelodge::app::store_clock::StoreClock;
use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::crypto::Secret;
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::SessionKey;
use gatelodge::store::redis::RedisSettings;
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, admin_service_revoke_request::Target};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

use super::serving::{Serving, by, validation};
use super::watching::{Watch, of, watch};
use crate::redis::{Cluster, address};
use crate::store::bench::{connect, keys_of, settings_for};
use crate::world::faults::Fault;
use crate::world::kept::put_all;
use crate::world::{Browser, FaultyStore, World};

/// A promotion takes a few seconds on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(1);
const PREFIX: &str = "failover.";

/// An authority by real clocks, over the cluster.
struct Authority {
    world: World,
    serving: Serving,
    store: Arc<FaultyStore>,
    keeper: JoinHandle<()>,
}

impl Authority {
    async fn over(cluster: &Cluster) -> Self {
        let settings = RedisSettings {
            urls: cluster.nodes.iter().map(|node| Secret::new(address(node.port))).collect(),
            cluster: true,
            key_prefix: PREFIX.to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
            ..settings_for(1)
        };
        let (redis, mut store) = (connect(settings).await.unwrap(), None);
        let world = World::built(
            &["idp"],
            // Longer than a failover takes: what is known by heart is forgotten because of it, and not because it is old.
            |settings| settings.cache.as_mut().unwrap().max_staleness = Duration::from_mins(10),
            |ports| {
                put_all(ports, &redis);
                ports.entropy = Arc::new(SystemEntropy);
                ports.clock = Arc::new(StoreClock::new(Arc::new(SystemClock)));
                store = Some(FaultyStore::before(ports));
            },
        );
        let (serving, keeper) = (Serving::of(&world).await, tokio::spawn(keeping(world.authority.clone())));
        Self { world, serving, store: store.unwrap(), keeper }
    }

    async fn hears(&self) {
        let end = Instant::now() + PATIENCE;
        while !self.world.authority.hears_everything() {
            assert!(Instant::now() < end, "it never hears of everything");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether the session lives; an error where the authority can't say.
    async fn is_active(&self, browser: &Browser) -> Result<bool, Status> {
        let answer = self.serving.sessions().await.validate_session(by(Role::Edge, validation(browser))).await?;
        Ok(matches!(answer.into_inner().outcome, Some(Outcome::Active(_))))
    }

    /// The same as soon as it can say.
    async fn says(&self, browser: &Browser) -> bool {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.is_active(browser).await {
                Ok(active) => return active,
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                    assert!(Instant::now() < end, "it never says: {status:?}");
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether it answers without its store.
    async fn knows(&self, browser: &Browser) -> bool {
        self.store.set(Fault::Away);
        let known = self.is_active(browser).await;
        self.store.set(None);
        match known {
            Ok(active) => active,
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                false
            }
        }
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Reads until such a message comes, and answers whether a reset came by then.
async fn until(watch: &mut Watch, is_it: impl Fn(&v1::WatchSessionsResponse) -> bool) -> bool {
    let mut reset = false;
    let reading = async {
        loop {
            let message = watch.message().await.unwrap().expect("the watch goes on");
            reset |= message.reset;
            if is_it(&message) {
                return;
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("the message came");
    reset
}

fn is_trusted(message: &v1::WatchSessionsResponse) -> bool {
    message.max_staleness.is_some()
}

/// The primary that holds a key which ends so.
fn holder(cluster: &Cluster, is_it: impl Fn(&[u8]) -> bool) -> usize {
    let holds = |port: u16| {
        let node = cluster.primaries().into_iter().find(|node| node.port == port);
        node.is_some_and(|node| keys_of(node, PREFIX).iter().any(|key| is_it(key)))
    };
    cluster.nodes.iter().position(|node| holds(node.port)).expect("somebody holds it")
}

fn holder_of_the_log(cluster: &Cluster) -> usize {
    holder(cluster, |key| key.ends_with(b"e\0\0\0\0"))
}

fn name_of(session: &SessionKey) -> Vec<u8> {
    [b"}s".as_slice(), &session.tenant.0.to_be_bytes(), &session.id].concat()
}

fn holder_of(cluster: &Cluster, session: &SessionKey) -> usize {
    let name = name_of(session);
    holder(cluster, |key| key.ends_with(&name))
}

/// Two authorities over a cluster that hear of everything, and who watches at the second.
struct Pair {
    cluster: Option<Cluster>,
    one: Authority,
    two: Authority,
    watch: Watch,
}

impl Pair {
    async fn start() -> Self {
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
        let (one, two) = (Authority::over(&cluster).await, Authority::over(&cluster).await);
        one.hears().await;
        two.hears().await;
        let mut watch = watch(&two.serving, of(&[])).await;
        until(&mut watch, is_trusted).await;
        Self { cluster: Some(cluster), one, two, watch }
    }

    /// Does something to the cluster, or looks at it.
    async fn cluster<T: Send + 'static>(&mut self, work: impl FnOnce(&mut Cluster) -> T + Send + 'static) -> T {
        let mut cluster = self.cluster.take().unwrap();
        let (cluster, done) = tokio::task::spawn_blocking(move || {
            let done = work(&mut cluster);
            (cluster, done)
        })
        .await
        .unwrap();
        self.cluster = Some(cluster);
        done
    }

    /// A session that the second authority knows by heart.
    async fn log_in(&self, sub: &str) -> (Browser, SessionKey) {
        let mut browser = Browser::default();
        let session = self.one.world.log_in(&mut browser, sub).await.result.unwrap().key;
        let end = Instant::now() + PATIENCE;
        loop {
            assert!(self.two.says(&browser).await);
            if self.two.knows(&browser).await {
                return (browser, session);
            }
            assert!(Instant::now() < end, "it never knows the session by heart");
        }
    }

    async fn revoke(&self, session: &SessionKey) {
        self.one.hears().await;
        let target = Some(Target::SessionId(session.public()));
        let request = v1::AdminServiceRevokeRequest { target, reason: "test".into(), ..Default::default() };
        let revoked = self.one.serving.admin().await.revoke(by(Role::Admin, request)).await.unwrap().into_inner();
        assert_eq!(revoked.revoked_count, 1);
    }

    /// Waits until it is told that the session has ended, and answers whether a reset came by then.
    async fn is_told_of(&mut self, session: &SessionKey) -> bool {
        let id = session.public();
        until(&mut self.watch, |message| message.events.iter().any(|event| event.session_id == id)).await
    }

    /// The second authority loses the log, and hears of everything again; whoever watches there is told to begin anew.
    async fn fails_over(&mut self, browser: &Browser) {
        let lost = until(&mut self.watch, |message| !is_trusted(message)).await;
        assert!(!self.two.knows(browser).await, "nobody would tell it");
        let found = until(&mut self.watch, is_trusted).await;
        assert!(lost || found, "nobody can say what the new primary has lost");
        assert!(!self.two.knows(browser).await, "what was known before may be over");
    }
}

// store.md, 6: while the stream is broken caches are bypassed; security.md 113: and nobody is logged out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_of_the_log_logs_nobody_out_and_nothing_that_ends_after_it_lives_on() {
    let mut pair = Pair::start().await;
    let (browser, session) = pair.log_in("ada").await;
    pair.cluster(|cluster| {
        cluster.wait_until_replicated();
        let at = holder_of_the_log(cluster);
        cluster.nodes[at].stop();
    })
    .await;
    pair.fails_over(&browser).await;
    assert!(pair.one.says(&browser).await && pair.two.says(&browser).await, "a failover is no logout");
    pair.revoke(&session).await;
    assert!(!pair.is_told_of(&session).await, "what comes then is told by itself");
    assert!(!pair.two.says(&browser).await && !pair.one.says(&browser).await);
}

// store.md, 7: what the promoted replica has never heard of is known to the authorities.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_just_before_a_failover_that_lost_it_lives_on_nowhere() {
    let mut pair = Pair::start().await;
    let log = pair.cluster(|cluster| holder_of_the_log(cluster)).await;
    let mut number = 0;
    let (ended, session) = loop {
        let (browser, session) = pair.log_in(&format!("user{number}")).await;
        if pair.cluster(move |cluster| holder_of(cluster, &session)).await == log {
            break (browser, session);
        }
        number += 1;
    };
    let (other, _) = pair.log_in("ada").await;
    pair.cluster(move |cluster| {
        cluster.wait_until_replicated();
        cluster.cut_off_replicas_of(log);
    })
    .await;
    pair.revoke(&session).await;
    pair.is_told_of(&session).await;
    pair.cluster(move |cluster| cluster.nodes[log].stop()).await;
    pair.fails_over(&other).await;
    let is_back = pair.cluster(move |cluster| {
        let left = cluster.nodes.iter().enumerate().filter(|(at, _)| *at != log);
        left.map(|(_, node)| keys_of(node, PREFIX)).any(|keys| keys.iter().any(|key| key.ends_with(&name_of(&session))))
    });
    assert!(is_back.await, "else this test shows nothing");
    assert!(
        !pair.two.says(&ended).await && !pair.one.says(&ended).await,
        "the store has it again, and nobody believes it"
    );
    assert!(pair.one.says(&other).await && pair.two.says(&other).await, "a failover is no logout");
}
