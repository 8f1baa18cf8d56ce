//! Owns not-before marks: one hash for each tenant under every partition's tag, so that each step finds them in its own
//! slot. Does not know which sessions they kill: the scripts and `session` do.

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use redis::{FromRedisValue, Pipeline, Value, cmd};

use super::replicated::Replicated;
use super::script::SCRIPTS;
use super::value::{millis, number, read_record};
use super::{RedisStore, replicated};
use crate::authority::ports::{Lookup, StoreError, StoreResult};
use crate::session::key::{Partition, SessionKey, TenantNumber};
use crate::session::mark::{MarkTarget, MarksNow, ProviderTag};
use crate::store::record;

/// How many partitions are written or asked at once.
const AT_ONCE: usize = 256;

/// What [`RedisStore::ask_marks`] is answered: the mark of everything, and the hash of the tenant.
type MarksTold = (Option<u64>, HashMap<Vec<u8>, u64>);

impl RedisStore {
    /// Asks for the marks of a tenant as a partition has them: two commands.
    pub(super) fn ask_marks(&self, pipeline: &mut Pipeline, tenant: TenantNumber, partition: Partition) {
        let [everything, own] = self.keys.killing(tenant, partition);
        pipeline.cmd("HGET").arg(everything).arg("").cmd("HGETALL").arg(own);
    }

    /// As the port's `raise`: chosen under the first tag, then raised to at least that under every other. Where replicas are
    /// waited for it is in force first.
    pub(super) async fn raise_everywhere(&self, target: &MarkTarget, keep_for: Duration) -> StoreResult<u64> {
        let mark = self.raise_in(target, first()?, Vec::new(), keep_for, None).await?;
        self.raise_to_from(1, target, mark, keep_for, None).await?;
        if let Some(replicated) = &self.replicated {
            self.raise_to_from(0, target, mark, keep_for, Some(replicated)).await?;
        }
        Ok(mark)
    }

    /// As the port's `raise_to`. Under the first tag before all others: there an authority that begins reads what is in force.
    pub(super) async fn raise_everywhere_to(
        &self,
        target: &MarkTarget,
        mark: u64,
        keep_for: Duration,
    ) -> StoreResult<()> {
        self.raise_in(target, first()?, number(mark), keep_for, None).await?;
        self.raise_to_from(1, target, mark, keep_for, None).await
    }

    /// Raises a mark under all tags but the first `from`.
    async fn raise_to_from(
        &self,
        from: usize,
        target: &MarkTarget,
        mark: u64,
        keep_for: Duration,
        replicated: Option<&Replicated>,
    ) -> StoreResult<()> {
        let raise = |partition| self.raise_in(target, partition, number(mark), keep_for, replicated);
        let at_once = if replicated.is_some() { replicated::AT_ONCE as usize } else { AT_ONCE };
        let raised = stream::iter(Partition::all().skip(from)).map(raise).buffer_unordered(at_once);
        raised.try_for_each(|_| async { Ok(()) }).await
    }

    /// Raises a mark under one tag, and answers what it is there.
    async fn raise_in(
        &self,
        target: &MarkTarget,
        partition: Partition,
        mark: Vec<u8>,
        keep_for: Duration,
        replicated: Option<&Replicated>,
    ) -> StoreResult<u64> {
        let field = target.provider().map(|provider| provider.0.to_vec()).unwrap_or_default();
        let (keys, args) = ([self.keys.not_before(target.tenant(), partition)], [field, millis(keep_for), mark]);
        let told: String = match replicated {
            Some(replicated) => replicated.run(&SCRIPTS.raise, &keys, &args).await?,
            None => self.link.run(&SCRIPTS.raise, &keys, &args).await?,
        };
        told.parse().map_err(|_| StoreError::Unreadable("a mark that is no number".into()))
    }

    /// The marks as they stand under the first tag, where they are chosen.
    pub(super) async fn first_marks(&self, tenant: TenantNumber) -> StoreResult<MarksNow> {
        let mut ask = redis::pipe();
        self.ask_marks(&mut ask, tenant, first()?);
        read_marks(self.link.pipeline(&ask).await?)
    }

    /// As the port's `read_with_marks`.
    pub(super) async fn read_among_marks(&self, key: &SessionKey) -> StoreResult<(Lookup, MarksNow)> {
        let keys = self.keys.session(key);
        let mut ask = redis::pipe();
        ask.get(keys.record).get(keys.tombstone);
        self.ask_marks(&mut ask, key.tenant, key.partition);
        let mut told: Vec<Value> = self.link.pipeline(&ask).await?;
        let marks = told_marks(&mut told)?;
        let tombstone: Option<Vec<u8>> = read(told.pop().unwrap_or(Value::Nil))?;
        let lookup = match read::<Option<Vec<u8>>>(told.pop().unwrap_or(Value::Nil))? {
            Some(kept) => Lookup::Found(read_record(kept)?),
            None => Lookup::Gone(tombstone.and_then(|why| record::ending_of(*why.first()?))),
        };
        Ok((lookup, marks))
    }

    /// The members of all of a tenant's indexes.
    pub(super) async fn members_in_all(&self, tenant: TenantNumber) -> StoreResult<u64> {
        let count = async |partition| -> StoreResult<u64> {
            self.link.command(cmd("ZCARD").arg(self.keys.index(tenant, partition))).await
        };
        let counts = stream::iter(Partition::all()).map(count).buffer_unordered(AT_ONCE);
        counts.try_fold(0, async |sum: u64, count| Ok(sum + count)).await
    }
}

fn first() -> StoreResult<Partition> {
    Partition::new(0).ok_or_else(|| StoreError::Unreadable("no partitions".into()))
}

/// Takes the marks off the end of a pipeline's answers.
pub(super) fn told_marks(answers: &mut Vec<Value>) -> StoreResult<MarksNow> {
    let own = read(answers.pop().unwrap_or(Value::Nil))?;
    let everything = read(answers.pop().unwrap_or(Value::Nil))?;
    read_marks((everything, own))
}

/// Reads one answer of a pipeline.
pub(super) fn read<T: FromRedisValue>(answer: Value) -> StoreResult<T> {
    redis::from_redis_value(answer).map_err(|error| StoreError::Unreadable(error.into()))
}

/// Reads the marks that were asked for.
fn read_marks((everything, own): MarksTold) -> StoreResult<MarksNow> {
    let mut marks = MarksNow { everything: everything.unwrap_or(0), ..MarksNow::default() };
    for (field, mark) in own {
        match <[u8; 4]>::try_from(field.as_slice()) {
            Ok(provider) => drop(marks.providers.insert(ProviderTag(provider), mark)),
            Err(_) if field.is_empty() => marks.tenant = mark,
            Err(_) => return Err(StoreError::Unreadable("a mark of nothing that is known".into())),
        }
    }
    Ok(marks)
}
