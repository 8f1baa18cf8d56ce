//! Owns what ending a user as an admin has in common, whatever becomes of the user: it is told, logged and written down. Does
//! not know what becomes of them.

use super::stream::EndedSessions;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, readable};
use crate::session::event::What;
use crate::session::key::UserKey;

/// What an admin does to a user, all of whose sessions end with it.
pub(super) struct UserEnd<'a> {
    /// Whom it is about.
    pub user: UserKey,
    /// The same, as the caller named them.
    pub user_id: &'a str,
    /// The caller's reason.
    pub reason: &'a str,
    /// As it is written down.
    pub action: Action,
    /// As replicas are told.
    pub told: What,
    /// As the log says it.
    pub said: &'static str,
}

impl Authority {
    /// Ends every session of a user by this step of the store, which answers how many there were, if there is such a user.
    /// Answers that too.
    pub(super) async fn end_with_user(
        &self,
        call: &Call,
        end: UserEnd<'_>,
        step: impl Future<Output = Result<Option<u64>, Error>>,
    ) -> Result<u64, Error> {
        let UserEnd { user, user_id, reason, action, told, said } = end;
        let step = async { step.await?.ok_or(Error::UserNotFound) };
        let mut untold = self.untold();
        let ended = self.end_all_of(&user, told, step, &mut untold).await;
        let done = self.when_told(ended, untold).await;
        if let Some((EndedSessions { count, sessions, .. }, outcome)) = EndedSessions::of(&done) {
            let (tenant, caller) = (&self.settings.tenant_name, call.caller());
            tracing::info!(user_id, reason, count, tenant, caller, request_id = call.request_id, "{said}");
            let entry = self.entry(action, call, None);
            let entry = Entry { outcome, user: Some(user), note: readable(reason), ..entry };
            self.audit(entry.ending(*count, sessions));
        }
        Ok(done?.count)
    }
}
