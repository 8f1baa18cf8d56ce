//! Owns a store with many sessions in it, one for each user, and what they take there. Does not know what is measured.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::app::world::{SystemClock, SystemEntropy};
use gatelodge::authority::ports::{Creation, SessionStore};
use gatelodge::crypto::Secret;
use gatelodge::session::key::{SessionKey, UserKey};
use gatelodge::session::record::Tokens;
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge::store::redis::{RedisSettings, RedisStore, RedisTls};
use gatelodge::vault::Vault;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::redis_server::RedisServer;
use crate::{Result, session};

/// What keeps the sessions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Redis,
    Embedded,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Embedded => "embedded",
        }
    }
}

/// A store with its sessions.
pub struct Filled {
    pub store: Arc<dyn SessionStore>,
    pub vault: Arc<Vault>,
    /// The sessions and their users, in no order that means something.
    pub sessions: Vec<(SessionKey, UserKey)>,
    bytes: f64,
    place: Place,
}

/// Where it keeps them.
enum Place {
    Redis(RedisServer),
    File(TempDir),
}

/// How many are made at once.
const AT_ONCE: usize = 256;

impl Filled {
    /// Starts an empty store and makes so many sessions in it.
    pub async fn new(kind: Kind, sessions: usize, tokens: Option<Tokens>) -> Result<Self> {
        let vault = Arc::new(session::vault(session::TENANT));
        let (store, place): (Arc<dyn SessionStore>, _) = match kind {
            Kind::Redis => {
                let server = RedisServer::start()?;
                (redis(&server.address).await?, Place::Redis(server))
            }
            Kind::Embedded => {
                let folder = tempfile::tempdir()?;
                let store = EmbeddedStore::open(Some(&file_in(&folder)), Arc::new(SystemClock))?;
                (store, Place::File(folder))
            }
        };
        // The first one brings scripts and connections with it, which are no session's.
        create(store.as_ref(), &vault, sessions, tokens.as_ref()).await?;
        let before = place.empty()?;
        let (tokens, mut making, mut made) = (Arc::new(tokens), JoinSet::new(), Vec::with_capacity(sessions));
        for first in 0..AT_ONCE {
            let (store, vault, tokens) = (Arc::clone(&store), Arc::clone(&vault), Arc::clone(&tokens));
            making.spawn(async move {
                let mut made = Vec::with_capacity(sessions / AT_ONCE + 1);
                for user in (first..sessions).step_by(AT_ONCE) {
                    made.push(create(store.as_ref(), &vault, user, tokens.as_ref().as_ref()).await?);
                }
                Result::Ok(made)
            });
        }
        while let Some(some) = making.join_next().await {
            made.extend(some??);
        }
        let bytes = place.bytes()? - before;
        Ok(Self { store, vault, sessions: made, bytes, place })
    }

    /// What a session takes: in Redis with what its allocator rounds up, embedded in the file.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 sessions")]
    pub fn bytes_each(&self) -> f64 {
        self.bytes / self.sessions.len() as f64
    }

    /// What is measured, in words.
    pub const fn bytes_of(&self) -> &'static str {
        match self.place {
            Place::Redis(_) => "memory",
            Place::File(_) => "file",
        }
    }
}

impl Place {
    /// What counts as nothing. A file is counted whole: it grows in steps, also before the first session.
    fn empty(&self) -> Result<f64> {
        match self {
            Self::Redis(_) => self.bytes(),
            Self::File(_) => Ok(0.0),
        }
    }

    fn bytes(&self) -> Result<f64> {
        match self {
            Self::Redis(server) => server.used_memory(),
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
            Self::File(folder) => Ok(std::fs::metadata(file_in(folder))?.len() as f64),
        }
    }
}

fn file_in(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("sessions.redb")
}

/// Makes the session of the user with this number.
pub async fn create(
    store: &dyn SessionStore,
    vault: &Vault,
    user: usize,
    tokens: Option<&Tokens>,
) -> Result<(SessionKey, UserKey)> {
    let (new, _) = session::make(vault, session::user(user), tokens);
    let made = (new.key, new.user);
    match store.create(new).await? {
        Creation::Created(_) => Ok(made),
        refused => Err(format!("the store refuses a session: {refused:?}").into()),
    }
}

async fn redis(address: &str) -> Result<Arc<RedisStore>> {
    let settings = RedisSettings {
        urls: vec![Secret::new(address)],
        cluster: false,
        sentinel: None,
        tls: RedisTls::default(),
        key_prefix: "gl".to_owned(),
        connect_timeout: Duration::from_secs(2),
        response_timeout: Duration::from_secs(10),
        allow_eviction: false,
        tenants: Vec::new(),
        replicas: None,
    };
    Ok(RedisStore::connect(settings, Arc::new(SystemEntropy)).await?)
}
