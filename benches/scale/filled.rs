//! Owns a store with many sessions in it, one for each user, and what they take there. Does not know what is measured.

use std::sync::Arc;

use gatelodge::app::world::SystemClock;
use gatelodge::authority::ports::{Creation, SessionStore};
use gatelodge::session::key::{SessionKey, UserKey};
use gatelodge::session::record::Tokens;
use gatelodge::store::embedded::EmbeddedStore;
use gatelodge::vault::Vault;
use tempfile::TempDir;

use crate::redis_server::RedisServer;
use crate::{Result, many, redis_store, session};

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

impl Filled {
    /// Starts an empty store and makes so many sessions in it.
    pub async fn new(kind: Kind, sessions: usize, tokens: Option<Tokens>) -> Result<Self> {
        let vault = Arc::new(session::vault(session::TENANT));
        let (store, place): (Arc<dyn SessionStore>, _) = match kind {
            Kind::Redis => {
                let server = RedisServer::start()?;
                (redis_store::connect(&server.address).await?, Place::Redis(server))
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
        let (filling, tokens) = ((Arc::clone(&store), Arc::clone(&vault)), Arc::new(tokens));
        let made = many::make(sessions, move |user| {
            let ((store, vault), tokens) = (filling.clone(), Arc::clone(&tokens));
            async move { create(store.as_ref(), &vault, user, tokens.as_ref().as_ref()).await }
        });
        let made = made.await?;
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
