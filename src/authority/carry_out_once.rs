//! Owns that a logout token is carried out once: of several copies one is, and the others wait for it. Does not know what
//! it ends.

use std::time::Duration;

use super::logout_store::{Carrier, LogoutClaim};
use super::stream::EndedSessions;
use super::{Authority, Error};
use crate::session::key::LogoutTokenKey;
use crate::session::time::Timestamp;

/// How much longer than a token is good it is remembered to have been carried out: for calls that are slow.
const MARGIN: Duration = Duration::from_mins(1);
/// Whoever is at a token for longer is taken to have gone.
const AT_WORK_FOR: Duration = Duration::from_mins(1);
/// How often it is looked whether another copy has been carried out, and how long between.
const LOOKS: usize = 20;
const AGAIN: Duration = Duration::from_millis(100);

/// What became of carrying out a token.
pub(super) enum Carried {
    /// It ended these.
    Now(EndedSessions),
    /// It was carried out before.
    Before,
    /// Another copy of it is being carried out, and takes its time.
    StillAtWork,
}

impl Authority {
    /// Does what a token asks for, which no check would let pass after `good_until`. One whose work failed halfway can come
    /// again at once.
    pub(super) async fn carry_out_once(
        &self,
        token: &LogoutTokenKey,
        good_until: Timestamp,
        work: impl AsyncFnOnce() -> Result<EndedSessions, Error>,
    ) -> Result<Carried, Error> {
        let by = self.random();
        let done = self.claimed_and_done(token, by, good_until, work).await;
        if done.is_err() {
            // Where this fails too, the claim runs out by itself.
            if let Err(error) = self.ports.logouts.give_back(token, by).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a logout token could not be given back");
            }
        }
        done
    }

    async fn claimed_and_done(
        &self,
        token: &LogoutTokenKey,
        by: Carrier,
        good_until: Timestamp,
        work: impl AsyncFnOnce() -> Result<EndedSessions, Error>,
    ) -> Result<Carried, Error> {
        for look in 0.. {
            match self.ports.logouts.claim_token(token, by, AT_WORK_FOR).await? {
                LogoutClaim::Taken => break,
                LogoutClaim::Done => return Ok(Carried::Before),
                LogoutClaim::AtWork if look == LOOKS => return Ok(Carried::StillAtWork),
                LogoutClaim::AtWork => self.ports.beside.pause(AGAIN).await,
            }
        }
        let ended = work().await?;
        self.ports.logouts.spend(token, good_until.since(self.ports.wall.now()) + MARGIN).await?;
        Ok(Carried::Now(ended))
    }
}
