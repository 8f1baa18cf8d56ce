//! Owns the use case DeleteUser: nothing of a user is left but that there was one. Does not know how it was asked.

use std::time::Duration;

use super::stream::EndedSessions;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, readable};
use crate::session::event::What;

/// How long it is remembered that a user was deleted.
const NOTE_FOR: Duration = Duration::from_hours(400 * 24);

impl Authority {
    /// Removes a user with every session of theirs. That it happened is remembered for a while.
    /// Answers how many living sessions ended.
    ///
    /// # Errors
    /// When the id is not one, nobody has it, or the store can't say; asking again is safe.
    pub async fn delete_user(&self, call: &Call, user_id: &str, reason: &str) -> Result<u64, Error> {
        let (user, remember) = (self.user_key(user_id)?, self.settings.remember_ended_for);
        let step = async {
            self.ports
                .users
                .delete_user(&user, remember, self.user_mark_for(), NOTE_FOR)
                .await?
                .ok_or(Error::UserNotFound)
        };
        let mut untold = self.untold();
        let ended = self.end_all_of(&user, What::UserRevoked(user), step, &mut untold).await;
        let done = self.when_told(ended, untold).await;
        if let Some((EndedSessions { count, sessions, .. }, outcome)) = EndedSessions::of(&done) {
            tracing::info!(
                user_id,
                reason,
                count,
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "a user was deleted"
            );
            let entry = self.entry(Action::UserDeleted, call, None);
            let entry = Entry { outcome, user: Some(user), note: readable(reason), ..entry };
            self.audit(entry.ending(*count, sessions));
        }
        Ok(done?.count)
    }
}
