//! Owns what happens when something about a living session has changed: its standing, its tokens, its end.
//! Does not know what it was.

use super::Authority;
use crate::session::key::SessionKey;

impl Authority {
    /// Whatever changes a session calls this once the change is in the store. Here is the one place to announce it.
    pub(super) fn changed(&self, key: &SessionKey) {
        self.opened.forget(key);
    }
}
