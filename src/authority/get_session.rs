//! Owns the use case GetSession: one living session, as an admin sees it. Does not know how it was asked.

use super::ports::Lookup;
use super::{Authority, Error, SessionView};
use crate::session::key::SessionKey;

impl Authority {
    /// Shows one living session.
    ///
    /// # Errors
    /// When the id is not one, no session has it, or the store can't say.
    pub async fn get_session(&self, session_id: &str) -> Result<SessionView, Error> {
        let key = self.session_key(session_id)?;
        let Lookup::Found(record) = self.look_up(&key).await? else { return Err(Error::SessionNotFound) };
        self.open_living(key, &record)?.ok_or(Error::SessionNotFound)
    }

    /// The session that a public id names.
    pub(super) fn session_key(&self, session_id: &str) -> Result<SessionKey, Error> {
        SessionKey::from_public(self.settings.tenant, session_id).ok_or_else(|| Error::InvalidField {
            field: "session_id",
            expected: "a public session id, \"sid_\" and 24 characters".to_owned(),
        })
    }
}
