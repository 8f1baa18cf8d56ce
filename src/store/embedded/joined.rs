//! Owns which sessions belong to one of the provider's own, in the partition of that one. Does not know whether they
//! live.

use std::collections::BTreeMap;
use std::time::Duration;

use super::EmbeddedStore;
use super::file::Change;
use crate::authority::ports::StoreResult;
use crate::session::key::{ProviderSessionKey, SessionKey};
use crate::session::time::Timestamp;
use crate::store::length;

/// When something was noted, and until when it is remembered.
#[derive(Clone, Copy)]
pub struct Noted {
    pub at: Timestamp,
    pub until: Timestamp,
}

/// The sessions of every one of the provider's own in a partition.
#[derive(Default)]
pub struct Joined(BTreeMap<ProviderSessionKey, BTreeMap<SessionKey, Noted>>);

impl Joined {
    /// Notes one, and answers how many there are.
    pub fn add(&mut self, of: &ProviderSessionKey, session: SessionKey, noted: Noted) -> usize {
        let sessions = self.0.entry(*of).or_default();
        sessions.insert(session, noted);
        sessions.len()
    }

    fn remove(&mut self, of: &ProviderSessionKey, session: &SessionKey) {
        if let Some(sessions) = self.0.get_mut(of) {
            sessions.remove(session);
            if sessions.is_empty() {
                self.0.remove(of);
            }
        }
    }

    /// Forgets what is remembered no longer, and answers what that was.
    pub fn remove_expired(&mut self, now: Timestamp) -> Vec<(ProviderSessionKey, SessionKey)> {
        let all =
            self.0.iter().flat_map(|(of, sessions)| sessions.iter().map(move |(session, noted)| (of, session, noted)));
        let expired: Vec<_> =
            all.filter(|(_, _, noted)| noted.until <= now).map(|(of, session, _)| (*of, *session)).collect();
        for (of, session) in &expired {
            self.remove(of, session);
        }
        expired
    }
}

impl EmbeddedStore {
    /// As the port's `join`.
    pub(super) async fn join_one(
        &self,
        of: &ProviderSessionKey,
        session: &SessionKey,
        keep_for: Duration,
    ) -> StoreResult<usize> {
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let noted = Noted { at: now, until: now + length(keep_for) };
            let count = self.memory.write(of.partition).joined.add(of, *session, noted);
            self.journal.order(place, vec![Change::PutJoined((*of, *session), noted)], move || count)
        };
        ordered.settled().await
    }

    /// As the port's `joined`.
    pub(super) fn all_joined(&self, of: &ProviderSessionKey) -> Vec<(SessionKey, Timestamp)> {
        let (now, partition) = (self.now(), self.memory.read(of.partition));
        let sessions = partition.joined.0.get(of).into_iter().flatten();
        sessions.filter(|(_, noted)| now < noted.until).map(|(session, noted)| (*session, noted.at)).collect()
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
