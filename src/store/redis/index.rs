//! Owns the index: one sorted set for each tenant and partition, by user's hash and session id. Reads it, walks it, and
//! removes what names a session that is gone. Does not know how sessions are made.

use std::time::Duration;

use futures::future::try_join_all;
use redis::{Value, cmd};

use super::RedisStore;
use super::key::{Member, session_of};
use super::marks::{read, told_marks};
use super::script::SCRIPTS;
use super::value::{millis, read_record};
use crate::authority::ports::{StoreError, StoreResult, WalkPage, WalkPosition};
use crate::session::key::{Partition, SessionKey, TenantNumber, UserKey};
use crate::session::record::Record;
use crate::store::position;

/// How many partitions a walk asks at once.
pub(super) const AT_ONCE: usize = 32;

/// How many members one step of the sweep looks at.
const CHUNK: usize = 256;

impl RedisStore {
    /// The members that the index has for a user, living or not.
    pub(super) async fn members_of(&self, user: &UserKey) -> StoreResult<Vec<Member>> {
        let bound = |fill: u8| [b"[".as_slice(), &user.hash, &[fill; 16]].concat();
        let mut range = cmd("ZRANGEBYLEX");
        range.arg(self.keys.index(user.tenant, user.partition)).arg(bound(0)).arg(bound(0xff));
        members(self.link.command(&range).await?)
    }

    /// The living sessions that `members` name, in their order. Those that name none are removed from the index.
    pub(super) async fn living(
        &self,
        tenant: TenantNumber,
        partition: Partition,
        members: &[Member],
    ) -> StoreResult<Vec<(SessionKey, Record)>> {
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = redis::pipe();
        for member in members {
            get.get(self.keys.session(&session_of(tenant, partition, member)).record);
        }
        self.ask_marks(&mut get, tenant, partition);
        let mut told: Vec<Value> = self.link.pipeline(&get).await?;
        let marks = told_marks(&mut told)?;
        let kept = told.into_iter().map(read).collect::<StoreResult<Vec<Option<Vec<u8>>>>>()?;
        let mut dead = Vec::new();
        let mut living = Vec::new();
        for (member, kept) in members.iter().zip(kept) {
            match kept {
                None => dead.push(*member),
                Some(kept) => match read_record(kept)? {
                    killed if marks.kill(&killed.header.marks) => dead.push(*member),
                    record => living.push((session_of(tenant, partition, member), record)),
                },
            }
        }
        self.prune(tenant, partition, &dead).await?;
        Ok(living)
    }

    /// Removes those of `members` that name no living session. Answers how many.
    async fn prune(&self, tenant: TenantNumber, partition: Partition, members: &[Member]) -> StoreResult<usize> {
        if members.is_empty() {
            return Ok(0);
        }
        let mut keys = vec![self.keys.index(tenant, partition)];
        keys.extend(self.keys.killing(tenant, partition));
        for member in members {
            keys.extend(self.keys.session(&session_of(tenant, partition, member)).left_behind());
        }
        let args: Vec<_> = members.iter().map(|member| member.to_vec()).collect();
        self.link.run(&SCRIPTS.prune, &keys, &args).await
    }

    /// At most `limit` members of a partition's index after `last`, in order.
    async fn members_after(
        &self,
        tenant: TenantNumber,
        partition: Partition,
        last: Option<&Member>,
        limit: usize,
    ) -> StoreResult<Vec<Member>> {
        let start = last.map_or(b"-".to_vec(), |last| [b"(".as_slice(), last].concat());
        let mut range = cmd("ZRANGEBYLEX");
        range.arg(self.keys.index(tenant, partition)).arg(start).arg("+").arg("LIMIT").arg(0).arg(limit);
        members(self.link.command(&range).await?)
    }

    /// As the port's `walk`.
    pub(super) async fn page(
        &self,
        tenant: TenantNumber,
        from: Option<&WalkPosition>,
        limit: usize,
    ) -> StoreResult<WalkPage> {
        let limit = limit.max(1);
        let (first, mut last) = position::read(from)?;
        let mut sessions = Vec::new();
        let partitions: Vec<_> = Partition::all().skip(usize::from(first.number())).collect();
        for some in partitions.chunks(AT_ONCE) {
            let asked = some.iter().enumerate().map(|(position, partition)| {
                let last = last.filter(|_| position == 0);
                async move { self.members_after(tenant, *partition, last.as_ref(), limit).await }
            });
            let found = try_join_all(asked).await?;
            last = None;
            for (partition, members) in some.iter().zip(found) {
                let taken: Vec<_> = members.iter().take(limit - sessions.len()).copied().collect();
                sessions.extend(self.living(tenant, *partition, &taken).await?);
                if let Some(last) = taken.last()
                    && (sessions.len() >= limit || taken.len() < members.len() || members.len() >= limit)
                {
                    return Ok(WalkPage { sessions, next: Some(position::after(*partition, last)) });
                }
            }
        }
        Ok(WalkPage { sessions, next: None })
    }

    /// Removes from a tenant's indexes what names no living session, some members at a time. Answers how many.
    ///
    /// # Errors
    /// `Unavailable` when Redis can't be reached; what was removed until then stays removed.
    pub async fn sweep(&self, tenant: TenantNumber) -> StoreResult<usize> {
        let mut removed = 0;
        for partition in Partition::all() {
            let mut last = None;
            loop {
                let members = self.members_after(tenant, partition, last.as_ref(), CHUNK).await?;
                removed += self.prune(tenant, partition, &members).await?;
                last = members.last().copied();
                if members.len() < CHUNK {
                    break;
                }
            }
        }
        Ok(removed)
    }

    /// Sweeps unless somebody has within `every`.
    pub(super) async fn sweep_once_every(&self, tenant: TenantNumber, every: Duration) -> StoreResult<()> {
        let Some(first) = Partition::new(0) else { return Ok(()) };
        let mut claim = cmd("SET");
        // A little shorter than the interval, so that the same process can claim it the next time.
        claim.arg(self.keys.sweep(tenant, first)).arg(1).arg("NX").arg("PX").arg(millis(every.mul_f64(0.9)));
        let claimed: Option<String> = self.link.command(&claim).await?;
        if claimed.is_some() {
            let removed = self.sweep(tenant).await?;
            tracing::debug!(tenant = tenant.0, removed, "swept the indexes");
        }
        Ok(())
    }
}

/// Members of an index, all of one length.
pub(super) fn members<const N: usize>(found: Vec<Vec<u8>>) -> StoreResult<Vec<[u8; N]>> {
    let member = |bytes: Vec<u8>| <[u8; N]>::try_from(bytes);
    let wrong = |_| StoreError::Unreadable("an index member of another length".into());
    found.into_iter().map(member).collect::<Result<_, _>>().map_err(wrong)
}
