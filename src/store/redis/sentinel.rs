//! Owns asking the sentinels which server is the primary. Does not know who connects to it.

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult, cmd};
use tokio::sync::Mutex;

/// The sentinels of one primary.
pub struct Sentinels {
    all: Vec<Sentinel>,
    master: String,
    /// What is the same for every server: TLS, user, password, database.
    server: ConnectionInfo,
    patience: Duration,
}

struct Sentinel {
    client: Client,
    /// Kept from one question to the next.
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Sentinels {
    /// Those at `addresses`, for the primary of this name. Does not connect.
    pub fn new(
        addresses: Vec<ConnectionInfo>,
        master: String,
        server: ConnectionInfo,
        patience: Duration,
    ) -> RedisResult<Self> {
        let open = |address| Ok(Sentinel { client: Client::open(address)?, connection: Mutex::default() });
        Ok(Self { all: addresses.into_iter().map(open).collect::<RedisResult<_>>()?, master, server, patience })
    }

    /// The number of the database at the primary.
    pub fn database(&self) -> i64 {
        self.server.redis_settings().db()
    }

    /// Where the primary is: what the one says that knows of the latest failover, of the majority that answers first. One that
    /// was cut off may still name the primary of before.
    ///
    /// # Errors
    /// When none of them can say; what waiting does not mend goes first.
    pub async fn primary(&self) -> RedisResult<ConnectionInfo> {
        let mut asked: FuturesUnordered<_> = self.all.iter().map(|one| one.ask(&self.master, self.patience)).collect();
        let (majority, mut answers) = (self.all.len() / 2 + 1, 0);
        let (mut newest, mut why) = (None::<Named>, None::<RedisError>);
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(named) => {
                    answers += 1;
                    if newest.as_ref().is_none_or(|(epoch, ..)| *epoch < named.0) {
                        newest = Some(named);
                    }
                }
                Err(error) => why = why.filter(|known| !known.is_io_error()).or(Some(error)),
            }
            if answers >= majority {
                break;
            }
        }
        let none = || RedisError::from((ErrorKind::EmptySentinelList, "no sentinel is given"));
        let (_, host, port) = newest.ok_or_else(|| why.unwrap_or_else(none))?;
        let place = match self.server.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Ok(self.server.clone().set_addr(place))
    }
}

/// The number of the failover that made it so, and where the primary is.
type Named = (u64, String, u16);

impl Sentinel {
    async fn ask(&self, master: &str, patience: Duration) -> RedisResult<Named> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_mut() {
            match named(connection, master).await {
                // The connection may be an old one.
                Err(error) if error.is_unrecoverable_error() || error.is_io_error() => *kept = None,
                answer => return answer,
            }
        }
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(patience)).set_response_timeout(Some(patience));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let answer = named(&mut connection, master).await;
        if answer.is_ok() {
            *kept = Some(connection);
        }
        answer
    }
}

async fn named(connection: &mut MultiplexedConnection, master: &str) -> RedisResult<Named> {
    let told: HashMap<String, String> = cmd("SENTINEL").arg("MASTER").arg(master).query_async(connection).await?;
    let read = || {
        let number = |name: &str| told.get(name)?.parse::<u64>().ok();
        Some((number("config-epoch")?, told.get("ip")?.clone(), u16::try_from(number("port")?).ok()?))
    };
    read().ok_or_else(|| (ErrorKind::UnexpectedReturnType, "a sentinel does not say where the primary is").into())
}
