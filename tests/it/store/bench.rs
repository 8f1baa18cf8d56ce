//! Owns the stores that the suite runs against, their time, and the things that tests make. Does not know the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gatelodge::app::world::SystemEntropy;
use gatelodge::authority::ports::{
    AnswerStore, AuditStore, CallerKeyStore, Clock, Creation, EventLog, LoginStore, LogoutStore, Lookup, Made,
    MintKeyStore, NewSession, OpenLogin, RateStore, SessionStore, UserStore,
};
use gatelodge::crypto::Secret;
use gatelodge::session::key::{LoginKey, Partition, SessionKey, TenantNumber, UserKey};
use gatelodge::session::mark::ProviderTag;
use gatelodge::session::record::{Header, Marks, Record};
use gatelodge::session::time::Timestamp;
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge::store::redis::{ConnectError, RedisSettings, RedisStore, RedisTls};

use crate::redis::{Cluster, Server, address, exact_address};

pub const TENANT: TenantNumber = TenantNumber(1);
/// The provider of every session that tests make.
pub const PROVIDER: ProviderTag = ProviderTag([0xbb; 4]);
pub const SHORT: Duration = Duration::from_millis(150);
pub const LONG: Duration = Duration::from_mins(10);
/// A session was made without ado.
pub const CREATED: Creation = Creation::Created(Made { first_login: false, ended: Vec::new() });

/// A store that keeps sessions and logins.
pub trait Store:
    SessionStore
    + LoginStore
    + LogoutStore
    + AnswerStore
    + RateStore
    + MintKeyStore
    + CallerKeyStore
    + EventLog
    + UserStore
    + AuditStore
{
}

impl<T> Store for T where
    T: SessionStore
        + LoginStore
        + LogoutStore
        + AnswerStore
        + RateStore
        + MintKeyStore
        + CallerKeyStore
        + EventLog
        + UserStore
        + AuditStore
{
}

/// A store on the bench.
pub struct Bench {
    pub store: Arc<dyn Store>,
    pub kind: Kind,
}

impl Bench {
    pub const fn is_embedded(&self) -> bool {
        matches!(self.kind, Kind::Embedded { .. })
    }
}

