//! Owns the port of sessions, filled by scripts. Does not know how a call travels.

use std::time::Duration;

use async_trait::async_trait;
use redis::{Value, cmd};

use super::RedisStore;
use super::key::{Member, session_of};
use super::script::SCRIPTS;
use super::users::Becomes;
use super::value::{millis, number, read_record, unexpected};
use crate::authority::ports::{
    Creation, Joining, KeptAttributes, LeaseAttempt, Lookup, Made, NewSession, SessionStore, StoreError, StoreResult,
    Touched, WalkPage, WalkPosition, Written,
};
use crate::session::key::{ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use crate::session::mark::{MarkTarget, MarksNow};
use crate::session::record::{Ending, Record};
use crate::session::time::Timestamp;
use crate::store::record::Owner;
use crate::store::{attributes, in_one_place, record};

/// How often a step that depends on a user's index begins again because the index has changed meanwhile.
pub(super) const ATTEMPTS: usize = 128;

#[async_trait]
impl SessionStore for RedisStore {
    async fn ping(&self) -> StoreResult<()> {
        self.time().await.map(drop)
    }

    async fn time(&self) -> StoreResult<Timestamp> {
        let (seconds, micros): (u64, u64) = self.link.command(&cmd("TIME")).await?;
        Ok(Timestamp::from_millis(seconds * 1000 + micros / 1000))
    }

    async fn create(&self, new: NewSession) -> StoreResult<Creation> {
        in_one_place(&new)?;
        let mut looked_up = Vec::new();
        for _ in 0..ATTEMPTS {
            let (keys, args) = self.creation(&new, &looked_up);
            let answer: Vec<Value> = self.link.insist(&SCRIPTS.create, &keys, &args).await?;
            match answer.split_first() {
                Some((Value::Int(1), [Value::Int(first), ended @ ..])) => {
                    let session = |member| session_of(new.user.tenant, new.user.partition, &member);
                    let ended = read_members(ended)?.into_iter().map(session).collect();
                    return Ok(Creation::Created(Made { first_login: *first == 1, ended }));
                }
                Some((Value::Int(2), _)) => return Ok(Creation::RevokedMeanwhile),
                Some((Value::Int(3), _)) => return Ok(Creation::TooMany),
                Some((Value::Int(4), members)) => looked_up = read_members(members)?,
                Some((Value::Int(5), _)) => return Ok(Creation::Disabled),
                _ => return unexpected(),
            }
        }
        Err(restless())
    }

    async fn read(&self, key: &SessionKey) -> StoreResult<Lookup> {
        if let Some(kept) = self.get(self.keys.record(key)).await? {
            return Ok(Lookup::Found(read_record(kept)?));
        }
        // An id never comes back, so nothing can have begun in between.
        let tombstone = self.get(self.keys.session(key).tombstone).await?;
        Ok(Lookup::Gone(tombstone.and_then(|why| record::ending_of(*why.first()?))))
    }

    async fn read_among_many(&self, key: &SessionKey) -> StoreResult<Lookup> {
        if let Some(gather) = &self.gather
            && let Some(kept) = gather.get(self.keys.record(key)).await?
        {
            return Ok(Lookup::Found(read_record(kept)?));
        }
        // What is not there, or no string, is looked at by itself.
        self.read(key).await
    }

    async fn touch(&self, key: &SessionKey, at: Timestamp, due: Timestamp, keep_for: Duration) -> StoreResult<Touched> {
        let args = [number(at.as_millis()), number(due.as_millis()), millis(keep_for)];
        let answer: Vec<u64> = self.link.insist(&SCRIPTS.touch, &[self.keys.session(key).record], &args).await?;
        match answer[..] {
            [1] => Ok(Touched::Yes),
            [2, used] => Ok(Touched::NotDue(Timestamp::from_millis(used))),
            [3] => Ok(Touched::Gone),
            _ => unexpected(),
        }
    }

    async fn end(&self, key: &SessionKey, why: Ending, remember_for: Duration) -> StoreResult<bool> {
        let mut keys = self.keys.session(key).all().to_vec();
        keys.push(self.keys.index(key.tenant, key.partition));
        keys.extend(self.keys.killing(key.tenant, key.partition));
        let args = [vec![record::ending_byte(why)], millis(remember_for), key.id.to_vec()];
        let ended = self.link.run(&SCRIPTS.end, &keys, &args).await?;
        if let Some(replicated) = &self.replicated {
            replicated.run::<Value>(&SCRIPTS.end, &keys, &args).await?;
        }
        Ok(ended)
    }

    async fn end_user(&self, user: &UserKey, remember_for: Duration, mark_for: Duration) -> StoreResult<u64> {
        Ok(self.end_all(user, Becomes::AsItIs, remember_for, mark_for).await?.unwrap_or_default())
    }

    async fn refuse_logins(&self, user: &UserKey, ago: Duration, mark_for: Duration) -> StoreResult<()> {
        let args = [millis(ago), millis(mark_for)];
        self.link.insist(&SCRIPTS.refuse_logins, &[self.keys.mark(user)], &args).await
    }

    async fn sessions_of(&self, user: &UserKey) -> StoreResult<Vec<(SessionKey, Record)>> {
        let members = self.members_of(user).await?;
        self.living(user.tenant, user.partition, &members).await
    }

    async fn walk(&self, tenant: TenantNumber, from: Option<WalkPosition>, limit: usize) -> StoreResult<WalkPage> {
        self.page(tenant, from.as_ref(), limit).await
    }

    async fn raise(&self, target: &MarkTarget, keep_for: Duration) -> StoreResult<u64> {
        self.raise_everywhere(target, keep_for).await
    }

    async fn raise_to(&self, target: &MarkTarget, mark: u64, keep_for: Duration) -> StoreResult<()> {
        self.raise_everywhere_to(target, mark, keep_for).await
    }

    async fn changes(&self) -> StoreResult<u64> {
        Ok(self.link.changes())
    }

    async fn marks(&self, tenant: TenantNumber) -> StoreResult<MarksNow> {
        self.first_marks(tenant).await
    }

    async fn read_with_marks(&self, key: &SessionKey) -> StoreResult<(Lookup, MarksNow)> {
        self.read_among_marks(key).await
    }

    async fn count(&self, tenant: TenantNumber) -> StoreResult<u64> {
        self.members_in_all(tenant).await
    }

    async fn tokens(&self, key: &SessionKey) -> StoreResult<Option<Vec<u8>>> {
        let keys = self.keys.session(key);
        self.link.run(&SCRIPTS.tokens, &[keys.record, keys.tokens], &[]).await
    }

    async fn lease(&self, key: &SessionKey, ttl: Duration) -> StoreResult<LeaseAttempt> {
        self.take_lease(key, ttl).await
    }

    async fn wait_for_lease(&self, key: &SessionKey, at_most: Duration) -> StoreResult<()> {
        self.wait_lease(key, at_most).await
    }

    async fn write_tokens(
        &self,
        key: &SessionKey,
        fence: u64,
        record: Record,
        tokens: Vec<u8>,
    ) -> StoreResult<Written> {
        let keys = self.keys.session(key);
        // A first record replaces none.
        let Some(before) = record.header.revision.checked_sub(1) else { return Ok(Written::RevisionChanged) };
        let bytes = record::write(&Owner::default(), &record);
        let args = [bytes, tokens, record::count(fence).to_vec(), record::count(before).to_vec()];
        written(self.link.run(&SCRIPTS.write_tokens, &[keys.record, keys.tokens, keys.bell], &args).await?)
    }

    async fn rewrite(&self, key: &SessionKey, record: Record) -> StoreResult<Written> {
        let keys = self.keys.session(key);
        let Some(before) = record.header.revision.checked_sub(1) else { return Ok(Written::RevisionChanged) };
        let args = [record::write(&Owner::default(), &record), record::count(before).to_vec()];
        written(self.link.run(&SCRIPTS.rewrite, &[keys.record, keys.bell], &args).await?)
    }

    async fn step_up(&self, key: &SessionKey, record: Record, tokens: Vec<u8>) -> StoreResult<Written> {
        let keys = self.keys.session(key);
        let Some(before) = record.header.revision.checked_sub(1) else { return Ok(Written::RevisionChanged) };
        let args = [record::write(&Owner::default(), &record), tokens, record::count(before).to_vec()];
        let keys = [keys.record, keys.tokens, keys.lease, keys.bell];
        written(self.link.run(&SCRIPTS.step_up, &keys, &args).await?)
    }

    async fn attributes(&self, key: &SessionKey) -> StoreResult<Option<KeptAttributes>> {
        let keys = self.keys.session(key);
        let kept: Option<Vec<u8>> = self.link.run(&SCRIPTS.tokens, &[keys.record, keys.attributes], &[]).await?;
        kept.map(|kept| attributes::read(&kept)).transpose().map_err(|error| StoreError::Unreadable(error.into()))
    }

    async fn put_attributes(
        &self,
        key: &SessionKey,
        attributes: KeptAttributes,
        keep_for: Duration,
    ) -> StoreResult<Written> {
        let Some(before) = attributes.version.checked_sub(1) else { return Ok(Written::RevisionChanged) };
        let before = if before == 0 { Vec::new() } else { attributes::head(before).to_vec() };
        let (keys, args) = (self.keys.session(key), [attributes::write(&attributes), before, millis(keep_for)]);
        written(self.link.insist(&SCRIPTS.put_attributes, &[keys.record, keys.attributes], &args).await?)
    }

    async fn join(
        &self,
        of: &ProviderSessionKey,
        session: &SessionKey,
        login_started: Timestamp,
        keep_for: Duration,
    ) -> StoreResult<Joining> {
        self.join_one(of, session, login_started, keep_for).await
    }

    async fn end_joined(
        &self,
        of: &ProviderSessionKey,
        keep_for: Duration,
    ) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        self.end_all_joined(of, keep_for).await
    }

    async fn joined(&self, of: &ProviderSessionKey) -> StoreResult<Vec<(SessionKey, Timestamp)>> {
        self.all_joined(of).await
    }

    async fn part(&self, of: &ProviderSessionKey, sessions: &[SessionKey]) -> StoreResult<()> {
        self.part_some(of, sessions).await
    }
}

