//! Owns the use case DisableUser: nobody logs in as this user any more. Does not know how it was asked.

use super::stream::EndedSessions;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, readable};
use crate::session::event::What;

impl Authority {
    /// Ends every session of a user and lets no login of theirs make another, until they are enabled again.
    /// Answers how many living sessions ended.
    ///
    /// # Errors
    /// When the id is not one, nobody has it, or the store can't say; asking again is safe.
    pub async fn disable_user(&self, call: &Call, user_id: &str, reason: &str) -> Result<u64, Error> {
        let (user, remember) = (self.user_key(user_id)?, self.settings.remember_ended_for);
        let step = async {
            self.ports.users.disable_user(&user, remember, self.user_mark_for()).await?.ok_or(Error::UserNotFound)
        };
        let mut untold = self.untold();
        let ended = self.end_all_of(&user, What::UserDisabled(user), step, &mut untold).await;
        let done = self.when_told(ended, untold).await;
        if let Some((EndedSessions { count, sessions, .. }, outcome)) = EndedSessions::of(&done) {
            tracing::info!(
                user_id,
                reason,
                count,
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "a user was disabled"
            );
            let entry = self.entry(Action::UserDisabled, call, None);
            let entry = Entry { outcome, user: Some(user), note: readable(reason), ..entry };
            self.audit(entry.ending(*count, sessions));
        }
        Ok(done?.count)
    }
}
