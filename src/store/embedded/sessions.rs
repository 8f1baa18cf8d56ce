//! Owns the port of sessions, filled from memory. Each step is one hold of its partition's lock, and what it grants is
//! shown by the journal. Does not know rows or tables.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::EmbeddedStore;
use super::file::Change;
use super::journal::{Ordered, Place};
use super::lease;
use super::memory::{Entry, KeptTokens, Memory, Partition, Tombstone};
use crate::authority::ports::{
    Creation, KeptAttributes, LeaseAttempt, Lookup, Made, NewSession, SessionStore, StoreError, StoreResult, WalkPage,
    WalkPosition, Written,
};
use crate::session::key::{ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use crate::session::mark::{MarkTarget, MarksNow};
use crate::session::record::{Ending, Record};
use crate::session::time::Timestamp;
use crate::store::record::Owner;
use crate::store::{in_one_place, length, record};

#[async_trait]
impl SessionStore for EmbeddedStore {
    async fn ping(&self) -> StoreResult<()> {
        self.journal.check()
    }

    async fn time(&self) -> StoreResult<Timestamp> {
        Ok(self.now())
    }

    async fn create(&self, new: NewSession) -> StoreResult<Creation> {
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

    async fn read(&self, key: &SessionKey) -> StoreResult<Lookup> {
        let now = self.now();
        let partition = self.memory.read(key.partition);
        Ok(match partition.living(key, now) {
            Some(entry) => Lookup::Found(entry.record.clone()),
            None => Lookup::Gone(partition.tombstone(key, now).and_then(|tombstone| tombstone.why)),
        })
    }

    async fn touch(&self, key: &SessionKey, at: Timestamp, keep_for: Duration) -> StoreResult<bool> {
        let now = self.now();
        let mut partition = self.memory.write(key.partition);
        let Some(entry) = partition.living_mut(key, now) else { return Ok(false) };
        let last_active = &mut entry.record.header.last_active;
        *last_active = (*last_active).max(Some(at));
        entry.expires = now + length(keep_for);
        if !std::mem::replace(&mut entry.use_noted, true) {
            self.memory.note_use(*key);
        }
        Ok(true)
    }

    async fn end(&self, key: &SessionKey, why: Ending, remember_for: Duration) -> StoreResult<bool> {
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(key.partition);
            let lived = partition.remove_living(key, &self.marks_of(key.tenant), now);
            let tombstone = partition.bury(key, why, now + length(remember_for), now);
            let changes = vec![Change::DropSession(*key), Change::PutTombstone(*key, tombstone)];
            self.order_end(changes, lived)
        };
        self.memory.changed(key.partition).notify_waiters();
        ordered?.settled().await
    }

    async fn end_user(&self, user: &UserKey, remember_for: Duration, mark_for: Duration) -> StoreResult<u64> {
        Ok(self.end_all(user, None, remember_for, mark_for).await?.unwrap_or_default())
    }

    async fn sessions_of(&self, user: &UserKey) -> StoreResult<Vec<(SessionKey, Record)>> {
        let now = self.now();
        let partition = self.memory.read(user.partition);
        let keys = partition.ids_of(user).into_iter();
        let keys = keys.map(|id| SessionKey { tenant: user.tenant, partition: user.partition, id });
        let marks = self.marks_of(user.tenant);
        let living = |key| Some((key, partition.living(&key, now)?.record.clone()));
        Ok(keys.filter_map(living).filter(|(_, record)| !marks.kill(&record.header.marks)).collect())
    }

    async fn walk(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<WalkPage> {
        super::walk::page(&self.memory, &self.marks_of(tenant), self.now(), tenant, from.as_ref(), limit)
    }

    async fn raise(&self, target: &MarkTarget, keep_for: Duration) -> StoreResult<u64> {
        self.raise_mark(target, keep_for).await
    }

    async fn marks(&self, tenant: TenantNumber) -> StoreResult<MarksNow> {
        Ok(self.marks_of(tenant))
    }

    async fn read_with_marks(&self, key: &SessionKey) -> StoreResult<(Lookup, MarksNow)> {
        Ok((self.read(key).await?, self.marks_of(key.tenant)))
    }

    async fn count(&self, tenant: TenantNumber) -> StoreResult<u64> {
        Ok(self.indexed(tenant))
    }

    async fn tokens(&self, key: &SessionKey) -> StoreResult<Option<Vec<u8>>> {
        let now = self.now();
        match self.memory.read(key.partition).living(key, now) {
            Some(entry) if now < entry.tokens_end => match &entry.tokens {
                KeptTokens::None => return Ok(None),
                KeptTokens::InMemory(tokens) => return Ok(Some(tokens.to_vec())),
                KeptTokens::InFile => {}
            },
            _ => return Ok(None),
        }
        let (Some(file), key) = (self.file.clone(), *key) else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || file.tokens(&key)).await;
        read.map_err(|e| StoreError::Unavailable(e.into()))?.map_err(|e| StoreError::Unavailable(e.into()))
    }

    async fn lease(&self, key: &SessionKey, ttl: Duration) -> StoreResult<LeaseAttempt> {
        self.take_lease(key, ttl)
    }

    async fn wait_for_lease(&self, key: &SessionKey, at_most: Duration) -> StoreResult<()> {
        lease::wait(&self.memory, &self.clock, key, at_most).await;
        Ok(())
    }

    async fn write_tokens(
        &self,
        key: &SessionKey,
        fence: u64,
        record: Record,
        tokens: Vec<u8>,
    ) -> StoreResult<Written> {
        self.write(key, Under::Fence(fence), record, Some(tokens)).await
    }

    async fn rewrite(&self, key: &SessionKey, record: Record) -> StoreResult<Written> {
        self.write(key, Under::AnyFence, record, None).await
    }

    async fn step_up(&self, key: &SessionKey, record: Record, tokens: Vec<u8>) -> StoreResult<Written> {
        self.write(key, Under::NewFence, record, Some(tokens)).await
    }

    async fn attributes(&self, key: &SessionKey) -> StoreResult<Option<KeptAttributes>> {
        Ok(self.kept_attributes(key))
    }

    async fn put_attributes(&self, key: &SessionKey, attributes: KeptAttributes, _: Duration) -> StoreResult<Written> {
        self.keep_attributes(key, attributes).await
    }

    async fn join(&self, of: &ProviderSessionKey, session: &SessionKey, keep_for: Duration) -> StoreResult<usize> {
        self.join_one(of, session, keep_for).await
    }

    async fn joined(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        Ok(self.all_joined(of))
    }

    async fn part(&self, of: &ProviderSessionKey, sessions: &[SessionKey]) -> StoreResult<()> {
        self.part_some(of, sessions).await
    }
}

/// Which token leases a write asks about.
#[derive(Clone, Copy)]
enum Under {
    /// None of them.
    AnyFence,
    /// The one with this fence has to be the last.
    Fence(u64),
    /// Whoever holds one loses it.
    NewFence,
}

impl EmbeddedStore {
    /// Orders what has ended sessions in memory already.
    pub(super) fn order_end<T: Send + 'static>(&self, changes: Vec<Change>, ended: T) -> StoreResult<Ordered<T>> {
        Ok(self.journal.order(self.journal.place_to_revoke()?, changes, move || ended))
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

    /// Writes a record over the one before it, and tokens if there are any.
    async fn write(
        &self,
        key: &SessionKey,
        under: Under,
        record: Record,
        tokens: Option<Vec<u8>>,
    ) -> StoreResult<Written> {
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(key.partition);
            let Some(entry) = partition.living_mut(key, now) else { return Ok(Written::Gone) };
            if matches!(under, Under::Fence(fence) if entry.record.header.fence != fence) {
                return Ok(Written::FenceLost);
            }
            if entry.newest_revision.checked_add(1) == Some(record.header.revision) {
                if matches!(under, Under::NewFence) {
                    entry.record.header.fence += 1;
                    entry.lease = None;
                }
                self.reserve_write(place, entry, *key, record, tokens)
            } else if entry.newest_revision == entry.record.header.revision {
                return Ok(Written::RevisionChanged);
            } else {
                // The one that changed it is on its way to the disk: whoever reads again has to see it.
                self.journal.order(place, Vec::new(), || Written::RevisionChanged)
            }
        };
        ordered.settled().await
    }

    fn reserve_write(
        &self,
        place: Place,
        entry: &mut Entry,
        key: SessionKey,
        mut record: Record,
        tokens: Option<Vec<u8>>,
    ) -> Ordered<Written> {
        record.header.fence = entry.record.header.fence;
        record.header.last_active = record.header.last_active.max(entry.record.header.last_active);
        entry.newest_revision = record.header.revision;
        let kept = tokens.as_deref().map(|tokens| self.kept(Some(tokens)));
        let bytes = record::write(&entry.owner, &record);
        let change = Change::UpdateSession { key, record: bytes, tokens };
        let memory = Arc::clone(&self.memory);
        self.journal.order(place, vec![change], move || show_write(&memory, &key, record, kept))
    }

    fn kept(&self, tokens: Option<&[u8]>) -> KeptTokens {
        match (tokens, &self.file) {
            (None, _) => KeptTokens::None,
            (Some(_), Some(_)) => KeptTokens::InFile,
            (Some(tokens), None) => KeptTokens::InMemory(Bytes::copy_from_slice(tokens)),
        }
    }
}

/// Shows a written record. Meanwhile a later lease may have raised the fence, and use may have been noted.
fn show_write(memory: &Memory, key: &SessionKey, mut record: Record, tokens: Option<KeptTokens>) -> Written {
    let mut partition = memory.write(key.partition);
    let Some(entry) = partition.sessions.get_mut(&(key.tenant, key.id)) else { return Written::Gone };
    let header = &entry.record.header;
    record.header.fence = record.header.fence.max(header.fence);
    record.header.last_active = record.header.last_active.max(header.last_active);
    entry.record = record;
    if let Some(tokens) = tokens {
        entry.tokens = tokens;
    }
    drop(partition);
    memory.changed(key.partition).notify_waiters();
    Written::Yes
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
            let entry = self.sessions.get(&(new.user.tenant, *id)).filter(lives)?;
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

    /// A session that is about to end is in no index any more, and counts against no cap. It lives until it is removed.
    fn leave(&mut self, key: &SessionKey) {
        if let Some(entry) = self.sessions.get(&(key.tenant, key.id)) {
            self.index.remove(&(key.tenant, entry.owner.user, key.id));
        }
    }
}