/// Reads the answer of a script that writes a record.
fn written(answer: u8) -> StoreResult<Written> {
    match answer {
        1 => Ok(Written::Yes),
        2 => Ok(Written::RevisionChanged),
        3 => Ok(Written::FenceLost),
        4 => Ok(Written::Gone),
        _ => unexpected(),
    }
}

impl RedisStore {
    async fn get(&self, key: Vec<u8>) -> StoreResult<Option<Vec<u8>>> {
        self.link.command(cmd("GET").arg(key)).await
    }

    fn creation(&self, new: &NewSession, looked_up: &[Member]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (tenant, partition) = (new.user.tenant, new.user.partition);
        let own = self.keys.session(&new.key);
        let index = self.keys.index(tenant, partition);
        let mut keys = vec![own.record, own.tokens, own.tombstone, index, self.keys.mark(&new.user)];
        keys.extend([self.keys.user(&new.user), self.keys.users(tenant, partition)]);
        keys.extend(self.keys.killing(tenant, partition));
        keys.extend(new.replaces.iter().flat_map(|key| self.keys.session(key).all()));
        let members = looked_up.iter().map(|member| session_of(tenant, partition, member));
        keys.extend(members.flat_map(|session| self.keys.session(&session).all()));
        let owner = Owner { user: new.user.hash, began: new.notes_beginning.then_some(new.began) };
        let mut args = vec![
            record::write(&owner, &new.record),
            new.tokens.clone().unwrap_or_default(),
            millis(new.keep_for),
            millis(new.tokens_for),
            number(new.login_started.as_millis()),
            new.user.hash.to_vec(),
            new.key.id.to_vec(),
            number(new.user_cap as u64),
            number(u8::from(new.makes_room)),
            new.profile.clone().unwrap_or_default(),
            record::moment(new.began.as_millis()).to_vec(),
            vec![record::ending_byte(Ending::Replaced)],
            millis(new.remember_for),
            number(new.replaces.len() as u64),
        ];
        args.extend(new.replaces.iter().map(|key| [new.user.hash.as_slice(), &key.id].concat()));
        args.extend(looked_up.iter().map(|member| member.to_vec()));
        (keys, args)
    }
}

/// The members that an answer names.
pub(super) fn read_members(values: &[Value]) -> StoreResult<Vec<Member>> {
    let read = |value: &Value| match value {
        Value::BulkString(bytes) => Member::try_from(bytes.as_slice()).ok(),
        _ => None,
    };
    values.iter().map(read).collect::<Option<_>>().map_or_else(unexpected, Ok)
}

/// A user's index that changes under every attempt.
pub(super) fn restless() -> StoreError {
    StoreError::Unavailable("the user's sessions change too fast".into())
}
