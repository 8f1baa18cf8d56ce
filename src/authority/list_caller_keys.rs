//! Owns the use case ListCallerKeys: the API keys that were made at run time and have not ended. Does not know how it was
//! asked.

use super::caller_keys::{CallerKeyView, Reach};
use super::{Authority, Error};

impl Authority {
    /// The keys within reach, by name; last those that do not open, which hide none of the others.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn list_caller_keys(&self, reach: Reach) -> Result<Vec<CallerKeyView>, Error> {
        let mut found = Vec::new();
        for room in self.rooms(reach) {
            found.extend(self.ports.callers.caller_keys(room).await?);
        }
        let now = self.ports.clock.now();
        found.retain(|(id, kept)| kept.ends > now && !self.stream.callers().is_revoked(id));
        let mut views: Vec<_> = found.iter().map(|(id, kept)| self.key_view(*id, kept)).collect();
        let caller = |view: &CallerKeyView| view.kept.as_ref().ok().map(|kept| kept.caller.clone());
        views.sort_by_cached_key(|view| (view.kept.is_err(), caller(view), view.id));
        Ok(views)
    }
}
