//! Owns the port of users: one string for each, in the slot of their sessions, and one sorted set for each tenant and
//! partition that names them. Does not know what is sealed in a record.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::try_join_all;
use redis::{Value, cmd};

use super::RedisStore;
use super::index::{AT_ONCE, members};
use super::key::session_of;
use super::replicated::Replicated;
use super::script::SCRIPTS;
use super::sessions::{ATTEMPTS, read_members, restless};
use super::value::{millis, unexpected};
use crate::authority::ports::{KeptUser, StoreError, StoreResult, UserLookup, UserPage, UserStore, WalkPosition};
use crate::session::key::{Partition, TenantNumber, UserKey};
use crate::session::record::Ending;
use crate::session::time::Timestamp;
use crate::store::record::UserHash;
use crate::store::{position, record, user};

/// What becomes of a user's record in the step that ends their sessions.
#[derive(Clone, Copy)]
pub(super) enum Becomes {
    AsItIs,
    Disabled,
    Deleted { note_for: Duration },
}

#[async_trait]
impl UserStore for RedisStore {
    async fn user(&self, user: &UserKey) -> StoreResult<UserLookup> {
        let mut get = redis::pipe();
        get.get(self.keys.user(user)).get(self.keys.deletion(user));
        let (kept, deleted): (Option<Vec<u8>>, Option<u64>) = self.link.pipeline(&get).await?;
        Ok(match (kept, deleted) {
            (Some(kept), _) => UserLookup::Found(read(&kept)?),
            (None, Some(at)) => UserLookup::Deleted(Timestamp::from_millis(at)),
            (None, None) => UserLookup::Unknown,
        })
    }

    async fn users(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<UserPage> {
        let limit = limit.max(1);
        let (first, mut last) = position::read(from.as_ref())?;
        let mut users = Vec::new();
        let partitions: Vec<_> = Partition::all().skip(usize::from(first.number())).collect();
        for some in partitions.chunks(AT_ONCE) {
            let asked = some.iter().enumerate().map(|(place, partition)| {
                let last = last.filter(|_| place == 0);
                async move { self.users_after(tenant, *partition, last, limit).await }
            });
            let found = try_join_all(asked).await?;
            last = None;
            for (partition, hashes) in some.iter().zip(found) {
                let taken: Vec<_> = hashes.iter().take(limit - users.len()).copied().collect();
                users.extend(self.read_users(tenant, *partition, &taken).await?);
                if let Some(last) = taken.last()
                    && (users.len() >= limit || taken.len() < hashes.len() || hashes.len() >= limit)
                {
                    return Ok(UserPage { users, next: Some(position::after(*partition, last)) });
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
        self.end_all(user, Becomes::Disabled, remember_for, mark_for).await
    }

    async fn enable_user(&self, user: &UserKey) -> StoreResult<bool> {
        self.link.insist(&SCRIPTS.enable_user, &[self.keys.user(user)], &[]).await
    }

    async fn delete_user(
        &self,
        user: &UserKey,
        remember_for: Duration,
        mark_for: Duration,
        note_for: Duration,
    ) -> StoreResult<Option<u64>> {
        self.end_all(user, Becomes::Deleted { note_for }, remember_for, mark_for).await
    }

    async fn reseal_user(&self, user: &UserKey, before: &[u8], profile: Vec<u8>) -> StoreResult<bool> {
        self.link.run(&SCRIPTS.reseal_user, &[self.keys.user(user)], &[before.to_vec(), profile]).await
    }
}

impl RedisStore {
    /// Ends all sessions of a user, and where replicas are waited for once more until they have it. `None` when what becomes of their record needs one, and there is none.
    pub(super) async fn end_all(
        &self,
        user: &UserKey,
        becomes: Becomes,
        remember_for: Duration,
        mark_for: Duration,
    ) -> StoreResult<Option<u64>> {
        let ended = self.end_all_by(user, becomes, remember_for, mark_for, None).await?;
        if self.replicated.is_some() && ended.is_some() {
            self.end_all_by(user, becomes, remember_for, mark_for, self.replicated.as_ref()).await?;
        }
        Ok(ended)
    }

    async fn end_all_by(
        &self,
        user: &UserKey,
        becomes: Becomes,
        remember_for: Duration,
        mark_for: Duration,
        replicated: Option<&Replicated>,
    ) -> StoreResult<Option<u64>> {
        let (word, note_for) = match becomes {
            Becomes::AsItIs => (b"e", Duration::ZERO),
            Becomes::Disabled => (b"d", Duration::ZERO),
            Becomes::Deleted { note_for } => (b"x", note_for),
        };
        let (tenant, partition) = (user.tenant, user.partition);
        let mut members = self.members_of(user).await?;
        for _ in 0..ATTEMPTS {
            let mut keys = vec![self.keys.index(tenant, partition), self.keys.mark(user), self.keys.user(user)];
            keys.extend([self.keys.users(tenant, partition), self.keys.deletion(user)]);
            keys.extend(self.keys.killing(tenant, partition));
            let sessions = members.iter().map(|member| session_of(tenant, partition, member));
            keys.extend(sessions.flat_map(|session| self.keys.session(&session).all()));
            let why = vec![record::ending_byte(Ending::Revoked)];
            let mut args = vec![user.hash.to_vec(), why, millis(remember_for), millis(mark_for)];
            args.extend([word.to_vec(), millis(note_for)]);
            args.extend(members.iter().map(|member| member.to_vec()));
            let answer: Vec<Value> = match replicated {
                Some(replicated) => replicated.run(&SCRIPTS.end_user, &keys, &args).await?,
                None => self.link.run(&SCRIPTS.end_user, &keys, &args).await?,
            };
            match answer.split_first() {
                Some((Value::Int(1), [Value::Int(ended)])) => return Ok(Some(u64::try_from(*ended).unwrap_or(0))),
                Some((Value::Int(2), [])) => return Ok(None),
                Some((Value::Int(0), now)) => members = read_members(now)?,
                _ => return unexpected(),
            }
        }
        Err(restless())
    }

    /// At most `limit` users of a partition after `last`, in order.
    async fn users_after(
        &self,
        tenant: TenantNumber,
        partition: Partition,
        last: Option<UserHash>,
        limit: usize,
    ) -> StoreResult<Vec<UserHash>> {
        let start = last.map_or(b"-".to_vec(), |last| [b"(".as_slice(), &last].concat());
        let mut range = cmd("ZRANGEBYLEX");
        range.arg(self.keys.users(tenant, partition)).arg(start).arg("+").arg("LIMIT").arg(0).arg(limit);
        members(self.link.command(&range).await?)
    }

    /// The users of these hashes. One who was deleted a moment ago is left out.
    async fn read_users(
        &self,
        tenant: TenantNumber,
        partition: Partition,
        hashes: &[UserHash],
    ) -> StoreResult<Vec<(UserKey, KeptUser)>> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let users: Vec<_> = hashes.iter().map(|hash| UserKey { tenant, partition, hash: *hash }).collect();
        let mut get = redis::pipe();
        for user in &users {
            get.get(self.keys.user(user));
        }
        let kept: Vec<Option<Vec<u8>>> = self.link.pipeline(&get).await?;
        let found = users.into_iter().zip(kept).filter_map(|(user, kept)| Some((user, kept?)));
        found.map(|(user, kept)| Ok((user, read(&kept)?))).collect()
    }
}

fn read(kept: &[u8]) -> StoreResult<KeptUser> {
    user::read(kept).map_err(|error| StoreError::Unreadable(error.into()))
}
