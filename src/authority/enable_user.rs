//! Owns the use case EnableUser: a disabled user may log in again. Does not know how it was asked.

use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, readable};
use crate::session::event::What;

impl Authority {
    /// Lets a user log in again.
    ///
    /// # Errors
    /// When the id is not one, nobody has it, or the store can't say; asking again is safe.
    pub async fn enable_user(&self, call: &Call, user_id: &str, reason: &str) -> Result<(), Error> {
        let user = self.user_key(user_id)?;
        if !self.ports.users.enable_user(&user).await? {
            return Err(Error::UserNotFound);
        }
        // Who has heard that they were disabled would disable them once more, after a failover that lost it.
        self.announce(What::UserEnabled(user)).await;
        tracing::info!(
            user_id,
            reason,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "a user was enabled"
        );
        let entry = self.entry(Action::UserEnabled, call, None);
        self.audit(Entry { user: Some(user), note: readable(reason), ..entry });
        Ok(())
    }
}
