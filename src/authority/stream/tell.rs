//! Owns the one way in which sessions end: the store first, then everybody is told. Does not know why they end.

use std::time::Duration;

use super::MAX_STALENESS;
use crate::authority::ports::Lookup;
use crate::authority::{Authority, Error};
use crate::session::event::{Event, Position, What};
use crate::session::key::{SessionKey, UserKey};
use crate::session::mark::{MarkTarget, MarksNow};
use crate::session::record::{Ending, Record};

/// How soon an announcement is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// How long marks are kept at least: longer than any session may have been allowed to live when they were raised.
const MARKS_FOR: Duration = Duration::from_hours(400 * 24);

impl Authority {
    /// Tells every replica and watcher what has happened. When it completes, nobody relies on what was before: they have
    /// been told, or, where that failed again and again, whatever they knew has become too old.
    pub async fn announce(&self, what: What) {
        self.announce_all(vec![what]).await;
    }

    /// As [`Authority::announce`], without waiting: for what nobody's answer depends on.
    pub(in crate::authority) fn announce_beside(&self, what: What) {
        let authority = self.clone();
        self.ports.beside.run(Box::pin(async move { authority.announce(what).await }));
    }

    /// As [`Authority::announce`], of several things at once.
    pub(in crate::authority) async fn announce_all(&self, whats: Vec<What>) {
        if whats.is_empty() {
            return;
        }
        let tenant = self.settings.tenant;
        let events: Vec<_> = whats.into_iter().map(|what| Event { tenant, what }).collect();
        for event in &events {
            self.stream.apply(event);
        }
        let mut waited = Duration::ZERO;
        loop {
            match self.ports.events.announce(events.clone()).await {
                Ok(position) => return self.stream.announced(position),
                Err(error) if waited >= MAX_STALENESS => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        "an event could not be announced; nobody relies on what was before it any more"
                    );
                    return;
                }
                Err(_) => (),
            }
            self.ports.beside.pause(AGAIN).await;
            waited += AGAIN;
        }
    }

    /// Ends a session wherever it may be cached, and answers whether there was one.
    pub(in crate::authority) async fn end_session(&self, key: &SessionKey, why: Ending) -> Result<bool, Error> {
        let ended = self.ports.sessions.end(key, why, self.settings.remember_ended_for).await;
        // Where only the answer was lost the session is dead: nobody may go on from memory.
        let ended = ended.inspect_err(|_| self.changed(key, What::Changed))?;
        self.near.forget(key);
        self.announce(What::Revoked(*key)).await;
        Ok(ended)
    }

    /// Ends every session of a user, logins under way included, and answers how many sessions there were.
    pub(in crate::authority) async fn end_user(&self, user: &UserKey) -> Result<u64, Error> {
        let known = self.ports.sessions.sessions_of(user).await?;
        let remember = self.settings.remember_ended_for;
        let ended = self.ports.sessions.end_user(user, remember, self.user_mark_for()).await;
        let ended = ended.inspect_err(|_| self.doubt(&known))?;
        self.announce_end_of(known, What::UserRevoked(*user)).await;
        Ok(ended)
    }

    /// The store did not say whether these have ended: nobody goes on from memory.
    pub(in crate::authority) fn doubt(&self, sessions: &[(SessionKey, Record)]) {
        for (key, _) in sessions {
            self.changed(key, What::Changed);
        }
    }

    /// Tells that all sessions of a user have ended: one by one for those who hold something open for a session, and as one
    /// for what has come between.
    pub(in crate::authority) async fn announce_end_of(&self, known: Vec<(SessionKey, Record)>, all: What) {
        let each = known.into_iter().map(|(key, _)| What::Revoked(key));
        self.announce_all(each.chain([all]).collect()).await;
    }

    /// Ends every session that was born before now, logins under way included, however many there are.
    pub(in crate::authority) async fn end_marked(&self, target: MarkTarget) -> Result<(), Error> {
        let keep_for = MARKS_FOR.max(self.settings.longest_life());
        let mark = self.ports.sessions.raise(&target, keep_for).await?;
        self.announce(What::Marked { target, mark }).await;
        Ok(())
    }

    /// What the store knows of a session, and whether it has been ended in another way than by taking it out: by a mark,
    /// or by an end that this authority knows of. Marks are read with the session while the stream is broken.
    pub(in crate::authority) async fn look_up(&self, key: &SessionKey) -> Result<Lookup, Error> {
        self.look_up_as_of(key, None).await
    }

    /// The same for somebody who has heard of events up to here: this authority may have heard less.
    pub(in crate::authority) async fn look_up_as_of(
        &self,
        key: &SessionKey,
        as_of: Option<Position>,
    ) -> Result<Lookup, Error> {
        let has_heard = self.stream.has_heard(as_of) && self.stream.is_trusted(self.ports.clock.running());
        let lookup = if has_heard {
            self.read(key).await?
        } else {
            let (lookup, marks) = self.ports.sessions.read_with_marks(key).await?;
            self.stream.learn(&marks);
            lookup
        };
        Ok(match lookup {
            Lookup::Found(record) if self.stream.kills(&record.header.marks) || self.stream.is_revoked(key) => {
                Lookup::Gone(Some(Ending::Revoked))
            }
            other => other,
        })
    }

    /// The marks that a login notes when it begins.
    pub(in crate::authority) async fn marks_now(&self) -> Result<MarksNow, Error> {
        if !self.stream.is_trusted(self.ports.clock.running()) {
            self.stream.learn(&self.ports.sessions.marks(self.settings.tenant).await?);
        }
        Ok(MarksNow::clone(&self.stream.marks()))
    }
}
