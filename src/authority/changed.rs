//! Owns what happens when something about a living session has changed: its standing, its tokens, its
//! credential.
//! Does not know what it was.

use super::Authority;
use crate::session::event::What;
use crate::session::key::SessionKey;

impl Authority {
    /// Whatever changes a living session calls this once the change is in the store: here it is forgotten at once, and
    /// the others are told beside the answer.
    pub(super) fn changed(&self, key: &SessionKey, how: impl FnOnce(SessionKey) -> What) {
        self.near.forget(key);
        self.announce_beside(how(*key));
    }
}
