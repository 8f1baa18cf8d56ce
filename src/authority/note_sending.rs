//! Owns the note in a session that its refresh token is about to be sent: a provider may spend it, and whoever sent it may
//! end before what it brought is kept. Does not know what the provider says.

use super::ports::{Lease, Lookup, Written};
use super::{Authority, Error};
use crate::session::key::SessionKey;

/// How often to try before the session counts as too busy.
const ATTEMPTS: usize = 32;

/// What became of noting it.
pub(super) enum Noted {
    /// It stands there now: nobody had sent this token.
    Now,
    /// It stood there already: somebody had begun to send it, and nothing that came of it was kept. It may be spent.
    Before,
    /// The session ended meanwhile.
    SessionGone,
}

impl Authority {
    /// Notes that the session's refresh token is being sent. The caller holds the lease, and sends nothing without this.
    /// The note goes with the token: tokens that a refresh or a login writes are without it.
    ///
    /// # Errors
    /// When the store can't say, or the lease is somebody else's by now.
    pub(super) async fn note_sending(&self, lease: &dyn Lease, key: &SessionKey) -> Result<Noted, Error> {
        for _ in 0..ATTEMPTS {
            let Lookup::Found(mut record) = self.look_up(key).await? else { return Ok(Noted::SessionGone) };
            if record.header.fence != lease.fence() {
                return Err(Error::RefreshInProgress);
            }
            let marks = record.header.marks;
            let mut standing = self.vault.open_standing(key, &marks, &record.body)?;
            if standing.refresh_sent {
                return Ok(Noted::Before);
            }
            standing.refresh_sent = true;
            record.header.revision += 1;
            match self.rewrite(key, record, &standing).await? {
                Written::Yes => return Ok(Noted::Now),
                Written::Gone => return Ok(Noted::SessionGone),
                Written::RevisionChanged | Written::FenceLost => (),
            }
        }
        Err(Error::StoreUnavailable("the session changes too fast".into()))
    }
}
