//! Owns the one way in which sessions end: all of them in the store first, then everybody is told, once. Does not know why
//! they end.

use std::time::Duration;

use futures::channel::oneshot;
use futures::{StreamExt as _, stream};

use super::Untold;
use crate::authority::ports::StoreError;
use crate::authority::{Authority, Error};
use crate::session::event::What;
use crate::session::key::{SessionKey, UserKey};
use crate::session::mark::MarkTarget;
use crate::session::record::Ending;

/// How many are ended at once: what the embedded store writes to the disk together, and Redis gets on one way.
pub(super) const AT_ONCE: usize = 64;

/// How long marks are kept at least: longer than any session may have been allowed to live when they were raised.
pub(super) const MARKS_FOR: Duration = Duration::from_hours(400 * 24);

/// What ended with one call, and whose it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::authority) struct EndedSessions {
    /// How many living sessions there were.
    pub(in crate::authority) count: u64,
    /// Those of them that were known without a look for them.
    pub(in crate::authority) sessions: Vec<SessionKey>,
    /// Their user, where it is one.
    pub(in crate::authority) user: Option<UserKey>,
}

impl EndedSessions {
    /// The session, where it is one.
    pub(in crate::authority) fn only(&self) -> Option<SessionKey> {
        match (self.count, self.sessions.as_slice()) {
            (1, [only]) => Some(*only),
            _ => None,
        }
    }
}

impl Authority {
    /// Ends a session wherever it may be cached, and answers whether there was one.
    pub(in crate::authority) async fn end_session(&self, key: &SessionKey, why: Ending) -> Result<bool, Error> {
        Ok(self.end_sessions(&[*key], why).await? > 0)
    }

    /// Ends sessions wherever they may be cached, and answers how many there were.
    pub(in crate::authority) async fn end_sessions(&self, keys: &[SessionKey], why: Ending) -> Result<u64, Error> {
        let mut untold = self.untold();
        let ended = self.end_in_store(keys, why, &mut untold).await;
        self.when_told(ended, untold).await
    }

    /// Ends every session of a user, logins under way included.
    pub(in crate::authority) async fn end_user(&self, user: &UserKey) -> Result<EndedSessions, Error> {
        let mut untold = self.untold();
        let ended = self.end_user_in_store(user, &mut untold).await;
        self.when_told(ended, untold).await
    }

    /// Ends every session that was born before now, logins under way included, however many there are.
    pub(in crate::authority) async fn end_marked(&self, target: MarkTarget) -> Result<(), Error> {
        let keep_for = MARKS_FOR.max(self.settings.longest_life());
        let mut untold = self.untold();
        // Its first write may be in force, and nobody knows which number it has.
        untold.doubt(What::Reset);
        let mark = self.ports.sessions.raise(&target, keep_for).await?;
        untold.settle(&What::Reset, Some(What::Marked { target, mark }));
        self.tell(untold).await;
        Ok(())
    }

    /// As [`Authority::end_session`], for what nobody may stop who goes away.
    pub(in crate::authority) async fn end_session_surely(&self, key: &SessionKey, why: Ending) -> Result<bool, Error> {
        let (authority, key) = (self.clone(), *key);
        let (done, ended) = oneshot::channel();
        self.ports.beside.finish(Box::pin(async move { drop(done.send(authority.end_session(&key, why).await)) }));
        ended.await.unwrap_or_else(|gone| Err(Error::Internal(gone.into())))
    }

    /// Waits until everybody has been told of what is done. Trouble is nothing to wait for: they are told beside it.
    pub(in crate::authority) async fn when_told<T, E>(&self, done: Result<T, E>, untold: Untold) -> Result<T, E> {
        if done.is_ok() {
            self.tell(untold).await;
        }
        done
    }

    /// Ends sessions in the store, and answers how many there were. Whoever is told must tell the rest.
    pub(in crate::authority) async fn end_in_store(
        &self,
        keys: &[SessionKey],
        why: Ending,
        untold: &mut Untold,
    ) -> Result<u64, Error> {
        let (sessions, remember) = (&self.ports.sessions, self.settings.remember_ended_for);
        let end = |key: SessionKey| async move { (key, sessions.end(&key, why, remember).await) };
        for key in keys {
            untold.doubt(What::Changed(*key));
        }
        let mut ending = stream::iter(keys.to_vec()).map(end).buffer_unordered(AT_ONCE);
        let (mut count, mut unsure) = (0, None);
        while let Some((key, ended)) = ending.next().await {
            match ended {
                Ok(ended) => count += u64::from(ended),
                // It has ended. Whoever asked learns that a failover may undo it.
                Err(error @ StoreError::Unreplicated(_)) => unsure = Some(error),
                Err(error) => return Err(error.into()),
            }
            untold.settle(&What::Changed(key), Some(What::Revoked(key)));
        }
        unsure.map_or(Ok(count), |error| Err(error.into()))
    }

    /// The same with every session of a user, in one step, and the logins of theirs that are under way.
    pub(in crate::authority) async fn end_user_in_store(
        &self,
        user: &UserKey,
        untold: &mut Untold,
    ) -> Result<EndedSessions, Error> {
        let remember = self.settings.remember_ended_for;
        let step = async { Ok(self.ports.sessions.end_user(user, remember, self.user_mark_for()).await?) };
        let (count, sessions) = self.end_all_of(user, What::UserRevoked(*user), step, untold).await?;
        Ok(EndedSessions { count, sessions, user: Some(*user) })
    }

    /// The same by any step of the store that ends every session of a user: told one by one, for those who hold something
    /// open for a session, and as one for what has come between. Answers what the step does, and which were known.
    pub(in crate::authority) async fn end_all_of<T>(
        &self,
        user: &UserKey,
        all: What,
        step: impl Future<Output = Result<T, Error>>,
        untold: &mut Untold,
    ) -> Result<(T, Vec<SessionKey>), Error> {
        let known: Vec<_> = self.ports.sessions.sessions_of(user).await?.into_iter().map(|(key, _)| key).collect();
        for key in &known {
            untold.doubt(What::Changed(*key));
        }
        let done = step.await;
        if matches!(done, Ok(_) | Err(Error::Unreplicated(_))) {
            for key in &known {
                untold.settle(&What::Changed(*key), Some(What::Revoked(*key)));
            }
            untold.add(all);
        }
        done.map(|done| (done, known))
    }
}
