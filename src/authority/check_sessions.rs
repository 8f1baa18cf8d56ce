//! Owns what is different for the questions of CheckSessions: of many that come at the same moment, what they read travels
//! together. Each is answered by the use case ValidateSession. Does not know how they come.

use super::Authority;
use super::ports::{Lookup, StoreResult};
use crate::session::key::SessionKey;

impl Authority {
    /// The same authority, for questions of which many come at the same moment.
    #[must_use]
    pub fn for_many(&self) -> Self {
        Self { among_many: true, ..self.clone() }
    }

    /// Reads a session from the store, with others where many are asked for.
    pub(super) async fn read(&self, key: &SessionKey) -> StoreResult<Lookup> {
        let sessions = &self.ports.sessions;
        if self.among_many { sessions.read_among_many(key).await } else { sessions.read(key).await }
    }
}
