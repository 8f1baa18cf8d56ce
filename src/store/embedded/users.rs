//! Owns the port of users, filled from memory: records beside the sessions of their partition. A disablement or deletion
//! is seen before it is on disk. Does not know what is sealed in a record.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use super::memory::{Partition, UserMark};
use crate::authority::ports::{KeptUser, StoreResult, UserLookup, UserPage, UserStore, WalkPosition};
use crate::session::key::{Partition as Number, SessionKey, TenantNumber, UserKey};
use crate::session::mark::MarksNow;
use crate::session::record::Ending;
use crate::session::time::Timestamp;
use crate::store::record::UserHash;
use crate::store::{length, position, user};

type Local = (TenantNumber, UserHash);

/// The users of a partition.
#[derive(Default)]
pub struct Users {
    pub known: BTreeMap<Local, KeptUser>,
    pub deleted: BTreeMap<Local, Deletion>,
}

/// When a user was deleted, and until when that is remembered.
#[derive(Clone, Copy)]
pub struct Deletion {
    pub at: Timestamp,
    pub until: Timestamp,
}

/// What becomes of a user's record in the step that ends their sessions.
pub(super) enum Becomes {
    Disabled,
    Deleted { note_for: Duration },
}

impl Users {
    /// Notes a login that makes a session: the record then, and whether it is the first.
    pub fn note_login(&mut self, of: &UserKey, at: Timestamp, profile: Vec<u8>) -> (KeptUser, bool) {
        let local = (of.tenant, of.hash);
        let before = self.known.get(&local);
        let (is_first, kept) = (before.is_none(), user::after_login(before, at, profile));
        self.known.insert(local, kept.clone());
        (kept, is_first)
    }

    /// What there is to change of a record; `None` when there is none. A deletion again is none.
    fn change(&mut self, of: &UserKey, becomes: &Becomes, now: Timestamp) -> Option<Vec<Change>> {
        let local = (of.tenant, of.hash);
        match becomes {
            Becomes::Disabled => {
                let kept = self.known.get_mut(&local)?;
                kept.facts.disabled = true;
                Some(vec![Change::PutUser(*of, kept.clone())])
            }
            Becomes::Deleted { note_for } => {
                if self.known.remove(&local).is_none() {
                    return self.deleted.get(&local).filter(|deletion| now < deletion.until).map(|_| Vec::new());
                }
                let deletion = Deletion { at: now, until: now + length(*note_for) };
                self.deleted.insert(local, deletion);
                Some(vec![Change::DropUser(*of), Change::PutDeletion(*of, deletion)])
            }
        }
    }
}

#[async_trait]
impl UserStore for EmbeddedStore {
    async fn user(&self, user: &UserKey) -> StoreResult<UserLookup> {
        let (now, local) = (self.now(), (user.tenant, user.hash));
        let partition = self.memory.read(user.partition);
        let deleted = || partition.users.deleted.get(&local).filter(|deletion| now < deletion.until);
        Ok(match partition.users.known.get(&local) {
            Some(kept) => UserLookup::Found(kept.clone()),
            None => deleted().map_or(UserLookup::Unknown, |deletion| UserLookup::Deleted(deletion.at)),
        })
    }

