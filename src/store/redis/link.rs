//! Owns the way to Redis: every call bounded in time, none before the servers are known to be fit, errors
//! told apart. Does not know what the calls mean.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult};

use super::connection::{Connection, Server};
use super::fitness::{Fitness, Judge};
use super::script::Script;
use super::settings::{ConnectError, RedisSettings};
use super::tenants::Claim;
use crate::authority::ports::{StoreError, StoreResult};

/// The way to Redis.
pub struct Link {
    server: Arc<Server>,
    shared: Connection,
    fitness: Fitness,
    pub connect_timeout: Duration,
    pub response_timeout: Duration,
}

impl Link {
    /// Reads the settings, and begins to ask whether the servers are fit, and the tenants' numbers their own.
    pub fn new(settings: &RedisSettings, claim: Claim) -> Result<Self, ConnectError> {
        let server = Arc::new(Server::new(settings)?);
        let wrong = |source: RedisError| ConnectError::address("store.redis.urls", 1, source);
        let shared = server.shared(settings).map_err(wrong)?;
        let RedisSettings { cluster, allow_eviction, connect_timeout, response_timeout, .. } = *settings;
        let (asked, by) = (Arc::clone(&server), shared.clone());
        let has_sentinel = settings.sentinel.is_some();
        let judge = Judge { server: asked, shared: by, cluster, has_sentinel, allow_eviction, claim };
        let fitness = Fitness::watch(judge);
        Ok(Self { server, shared, fitness, connect_timeout, response_timeout })
    }

    /// Waits until it is known whether the servers are fit, for as long as they may take to say so.
    ///
    /// # Errors
    /// Why they are not.
    pub async fn check_now(&self) -> Result<(), ConnectError> {
        let unfit = self.fitness.first(self.connect_timeout + self.response_timeout).await;
        unfit.map_err(|unfit| ConnectError::clone(&unfit))
    }

    /// Where new connections for one user at a time lead.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// How often the servers have become others: what was written last may be lost then.
    pub fn changes(&self) -> u64 {
        self.fitness.changes()
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
        let admitted_call = async {
            self.fitness.admit().await?;
            let answer = call(self.shared.clone()).await.map_err(trouble);
            if matches!(answer, Err(StoreError::Unavailable(_))) {
                self.fitness.doubt();
            }
            answer
        };
        match tokio::time::timeout(self.response_timeout, admitted_call).await {
            Ok(answer) => answer,
            Err(elapsed) => {
                self.fitness.doubt();
                Err(StoreError::Unavailable(elapsed.into()))
            }
        }
    }
}

/// Sends a script by its hash, and its source to a node that does not know it yet.
pub(super) async fn evaluate<T: FromRedisValue>(
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
