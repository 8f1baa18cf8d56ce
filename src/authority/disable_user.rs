//! Owns the use case DisableUser: nobody logs in as this user any more. Does not know how it was asked.

use super::end_with_user::UserEnd;
use super::{Authority, Call, Error};
use crate::session::audit::Action;
use crate::session::event::What;

impl Authority {
    /// Ends every session of a user and lets no login of theirs make another, until they are enabled again.
    /// Answers how many living sessions ended.
    ///
    /// # Errors
    /// When the id is not one, nobody has it, or the store can't say; asking again is safe.
    pub async fn disable_user(&self, call: &Call, user_id: &str, reason: &str) -> Result<u64, Error> {
        let (user, remember) = (self.user_key(user_id)?, self.settings.remember_ended_for);
        let step = async { Ok(self.ports.users.disable_user(&user, remember, self.user_mark_for()).await?) };
        let (action, told, said) = (Action::UserDisabled, What::UserDisabled(user), "a user was disabled");
        self.end_with_user(call, UserEnd { user, user_id, reason, action, told, said }, step).await
    }
}
