//! Owns doing again what a store may have lost that has failed over: it replicates after it has answered, so ends that
//! everybody was told of may be undone in the one that was promoted. Does not know how it fails over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Untold;
use super::ear::EndedOfLate;
use super::ends::{AT_ONCE, MARKS_FOR};
use crate::authority::ports::{Lookup, StoreResult, UserLookup};
use crate::authority::{Authority, Error};
use crate::session::caller::CallerKeyId;
use crate::session::event::What;
use crate::session::key::{SessionKey, UserKey};
use crate::session::mark::EVERY_TENANT;
use crate::session::record::Ending;

/// Whether the store may have lost what was last written.
#[derive(Default)]
pub(super) struct Lost {
    suspected: AtomicBool,
    /// How often its servers had become others when that was last looked at.
    seen: AtomicU64,
}

impl Lost {
    /// It may have.
    pub(super) fn suspect(&self) {
        self.suspected.store(true, Ordering::Release);
    }

    /// Takes in how often its servers have become others.
    fn learn(&self, changes: u64) {
        if self.seen.swap(changes, Ordering::AcqRel) != changes {
            self.suspect();
        }
    }
}

impl Authority {
    /// Where the store may have lost something: ends once more what ended of late, by the ids of sessions, the values of marks
    /// and the moments of users' ends, so that nothing newer is hurt. To be called every now and then, by one task.
    ///
    /// # Errors
    /// When the store can't say: it is done at the next call.
    pub async fn end_again_what_was_lost(&self) -> Result<(), Error> {
        let lost = &self.stream.ear.lost;
        lost.learn(self.ports.sessions.changes().await?);
        if !lost.suspected.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let done = self.end_again(self.stream.ear.ended_of_late()).await;
        match &done {
            Ok(0) => (),
            Ok(count) => {
                tracing::warn!(count, "the store had lost ends in a failover; what had ended was ended once more");
            }
            Err(_) => lost.suspect(),
        }
        done.map(drop)
    }

    /// Answers how much had to be ended.
    async fn end_again(&self, ended: EndedOfLate) -> Result<u64, Error> {
        // First what kills many at once.
        for (target, mark) in &ended.marks {
            self.ports.sessions.raise_to(target, *mark, MARKS_FOR.max(self.settings.longest_life())).await?;
            // Who has begun since the failover may have read the marks before.
            let whose = Some(target.tenant()).filter(|tenant| *tenant != EVERY_TENANT).unwrap_or(self.settings.tenant);
            Untold::of(whose, &self.stream.ear).add(What::Marked { target: target.clone(), mark: *mark });
        }
        let now = self.ports.clock.now();
        for (user, at) in &ended.users {
            self.ports.sessions.refuse_logins(user, now.since(*at), self.user_mark_for()).await?;
        }
        let mut count = 0;
        for user in &ended.disabled {
            count += u64::from(self.disable_again(user).await?);
        }
        for id in ended.callers {
            count += u64::from(self.revoke_key_again(id).await?);
        }
        let again = stream::iter(ended.sessions).map(|key| self.end_one_again(key)).buffer_unordered(AT_ONCE);
        Ok(again.try_fold(count, async |sum, ended| Ok(sum + u64::from(ended))).await?)
    }

    async fn disable_again(&self, user: &UserKey) -> Result<bool, Error> {
        let UserLookup::Found(kept) = self.ports.users.user(user).await? else { return Ok(false) };
        if kept.facts.disabled {
            return Ok(false);
        }
        let mut untold = Untold::of(user.tenant, &self.stream.ear);
        let remember = self.settings.remember_ended_for;
        let step = async {
            let ended = self.ports.users.disable_user(user, remember, self.user_mark_for()).await?;
            Ok(ended.unwrap_or_default())
        };
        self.end_all_of(user, What::UserDisabled(*user), step, &mut untold).await?;
        Ok(true)
    }

    async fn revoke_key_again(&self, id: CallerKeyId) -> Result<bool, Error> {
        let removed = self.ports.callers.remove_caller_key(&id).await?;
        if removed {
            // Who has begun since the failover has not heard of it.
            Untold::of(self.settings.tenant, &self.stream.ear).add(What::CallerRevoked(id));
        }
        Ok(removed)
    }

    async fn end_one_again(&self, key: SessionKey) -> StoreResult<bool> {
        if matches!(self.ports.sessions.read(&key).await?, Lookup::Gone(_)) {
            return Ok(false);
        }
        self.ports.sessions.end(&key, Ending::Revoked, self.settings.remember_ended_for).await?;
        // Who has begun since the failover has not heard of it.
        Untold::of(key.tenant, &self.stream.ear).add(What::Revoked(key));
        Ok(true)
    }
}
