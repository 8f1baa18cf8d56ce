//! Owns the use case DeleteUser: nothing of a user is left but that there was one. Does not know how it was asked.

use std::time::Duration;

use super::end_with_user::UserEnd;
use super::{Authority, Call, Error};
use crate::session::audit::Action;
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
        let step = async { Ok(self.ports.users.delete_user(&user, remember, self.user_mark_for(), NOTE_FOR).await?) };
        let (action, told, said) = (Action::UserDeleted, What::UserRevoked(user), "a user was deleted");
        self.end_with_user(call, UserEnd { user, user_id, reason, action, told, said }, step).await
    }
}
