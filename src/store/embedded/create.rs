//! Owns the step that makes a session: whether there is room, who makes it, and that nothing of it is seen before it is on
//! disk. Does not know what a login is.

use std::sync::Arc;

use super::EmbeddedStore;
use super::change::Change;
use super::journal::{Ordered, Place};
use super::memory::{Entry, Partition, Tombstone};
use crate::authority::ports::{Creation, Made, NewSession, StoreResult};
use crate::session::key::SessionKey;
use crate::session::mark::MarksNow;
use crate::session::record::Ending;
use crate::session::time::Timestamp;
use crate::store::record::Owner;
use crate::store::{in_one_place, length};

impl EmbeddedStore {
    /// As the port's `create`.
    pub(super) async fn make(&self, new: NewSession) -> StoreResult<Creation> {
        in_one_place(&new)?;
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(new.user.partition);
            match partition.room_for(&new, &self.marks_of(new.user.tenant), now) {
                Ok(ends) => self.reserve(place, &mut partition, new, ends, now),
                Err(refusal) => return Ok(refusal),
            }
        };
        ordered.settled().await
    }

    /// Puts a session in place, unseen, and orders its creation. Those that make room for it count no more from now on.
    /// Once it is on disk they and those it replaces end, and it is shown, unless it was ended itself meanwhile.
    fn reserve(
        &self,
        place: Place,
        partition: &mut Partition,
        new: NewSession,
        ended: Vec<SessionKey>,
        now: Timestamp,
    ) -> Ordered<Creation> {
        let owner = Owner { user: new.user.hash, began: new.notes_beginning.then_some(new.began) };
        let NewSession {
            key, user, record, tokens, keep_for, tokens_for, replaces, remember_for, began, profile, ..
        } = new;
        let entry = Entry {
            owner,
            expires: now + length(keep_for),
            visible: false,
            leaving: false,
            newest_revision: record.header.revision,
            tokens: self.kept(tokens.as_deref()),
            tokens_end: now + length(tokens_for),
            attributes: None,
            lease: None,
            use_noted: false,
            record,
        };
        let (expires, tokens_end) = (entry.expires, entry.tokens_end);
        let mut changes = vec![Change::AddSession { key, expires, tokens_end, record: entry.kept(), tokens }];
        let until = now + length(remember_for);
        for replaced in replaces.iter().chain(&ended) {
            let tombstone = Tombstone { why: Some(Ending::Replaced), until };
            changes.extend([Change::DropSession(*replaced), Change::PutTombstone(*replaced, tombstone)]);
        }
        for leaving in &ended {
            partition.leave(leaving);
        }
        partition.insert(&key, entry);
        let first_login = profile.is_some_and(|profile| {
            let (kept, is_first) = partition.users.note_login(&user, began, profile);
            changes.push(Change::PutUser(user, kept));
            is_first
        });
        let memory = Arc::clone(&self.memory);
        self.journal.order(place, changes, move || {
            let mut partition = memory.write(key.partition);
            for replaced in replaces.iter().chain(&ended) {
                partition.remove(replaced);
                partition.bury(replaced, Ending::Replaced, until, now);
            }
            let entry = partition.sessions.get_mut(&(key.tenant, key.id));
            let created = entry.map_or(Creation::RevokedMeanwhile, |entry| {
                entry.visible = true;
                Creation::Created(Made { first_login, ended })
            });
            drop(partition);
            memory.changed(key.partition).notify_waiters();
            created
        })
    }
}

impl Partition {
    /// The sessions that have to make room for a new one, or why there is none.
    fn room_for(&self, new: &NewSession, marks: &MarksNow, now: Timestamp) -> Result<Vec<SessionKey>, Creation> {
        if self.users.known.get(&(new.user.tenant, new.user.hash)).is_some_and(|user| user.facts.disabled) {
            return Err(Creation::Disabled);
        }
        let mark = self.marks.get(&(new.user.tenant, new.user.hash)).filter(|mark| now < mark.until);
        let taken = self.sessions.contains_key(&(new.key.tenant, new.key.id));
        if marks.kill(&new.record.header.marks) {
            return Err(Creation::RevokedMeanwhile);
        }
        if taken || self.tombstone(&new.key, now).is_some() || mark.is_some_and(|mark| mark.at >= new.login_started) {
            return Err(Creation::RevokedMeanwhile);
        }
        let counts = |id: &[u8; 16]| {
            let lives = |entry: &&Entry| now < entry.expires && !marks.kill(&entry.record.header.marks);
            let stays = |entry: &&Entry| lives(entry) && !entry.leaving;
            let entry = self.sessions.get(&(new.user.tenant, *id)).filter(stays)?;
            new.replaces.iter().all(|replaced| replaced.id != *id).then_some((entry.owner.began, *id))
        };
        let mut living: Vec<_> = self.ids_of(&new.user).iter().filter_map(counts).collect();
        let Some(over) = (living.len() + 1).checked_sub(new.user_cap).filter(|over| *over > 0) else {
            return Ok(Vec::new());
        };
        if !new.makes_room {
            return Err(Creation::TooMany);
        }
        living.sort_unstable();
        let key = |id| SessionKey { tenant: new.user.tenant, partition: new.user.partition, id };
        Ok(living.into_iter().take(over).map(|(_, id)| key(id)).collect())
    }

    /// A session that is about to end counts against no cap. It lives, and is listed and ended like any other, until then.
    fn leave(&mut self, key: &SessionKey) {
        if let Some(entry) = self.sessions.get_mut(&(key.tenant, key.id)) {
            entry.leaving = true;
        }
    }
}
