//! Owns the steps that keep the stream: send a heartbeat, hear what came. Does not know their rhythm: `app` does.

use std::time::Duration;

use futures::channel::mpsc;
use futures::future::try_join_all;

use super::{Ear, News};
use crate::authority::ports::{Heard, StoreError, StoreResult};
use crate::authority::{Authority, Error};
use crate::session::event::{Event, Position, What};
use crate::session::mark::EVERY_TENANT;

impl Authority {
    /// Sends a heartbeat, and reads the marks in force, lest one be missed meanwhile. To be called every
    /// [`super::HEARTBEAT_EVERY`], for all tenants that share a memory at once.
    ///
    /// # Errors
    /// When the store does not answer: soon the stream counts as broken, and marks are read with every session.
    pub async fn beat(&self) -> Result<(), Error> {
        let ear = &self.stream.ear;
        let number = ear.send(self.ports.clock.running());
        let what = What::Heartbeat { author: ear.author(), number };
        self.give_to_log(vec![Event::of(EVERY_TENANT, what)]).await?;
        let (began, tenants) = (self.ports.clock.running(), ear.tenants());
        let read = tenants.into_iter().map(|tenant| async move {
            let marks = self.ports.sessions.marks(tenant).await?;
            Ok::<_, StoreError>((tenant, marks))
        });
        ear.learn_all(&try_join_all(read).await?, began);
        Ok(())
    }

    /// Takes in what comes next, waiting for it at most `at_most`. To be called again and again, by one task.
    ///
    /// # Errors
    /// When the log can't be read. Nothing is lost: the next call goes on where this one could not.
    pub async fn hear(&self, at_most: Duration) -> Result<(), Error> {
        Ok(hear(&self.stream.ear, self, at_most).await?)
    }

    /// Whether the stream is kept and whole, so that marks need not be read with every session.
    #[must_use]
    pub fn hears_everything(&self) -> bool {
        self.stream.is_trusted(self.ports.clock.running())
    }

    /// How much longer an answer may be cached that no event speaks against; none while the stream is broken.
    #[must_use]
    pub fn cacheable_for(&self) -> Duration {
        self.stream.vouched_until().saturating_sub(self.ports.clock.running())
    }

    /// The position up to which events were heard, as far as the tenant may know.
    #[must_use]
    pub fn heard_up_to(&self) -> Option<Position> {
        self.stream.position()
    }

    /// Up to where the log tells what this authority has announced so far: whoever asks as of there is told nothing that
    /// is older. `None` when nothing was announced of late.
    #[must_use]
    pub fn announced_up_to(&self) -> Option<Position> {
        self.stream.own.announced()
    }

    /// The tenant's news of the log from now on. A subscriber that is too slow finds the channel closed: to it that is a reset.
    #[must_use]
    pub fn subscribe(&self) -> mpsc::Receiver<News> {
        self.stream.subscribe()
    }
}

async fn hear(ear: &Ear, authority: &Authority, at_most: Duration) -> StoreResult<()> {
    let heard = authority.ports.events.next(ear.position(), at_most).await?;
    let now = authority.ports.clock.running();
    match heard {
        Heard::Events(events) => events.into_iter().for_each(|(position, event)| ear.take(position, event, now)),
        Heard::Reset(position) => {
            if ear.position().is_some() {
                tracing::info!("the event log begins anew; what was learnt from it is read again");
            }
            ear.reset(position, now);
        }
    }
    Ok(())
}
