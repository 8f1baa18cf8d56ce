//! Owns the connection to whichever server is the primary, as the sentinels say: after a failover it is another one. Does not
//! know what is sent.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, Pipeline, RedisError, RedisResult,
    ServerErrorKind, Value, cmd,
};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::sentinel::Sentinels;

/// How often the sentinels are asked while all goes well: the primary of before may go on answering, and what it is told then
/// is lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How soon they are asked again while there is no primary.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A connection to the primary of the moment. Its clones are the same one.
#[derive(Clone)]
pub struct Followed(Arc<Following>);

struct Following {
    sentinels: Arc<Sentinels>,
    state: watch::Sender<State>,
    doubt: Arc<Notify>,
    connecting: AsyncConnectionConfig,
    follower: AbortHandle,
}

#[derive(Clone)]
enum State {
    /// Nobody knows where the primary is, or whether it still is.
    Looking,
    At(At),
    /// It could not be reached the last time.
    Lost(RedisError),
}

#[derive(Clone)]
struct At {
    /// Counts the connections.
    number: u64,
    connection: MultiplexedConnection,
}

impl Followed {
    /// Begins to follow, until the last clone is dropped.
    pub fn new(sentinels: Sentinels, connecting: AsyncConnectionConfig) -> Self {
        let (sentinels, state, doubt) = (Arc::new(sentinels), watch::Sender::new(State::Looking), Arc::default());
        let following = follow(Arc::clone(&sentinels), state.clone(), Arc::clone(&doubt), connecting.clone());
        let follower = tokio::spawn(following).abort_handle();
        Self(Arc::new(Following { sentinels, state, doubt, connecting, follower }))
    }

    /// Who says where the primary is.
    pub fn sentinels(&self) -> &Sentinels {
        &self.0.sentinels
    }

    /// Which connection to the primary this is; another one may be to another server.
    pub fn number(&self) -> u64 {
        match &*self.0.state.borrow() {
            State::At(at) => at.number,
            State::Looking | State::Lost(_) => 0,
        }
    }

    /// Waits until the connection is no longer the one of this number.
    pub async fn left(&self, number: u64) {
        let mut states = self.0.state.subscribe();
        let left = states.wait_for(|state| !matches!(state, State::At(at) if at.number == number));
        // It can't be closed: this value has it.
        drop(left.await);
    }

    /// A connection to the primary for one user at a time, and the number of the one that all share.
    pub async fn exclusive(&self, connecting: &AsyncConnectionConfig) -> RedisResult<(u64, MultiplexedConnection)> {
        let number = self.at().await?.number;
        let primary = self.0.sentinels.primary().await?;
        Ok((number, connect(&primary, connecting).await?))
    }

    /// As the library's `req_packed_command`.
    pub async fn command(&self, command: &Cmd) -> RedisResult<Value> {
        let mut at = self.at().await?;
        let answer = at.connection.req_packed_command(command).await;
        self.judge(&at, answer.as_ref().err());
        answer
    }

    /// As the library's `req_packed_commands`.
    pub async fn commands(&self, pipeline: &Pipeline, offset: usize, count: usize) -> RedisResult<Vec<Value>> {
        let mut at = self.at().await?;
        let answer = at.connection.req_packed_commands(pipeline, offset, count).await;
        self.judge(&at, answer.as_ref().err());
        answer
    }

    /// A new connection to the primary, as the shared one is.
    pub async fn probe(&self) -> RedisResult<MultiplexedConnection> {
        connect(&self.0.sentinels.primary().await?, &self.0.connecting).await
    }

    /// The number of the database.
    pub fn database(&self) -> i64 {
        self.0.sentinels.database()
    }

    /// The connection, waiting while it is looked for. Where it can't be had it is tried once more, for this call.
    async fn at(&self) -> RedisResult<At> {
        let mut states = self.0.state.subscribe();
        let mut state = states.borrow_and_update().clone();
        if matches!(state, State::Lost(_)) {
            drop(states.changed().await);
            state = states.borrow_and_update().clone();
        }
        loop {
            match state {
                State::At(at) => return Ok(at),
                State::Lost(error) => return Err(error),
                State::Looking => drop(states.changed().await),
            }
            state = states.borrow_and_update().clone();
        }
    }

    /// Leaves a connection that has broken, or a server that is no primary any more.
    fn judge(&self, at: &At, error: Option<&RedisError>) {
        let Some(error) = error else { return };
        let demoted =
            matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown));
        if !demoted && !error.is_unrecoverable_error() {
            return;
        }
        self.0.state.send_if_modified(|state| {
            let is_it = matches!(state, State::At(now) if now.number == at.number);
            if is_it {
                *state = State::Looking;
            }
            is_it
        });
        self.0.doubt.notify_one();
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

async fn follow(
    sentinels: Arc<Sentinels>,
    state: watch::Sender<State>,
    doubt: Arc<Notify>,
    connecting: AsyncConnectionConfig,
) {
    let (mut place, mut number) = (None, 0);
    loop {
        let is_there = matches!(&*state.borrow(), State::At(_));
        match sentinels.primary().await {
            Ok(primary) if is_there && place.as_ref() == Some(primary.addr()) => (),
            Ok(primary) => {
                if is_there {
                    // What is sent to the primary of before would be lost.
                    state.send_replace(State::Looking);
                }
                match connect(&primary, &connecting).await {
                    Ok(connection) => {
                        number += 1;
                        tracing::info!(at = %Shown(primary.addr()), "this is the primary of Redis, as the sentinels say");
                        place = Some(primary.addr().clone());
                        state.send_replace(State::At(At { number, connection }));
                    }
                    Err(error) => drop(state.send_replace(State::Lost(error))),
                }
            }
            // As long as the connection holds nothing else is known.
            Err(error) if is_there => tracing::debug!(%error, "no sentinel says where the primary is"),
            Err(error) => drop(state.send_replace(State::Lost(error))),
        }
        if matches!(&*state.borrow(), State::At(_)) {
            // An early look is as good as a late one.
            let _elapsed = timeout(LOOK_EVERY, doubt.notified()).await;
        } else {
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// Connects to a server that says itself that it is a primary.
async fn connect(place: &ConnectionInfo, connecting: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
    let client = Client::open(place.clone())?;
    let mut connection = client.get_multiplexed_async_connection_with_config(connecting).await?;
    match cmd("INFO").arg("replication").query_async::<String>(&mut connection).await {
        Ok(told) if told.contains("role:slave") => {
            Err((ErrorKind::Server(ServerErrorKind::ReadOnly), "the server is not the primary yet").into())
        }
        // Who may not ask finds out by the first write.
        Err(error) if error.code() != Some("NOPERM") => Err(error),
        Ok(_) | Err(_) => Ok(connection),
    }
}

/// A place without what opens it.
struct Shown<'a>(&'a ConnectionAddr);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => write!(f, "{host}:{port}"),
            _ => f.write_str("?"),
        }
    }
}
