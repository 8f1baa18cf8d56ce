//! Owns the way to Redis: every call bounded in time, the server checked before the first one, errors told apart.
//! Does not know what the calls mean.

use std::time::Duration;

use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, Value, cmd};
use tokio::sync::OnceCell;

use super::connection::{Connection, Server};
use super::script::Script;
use super::settings::{ConnectError, RedisSettings};
use crate::authority::ports::{StoreError, StoreResult};

/// The way to Redis.
pub struct Link {
    server: Server,
    shared: Connection,
    checked: OnceCell<()>,
    cluster: bool,
    allow_eviction: bool,
    pub connect_timeout: Duration,
    response_timeout: Duration,
}

/// What can come of checking the server.
enum Unchecked {
    Unfit(ConnectError),
    Unreachable(RedisError),
}

impl Link {
    /// Reads the settings. Nothing is connected before the first call.
    pub fn new(settings: &RedisSettings) -> Result<Self, ConnectError> {
        let server = Server::new(settings)?;
        let wrong = |source: RedisError| ConnectError::Address { number: 1, source: source.into() };
        let shared = server.shared(settings).map_err(wrong)?;
        let RedisSettings { cluster, allow_eviction, connect_timeout, response_timeout, .. } = *settings;
        Ok(Self {
            server,
            shared,
            checked: OnceCell::new(),
            cluster,
            allow_eviction,
            connect_timeout,
            response_timeout,
        })
    }

    /// Checks the server if it can be reached now; else the first call that reaches it does.
    pub async fn check_now(&self) -> Result<(), ConnectError> {
        let check = self.checked.get_or_try_init(|| self.check());
        match tokio::time::timeout(self.connect_timeout + self.response_timeout, check).await {
            Ok(Err(Unchecked::Unfit(unfit))) => Err(unfit),
            Ok(Err(Unchecked::Unreachable(error))) => {
                tracing::warn!(%error, "redis can't be reached yet");
                Ok(())
            }
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// A new connection for one user at a time.
    pub async fn exclusive(&self) -> RedisResult<Connection> {
        self.server.exclusive(self.connect_timeout).await
    }

    /// Sends one command.
    pub async fn command<T: FromRedisValue>(&self, command: &Cmd) -> StoreResult<T> {
        self.bounded(async |mut connection: Connection| command.query_async(&mut connection).await).await
    }

    /// Sends several commands in one round trip.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> StoreResult<T> {
        self.bounded(async |mut connection: Connection| pipeline.query_async(&mut connection).await).await
    }

    /// Runs a script.
    pub async fn run<T: FromRedisValue>(&self, script: &Script, keys: &[Vec<u8>], args: &[Vec<u8>]) -> StoreResult<T> {
        self.bounded(async |mut connection: Connection| evaluate(script, &mut connection, keys, args).await).await
    }

    /// Runs a script that answers the same call as it did the first time: so once more, when the connection was lost
    /// before the answer came. In a cluster the client sends again by itself, also those that do not.
    pub async fn insist<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        args: &[Vec<u8>],
    ) -> StoreResult<T> {
        self.bounded(async |mut connection: Connection| match evaluate(script, &mut connection, keys, args).await {
            Err(error) if error.is_connection_dropped() => evaluate(script, &mut connection, keys, args).await,
            answer => answer,
        })
        .await
    }

    async fn bounded<T>(&self, call: impl AsyncFnOnce(Connection) -> RedisResult<T>) -> StoreResult<T> {
        let checked_call = async {
            if !self.checked.initialized() {
                self.checked.get_or_try_init(|| self.check()).await.map_err(|unchecked| match unchecked {
                    Unchecked::Unfit(unfit) => StoreError::Unavailable(unfit.into()),
                    Unchecked::Unreachable(error) => trouble(error),
                })?;
            }
            call(self.shared.clone()).await.map_err(trouble)
        };
        match tokio::time::timeout(self.response_timeout, checked_call).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }

    async fn check(&self) -> Result<(), Unchecked> {
        // A single server asked for the slots of a cluster says nothing of its mode: so the first one is asked alone.
        let mut first = self.server.probe(self.connect_timeout).await.map_err(Unchecked::Unreachable)?;
        let told: String = cmd("INFO").arg("server").query_async(&mut first).await.unwrap_or_default();
        self.check_mode(&told).map_err(Unchecked::Unfit)?;
        let answer: Value = match cmd("INFO").arg("memory").query_async(&mut self.shared.clone()).await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("NOPERM") && self.allow_eviction => return Ok(()),
            Err(error) if error.code() == Some("NOPERM") => return Err(Unchecked::Unfit(ConnectError::Untold)),
            Err(error) => return Err(Unchecked::Unreachable(error)),
        };
        let mut told = Vec::new();
        texts(&answer, &mut told);
        for node in &told {
            self.check_policy(node).map_err(Unchecked::Unfit)?;
        }
        if told.is_empty() { Err(Unchecked::Unfit(ConnectError::Untold)) } else { Ok(()) }
    }

    fn check_mode(&self, info: &str) -> Result<(), ConnectError> {
        let configured = if self.cluster { "cluster" } else { "standalone" };
        match field(info, "redis_mode") {
            Some(found) if (found == "cluster") != self.cluster => {
                Err(ConnectError::Mode { found: found.to_owned(), configured })
            }
            _ => Ok(()),
        }
    }

    fn check_policy(&self, info: &str) -> Result<(), ConnectError> {
        match field(info, "maxmemory_policy") {
            _ if self.allow_eviction => Ok(()),
            Some("noeviction") => Ok(()),
            Some(policy) => Err(ConnectError::Eviction { policy: policy.to_owned() }),
            None => Err(ConnectError::Untold),
        }
    }
}

/// Sends a script by its hash, and its source to a node that does not know it yet.
async fn evaluate<T: FromRedisValue>(
    script: &Script,
    connection: &mut Connection,
    keys: &[Vec<u8>],
    args: &[Vec<u8>],
) -> RedisResult<T> {
    match script.call(keys, args).query_async(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(redis::ServerErrorKind::NoScript) => {
            script.teach(keys, args).query_async(connection).await
        }
        answer => answer,
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

/// Tells a store that holds what can't be read from one that can't be reached.
fn trouble(error: RedisError) -> StoreError {
    // A pipeline's errors are not to be had by `code`.
    let codes = error.clone().into_server_errors();
    let says = |code: &str| codes.iter().flat_map(|errors| errors.iter()).any(|(_, error)| error.code() == code);
    let unreadable = matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse)
        || says("UNREADABLE")
        || says("WRONGTYPE");
    if unreadable { StoreError::Unreadable(error.into()) } else { StoreError::Unavailable(error.into()) }
}
