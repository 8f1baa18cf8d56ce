//! Owns whether the servers are fit to keep sessions: one task asks them beside the calls, and what it found is
//! remembered, so that no call pays for it. Does not know what is called.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::connection::{Connection, Server, Unusable};
use super::script::SCRIPTS;
use super::settings::ConnectError;
use super::tenants::Claim;
use crate::authority::ports::{StoreError, StoreResult};

/// How soon servers are asked again that could not be reached.
const REACH_AGAIN: Duration = Duration::from_millis(200);

/// How soon servers are asked again that are not fit.
const JUDGE_AGAIN: Duration = Duration::from_secs(2);

/// How soon one looks whether the servers are still those that were found fit: a planned failover breaks no connection.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// What is known of the servers.
pub struct Fitness {
    verdict: watch::Sender<Verdict>,
    doubt: Arc<Notify>,
    changes: Arc<AtomicU64>,
    judge: AbortHandle,
}

#[derive(Clone)]
enum Verdict {
    /// Nobody has answered yet.
    Unknown,
    Fit,
    Unfit(Arc<ConnectError>),
    /// Nobody could be reached since the start.
    Unreachable(RedisError),
}

impl Fitness {
    /// Begins to ask, and goes on until this value is dropped.
    pub fn watch(judge: Judge) -> Self {
        let (verdict, doubt) = (watch::Sender::new(Verdict::Unknown), Arc::new(Notify::new()));
        let changes = Arc::new(AtomicU64::new(0));
        let judging = judge.keep_judging(verdict.clone(), Arc::clone(&doubt), Arc::clone(&changes));
        let judge = tokio::spawn(judging).abort_handle();
        Self { verdict, doubt, changes, judge }
    }

    /// Waits for the first verdict, at most for `at_most`. Servers that can't be reached are no error: they may come.
    ///
    /// # Errors
    /// Why they are not fit.
    pub async fn first(&self, at_most: Duration) -> Result<(), Arc<ConnectError>> {
        let mut verdicts = self.verdict.subscribe();
        let verdict = timeout(at_most, verdicts.wait_for(|verdict| !matches!(verdict, Verdict::Unknown))).await;
        match verdict.ok().and_then(Result::ok).map(|verdict| verdict.clone()) {
            Some(Verdict::Unfit(unfit)) => Err(unfit),
            Some(Verdict::Unreachable(error)) => {
                tracing::warn!(%error, "redis can't be reached yet; see store.redis.urls, or store.redis.sentinel");
                Ok(())
            }
            Some(Verdict::Fit | Verdict::Unknown) | None => Ok(()),
        }
    }

    /// Lets a call pass. While nothing is known it waits for what the task finds next; the caller bounds that.
    ///
    /// # Errors
    /// `Unavailable` with what mends it when the servers are not fit, or why they can't be reached.
    pub async fn admit(&self) -> StoreResult<()> {
        if matches!(*self.verdict.borrow(), Verdict::Fit) {
            return Ok(());
        }
        let mut verdicts = self.verdict.subscribe();
        let mut verdict = verdicts.borrow_and_update().clone();
        if matches!(verdict, Verdict::Unknown | Verdict::Unreachable(_)) && verdicts.changed().await.is_ok() {
            verdict = verdicts.borrow_and_update().clone();
        }
        match verdict {
            Verdict::Fit => Ok(()),
            Verdict::Unfit(unfit) => Err(StoreError::Unavailable(unfit.into())),
            Verdict::Unreachable(error) => Err(StoreError::Unavailable(error.into())),
            Verdict::Unknown => Err(StoreError::Unavailable("redis has not answered yet".into())),
        }
    }

    /// How often others have taken the place of the servers that were found fit.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// A call found trouble: behind the address there may be another server now.
    pub fn doubt(&self) {
        self.doubt.notify_one();
    }
}

impl Drop for Fitness {
    fn drop(&mut self) {
        self.judge.abort();
    }
}

/// Asks the servers.
pub struct Judge {
    pub server: Arc<Server>,
    pub shared: Connection,
    pub cluster: bool,
    pub has_sentinel: bool,
    pub allow_eviction: bool,
    pub claim: Claim,
}

