//! Owns which sessions belong to one of the provider's own: a sorted set in a slot of its own, scored by when each was
//! noted. Does not know whether they live.

use std::time::Duration;

use redis::cmd;

use super::RedisStore;
use super::script::SCRIPTS;
use super::value::{millis, number};
use crate::authority::ports::{Joining, StoreError, StoreResult};
use crate::session::key::{Partition, ProviderSessionKey, SessionKey, TenantNumber};
use crate::session::time::Timestamp;

impl RedisStore {
    /// As the port's `join`.
    pub(super) async fn join_one(
        &self,
        of: &ProviderSessionKey,
        session: &SessionKey,
        login_started: Timestamp,
        keep_for: Duration,
    ) -> StoreResult<Joining> {
        let args = [member(session), millis(keep_for), number(login_started.as_millis())];
        let count: Option<usize> = self.link.insist(&SCRIPTS.join, &[self.keys.joined(of)], &args).await?;
        Ok(count.map_or(Joining::EndedMeanwhile, Joining::Joined))
    }

    /// As the port's `end_joined`.
    pub(super) async fn end_all_joined(
        &self,
        of: &ProviderSessionKey,
        keep_for: Duration,
    ) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        let found = self.link.insist(&SCRIPTS.end_joined, &[self.keys.joined(of)], &[millis(keep_for)]).await?;
        read(of.tenant, found)
    }

    /// As the port's `joined`.
    pub(super) async fn all_joined(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        let mut range = cmd("ZRANGE");
        range.arg(self.keys.joined(of)).arg(0).arg(-1).arg("WITHSCORES");
        read(of.tenant, self.link.command(&range).await?)
    }

    /// As the port's `part`.
    pub(super) async fn part_some(&self, of: &ProviderSessionKey, sessions: &[SessionKey]) -> StoreResult<()> {
        if sessions.is_empty() {
            return Ok(());
        }
        let mut remove = cmd("ZREM");
        remove.arg(self.keys.joined(of)).arg(sessions.iter().map(member).collect::<Vec<_>>());
        let _: u64 = self.link.command(&remove).await?;
        Ok(())
    }
}

/// Partition (2), id (16).
fn member(session: &SessionKey) -> Vec<u8> {
    [session.partition.number().to_be_bytes().as_slice(), &session.id].concat()
}

/// Reads members and when each was noted. An empty one is no session: it says when the provider's session ended.
fn read(tenant: TenantNumber, found: Vec<(Vec<u8>, u64)>) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
    let wrong = || StoreError::Unreadable("a name of a session of another length".into());
    let named = found.into_iter().filter(|(member, _)| !member.is_empty());
    named
        .map(|(member, noted)| Ok((read_member(tenant, &member).ok_or_else(wrong)?, Timestamp::from_millis(noted))))
        .collect()
}

fn read_member(tenant: TenantNumber, bytes: &[u8]) -> Option<SessionKey> {
    let (number, id) = bytes.split_first_chunk::<2>()?;
    let partition = Partition::new(u16::from_be_bytes(*number))?;
    Some(SessionKey { tenant, partition, id: id.try_into().ok()? })
}
