//! Owns the use case AdminService.Revoke: end sessions from outside the browser. Does not know how it was asked.

use super::{Authority, Call, Error};
use crate::session::record::Ending;

/// What to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One session, by its public id.
    Session(String),
    /// All sessions of a user, and the logins of theirs that are under way.
    User(String),
}

impl Authority {
    /// Ends what `target` names, and answers how many living sessions that were. The provider's refresh tokens are
    /// destroyed here, and can't be revoked there: they open only with the browser's credential.
    ///
    /// # Errors
    /// When the target is not one, or the store can't say; asking again is safe.
    pub async fn revoke_as_admin(&self, call: &Call, target: &Target, reason: &str) -> Result<u64, Error> {
        let remember = self.settings.remember_ended_for;
        let count = match target {
            Target::Session(id) => {
                let key = self.session_key(id)?;
                u64::from(self.ports.sessions.end(&key, Ending::Revoked, remember).await?)
            }
            Target::User(id) => {
                let user = self.user_key(id)?;
                let mark_for = self.settings.longest_life().max(self.settings.logins.ttl);
                self.ports.sessions.end_user(&user, remember, mark_for).await?
            }
        };
        let (what, id) = match target {
            Target::Session(id) => ("session", id),
            Target::User(id) => ("user", id),
        };
        tracing::info!(what, id, reason, count, request_id = call.request_id, "an admin ended sessions");
        Ok(count)
    }
}
