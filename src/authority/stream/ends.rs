//! Owns the one way in which sessions end: all of them in the store first, then everybody is told, once. Does not know why
//! they end.

use std::time::Duration;

use futures::channel::oneshot;
use futures::{StreamExt as _, stream};

use super::Untold;
use crate::authority::audit::outcome_of;
use crate::authority::ports::StoreError;
use crate::authority::{Authority, Error};
use crate::session::audit::Outcome;
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
pub struct EndedSessions {
    /// How many living sessions there were. Where nobody can say that replicas of the store have it, how many there may have
    /// been.
    pub count: u64,
    /// Those of them that were known without a look for them.
    pub sessions: Vec<SessionKey>,
    /// Their user, where it is one.
    pub user: Option<UserKey>,
}

impl EndedSessions {
    /// What has ended, and with which outcome: also where too few replicas of the store had it in time.
    pub(in crate::authority) fn of(done: &Result<Self, Error>) -> Option<(&Self, Outcome)> {
        let ended = match done {
            Ok(ended) => ended,
            Err(Error::Unreplicated { ended, .. }) => ended.as_ref(),
            Err(_) => return None,
        };
        outcome_of(done).map(|outcome| (ended, outcome))
    }

    /// The same, where more is known of what has ended.
    pub(in crate::authority) fn known_to_be(
        done: Result<Self, Error>,
        change: impl FnOnce(Self) -> Self,
    ) -> Result<Self, Error> {
        match done {
            Ok(ended) => Ok(change(ended)),
            Err(Error::Unreplicated { source, ended }) => {
                Err(Error::Unreplicated { source, ended: Box::new(change(*ended)) })
            }
            Err(error) => Err(error),
        }
    }

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
        Ok(self.end_sessions(&[*key], why).await?.count > 0)
    }

    /// Ends sessions wherever they may be cached.
    pub(in crate::authority) async fn end_sessions(
        &self,
        keys: &[SessionKey],
        why: Ending,
    ) -> Result<EndedSessions, Error> {
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

    /// As [`Authority::end_sessions`] with one, for what nobody may stop who goes away.
    pub(in crate::authority) async fn end_session_surely(
        &self,
        key: &SessionKey,
        why: Ending,
    ) -> Result<EndedSessions, Error> {
        let (authority, key) = (self.clone(), *key);
        let (done, ended) = oneshot::channel();
        self.ports.beside.finish(Box::pin(async move { drop(done.send(authority.end_sessions(&[key], why).await)) }));
        ended.await.unwrap_or_else(|gone| Err(Error::Internal(gone.into())))
    }

    /// Waits until everybody has been told of what is done. Trouble is nothing to wait for: they are told beside it.
    pub(in crate::authority) async fn when_told<T, E>(&self, done: Result<T, E>, untold: Untold) -> Result<T, E> {
        if done.is_ok() {
            self.tell(untold).await;
        }
        done
    }

    /// Ends sessions in the store. Whoever is told must tell the rest.
    pub(in crate::authority) async fn end_in_store(
        &self,
        keys: &[SessionKey],
        why: Ending,
        untold: &mut Untold,
    ) -> Result<EndedSessions, Error> {
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
                Err(StoreError::Unreplicated(cause)) => {
                    count += 1;
                    unsure = Some(cause);
                }
                Err(error) => return Err(error.into()),
            }
            untold.settle(&What::Changed(key), Some(What::Revoked(key)));
        }
        let ended = EndedSessions { count, sessions: keys.to_vec(), user: None };
        match unsure {
            Some(source) => Err(Error::Unreplicated { source, ended: Box::new(ended) }),
            None => Ok(ended),
        }
    }

    /// The same with every session of a user, in one step, and the logins of theirs that are under way.
    pub(in crate::authority) async fn end_user_in_store(
        &self,
        user: &UserKey,
        untold: &mut Untold,
    ) -> Result<EndedSessions, Error> {
        let remember = self.settings.remember_ended_for;
        let step = async { Ok(self.ports.sessions.end_user(user, remember, self.user_mark_for()).await?) };
        self.end_all_of(user, What::UserRevoked(*user), step, untold).await
    }

    /// The same by any step of the store that ends every session of a user, and answers how many: told one by one, for those
    /// who hold something open for a session, and as one for what has come between.
    pub(in crate::authority) async fn end_all_of(
        &self,
        user: &UserKey,
        all: What,
        step: impl Future<Output = Result<u64, Error>>,
        untold: &mut Untold,
    ) -> Result<EndedSessions, Error> {
        let known: Vec<_> = self.ports.sessions.sessions_of(user).await?.into_iter().map(|(key, _)| key).collect();
        for key in &known {
            untold.doubt(What::Changed(*key));
        }
        let ended = EndedSessions { count: 0, sessions: known, user: Some(*user) };
        let done = match step.await {
            Ok(count) => Ok(EndedSessions { count, ..ended }),
            Err(Error::Unreplicated { source, .. }) => {
                let count = u64::try_from(ended.sessions.len()).unwrap_or(u64::MAX);
                Err(Error::Unreplicated { source, ended: Box::new(EndedSessions { count, ..ended }) })
            }
            Err(error) => Err(error),
        };
        if let Some((ended, _)) = EndedSessions::of(&done) {
            for key in &ended.sessions {
                untold.settle(&What::Changed(*key), Some(What::Revoked(*key)));
            }
            untold.add(all);
        }
        done
    }
}
