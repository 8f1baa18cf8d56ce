//! Owns which sessions belong to one of the provider's own (`sid`): noted before a session is made, so that an end of the
//! provider's session never misses one. Does not know who ends it.

use std::time::Duration;

use super::ports::{Lookup, StoreResult};
use super::{Authority, Error};
use crate::session::key::{ProviderSessionKey, SessionKey};
use crate::session::record::{Ending, Record};

/// From so many names on, those of sessions that are gone are looked for when another is noted.
const MANY: usize = 16;

impl Authority {
    /// Notes that a session about to be made belongs to one of the provider's own.
    pub(super) async fn join_provider_session(
        &self,
        provider: &str,
        sid: &str,
        session: &SessionKey,
    ) -> StoreResult<()> {
        let of = ProviderSessionKey::of(self.settings.tenant, provider, sid);
        let keep_for = self.settings.longest_life() + self.longest_login();
        if self.ports.sessions.join(&of, session, keep_for).await? >= MANY {
            self.living_of(&of).await?;
        }
        Ok(())
    }

    /// The living sessions that belong to one of the provider's own. Names of those that are gone are forgotten, unless a
    /// login may still be about to make them.
    pub(super) async fn living_of(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Record)>> {
        let (mut living, mut gone) = (Vec::new(), Vec::new());
        let settled = |noted| self.ports.clock.now().since(noted) > self.longest_login();
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

    /// Ends every session that belongs to one of the provider's own, and answers how many lived. One that a login is about
    /// to make is refused: a tombstone stands in its place.
    pub(super) async fn end_provider_session(&self, of: &ProviderSessionKey) -> Result<u64, Error> {
        let mut ended = 0;
        for (key, _) in self.ports.sessions.joined(of).await? {
            ended += u64::from(self.end_session(&key, Ending::Revoked).await?);
        }
        Ok(ended)
    }

    /// How long after a name was noted its session may still be made.
    fn longest_login(&self) -> Duration {
        self.settings.logins.lease
    }
}
