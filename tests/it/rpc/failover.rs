//! Owns what callers see when the primary that holds the event log dies and its replica is promoted: nobody is logged out,
//! nothing known by heart is used while nobody would tell, watchers learn so, and what ends afterwards is dead. Does not
//! know how a cluster chooses.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::keeper::keeping;
use gatelodge::app::store_clock::StoreClock;
use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::crypto::Secret;
use gatelodge::rpc::policy::Role;
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
            |_| (),
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

/// Reads until such a message comes.
async fn until(watch: &mut Watch, is_it: impl Fn(&v1::WatchSessionsResponse) -> bool) {
    let reading = async {
        loop {
            let message = watch.message().await.unwrap().expect("the watch goes on");
            if is_it(&message) {
                return;
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("the message came");
}

/// The primary that holds the event log.
fn holder_of_the_log(cluster: &Cluster) -> usize {
    let holds = |port: u16| {
        let node = cluster.primaries().into_iter().find(|node| node.port == port);
        node.is_some_and(|node| keys_of(node, PREFIX).iter().any(|key| key.ends_with(b"e\0\0\0\0")))
    };
    cluster.nodes.iter().position(|node| holds(node.port)).expect("somebody holds the log")
}

// store.md, 6: while the stream is broken caches are bypassed; security.md 113: and nobody is logged out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_of_the_log_logs_nobody_out_and_nothing_that_ends_after_it_lives_on() {
    let mut cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let (one, two) = (Authority::over(&cluster).await, Authority::over(&cluster).await);
    one.hears().await;
    two.hears().await;
    let mut browser = Browser::default();
    let session = one.world.log_in(&mut browser, "ada").await.result.unwrap().key.public();
    let end = Instant::now() + PATIENCE;
    loop {
        assert!(two.says(&browser).await);
        if two.knows(&browser).await {
            break;
        }
        assert!(Instant::now() < end, "it never knows the session by heart");
    }
    let mut watch = watch(&two.serving, of(&[])).await;
    until(&mut watch, |message| message.max_staleness.is_some()).await;

    cluster = tokio::task::spawn_blocking(move || {
        cluster.wait_until_replicated();
        let at = holder_of_the_log(&cluster);
        cluster.nodes[at].stop();
        cluster
    })
    .await
    .unwrap();
    until(&mut watch, |message| message.max_staleness.is_none()).await;
    assert!(!two.knows(&browser).await, "nobody would tell it");

    until(&mut watch, |message| message.max_staleness.is_some()).await;
    assert!(one.says(&browser).await && two.says(&browser).await, "a failover is no logout");
    one.hears().await;
    let target = Some(Target::SessionId(session.clone()));
    let request = v1::AdminServiceRevokeRequest { target, reason: "test".into() };
    let revoked = one.serving.admin().await.revoke(by(Role::Admin, request)).await.unwrap().into_inner();
    assert_eq!(revoked.revoked_count, 1);
    let is_told = |message: &v1::WatchSessionsResponse| {
        message.reset || message.events.iter().any(|event| event.session_id == session)
    };
    until(&mut watch, is_told).await;
    assert!(!two.says(&browser).await && !one.says(&browser).await);
    drop(cluster);
}
