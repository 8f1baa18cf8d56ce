//! Owns two authorities over a Redis that fails over, by Sentinel or as a Cluster, and who watches at one of them. Does not
//! know how the servers choose.
//!
//! | file | what must hold when a primary dies and its replica is promoted |
//! |---|---|
//! | `ends` | what has ended is dead everywhere, also where the replica has never heard of it |
//! | `load` | calls under way: nobody is logged out, and all is answered again within seconds |
//! | `following` | the way to the primary that the sentinels name, and faults of it |
//! | `waiting` | replicas that are waited for |

mod ends;
mod following;
mod load;
mod servers;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::keeper::keeping;
use gatelodge::app::store_clock::StoreClock;
use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::authority::Error;
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::SessionKey;
use gatelodge::store::redis::{RedisSettings, RedisStore, Replicas};
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{self, admin_service_revoke_request::Target};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

use self::servers::Servers;
use crate::audit;
use crate::rpc::serving::{Serving, by, validation};
use crate::rpc::watching::{Watch, of, watch};
use crate::store::bench::{connect, settings_for};
use crate::world::faults::Fault;
use crate::world::kept::put_all;
use crate::world::{Browser, FaultyStore, World};

/// A promotion takes a few seconds on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(1);
const PREFIX: &str = "failover.";

/// An authority by real clocks, over such a Redis.
struct Authority {
    world: World,
    serving: Serving,
    store: Arc<FaultyStore>,
    /// The same store, in good order.
    redis: Arc<RedisStore>,
    keeper: JoinHandle<()>,
}

impl Authority {
    async fn over(servers: &impl Servers) -> Self {
        Self::with(servers, None).await
    }

    /// One that waits for replicas.
    async fn with(servers: &impl Servers, replicas: Option<Replicas>) -> Self {
        let audit = replicas.is_some().then_some(audit::ALL);
        let settings = servers.settings(RedisSettings {
            key_prefix: PREFIX.to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
            replicas,
            ..settings_for(1)
        });
        let (redis, mut store) = (connect(settings).await.unwrap(), None);
        let world = World::built(
            &["idp"],
            |settings| {
                // Longer than a failover takes: what is known by heart is forgotten because of it, and not because it is old.
                settings.cache.as_mut().unwrap().max_staleness = Duration::from_mins(10);
                settings.audit = audit;
            },
            |ports| {
                put_all(ports, &redis);
                ports.entropy = Arc::new(SystemEntropy);
                ports.clock = Arc::new(StoreClock::new(Arc::new(SystemClock)));
                store = Some(FaultyStore::before(ports));
            },
        );
        let (serving, keeper) = (Serving::of(&world).await, tokio::spawn(keeping(world.authority.clone())));
        Self { world, serving, store: store.unwrap(), redis, keeper }
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

/// Two authorities over such a Redis that hear of everything, and who watches at the second.
struct Pair<S> {
    servers: Option<S>,
    one: Authority,
    two: Authority,
    watch: Watch,
}

impl<S: Servers> Pair<S> {
    async fn start() -> Self {
        let servers = tokio::task::spawn_blocking(S::start).await.unwrap();
        let (one, two) = (Authority::over(&servers).await, Authority::over(&servers).await);
        one.hears().await;
        two.hears().await;
        let mut watch = watch(&two.serving, of(&[])).await;
        until(&mut watch, is_trusted).await;
        Self { servers: Some(servers), one, two, watch }
    }

    /// An authority that begins now, and has heard of nothing.
    async fn another(&self) -> Authority {
        let another = Authority::over(self.servers.as_ref().unwrap()).await;
        another.hears().await;
        another
    }

    /// Does something to the servers, or looks at them.
    async fn servers<T: Send + 'static>(&mut self, work: impl FnOnce(&mut S) -> T + Send + 'static) -> T {
        let mut servers = self.servers.take().unwrap();
        let (servers, done) = tokio::task::spawn_blocking(move || {
            let done = work(&mut servers);
            (servers, done)
        })
        .await
        .unwrap();
        self.servers = Some(servers);
        done
    }

    /// A session that the second authority knows by heart.
    async fn log_in(&self, sub: &str) -> (Browser, SessionKey) {
        let end = Instant::now() + PATIENCE;
        // While a primary is replaced, a login may meet trouble: then it is begun anew.
        let (browser, session) = loop {
            let mut browser = Browser::default();
            match self.one.world.try_to_log_in(&mut browser, sub).await {
                Ok(outcome) => break (browser, outcome.result.unwrap().key),
                Err(Error::StoreUnavailable(_)) if Instant::now() < end => sleep(Duration::from_millis(50)).await,
                Err(error) => panic!("{error:?}"),
            }
        };
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
