//! Owns the port of audit entries: a sorted set for each hour of a tenant, whose members begin with the entries' ids; one that
//! names the hours; and for each name a set of ids. All of a tenant in one slot. Does not know what is sealed in an entry.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, cmd};

use super::RedisStore;
use super::key::Key;
use super::script::SCRIPTS;
use super::value::millis;
use crate::authority::audit_store::{
    self, AuditStore, COUNTED_WITHIN, EntryAdded, EntryPage, KeptEntry, WRITTEN_WITHIN,
};
use crate::authority::ports::{StoreError, StoreResult};
use crate::session::audit::{EntryId, EntryName, Room};
use crate::session::key::TenantNumber;
use crate::session::time::Timestamp;

/// The number of an hour since 1970.
pub(super) type Hour = [u8; 4];

/// How many ids one name keeps: the newest. Of a request or a login there are few, and of a user's years a page is enough.
const MOST_OF_A_NAME: usize = 2000;
/// How many hours are asked in one round trip at most.
const HOURS_AT_ONCE: usize = 32;
/// Of how many hours the keys are removed in one step.
const DROPPED_AT_ONCE: usize = 64;

#[async_trait]
impl AuditStore for RedisStore {
    async fn keep_entry(
        &self,
        tenant: TenantNumber,
        entry: KeptEntry,
        keep_for: Duration,
        most: u64,
    ) -> StoreResult<EntryAdded> {
        let (id, hour) = (entry.id, hour_of(&entry.id));
        let oldest = EntryId::at(id.time() - keep_for);
        let counted = self.keys.entries_counted(tenant, hour, entry.room as u8);
        let most = if entry.room.is_bounded() { most.to_string().into_bytes() } else { Vec::new() };
        let mut keys = vec![self.keys.entry_hours(tenant), self.keys.entries(tenant, hour), counted];
        keys.extend(entry.names.iter().map(|name| self.keys.entry_name(tenant, name)));
        let args = [
            hour.to_vec(),
            id.0.to_vec(),
            [&id.0[..], &entry.sealed].concat(),
            millis(keep_for + COUNTED_WITHIN),
            most,
            millis(COUNTED_WITHIN * 2),
            hour_of(&oldest).to_vec(),
            oldest.0.to_vec(),
            MOST_OF_A_NAME.to_string().into_bytes(),
            id.time().as_millis().to_string().into_bytes(),
            millis(WRITTEN_WITHIN),
        ];
        Ok(match self.link.insist(&SCRIPTS.keep_entry, &keys, &args).await? {
            0 => EntryAdded::HourIsFull,
            1 => EntryAdded::Yes,
            now => EntryAdded::TooLate(Timestamp::from_millis(now)),
        })
    }

    async fn entries(
        &self,
        tenant: TenantNumber,
        name: Option<EntryName>,
        ids: Range<EntryId>,
        limit: usize,
    ) -> StoreResult<EntryPage> {
        if ids.is_empty() || limit == 0 {
            return Ok(EntryPage::default());
        }
        match name {
            Some(name) => self.entries_of(tenant, &name, ids, limit).await,
            None => self.all_entries(tenant, ids, limit).await,
        }
    }

    async fn drop_entries(&self, tenant: TenantNumber) -> StoreResult<()> {
        let hours: Vec<Vec<u8>> =
            self.link.command(cmd("ZRANGE").arg(self.keys.entry_hours(tenant)).arg(0).arg(-1)).await?;
        let hours: Vec<_> = hours.iter().map(|hour| read_hour(hour)).collect::<Result<_, _>>()?;
        for some in hours.chunks(DROPPED_AT_ONCE) {
            let of_hour = |hour: &Hour| {
                let counted = Room::ALL.into_iter().filter(|room| room.is_bounded());
                let counted = counted.map(|room| self.keys.entries_counted(tenant, *hour, room as u8));
                counted.chain([self.keys.entries(tenant, *hour)]).collect::<Vec<_>>()
            };
            let keys: Vec<Key> = some.iter().flat_map(of_hour).collect();
            let _: u64 = self.link.command(cmd("UNLINK").arg(keys)).await?;
        }
        // What is found by name is looked for in its hour: without that it is nowhere.
        let _: u64 = self.link.command(cmd("UNLINK").arg(self.keys.entry_hours(tenant))).await?;
        Ok(())
    }
}

