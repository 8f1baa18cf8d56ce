//! Owns the note in a session that its refresh token is about to be sent: a provider may spend it, and whoever sent it may
//! end before what it brought is kept. Does not know what the provider says.

use super::keep_tokens::{FIRST_PAUSE, WRITES};
use super::ports::{Lease, Lookup, Written};
use super::{Authority, Error};
use crate::session::key::SessionKey;
use crate::session::record::RefreshToken;

/// How often to try before the session counts as too busy.
const ATTEMPTS: usize = 32;

/// What became of noting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It stands there now: nobody had sent this token.
    Now,
    /// It stood there already: somebody had begun to send it, and nothing that came of it was kept. It may be spent.
    Before,
    /// The session ended meanwhile.
    SessionGone,
}

impl Authority {
    /// Notes that the session's refresh token is being sent. The caller holds the lease, has `seen` the tokens sealed under
    /// it, and sends nothing without this. The note goes with the token: tokens that a refresh or a login writes are
    /// without it.
    ///
    /// # Errors
    /// When the store can't say, or the lease is somebody else's by now.
    pub(super) async fn note_sending(&self, lease: &dyn Lease, key: &SessionKey, seen: &[u8]) -> Result<Noted, Error> {
        let mut was_absent = false;
        for _ in 0..ATTEMPTS {
            let Lookup::Found(mut record) = self.look_up(key).await? else { return Ok(Noted::SessionGone) };
            if record.header.fence != lease.fence() {
                return Err(Error::RefreshInProgress);
            }
            let marks = record.header.marks;
            let mut standing = self.vault.open_standing(key, &marks, &record.body)?;
            if standing.refresh_token == RefreshToken::Sent {
                // Under one lease nobody else writes it: then it is our own, whose answer was lost.
                return Ok(if was_absent { Noted::Now } else { Noted::Before });
            }
            was_absent = true;
            standing.refresh_token = RefreshToken::Sent;
            record.header.revision += 1;
            match self.rewrite(key, record, &standing).await {
                Ok(Written::Yes) => return Ok(Noted::Now),
                Ok(Written::Gone) => return Ok(Noted::SessionGone),
                Ok(Written::RevisionChanged | Written::FenceLost) => (),
                Err(error) => {
                    self.take_back_note(lease, key, seen).await;
                    return Err(error);
                }
            }
        }
        Err(Error::StoreUnavailable("the session changes too fast".into()))
    }

    /// Takes the note back that this caller has made: the token is as it was. Nothing is taken back once somebody else has
    /// the lease, who may have sent it. Where the store does not take it, the note stays, and a later refusal ends no session.
    pub(super) async fn take_back_note(&self, lease: &dyn Lease, key: &SessionKey, seen: &[u8]) {
        let mut taken_back = self.try_to_take_back(lease, key, seen).await;
        for turn in 1..WRITES {
            let Err(Error::StoreUnavailable(_)) = taken_back else { break };
            self.ports.beside.pause(FIRST_PAUSE * 2_u32.pow(turn - 1)).await;
            taken_back = self.try_to_take_back(lease, key, seen).await;
        }
        if let Err(error) = taken_back {
            tracing::warn!(
                session = key.public(),
                error = &error as &dyn std::error::Error,
                "a refresh token that was not spent counts as sent: its refusal will not end the session"
            );
        }
    }

    async fn try_to_take_back(&self, lease: &dyn Lease, key: &SessionKey, seen: &[u8]) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let Lookup::Found(mut record) = self.look_up(key).await? else { return Ok(()) };
            let marks = record.header.marks;
            let mut standing = self.vault.open_standing(key, &marks, &record.body)?;
            if record.header.fence != lease.fence() || standing.refresh_token != RefreshToken::Sent {
                return Ok(());
            }
            standing.refresh_token = RefreshToken::Kept;
            record.body = self.vault.reseal_standing(self.nonce(), key, &marks, &record.body, &standing)?.into();
            record.header.revision += 1;
            // Of all writes this one compares the fence. The tokens are those that are there.
            match self.ports.sessions.write_tokens(key, lease.fence(), record, seen.to_vec()).await? {
                Written::Yes | Written::Gone | Written::FenceLost => return Ok(()),
                Written::RevisionChanged => (),
            }
        }
        Err(Error::StoreUnavailable("the session changes too fast".into()))
    }
}
