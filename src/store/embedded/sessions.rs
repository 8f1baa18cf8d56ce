//! Owns the port of sessions, filled from memory. Each step is one hold of its partition's lock, and what it grants is
//! shown by the journal. Does not know rows or tables.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::EmbeddedStore;
use super::change::Change;
use super::journal::{Ordered, Place};
use super::lease;
use super::memory::{Entry, KeptTokens, Memory};
use crate::authority::ports::{
    Creation, Joining, KeptAttributes, LeaseAttempt, Lookup, NewSession, SessionStore, StoreError, StoreResult,
    Touched, WalkPage, WalkPosition, Written,
};
use crate::session::key::{ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use crate::session::mark::{MarkTarget, MarksNow};
use crate::session::record::{Ending, Record};
use crate::session::time::Timestamp;
use crate::store::{length, record};

#[async_trait]
impl SessionStore for EmbeddedStore {
    async fn ping(&self) -> StoreResult<()> {
        self.journal.check()
    }

    async fn time(&self) -> StoreResult<Timestamp> {
        Ok(self.now())
    }

    async fn create(&self, new: NewSession) -> StoreResult<Creation> {
        self.make(new).await
    }

    async fn read(&self, key: &SessionKey) -> StoreResult<Lookup> {
        let now = self.now();
        let partition = self.memory.read(key.partition);
        Ok(match partition.living(key, now) {
            Some(entry) => Lookup::Found(entry.record.clone()),
            None => Lookup::Gone(partition.tombstone(key, now).and_then(|tombstone| tombstone.why)),
        })
    }

    async fn touch(&self, key: &SessionKey, at: Timestamp, due: Timestamp, keep_for: Duration) -> StoreResult<Touched> {
        let now = self.now();
        let mut partition = self.memory.write(key.partition);
        let Some(entry) = partition.living_mut(key, now) else { return Ok(Touched::Gone) };
        let last_active = &mut entry.record.header.last_active;
        if let Some(used) = last_active.filter(|used| *used > due) {
            return Ok(Touched::NotDue(used));
        }
        *last_active = (*last_active).max(Some(at));
        entry.expires = now + length(keep_for);
        if !std::mem::replace(&mut entry.use_noted, true) {
            self.memory.note_use(*key);
        }
        Ok(Touched::Yes)
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

    async fn refuse_logins(&self, user: &UserKey, ago: Duration, mark_for: Duration) -> StoreResult<()> {
        self.refuse_logins_of(user, ago, mark_for).await
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

    async fn raise_to(&self, target: &MarkTarget, mark: u64, keep_for: Duration) -> StoreResult<()> {
        self.raise_mark_to(target, mark, keep_for).await
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

    async fn join(
        &self,
        of: &ProviderSessionKey,
        session: &SessionKey,
        login_started: Timestamp,
        keep_for: Duration,
    ) -> StoreResult<Joining> {
        self.join_one(of, session, login_started, keep_for).await
    }

    async fn end_joined(
        &self,
        of: &ProviderSessionKey,
        keep_for: Duration,
    ) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        self.end_all_joined(of, keep_for).await
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

    pub(super) fn kept(&self, tokens: Option<&[u8]>) -> KeptTokens {
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
