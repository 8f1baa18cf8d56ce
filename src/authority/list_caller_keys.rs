//! Owns the use case ListCallerKeys: the API keys that were made at run time and have not ended. Does not know how it was
//! asked.

use super::caller_keys::{CallerKeyView, Reach};
use super::{Authority, Error};

impl Authority {
    /// The keys within reach, by name.
    ///
    /// # Errors
    /// When the store can't say, or one is sealed with a key that is not loaded.
    pub async fn list_caller_keys(&self, reach: Reach) -> Result<Vec<CallerKeyView>, Error> {
        let mut found = Vec::new();
        for room in self.rooms(reach) {
            found.extend(self.ports.callers.caller_keys(room).await?);
        }
        let now = self.ports.clock.now();
        found.retain(|(id, kept)| kept.ends > now && !self.stream.callers().is_revoked(id));
        let views = found.into_iter().map(|(id, kept)| self.key_view(id, &kept.sealed));
        let mut views = views.collect::<Result<Vec<_>, _>>()?;
        views.sort_by(|one, other| one.caller.cmp(&other.caller));
        Ok(views)
    }
}
