//! Owns the use case RevokeCallerKey: nobody calls with this API key any more. Does not know how it was asked.

use super::audit::outcome_of;
use super::caller_keys::Reach;
use super::ports::StoreError;
use super::{Authority, Call, Error};
use crate::session::audit::{Action, Entry, readable};
use crate::session::caller::CallerKeyId;
use crate::session::event::What;

impl Authority {
    /// Revokes a key within reach, and answers whether there was one. Of one that is out of reach it says no more than of one
    /// that there is not.
    ///
    /// # Errors
    /// When the id is none, or the store can't say; asking again is safe.
    pub async fn revoke_caller_key(&self, call: &Call, id: &str, reach: Reach, reason: &str) -> Result<bool, Error> {
        let read = CallerKeyId::read_public(id);
        let id = read.ok_or_else(|| Error::InvalidField {
            field: "key_id",
            expected: "the id of a key, \"key_...\", as ListCallerKeys shows it".to_owned(),
        })?;
        if !self.rooms(reach).any(|room| room == id.tenant) {
            return Ok(false);
        }
        // Whose it is can be told as long as it is there. Where that can't be had, it is revoked all the same.
        let kept = self.ports.callers.caller_key(&id).await.ok().flatten();
        let whose = kept.and_then(|kept| self.key_view(id, &kept).kept.ok());
        let (mut untold, what) = (self.untold(), What::CallerRevoked(id));
        untold.doubt(what.clone());
        let removed = self.ports.callers.remove_caller_key(&id).await;
        if let Ok(_) | Err(StoreError::Unreplicated(_)) = removed {
            // Also where there was none: an earlier call may have removed it, and died before it told anybody.
            untold.settle(&what, Some(what.clone()));
        }
        let done = self.when_told(removed.map_err(Error::from), untold).await;
        let Some(outcome) = outcome_of(&done) else { return done };
        // Where too few replicas of the store have it, there may have been one.
        let revoked = done.as_ref().copied().unwrap_or(true);
        tracing::info!(
            key = id.public(),
            whose = whose.as_ref().map(|whose| whose.caller.as_str()),
            revoked,
            reason,
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "a caller's key was revoked"
        );
        if revoked {
            let entry = self.entry(Action::CallerKeyRevoked, call, None);
            let detail = whose.map_or_else(|| id.public(), |whose| readable(&whose.words(&id)));
            self.audit(Entry { outcome, detail, note: readable(reason), ..entry });
        }
        done
    }
}
