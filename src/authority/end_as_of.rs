//! Owns the end of what there was of a user at a moment that may have passed: word of it can come late, or again after it
//! could not be heeded, and the user may have logged in anew since. Does not know who brings it.

use super::stream::EndedSessions;
use super::{Authority, Error};
use crate::session::key::UserKey;
use crate::session::record::Ending;
use crate::session::time::Timestamp;

impl Authority {
    /// Ends every session of a user that had begun at a moment of the world's time, logins under way then included. What
    /// began since lives on.
    pub(super) async fn end_user_as_of(&self, user: &UserKey, moment: Timestamp) -> Result<EndedSessions, Error> {
        let ago = self.ports.wall.now().since(moment);
        if ago.is_zero() {
            return self.end_user(user).await;
        }
        // Logins that had begun by then make no session from here on, so that the list has all of theirs.
        self.ports.sessions.refuse_logins(user, ago, self.user_mark_for()).await?;
        let moment = self.by_our_time(moment);
        let all = self.ports.sessions.sessions_of(user).await?.into_iter();
        let meant = all.filter(|(key, record)| {
            let standing = self.vault.open_standing(key, &record.header.marks, &record.body);
            // Where nobody can say when it began, it ends.
            standing.map_or(true, |standing| standing.created <= moment)
        });
        let sessions: Vec<_> = meant.map(|(key, _)| key).collect();
        let done = self.end_sessions(&sessions, Ending::Revoked).await;
        EndedSessions::known_to_be(done, |ended| EndedSessions { user: Some(*user), ..ended })
    }

    /// A moment of the world's time by the store's, now for one that is still to come.
    pub(super) fn by_our_time(&self, moment: Timestamp) -> Timestamp {
        self.ports.clock.now() - self.ports.wall.now().since(moment)
    }
}
