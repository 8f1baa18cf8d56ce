//! Owns the embedded store: memory is the truth for reads, one file keeps it across restarts, one process has it.
//! Does not know any network. Every acknowledged write but a touch is on disk first.
//!
//! A step happens under the lock of its partition: it checks, changes what revokes, and orders the rest from the
//! `journal`. Once that is on disk, the journal makes visible what it grants. So a revocation is seen before it is on
//! disk and a grant only after; and a step that lost its caller runs to its end all the same.

mod answers;
mod attributes;
mod audit;
mod audit_rows;
mod caller_keys;
mod change;
mod create;
mod events;
mod file;
mod joined;
mod journal;
mod lease;
mod login;
mod logins;
mod logouts;
mod marks;
mod memory;
mod mint_keys;
mod open;
mod rates;
mod row;
mod sessions;
mod sweep;
mod tenants;
mod users;
mod walk;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::ports::Clock;
use crate::session::time::Timestamp;
use audit::Audit;
use events::Ring;
use file::SessionFile;
use journal::Journal;
use memory::Memory;
pub use open::OpenError;

/// Sessions in memory and, with a path, in one file.
pub struct EmbeddedStore {
    clock: Arc<dyn Clock>,
    memory: Arc<Memory>,
    journal: Journal,
    file: Option<Arc<SessionFile>>,
    ring: Ring,
    audit: Audit,
}

impl EmbeddedStore {
    /// Opens the store: with the file at `path`, which is made with its folder when it is not there, or, with `None`,
    /// in memory alone. Reads the whole file; blocks meanwhile.
    ///
    /// # Errors
    /// [`OpenError`], which names the file and says what to do.
    pub fn open(path: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, OpenError> {
        let memory = Arc::new(Memory::new());
        let (file, journal) = match path {
            None => (None, Journal::none()),
            Some(path) => {
                let file = file::open_and_load(path, &memory)?;
                let journal = Journal::start(Arc::clone(&file), Arc::clone(&memory))
                    .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
                (Some(file), journal)
            }
        };
        let ring = Ring::new(clock.now());
        Ok(Arc::new(Self { clock, memory, journal, file, ring, audit: Audit::default() }))
    }

    /// Removes what has expired, now and then `every` so often, until the store is gone or the future is dropped.
    pub fn sweeping(self: &Arc<Self>, every: Duration) -> impl Future<Output = ()> + Send + use<> {
        let store = Arc::downgrade(self);
        async move {
            let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(store) = store.upgrade() else { return };
                store.sweep().await;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