impl Judge {
    async fn keep_judging(mut self, verdict: watch::Sender<Verdict>, doubt: Arc<Notify>, changes: Arc<AtomicU64>) {
        // The servers that were found fit: of these nothing more is asked until others take their place.
        let (mut fit, mut known) = (Vec::new(), Vec::new());
        loop {
            let number = self.server.number();
            let pause = match self.judge_all(&fit).await {
                Ok(servers) => {
                    if !known.is_empty() && known != servers {
                        changes.fetch_add(1, Ordering::Release);
                    }
                    known.clone_from(&servers);
                    fit = servers;
                    verdict.send_replace(Verdict::Fit);
                    LOOK_AGAIN
                }
                Err(Unusable::Unfit(unfit)) => {
                    fit.clear();
                    tracing::error!("{unfit}");
                    verdict.send_replace(Verdict::Unfit(Arc::new(unfit)));
                    JUDGE_AGAIN
                }
                Err(Unusable::Unreachable(error)) => {
                    tracing::debug!(%error, "redis can't be reached");
                    // What was found before stays until something else is found: calls see by themselves that it is away.
                    let unknown = |verdict: &Verdict| matches!(verdict, Verdict::Unknown | Verdict::Unreachable(_));
                    verdict.send_if_modified(|verdict| {
                        let tell = unknown(verdict);
                        if tell {
                            *verdict = Verdict::Unreachable(error);
                        }
                        tell
                    });
                    REACH_AGAIN
                }
            };
            if pause == LOOK_AGAIN {
                // An early look is as good as a late one.
                let others = async {
                    tokio::select! { () = doubt.notified() => {}, () = self.server.left(number) => {} }
                };
                let _elapsed = timeout(pause, others).await;
            } else {
                sleep(pause).await;
            }
        }
    }

    /// As `judge`. Servers that are new here learn the scripts; the tenants' numbers are claimed once, and stay claimed.
    async fn judge_all(&mut self, fit: &[String]) -> Result<Vec<String>, Unusable> {
        let servers = self.judge(fit).await?;
        if servers != fit {
            self.claim.make(&mut self.shared).await?.map_err(|taken| Unusable::Unfit(taken.into()))?;
            self.teach().await;
        }
        Ok(servers)
    }

    /// Teaches the scripts beforehand, so that the first call of each needs one way there and back as every other. A
    /// node that is left out is taught by the first call.
    async fn teach(&self) {
        let loads =
            SCRIPTS.all().map(|script| async { script.load().query_async::<Value>(&mut self.shared.clone()).await });
        for error in join_all(loads).await.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "a script could not be taught beforehand");
        }
    }

    /// The servers, by the ids of their processes, if they are those already found `fit` or are fit themselves.
    async fn judge(&self, fit: &[String]) -> Result<Vec<String>, Unusable> {
        if fit.is_empty() {
            // A single server asked for the slots of a cluster says nothing of its mode: so the first is asked alone.
            let mut first = self.server.probe().await?;
            let told: String = cmd("INFO").arg("server").query_async(&mut first).await.unwrap_or_default();
            self.judge_mode(&told).map_err(Unusable::Unfit)?;
        }
        let answer: Value = match cmd("INFO").query_async(&mut self.shared.clone()).await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("NOPERM") && self.allow_eviction => return Ok(vec![String::new()]),
            Err(error) if error.code() == Some("NOPERM") => return Err(Unusable::Unfit(ConnectError::Untold)),
            Err(error) => {
                if error.is_timeout() {
                    self.shared.renew();
                }
                return Err(error.into());
            }
        };
        let mut told = Vec::new();
        texts(&answer, &mut told);
        let mut servers: Vec<_> =
            told.iter().map(|info| field(info, "run_id").unwrap_or_default().to_owned()).collect();
        servers.sort();
        if !self.cluster && told.iter().any(|info| field(info, "role") == Some("slave")) {
            return Err(self.replica());
        }
        if servers != fit {
            told.iter().try_for_each(|info| self.judge_policy(info)).map_err(Unusable::Unfit)?;
        }
        if told.is_empty() { Err(Unusable::Unfit(ConnectError::Untold)) } else { Ok(servers) }
    }

    /// A replica where the primary should be. Sentinels will name another one soon.
    fn replica(&self) -> Unusable {
        if !self.has_sentinel {
            return Unusable::Unfit(ConnectError::Replica);
        }
        let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
        Unusable::Unreachable((kind, "the server is not the primary any more").into())
    }

    fn judge_mode(&self, info: &str) -> Result<(), ConnectError> {
        match field(info, "redis_mode") {
            Some("sentinel") => Err(ConnectError::Sentinel),
            Some(found) if (found == "cluster") != self.cluster => {
                Err(ConnectError::Mode { found: found.to_owned(), cluster: !self.cluster })
            }
            _ => Ok(()),
        }
    }

    fn judge_policy(&self, info: &str) -> Result<(), ConnectError> {
        match field(info, "maxmemory_policy") {
            _ if self.allow_eviction => Ok(()),
            Some("noeviction") => Ok(()),
            Some(policy) => Err(ConnectError::Eviction { policy: policy.to_owned() }),
            None => Err(ConnectError::Untold),
        }
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

/// Every text in an answer: one for a server, one for each node of a cluster.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::BulkString(bytes) => found.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::VerbatimString { text, .. } => found.push(text.clone()),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| texts(value, found)),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        _ => {}
    }
}