impl RedisStore {
    async fn all_entries(&self, tenant: TenantNumber, ids: Range<EntryId>, limit: usize) -> StoreResult<EntryPage> {
        let mut hours = cmd("ZRANGE");
        // The last id is not meant: its hour is asked in vain at worst.
        let (last, first) = (including(&hour_of(&ids.end)), including(&hour_of(&ids.start)));
        hours.arg(self.keys.entry_hours(tenant)).arg(last).arg(first).arg("BYLEX").arg("REV");
        let hours: Vec<Vec<u8>> = self.link.command(&hours).await?;
        let hours: Vec<_> = hours.iter().map(|hour| read_hour(hour)).collect::<Result<_, _>>()?;
        let (mut members, mut rest, mut at_once) = (Vec::new(), hours.as_slice(), 1);
        while members.len() <= limit && !rest.is_empty() {
            let (some, others) = rest.split_at(at_once.min(rest.len()));
            (rest, at_once) = (others, (at_once * 2).min(HOURS_AT_ONCE));
            let mut asked = redis::pipe();
            for hour in some {
                asked.add_command(newest(&self.keys.entries(tenant, *hour), &ids, limit + 1));
            }
            let found: Vec<Vec<Vec<u8>>> = self.link.pipeline(&asked).await?;
            members.extend(found.into_iter().flatten());
        }
        let is_more = members.len() > limit;
        members.truncate(limit);
        let entries = members.iter().map(|member| entry(member)).collect::<StoreResult<Vec<_>>>()?;
        let next = entries.last().map(|(id, _)| *id).filter(|_| is_more);
        Ok(EntryPage { entries, next })
    }

    async fn entries_of(
        &self,
        tenant: TenantNumber,
        name: &EntryName,
        ids: Range<EntryId>,
        limit: usize,
    ) -> StoreResult<EntryPage> {
        let named: Vec<Vec<u8>> =
            self.link.command(&newest(&self.keys.entry_name(tenant, name), &ids, limit + 1)).await?;
        let named: Vec<_> = named.iter().map(|id| read_id(id)).collect::<StoreResult<_>>()?;
        let looked_at = named.get(..limit.min(named.len())).unwrap_or_default();
        if looked_at.is_empty() {
            return Ok(EntryPage::default());
        }
        let mut asked = redis::pipe();
        for id in looked_at {
            let one = *id..id.next();
            asked.add_command(newest(&self.keys.entries(tenant, hour_of(id)), &one, 1));
        }
        let found: Vec<Vec<Vec<u8>>> = self.link.pipeline(&asked).await?;
        let entries = found.iter().flatten().map(|member| entry(member)).collect::<StoreResult<Vec<_>>>()?;
        let next = looked_at.last().copied().filter(|_| named.len() > limit);
        Ok(EntryPage { entries, next })
    }
}

/// The newest members that begin with one of these ids.
fn newest(key: &[u8], ids: &Range<EntryId>, limit: usize) -> Cmd {
    let mut range = cmd("ZRANGE");
    let end = [b"(".as_slice(), &ids.end.0].concat();
    range.arg(key).arg(end).arg(including(&ids.start.0)).arg("BYLEX").arg("REV").arg("LIMIT").arg(0).arg(limit);
    range
}

fn including(bytes: &[u8]) -> Vec<u8> {
    [b"[".as_slice(), bytes].concat()
}

fn hour_of(id: &EntryId) -> Hour {
    u32::try_from(audit_store::hour_of(id.time())).unwrap_or(u32::MAX).to_be_bytes()
}

fn entry(member: &[u8]) -> StoreResult<(EntryId, Vec<u8>)> {
    let (id, sealed) = member.split_first_chunk().ok_or_else(|| unreadable("an entry"))?;
    Ok((EntryId(*id), sealed.to_vec()))
}

fn read_id(bytes: &[u8]) -> StoreResult<EntryId> {
    bytes.try_into().map(EntryId).map_err(|_| unreadable("an entry's id"))
}

fn read_hour(bytes: &[u8]) -> StoreResult<Hour> {
    bytes.try_into().map_err(|_| unreadable("an hour"))
}

fn unreadable(what: &'static str) -> StoreError {
    StoreError::Unreadable(format!("{what} of the audit is not one").into())
}
