//! Owns what happens when something about a living session changes: its standing, its tokens, its credential. Does not know
//! what it is.

use super::ports::Written;
use super::{Authority, Error};
use crate::session::event::What;
use crate::session::key::SessionKey;

impl Authority {
    /// Changes a living session by one write, and has the others told `how`, beside the answer. Where nobody knows whether it
    /// was written, as when its caller goes away in the middle, they are told that something may have changed.
    pub(super) async fn change(
        &self,
        key: &SessionKey,
        how: fn(SessionKey) -> What,
        write: impl Future<Output = Result<Written, Error>>,
    ) -> Result<Written, Error> {
        let (mut untold, doubt) = (self.untold(), What::Changed(*key));
        untold.doubt(doubt.clone());
        let written = write.await?;
        untold.settle(&doubt, (written == Written::Yes).then(|| how(*key)));
        Ok(written)
    }

    /// Whatever changes a living session calls this once the change is in the store: here it is forgotten at once, and
    /// the others are told beside the answer.
    pub(super) fn changed(&self, key: &SessionKey, how: impl FnOnce(SessionKey) -> What) {
        self.announce_beside(how(*key));
    }
}