    async fn users(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<UserPage> {
        let (first, mut last) = position::read::<10>(from.as_ref())?;
        let mut users = Vec::new();
        for partition in Number::all().skip(usize::from(first.number())) {
            let start = last.take().map_or(Bound::Included((tenant, [0; 10])), |last| Bound::Excluded((tenant, last)));
            let memory = self.memory.read(partition);
            for ((_, hash), kept) in memory.users.known.range((start, Bound::Included((tenant, [0xff; 10])))) {
                users.push((UserKey { tenant, partition, hash: *hash }, kept.clone()));
                if users.len() >= limit.max(1) {
                    return Ok(UserPage { users, next: Some(position::after(partition, hash)) });
                }
            }
        }
        Ok(UserPage { users, next: None })
    }

    async fn disable_user(
        &self,
        user: &UserKey,
        remember_for: Duration,
        mark_for: Duration,
    ) -> StoreResult<Option<u64>> {
        self.end_all(user, Some(Becomes::Disabled), remember_for, mark_for).await
    }

    async fn enable_user(&self, user: &UserKey) -> StoreResult<bool> {
        let place = self.journal.place().await?;
        let ordered = {
            let mut partition = self.memory.write(user.partition);
            let Some(kept) = partition.users.known.get_mut(&(user.tenant, user.hash)) else { return Ok(false) };
            kept.facts.disabled = false;
            self.journal.order(place, vec![Change::PutUser(*user, kept.clone())], || true)
        };
        ordered.settled().await
    }

    async fn delete_user(
        &self,
        user: &UserKey,
        remember_for: Duration,
        mark_for: Duration,
        note_for: Duration,
    ) -> StoreResult<Option<u64>> {
        self.end_all(user, Some(Becomes::Deleted { note_for }), remember_for, mark_for).await
    }

    async fn reseal_user(&self, user: &UserKey, before: &[u8], profile: Vec<u8>) -> StoreResult<bool> {
        let place = self.journal.place().await?;
        let ordered = {
            let mut partition = self.memory.write(user.partition);
            let kept = partition.users.known.get_mut(&(user.tenant, user.hash));
            let Some(kept) = kept.filter(|kept| kept.profile == before) else { return Ok(false) };
            kept.profile = profile;
            self.journal.order(place, vec![Change::PutUser(*user, kept.clone())], || true)
        };
        ordered.settled().await
    }
}

impl EmbeddedStore {
    /// Ends all sessions of a user. `None` when what becomes of their record needs one, and there is none.
    pub(super) async fn end_all(
        &self,
        user: &UserKey,
        becomes: Option<Becomes>,
        remember_for: Duration,
        mark_for: Duration,
    ) -> StoreResult<Option<u64>> {
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(user.partition);
            let mut changes = match becomes.map(|becomes| partition.users.change(user, &becomes, now)) {
                None => Vec::new(),
                Some(Some(changes)) => changes,
                Some(None) => return Ok(None),
            };
            let until = now + length(remember_for);
            let ended = partition.end_sessions_of(user, &self.marks_of(user.tenant), now, until, &mut changes);
            let mark = partition.raise_mark(user, now, now + length(mark_for));
            changes.push(Change::PutMark(*user, mark));
            self.order_end(changes, ended)
        };
        self.memory.changed(user.partition).notify_waiters();
        ordered?.settled().await.map(Some)
    }

    /// As the port's `refuse_logins`. In force at once; the answer waits for the disk.
    pub(super) async fn refuse_logins_of(&self, user: &UserKey, ago: Duration, mark_for: Duration) -> StoreResult<()> {
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(user.partition);
            let before = partition.marks.get(&(user.tenant, user.hash)).copied().filter(|mark| now < mark.until);
            let (at, until) = (now - ago, now + length(mark_for));
            let mark = before
                .map_or(UserMark { at, until }, |mark| UserMark { at: at.max(mark.at), until: until.max(mark.until) });
            partition.marks.insert((user.tenant, user.hash), mark);
            self.order_end(vec![Change::PutMark(*user, mark)], ())
        };
        ordered?.settled().await
    }
}

impl Partition {
    fn end_sessions_of(
        &mut self,
        user: &UserKey,
        marks: &MarksNow,
        now: Timestamp,
        until: Timestamp,
        changes: &mut Vec<Change>,
    ) -> u64 {
        let mut ended = 0;
        for id in self.ids_of(user) {
            let key = SessionKey { tenant: user.tenant, partition: user.partition, id };
            ended += u64::from(self.remove_living(&key, marks, now));
            let tombstone = self.bury(&key, Ending::Revoked, until, now);
            changes.extend([Change::DropSession(key), Change::PutTombstone(key, tombstone)]);
        }
        ended
    }

    fn raise_mark(&mut self, user: &UserKey, now: Timestamp, until: Timestamp) -> UserMark {
        let before = self.marks.get(&(user.tenant, user.hash)).copied().filter(|mark| now < mark.until);
        let mark = before.map_or(UserMark { at: now, until }, |mark| UserMark {
            at: now.max(mark.at + Duration::from_millis(1)),
            until: until.max(mark.until),
        });
        self.marks.insert((user.tenant, user.hash), mark);
        mark
    }
}
