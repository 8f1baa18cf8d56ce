//! Owns which sessions belong to one of the provider's own (`sid`): noted before a session is made, so that an end of the
//! provider's session never misses one. Does not know who ends it.

use std::time::Duration;

use super::ports::{Joining, Lookup, StoreResult};
use super::{Authority, Error};
use crate::session::identity::Identity;
use crate::session::key::{ProviderSessionKey, SessionKey};
use crate::session::record::{Ending, Record};
use crate::session::time::Timestamp;

/// From so many names on, those of sessions that are gone are looked for when another is noted.
const MANY: usize = 16;

/// How much longer than any login an end is remembered: for clocks, and calls that are slow.
const MARGIN: Duration = Duration::from_mins(10);

impl Authority {
    /// Notes that a session about to be made belongs to one of the provider's own. `false` when that one has ended since
    /// the login began: then it must not be made.
    pub(super) async fn join_provider_session(
        &self,
        provider: &str,
        sid: &str,
        session: &SessionKey,
        login_started: Timestamp,
    ) -> StoreResult<bool> {
        let of = ProviderSessionKey::of(self.settings.tenant, provider, sid);
        let keep_for = self.settings.longest_life() + self.made_within();
        match self.ports.sessions.join(&of, session, login_started, keep_for).await? {
            Joining::EndedMeanwhile => return Ok(false),
            Joining::Joined(count) if count >= MANY => drop(self.living_of(&of).await?),
            Joining::Joined(_) => (),
        }
        Ok(true)
    }

    /// The living sessions that belong to one of the provider's own. Names of those that are gone are forgotten, unless a
    /// login may still be about to make them.
    pub(super) async fn living_of(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Record)>> {
        let (mut living, mut gone) = (Vec::new(), Vec::new());
        let settled = |noted| self.ports.clock.now().since(noted) > self.made_within();
        for (key, noted) in self.ports.sessions.joined(of).await? {
            match self.ports.sessions.read(&key).await? {
                Lookup::Found(record) if !self.stream.kills(&record.header.marks) => living.push((key, record)),
                Lookup::Found(_) | Lookup::Gone(_) if settled(noted) => gone.push(key),
                Lookup::Found(_) | Lookup::Gone(_) => (),
            }
        }
        if !gone.is_empty() {
            self.ports.sessions.part(of, &gone).await?;
        }
        Ok(living)
    }

    /// Ends every session that belongs to one of the provider's own, logins under way included, and answers how many
    /// lived. Where a login has noted its session, a tombstone refuses it; where it has not, it can't join any more.
    pub(super) async fn end_provider_session(&self, of: &ProviderSessionKey) -> Result<u64, Error> {
        let mut ended = 0;
        for (key, _) in self.ports.sessions.end_joined(of, self.settings.logins.longest() + MARGIN).await? {
            ended += u64::from(self.end_session(&key, Ending::Revoked).await?);
        }
        Ok(ended)
    }

    /// The same for those sessions alone whose user `is_meant`; where nobody can say whose a session is, it ends. Of a login
    /// under way nobody knows yet whose it is: it ends with the provider's session.
    pub(super) async fn end_provider_session_of(
        &self,
        of: &ProviderSessionKey,
        is_meant: impl Fn(&Identity) -> bool + Send + Sync,
    ) -> Result<u64, Error> {
        let mut ended = 0;
        for (key, _) in self.ports.sessions.end_joined(of, self.settings.logins.longest() + MARGIN).await? {
            if let Lookup::Found(record) = self.ports.sessions.read(&key).await?
                && let Ok(standing) = self.vault.open_standing(&key, &record.header.marks, &record.body)
                && !is_meant(&standing.identity)
            {
                tracing::warn!(session = key.public(), "a provider ended a session that is not of the user it named");
                continue;
            }
            ended += u64::from(self.end_session(&key, Ending::Revoked).await?);
        }
        Ok(ended)
    }

    /// How long after a name was noted its session may still be made.
    fn made_within(&self) -> Duration {
        self.settings.logins.lease
    }
}
