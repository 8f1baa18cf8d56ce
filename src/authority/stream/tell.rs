//! Owns how everybody is told of what has happened: whoever waits for it waits no longer than anything may be stale, and
//! what the log has not taken by then goes on being told. Does not know what it was.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};

use super::{MAX_STALENESS, Untold};
use crate::authority::ports::{StoreError, StoreResult};
use crate::authority::{Authority, Error};
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
        self.untold().add(what);
    }

    /// The same authority, which calls this when what was asked for is done, and only telling is left: that may take as long
    /// as anything may be stale.
    #[must_use]
    pub fn calling_when_only_telling(self, call: impl Fn() + Send + Sync + 'static) -> Self {
        Self { only_telling: Some(Arc::new(call)), ..self }
    }

    /// What is to be told when it is whole: nothing yet.
    pub(in crate::authority) fn untold(&self) -> Untold {
        Untold::of(self.settings.tenant, &self.stream.ear)
    }

    /// As [`Authority::announce`], of all that has happened.
    pub(in crate::authority) async fn tell(&self, mut untold: Untold) {
        untold.conclude();
        if untold.events().is_empty() {
            return;
        }
        self.only_telling.iter().for_each(|call| call());
        let (telling, enough) = (Box::pin(self.tell_again_and_again(untold)), self.ports.beside.pause(MAX_STALENESS));
        if let Either::Right(_) = select(telling, enough).await {
            tracing::warn!("an event could not be announced in time; it is tried again until the log takes it");
        }
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

    /// Gives the log what was left to be told, if anything was.
    ///
    /// # Errors
    /// When the log does not take it: then it is left again.
    pub async fn announce_the_rest(&self) -> Result<(), Error> {
        let untold = Untold::left(&self.stream.ear);
        if !untold.events().is_empty() {
            self.give_to_log(untold.events().to_vec()).await?;
            untold.told();
        }
        Ok(())
    }

    /// Waits until something is left to be told: what nobody has waited for, and what nobody could wait for any longer. To be
    /// waited for by one task.
    pub async fn something_is_left(&self) {
        self.stream.ear.outbox.something().await;
    }

    pub(super) async fn give_to_log(&self, events: Vec<Event>) -> StoreResult<Position> {
        let given = self.ports.events.announce(events);
        match select(given, self.ports.beside.pause(ATTEMPT)).await {
            Either::Left((taken, _)) => taken,
            Either::Right(_) => Err(StoreError::Unavailable("the event log did not answer in time".into())),
        }
    }
}
