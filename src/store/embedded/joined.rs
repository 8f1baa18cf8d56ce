//! Owns which sessions belong to one of the provider's own, in the partition of that one. Does not know whether they
//! live.

use std::collections::BTreeMap;
use std::time::Duration;

use super::EmbeddedStore;
use super::change::Change;
use crate::authority::ports::{Joining, StoreResult};
use crate::session::key::{ProviderSessionKey, SessionKey};
use crate::session::time::Timestamp;
use crate::store::length;

/// When something was noted, and until when it is remembered.
#[derive(Clone, Copy)]
pub struct Noted {
    pub at: Timestamp,
    pub until: Timestamp,
}

/// The sessions of every one of the provider's own in a partition, and which of those have ended.
#[derive(Default)]
pub struct Joined {
    sessions: BTreeMap<ProviderSessionKey, BTreeMap<SessionKey, Noted>>,
    ended: BTreeMap<ProviderSessionKey, Noted>,
}

impl Joined {
    /// Notes one, and answers how many there are.
    pub fn add(&mut self, of: &ProviderSessionKey, session: SessionKey, noted: Noted) -> usize {
        let sessions = self.sessions.entry(*of).or_default();
        sessions.insert(session, noted);
        sessions.len()
    }

    /// Notes that one of the provider's own has ended: the note there is then.
    pub fn add_end(&mut self, of: &ProviderSessionKey, noted: Noted) -> Noted {
        let kept = self.ended.entry(*of).or_insert(noted);
        *kept = Noted { at: kept.at.max(noted.at), until: kept.until.max(noted.until) };
        *kept
    }

    fn has_ended_since(&self, of: &ProviderSessionKey, login_started: Timestamp, now: Timestamp) -> bool {
        self.ended.get(of).is_some_and(|noted| now < noted.until && noted.at >= login_started)
    }

    fn all(&self, of: &ProviderSessionKey, now: Timestamp) -> Vec<(SessionKey, Timestamp)> {
        let sessions = self.sessions.get(of).into_iter().flatten();
        sessions.filter(|(_, noted)| now < noted.until).map(|(session, noted)| (*session, noted.at)).collect()
    }

    fn remove(&mut self, of: &ProviderSessionKey, session: &SessionKey) {
        if let Some(sessions) = self.sessions.get_mut(of) {
            sessions.remove(session);
            if sessions.is_empty() {
                self.sessions.remove(of);
            }
        }
    }

    /// Forgets what is remembered no longer, and answers what that was.
    pub fn remove_expired(&mut self, now: Timestamp) -> Vec<Change> {
        let pairs = |(of, sessions)| std::iter::repeat(of).zip(sessions);
        let all = self.sessions.iter().flat_map(pairs);
        let expired = all.filter(|(_, (_, noted))| noted.until <= now);
        let expired: Vec<_> = expired.map(|(of, (session, _))| (*of, *session)).collect();
        for (of, session) in &expired {
            self.remove(of, session);
        }
        let over = self.ended.extract_if(.., |_, noted| noted.until <= now).map(|(of, _)| Change::DropJoinedEnd(of));
        expired.into_iter().map(Change::DropJoined).chain(over).collect()
    }
}

impl EmbeddedStore {
    /// As the port's `join`.
    pub(super) async fn join_one(
        &self,
        of: &ProviderSessionKey,
        session: &SessionKey,
        login_started: Timestamp,
        keep_for: Duration,
    ) -> StoreResult<Joining> {
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let noted = Noted { at: now, until: now + length(keep_for) };
            let mut partition = self.memory.write(of.partition);
            if partition.joined.has_ended_since(of, login_started, now) {
                return Ok(Joining::EndedMeanwhile);
            }
            let count = partition.joined.add(of, *session, noted);
            let changes = vec![Change::PutJoined((*of, *session), noted)];
            self.journal.order(place, changes, move || Joining::Joined(count))
        };
        ordered.settled().await
    }

    /// As the port's `end_joined`. In force at once; the answer waits for the disk.
    pub(super) async fn end_all_joined(
        &self,
        of: &ProviderSessionKey,
        keep_for: Duration,
    ) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(of.partition);
            let noted = partition.joined.add_end(of, Noted { at: now, until: now + length(keep_for) });
            self.order_end(vec![Change::PutJoinedEnd(*of, noted)], partition.joined.all(of, now))
        };
        ordered?.settled().await
    }

    /// As the port's `joined`.
    pub(super) fn all_joined(&self, of: &ProviderSessionKey) -> Vec<(SessionKey, Timestamp)> {
        self.memory.read(of.partition).joined.all(of, self.now())
    }

    /// As the port's `part`.
    pub(super) async fn part_some(&self, of: &ProviderSessionKey, sessions: &[SessionKey]) -> StoreResult<()> {
        let place = self.journal.place().await?;
        let ordered = {
            let mut partition = self.memory.write(of.partition);
            for session in sessions {
                partition.joined.remove(of, session);
            }
            let changes = sessions.iter().map(|session| Change::DropJoined((*of, *session))).collect();
            self.journal.order(place, changes, || ())
        };
        ordered.settled().await
    }
}
