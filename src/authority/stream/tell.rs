//! Owns how everybody is told of what has happened: whoever waits for it waits no longer than anything may be stale, and
//! what the log has not taken by then goes on being told. Does not know what it was.

use std::time::Duration;

use futures::future::{Either, select};

use super::{MAX_STALENESS, Untold};
use crate::authority::Authority;
use crate::authority::ports::{StoreError, StoreResult};
use crate::session::event::{Event, Position, What};

/// How soon an announcement is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// How long the log may take for one.
const ATTEMPT: Duration = Duration::from_secs(2);

impl Authority {
    /// Tells every replica and watcher what has happened. When it completes, nobody relies on what was before: they have
    /// been told, or whatever they knew has become too old. What they could not be told yet they are told later.
    pub async fn announce(&self, what: What) {
        let mut untold = self.untold();
        untold.add(what);
        self.tell(untold).await;
    }

    /// As [`Authority::announce`], without waiting: for what nobody's answer depends on.
    pub(in crate::authority) fn announce_beside(&self, what: What) {
        let mut untold = self.untold();
        untold.add(what);
        self.tell_beside(untold);
    }

    /// What is to be told when it is whole: nothing yet.
    pub(in crate::authority) fn untold(&self) -> Untold {
        Untold::of(self.settings.tenant, &self.stream.ear)
    }

    /// As [`Authority::announce`], of all that has happened.
    pub(in crate::authority) async fn tell(&self, untold: Untold) {
        if untold.events().is_empty() {
            return;
        }
        let (telling, enough) = (Box::pin(self.tell_again_and_again(untold)), self.ports.beside.pause(MAX_STALENESS));
        if let Either::Right(_) = select(telling, enough).await {
            tracing::warn!("an event could not be announced in time; it is tried again with every heartbeat");
        }
    }

    /// The same, without waiting. While the log does not take anything, the next heartbeat that it takes tells it.
    pub(in crate::authority) fn tell_beside(&self, untold: Untold) {
        if untold.events().is_empty() || self.stream.ear.outbox.is_troubled() {
            return;
        }
        let authority = self.clone();
        self.ports.beside.run(Box::pin(async move { drop(authority.try_to_tell(untold).await) }));
    }

    async fn tell_again_and_again(&self, mut untold: Untold) {
        while let Err(again) = self.try_to_tell(untold).await {
            untold = again;
            self.ports.beside.pause(AGAIN).await;
        }
    }

    async fn try_to_tell(&self, untold: Untold) -> Result<(), Untold> {
        match self.give_to_log(untold.events().to_vec()).await {
            Ok(position) => {
                self.stream.announced(position);
                untold.told();
                Ok(())
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "an event could not be announced yet");
                Err(untold)
            }
        }
    }

    /// Gives the log what was left to be told, and more.
    ///
    /// # Errors
    /// When the log does not take it: then it is left again.
    pub(super) async fn give_with_what_was_left(&self, more: Vec<Event>) -> StoreResult<()> {
        let untold = Untold::left(&self.stream.ear);
        let count = untold.events().len();
        self.give_to_log(untold.events().iter().cloned().chain(more).collect()).await?;
        untold.told();
        if count > 0 {
            tracing::info!(count, "what could not be announced before is announced now");
        }
        Ok(())
    }

    async fn give_to_log(&self, events: Vec<Event>) -> StoreResult<Position> {
        let given = self.ports.events.announce(events);
        let taken = match select(given, self.ports.beside.pause(ATTEMPT)).await {
            Either::Left((taken, _)) => taken,
            Either::Right(_) => Err(StoreError::Unavailable("the event log did not answer in time".into())),
        };
        self.stream.ear.outbox.note(taken.is_ok());
        taken
    }
}
