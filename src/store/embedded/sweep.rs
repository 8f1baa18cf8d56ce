//! Owns the removal of what has expired, from memory and file. Nothing depends on when it runs: whatever has expired
//! is gone for every reader already. Does not know when it is called.

use std::collections::BTreeMap;

use super::EmbeddedStore;
use super::change::Change;
use super::marks::NotBefore;
use super::memory::{Entry, Partition};
use crate::session::key::{
    AnswerKey, LoginKey, LogoutTokenKey, Partition as Number, SessionKey, TenantNumber, UserKey,
};
use crate::session::time::Timestamp;

impl EmbeddedStore {
    /// Removes everything that has expired, one partition at a time. Answers how many things that were.
    pub async fn sweep(&self) -> usize {
        let mut removed = self.sweep_marks();
        for partition in Number::all() {
            let Ok(place) = self.journal.place().await else { return removed };
            {
                let now = self.now();
                let mut memory = self.memory.write(partition);
                let changes = memory.remove_expired(partition, &self.memory.not_before(), now);
                removed += changes.len();
                if !changes.is_empty() {
                    // Nobody waits for this to be on disk: reading the file passes over what has expired.
                    drop(self.journal.order(place, changes, || ()));
                }
            }
            tokio::task::yield_now().await;
        }
        self.sweep_entries().await;
        removed
    }

    /// Removes audit entries that are past their end. Nobody waits for the disk.
    async fn sweep_entries(&self) {
        let Ok(place) = self.journal.place().await else { return };
        let now = self.now();
        self.audit.forget(now);
        drop(self.journal.order(place, vec![Change::SweepEntries(now)], || ()));
    }

    /// Removes marks whose time is over. Nobody waits for the disk.
    fn sweep_marks(&self) -> usize {
        let Ok(place) = self.journal.place_to_revoke() else { return 0 };
        let now = self.now();
        let mut marks = self.memory.not_before_mut();
        let over: Vec<_> = marks.0.iter().filter(|(_, mark)| mark.until <= now).map(|(marked, _)| *marked).collect();
        for marked in &over {
            marks.0.remove(marked);
        }
        let removed = over.len();
        if removed > 0 {
            drop(self.journal.order(place, over.into_iter().map(Change::DropNotBefore).collect(), || ()));
        }
        removed
    }
}

impl Partition {
    /// Removes what has expired by `now`. Answers the changes that remove it from the file too.
    pub fn remove_expired(&mut self, partition: Number, marks: &NotBefore, now: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        let gone = |(tenant, id): (_, _)| SessionKey { tenant, partition, id };
        let mut of_tenants = BTreeMap::new();
        let mut killed = |tenant: TenantNumber, entry: &Entry| {
            let marks = of_tenants.entry(tenant).or_insert_with(|| marks.of(tenant, now));
            marks.kill(&entry.record.header.marks)
        };
        let mut sessions = Vec::new();
        for (local, entry) in &self.sessions {
            if entry.visible && (entry.expires <= now || killed(local.0, entry)) {
                sessions.push(gone(*local));
            }
        }
        for key in sessions {
            self.remove(&key);
            changes.push(Change::DropSession(key));
        }
        self.tombstones.retain(|local, tombstone| {
            let stands = now < tombstone.until;
            if !stands {
                changes.push(Change::DropTombstone(gone(*local)));
            }
            stands
        });
        self.marks.retain(|&(tenant, hash), mark| {
            let stands = now < mark.until;
            if !stands {
                changes.push(Change::DropMark(UserKey { tenant, partition, hash }));
            }
            stands
        });
        self.logins.retain(|&(tenant, id), login| {
            let stands = now < login.expires || login.ending;
            if !stands {
                changes.push(Change::DropLogin(LoginKey { tenant, partition, id }));
            }
            stands
        });
        self.users.deleted.retain(|&(tenant, hash), deletion| {
            let stands = now < deletion.until;
            if !stands {
                changes.push(Change::DropDeletion(UserKey { tenant, partition, hash }));
            }
            stands
        });
        changes.extend(self.joined.remove_expired(now));
        self.spent.retain(|&(tenant, id), until| {
            let stands = now < *until;
            if !stands {
                changes.push(Change::DropSpent(LogoutTokenKey { tenant, partition, id }));
            }
            stands
        });
        self.claimed.retain(|_, (_, until)| now < *until);
        let calls = self.forget_calls(now).into_iter();
        changes.extend(calls.map(|(tenant, id)| Change::DropAnswer(AnswerKey { tenant, partition, id })));
        self.forget_rates(now);
        self.caller_keys.retain(|&id, key| {
            let stands = now < key.kept.ends;
            if !stands {
                changes.push(Change::DropCallerKey(id));
            }
            stands
        });
        self.mint_keys.retain(|&tenant, keys| {
            let stands = !keys.is_gone(now);
            if !stands {
                changes.push(Change::DropMintKeys(tenant));
            }
            stands
        });
        changes
    }
}