/// Which store it is, and what belongs to it.
pub enum Kind {
    Embedded { store: Arc<EmbeddedStore>, clock: Arc<SetClock>, _folder: Option<tempfile::TempDir> },
    Redis { store: Arc<RedisStore>, prefix: String, servers: Vec<&'static Server> },
}

/// A clock that stands until it is set.
pub struct SetClock(AtomicU64);

impl SetClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1_700_000_000_000)))
    }

    pub fn advance(&self, length: Duration) {
        self.0.fetch_add(u64::try_from(length.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub async fn memory() -> Bench {
    let clock = SetClock::new();
    let store = EmbeddedStore::open(None, clock.clone()).unwrap();
    Bench { store: store.clone(), kind: Kind::Embedded { store, clock, _folder: None } }
}

pub async fn file() -> Bench {
    let (clock, folder) = (SetClock::new(), tempfile::tempdir().unwrap());
    let store = EmbeddedStore::open(Some(&folder.path().join("sessions.redb")), clock.clone()).unwrap();
    Bench { store: store.clone(), kind: Kind::Embedded { store, clock, _folder: Some(folder) } }
}

pub async fn redis() -> Bench {
    over(tokio::task::spawn_blocking(|| vec![Server::shared()]).await.unwrap(), false).await
}

pub async fn cluster() -> Bench {
    over(tokio::task::spawn_blocking(|| Cluster::shared().primaries()).await.unwrap(), true).await
}

async fn over(servers: Vec<&'static Server>, cluster: bool) -> Bench {
    static BENCHES: AtomicU64 = AtomicU64::new(0);
    // As the user of the page, who may do no more than it must.
    let prefix = format!("gl:t{}.", BENCHES.fetch_add(1, Ordering::SeqCst));
    let urls = vec![Secret::new(exact_address(servers[0].port))];
    let settings = RedisSettings { urls, cluster, key_prefix: prefix.clone(), ..settings_for(servers[0].port) };
    let store = connect(settings).await.unwrap();
    Bench { store: store.clone(), kind: Kind::Redis { store, prefix, servers } }
}

/// A Redis store with the system's chance.
pub async fn connect(settings: RedisSettings) -> Result<Arc<RedisStore>, ConnectError> {
    RedisStore::connect(settings, Arc::new(SystemEntropy)).await
}

/// Settings for a single server. Times are generous: the machine runs much else beside the tests.
pub fn settings_for(port: u16) -> RedisSettings {
    RedisSettings {
        urls: vec![Secret::new(address(port))],
        cluster: false,
        sentinel: None,
        tls: RedisTls::default(),
        key_prefix: "gl".to_owned(),
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(10),
        allow_eviction: false,
        tenants: Vec::new(),
        replicas: None,
    }
}

impl Bench {
    /// Lets time pass for the store.
    pub async fn pass(&self, length: Duration) {
        match &self.kind {
            Kind::Embedded { clock, .. } => clock.advance(length),
            Kind::Redis { .. } => tokio::time::sleep(length).await,
        }
    }

    /// Removes what has expired.
    pub async fn sweep(&self) {
        match &self.kind {
            Kind::Embedded { store, .. } => drop(store.sweep().await),
            Kind::Redis { store, .. } => drop(store.sweep(TENANT).await.unwrap()),
        }
    }

    /// What must hold after every test: in Redis no key lives for ever.
    pub async fn leave(self) {
        if let Kind::Redis { prefix, servers, .. } = self.kind {
            tokio::task::spawn_blocking(move || {
                for server in servers {
                    let mut admin = server.admin();
                    for key in keys_of(server, &prefix) {
                        let left: i64 = redis::cmd("PTTL").arg(&key).query(&mut admin).unwrap();
                        // Users, what names them, and the names of tenants have no end (FORMAT.md).
                        let immortal = key.windows(2).any(|pair| matches!(pair, b"}h" | b"}j" | b"}g"));
                        assert!(left != -1 || immortal, "{} lives for ever", String::from_utf8_lossy(&key));
                    }
                }
            })
            .await
            .unwrap();
        }
    }

    /// Makes a session for `user` that lives for `LONG`, with tokens.
    pub async fn session(&self, user: &UserKey) -> SessionKey {
        let new = new_session(self.store.time().await.unwrap(), user);
        let key = new.key;
        assert!(matches!(self.store.create(new).await.unwrap(), Creation::Created(_)));
        key
    }

    pub async fn found(&self, key: &SessionKey) -> Record {
        match self.store.read(key).await.unwrap() {
            Lookup::Found(record) => record,
            Lookup::Gone(why) => panic!("gone: {why:?}"),
        }
    }

    pub async fn is_gone(&self, key: &SessionKey) -> bool {
        matches!(self.store.read(key).await.unwrap(), Lookup::Gone(_))
    }

    /// Opens a login.
    pub async fn login(&self, ttl: Duration) -> LoginKey {
        let key = LoginKey::of(TENANT, &fresh());
        self.store
            .open(&key, OpenLogin { sealed: b"sealed".to_vec(), binding: BINDING, most: None }, ttl)
            .await
            .unwrap();
        key
    }
}

pub const BINDING: [u8; 16] = [7; 16];

/// Every key of a server that begins with `prefix`.
pub fn keys_of(server: &Server, prefix: &str) -> Vec<Vec<u8>> {
    let (mut admin, mut cursor, mut keys) = (server.admin(), 0u64, Vec::new());
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(1000);
        let (next, found): (u64, Vec<Vec<u8>>) = scan.query(&mut admin).unwrap();
        keys.extend(found);
        cursor = next;
        if cursor == 0 {
            return keys;
        }
    }
}

/// Bytes that no other call gives.
pub fn fresh<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Somebody new.
pub fn user() -> UserKey {
    UserKey::of(TENANT, "https://issuer.example", &format!("{:02x?}", fresh::<8>()))
}

/// A session about to be made for `user`, whose login began `now`.
pub fn new_session(now: Timestamp, user: &UserKey) -> NewSession {
    NewSession {
        key: SessionKey::of(user.tenant, user.partition, &fresh()),
        user: *user,
        record: record(1),
        tokens: Some(b"sealed tokens".to_vec()),
        keep_for: LONG,
        tokens_for: LONG * 10,
        // A mark of the same millisecond would refuse it.
        login_started: now + Duration::from_millis(1),
        replaces: Vec::new(),
        remember_for: LONG,
        user_cap: 1000,
        makes_room: false,
        began: now,
        notes_beginning: false,
        profile: None,
    }
}

/// A record of that revision.
pub fn record(revision: u64) -> Record {
    let header = Header {
        revision,
        generation: 1,
        current: [1; 16],
        other: None,
        last_active: None,
        fence: 0,
        marks: Marks { everything: 1, tenant: 2, provider: 3, of: PROVIDER },
    };
    Record { header, body: Bytes::from_static(&[0xbd; 200]) }
}

/// Any partition.
pub fn partition() -> Partition {
    Partition::new(5).unwrap()
}
