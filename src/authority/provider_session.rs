//! Owns which sessions belong to one of the provider's own (`sid`): noted before a session is made, so that an end of the
//! provider's session never misses one. Does not know who ends it.

use std::time::Duration;

use futures::{StreamExt as _, stream};

use super::ports::{Joining, Lookup, StoreResult};
use super::stream::EndedSessions;
use super::{Authority, Error};
use crate::session::event::What;
use crate::session::identity::Identity;
use crate::session::key::{ProviderSessionKey, SessionKey, UserKey};
use crate::session::record::{Ending, Record, Standing};
use crate::session::time::Timestamp;

/// From so many names on, those of sessions that are gone are looked for when another is noted.
const MANY: usize = 16;

/// How many are looked at at once.
const AT_ONCE: usize = 64;

/// How much longer than any login an end is remembered: for clocks, and calls that are slow.
const MARGIN: Duration = Duration::from_mins(10);

/// The sessions that belong to one of the provider's own.
#[derive(Default)]
struct Named {
    living: Vec<(SessionKey, Record)>,
    /// A login may be about to make them.
    unmade: Vec<SessionKey>,
    /// They ended a while ago at most.
    ended: Vec<SessionKey>,
    /// They are gone, or a mark has killed them.
    gone: Vec<SessionKey>,
}

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
        if self.stream.has_ended(&of, login_started) {
            return Ok(false);
        }
        let keep_for = self.settings.longest_life() + self.made_within();
        match self.ports.sessions.join(&of, session, login_started, keep_for).await? {
            Joining::EndedMeanwhile => return Ok(false),
            Joining::Joined(count) if count >= MANY => drop(self.living_of(&of).await?),
            Joining::Joined(_) => (),
        }
        Ok(true)
    }

    /// The living sessions that belong to one of the provider's own. Names of those that are gone are forgotten, unless a
    /// login may still be about to make them, or whoever ended them may not have told it.
    pub(super) async fn living_of(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Record)>> {
        let named = self.look_at(self.ports.sessions.joined(of).await?).await?;
        if !named.gone.is_empty() {
            self.ports.sessions.part(of, &named.gone).await?;
        }
        Ok(named.living)
    }

    /// Ends every session that belongs to one of the provider's own and whose user `is_meant`, logins under way included.
    pub(super) async fn end_provider_session_of(
        &self,
        of: &ProviderSessionKey,
        is_meant: impl Fn(&Identity) -> bool + Send + Sync,
    ) -> Result<EndedSessions, Error> {
        self.end_provider_sessions(&[*of], is_meant, &[]).await
    }

    /// The same of several, and `more` with them: everybody is told of all at once. Where a login has noted its session, a
    /// tombstone refuses it; where it has not, it can't join any more. Where nobody can say whose a session is, it ends; of a
    /// login under way nobody knows yet.
    ///
    /// What has ended is told before its name is forgotten: so a repeat tells what a call that died had not told, and one
    /// after it costs nothing.
    pub(super) async fn end_provider_sessions(
        &self,
        all: &[ProviderSessionKey],
        is_meant: impl Fn(&Identity) -> bool + Send + Sync,
        more: &[SessionKey],
    ) -> Result<EndedSessions, Error> {
        let (mut untold, mut to_end, mut to_part) = (self.untold(), more.to_vec(), Vec::new());
        let (mut sessions, mut users) = (more.to_vec(), Vec::new());
        for of in all {
            let names = self.ports.sessions.end_joined(of, self.settings.logins.longest() + MARGIN).await?;
            // A store that loses the end in a failover has lost what refuses a login under way.
            untold.add(What::ProviderSessionEnded { of: *of, at: self.ports.sessions.time().await? });
            let Named { living, unmade, ended, gone } = self.look_at(names).await?;
            let mut meant = Vec::new();
            for (key, record) in living {
                let standing = self.vault.open_standing(&key, &record.header.marks, &record.body);
                let identity = standing.as_ref().ok().map(|standing| &standing.identity);
                if identity.is_none_or(&is_meant) {
                    users.extend(identity.map(|identity| self.user_of(identity)));
                    meant.push(key);
                } else {
                    let session = key.public();
                    tracing::warn!(session, "a provider ended a session that is not of the user it named");
                }
            }
            sessions.extend(&meant);
            let ends = [meant, unmade].concat();
            for key in &ended {
                untold.add(What::Revoked(*key));
            }
            to_end.extend(&ends);
            to_part.push((of, [ends, ended, gone].concat()));
        }
        users.dedup();
        let user = users.pop().filter(|_| users.is_empty());
        let done = self.end_in_store(&to_end, Ending::Revoked, &mut untold).await;
        let done = EndedSessions::known_to_be(done, |ended| EndedSessions { sessions, user, ..ended });
        let ended = self.when_told(done, untold).await?;
        for (of, names) in to_part.iter().filter(|(_, names)| !names.is_empty()) {
            self.ports.sessions.part(of, names).await?;
        }
        Ok(ended)
    }

    /// The living sessions of a user that this provider's logins made and whose ID token named none of the provider's own,
    /// as far as they are meant: a provider that names both its session and the user may have named it there alone (OpenID
    /// Connect Back-Channel Logout 1.0, 2.7).
    pub(super) async fn nameless_of(
        &self,
        user: &UserKey,
        provider: &str,
        is_meant: impl Fn(&Standing) -> bool + Send + Sync,
    ) -> Result<Vec<SessionKey>, Error> {
        let living = self.ports.sessions.sessions_of(user).await?;
        let nameless = living.into_iter().filter(|(key, record)| {
            let standing = self.vault.open_standing(key, &record.header.marks, &record.body);
            standing.is_ok_and(|standing| {
                standing.provider_session.is_none() && standing.identity.provider == provider && is_meant(&standing)
            })
        });
        Ok(nameless.map(|(key, _)| key).collect())
    }

    /// What became of the sessions with these names.
    async fn look_at(&self, noted: Vec<(SessionKey, Timestamp)>) -> StoreResult<Named> {
        if noted.is_empty() {
            return Ok(Named::default());
        }
        let sessions = &self.ports.sessions;
        let read = |(key, noted)| async move { (key, noted, sessions.read(&key).await) };
        let mut reading = stream::iter(noted).map(read).buffered(AT_ONCE);
        // The store has noted the names by its own time.
        let (now, mut named) = (sessions.time().await?, Named::default());
        while let Some((key, noted, lookup)) = reading.next().await {
            let can_be_made = now.since(noted) <= self.made_within();
            match lookup? {
                Lookup::Found(record) if !self.stream.kills(&record.header.marks) => named.living.push((key, record)),
                // A login can't make it as long as its tombstone stands, and then it is too late.
                Lookup::Gone(Some(_)) if self.settings.remember_ended_for > self.made_within() => named.ended.push(key),
                Lookup::Gone(_) if can_be_made => named.unmade.push(key),
                Lookup::Found(_) | Lookup::Gone(_) => named.gone.push(key),
            }
        }
        Ok(named)
    }

    /// How long after a name was noted its session may still be made.
    fn made_within(&self) -> Duration {
        self.settings.logins.lease
    }
}
