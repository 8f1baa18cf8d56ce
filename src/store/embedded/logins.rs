//! Owns the port of logins, filled from memory. Taking and noting are seen before they are on disk, since they only
//! refuse; an end is seen after. Does not know rows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::EmbeddedStore;
use super::change::Change;
use super::lease::wait_while;
use super::login::{Login, State};
use super::memory::Partition;
use crate::authority::ports::{LoginEnd, LoginStore, LoginTaken, OpenLogin, StoreResult};
use crate::session::key::{LoginKey, SessionKey, TenantNumber};
use crate::session::time::Timestamp;
use crate::store::length;

/// How long a waiter trusts that an end on its way to the disk will ring.
const ENDING: Duration = Duration::from_millis(50);

#[async_trait]
impl LoginStore for EmbeddedStore {
    async fn open(&self, key: &LoginKey, login: OpenLogin, ttl: Duration) -> StoreResult<bool> {
        let place = self.journal.place().await?;
        let ordered = {
            let (now, most) = (self.now(), login.most);
            let login = Login::new(login, now, now + length(ttl));
            let mut partition = self.memory.write(key.partition);
            if most.is_some_and(|most| partition.is_full_of_logins(key.tenant, most, now)) {
                return Ok(false);
            }
            let change = Change::PutLogin(*key, login.write());
            // Nobody knows it yet; but the next one counts it.
            partition.logins.insert((key.tenant, key.id), login);
            self.journal.order(place, vec![change], || true)
        };
        ordered.settled().await
    }

    async fn take(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken> {
        self.take_from(false, key, bindings, lease).await
    }

    async fn resume(&self, key: &LoginKey, bindings: &[[u8; 16]], lease: Duration) -> StoreResult<LoginTaken> {
        self.take_from(true, key, bindings, lease).await
    }

    async fn hold(&self, key: &LoginKey, sealed: Vec<u8>, ttl: Duration) -> StoreResult<bool> {
        let may_wait = |login: &Login| matches!(login.state, State::Taken { given_up: false, .. }) && !login.ending;
        self.end_as(key, State::Waiting(sealed), ttl, may_wait).await
    }

    async fn note(&self, key: &LoginKey, session: &SessionKey) -> StoreResult<bool> {
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(key.partition);
            let Some(login) = partition.login_mut(key, now) else { return Ok(false) };
            if !login.note(session, now) {
                return Ok(false);
            }
            self.journal.order(place, vec![Change::PutLogin(*key, login.write())], || true)
        };
        ordered.settled().await
    }

    async fn finish(&self, key: &LoginKey, end: LoginEnd, keep_for: Duration) -> StoreResult<bool> {
        let state = match &end {
            LoginEnd::Done(answer) => State::Done(answer.clone()),
            LoginEnd::Failed(why) => State::Failed(*why),
        };
        self.end_as(key, state, keep_for, |login| login.may_end(&end)).await
    }

    async fn wait(&self, key: &LoginKey, at_most: Duration) -> StoreResult<()> {
        wait_while(&self.memory, &self.clock, key.partition, at_most, |partition, now| {
            let login = partition.logins.get(&(key.tenant, key.id)).filter(|login| now < login.expires)?;
            if login.ending { Some(now + ENDING) } else { login.held_until(now) }
        })
        .await;
        Ok(())
    }
}

impl EmbeddedStore {
    async fn take_from(
        &self,
        waiting: bool,
        key: &LoginKey,
        bindings: &[[u8; 16]],
        lease: Duration,
    ) -> StoreResult<LoginTaken> {
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(key.partition);
            let Some(login) = partition.login_mut(key, now) else { return Ok(LoginTaken::Missing) };
            let taken = login.take(waiting, bindings, now, length(lease));
            if !matches!(taken, LoginTaken::Taken { .. } | LoginTaken::Interrupted(_)) {
                return Ok(taken);
            }
            self.journal.order(place, vec![Change::PutLogin(*key, login.write())], move || taken)
        };
        ordered.settled().await
    }

    /// Puts a login into another state, where it may be put there; it is seen there once it is on disk.
    async fn end_as(
        &self,
        key: &LoginKey,
        state: State,
        keep_for: Duration,
        may: impl Fn(&Login) -> bool + Send,
    ) -> StoreResult<bool> {
        let place = self.journal.place().await?;
        let ordered = {
            let now = self.now();
            let mut partition = self.memory.write(key.partition);
            let Some(login) = partition.login_mut(key, now).filter(|login| may(login)) else { return Ok(false) };
            login.ending = true;
            let ended = Login { state, expires: now + length(keep_for), ending: false, ..login.clone() };
            let (memory, key) = (Arc::clone(&self.memory), *key);
            self.journal.order(place, vec![Change::PutLogin(key, ended.write())], move || {
                memory.write(key.partition).logins.insert((key.tenant, key.id), ended);
                memory.changed(key.partition).notify_waiters();
                true
            })
        };
        ordered.settled().await
    }
}

impl Partition {
    fn is_full_of_logins(&self, tenant: TenantNumber, most: u32, now: Timestamp) -> bool {
        let logins = self.logins.range((tenant, [0; 16])..=(tenant, [0xff; 16]));
        let under_way = logins.filter(|(_, login)| now < login.expires && login.is_under_way());
        under_way.count() >= usize::try_from(most).unwrap_or(usize::MAX)
    }

    fn login_mut(&mut self, key: &LoginKey, now: Timestamp) -> Option<&mut Login> {
        self.logins.get_mut(&(key.tenant, key.id)).filter(|login| now < login.expires)
    }
}
