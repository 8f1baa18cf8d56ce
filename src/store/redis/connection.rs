//! Owns the connections: the shared one that every call rides on, and exclusive ones for calls that block.
//! Both connect when first used, reconnect by themselves, and go where the sentinels say that the primary is. Does not know what is sent.

use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline,
    RedisError, RedisFuture, RedisResult, Value,
};

use super::followed::Followed;
use super::renewable::Renewable;
use super::sentinel::Sentinels;
use super::settings::{ConnectError, RedisSettings, SentinelSettings};
use super::speech;
use crate::crypto::Secret;

/// A peer that acknowledges nothing for this long is taken as gone, so that a silent network heals like a loud one.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// How many commands may wait to be sent on one connection.
const QUEUE: usize = 1024;

/// How often a cluster connection follows a redirection, or tries again, within one call.
const CLUSTER_RETRIES: u32 = 4;

/// A connection of any kind.
#[derive(Clone)]
pub enum Connection {
    /// To one server, reconnecting.
    Managed(ConnectionManager),
    /// To one server, for one user at a time.
    Plain(MultiplexedConnection),
    /// To the primary that the sentinels name, reconnecting.
    Followed(Followed),
    /// To a cluster, reconnecting.
    Cluster(Renewable),
    /// To a cluster, for one user at a time.
    PlainCluster(ClusterConnection),
}

/// What connections are made from.
pub struct Server {
    /// Where one begins: at the server, at nodes of the cluster, or at the sentinels.
    addresses: Vec<ConnectionInfo>,
    kind: Kind,
    connect_timeout: Duration,
}

enum Kind {
    Single(Box<Client>),
    /// For calls, and for calls that block.
    Cluster(Box<(ClusterClient, ClusterClient)>),
    Sentinel(Followed),
}

impl Server {
    /// Reads the settings. Connects to nothing but sentinels, and does not wait for them.
    pub fn new(settings: &RedisSettings) -> Result<Self, ConnectError> {
        let (urls, key) = match &settings.sentinel {
            Some(sentinel) => (sentinel.urls.as_slice(), "store.redis.sentinel.urls"),
            None => (settings.urls.as_slice(), "store.redis.urls"),
        };
        let wrong = |number: usize| move |source: RedisError| ConnectError::address(key, number, source);
        let read = |(index, url)| address(url, settings).map_err(wrong(index + 1));
        let addresses = urls.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        let none = || wrong(1)(RedisError::from((ErrorKind::InvalidClientConfig, "none is given")));
        let first = addresses.first().ok_or_else(none)?.clone();
        let kind = if settings.cluster {
            let builder = |response| cluster(addresses.clone(), settings, response).build().map_err(wrong(1));
            Kind::Cluster(Box::new((builder(settings.response_timeout)?, builder(super::wait::LONGEST)?)))
        } else if let Some(sentinel) = &settings.sentinel {
            Kind::Sentinel(followed(addresses.clone(), sentinel, settings).map_err(wrong(1))?)
        } else {
            Kind::Single(Box::new(Client::open(first).map_err(wrong(1))?))
        };
        Ok(Self { addresses, kind, connect_timeout: settings.connect_timeout })
    }

    /// The shared connection, before it is connected.
    pub fn shared(&self, settings: &RedisSettings) -> RedisResult<Connection> {
        match &self.kind {
            Kind::Single(client) => {
                // With the default of six retries every call to a server that is down would wait for seconds.
                let config = ConnectionManagerConfig::new()
                    .set_number_of_retries(1)
                    .set_max_delay(settings.connect_timeout.min(Duration::from_millis(200)))
                    .set_connection_timeout(Some(settings.connect_timeout))
                    .set_response_timeout(Some(settings.response_timeout))
                    .set_pipeline_buffer_size(QUEUE);
                Ok(Connection::Managed(ConnectionManager::new_lazy_with_config(client.as_ref().clone(), config)?))
            }
            Kind::Cluster(clients) => Ok(Connection::Cluster(Renewable::new(&clients.0))),
            Kind::Sentinel(followed) => Ok(Connection::Followed(followed.clone())),
        }
    }

    /// A connection to the first server that can be reached, as to a single one.
    ///
    /// # Errors
    /// Why there is none, or that what was reached can't be used.
    pub async fn probe(&self) -> Result<MultiplexedConnection, Unusable> {
        let probed = if let Kind::Sentinel(followed) = &self.kind {
            followed.sentinels().primary().await.map_err(Unusable::of_sentinel)?;
            followed.probe().await
        } else {
            self.probe_each().await
        };
        match probed {
            Ok(connection) => Ok(connection),
            Err(error) => Err(match Unusable::of(error) {
                Unusable::Unreachable(error) if !error.is_connection_refusal() => self.not_understood(error).await,
                other => other,
            }),
        }
    }

    async fn probe_each(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(self.connect_timeout));
        let mut outcome = Err(RedisError::from((ErrorKind::InvalidClientConfig, "no address")));
        for address in &self.addresses {
            outcome = Client::open(address.clone())?.get_multiplexed_async_connection_with_config(&config).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Why there was no answer: perhaps the server speaks with TLS where the address says without, or the other way round.
    async fn not_understood(&self, error: RedisError) -> Unusable {
        let other = |address| speech::is_other(ConnectionInfo::addr(address), self.connect_timeout);
        let others = futures::future::join_all(self.addresses.iter().map(other)).await;
        match others.iter().zip(&self.addresses).position(|(is_other, _)| *is_other) {
            Some(place) => {
                let asks = |address: &ConnectionInfo| matches!(address.addr(), ConnectionAddr::TcpTls { .. });
                let tls = self.addresses.get(place).is_some_and(asks);
                Unusable::Unfit(ConnectError::Speech { number: place + 1, speaks_tls: !tls })
            }
            None => Unusable::Unreachable(error),
        }
    }

    /// A new connection whose commands may take as long as they block.
    pub async fn exclusive(&self) -> RedisResult<(u64, Connection)> {
        let config = || {
            AsyncConnectionConfig::new()
                .set_connection_timeout(Some(self.connect_timeout))
                .set_response_timeout(Some(super::wait::LONGEST))
        };
        match &self.kind {
            Kind::Single(client) => {
                Ok((0, Connection::Plain(client.get_multiplexed_async_connection_with_config(&config()).await?)))
            }
            Kind::Cluster(clients) => Ok((0, Connection::PlainCluster(clients.1.get_async_connection().await?))),
            Kind::Sentinel(followed) => {
                let (number, connection) = followed.exclusive(&config()).await?;
                Ok((number, Connection::Plain(connection)))
            }
        }
    }

    /// Which server exclusive connections are made to now: another number says that it is another one. Of servers that nobody
    /// follows it is always the same.
    pub fn number(&self) -> u64 {
        if let Kind::Sentinel(followed) = &self.kind { followed.number() } else { 0 }
    }

    /// Waits until they are made to another one than that of this number.
    pub async fn left(&self, number: u64) {
        match &self.kind {
            Kind::Sentinel(followed) => followed.left(number).await,
            Kind::Single(_) | Kind::Cluster(_) => std::future::pending().await,
        }
    }
}

/// Why servers can't be used now.
pub enum Unusable {
    /// No waiting mends it.
    Unfit(ConnectError),
    /// They may come back.
    Unreachable(RedisError),
}

impl Unusable {
    fn of(error: RedisError) -> Self {
        ConnectError::of(error).map_or_else(Self::Unreachable, Self::Unfit)
    }

    fn of_sentinel(error: RedisError) -> Self {
        ConnectError::of_sentinel(error).map_or_else(Self::Unreachable, Self::Unfit)
    }
}

impl From<RedisError> for Unusable {
    fn from(error: RedisError) -> Self {
        Self::of(error)
    }
}

fn address(url: &Secret, settings: &RedisSettings) -> RedisResult<ConnectionInfo> {
    settings.tls.with(url.expose().into_connection_info()?.set_tcp_settings(tcp()))
}

fn followed(
    addresses: Vec<ConnectionInfo>,
    sentinel: &SentinelSettings,
    settings: &RedisSettings,
) -> RedisResult<Followed> {
    let server = address(&sentinel.server, settings)?;
    let sentinels = Sentinels::new(addresses, sentinel.master.clone(), server, settings.connect_timeout)?;
    let connecting = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        .set_response_timeout(Some(settings.response_timeout))
        .set_pipeline_buffer_size(QUEUE);
    Ok(Followed::new(sentinels, connecting))
}

fn cluster(addresses: Vec<ConnectionInfo>, settings: &RedisSettings, response: Duration) -> ClusterClientBuilder {
    let builder = ClusterClientBuilder::new(addresses);
    let certificates = settings.tls.certificates().filter(|_| settings.urls.iter().all(is_tls));
    let builder = if let Some(certificates) = certificates { builder.certs(certificates) } else { builder };
    builder
        .connection_timeout(settings.connect_timeout)
        .response_timeout(response)
        .overall_response_timeout(Some(response))
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(10)
        .max_retry_wait(100)
        .tcp_settings(tcp())
}

fn is_tls(url: &Secret) -> bool {
    url.expose().starts_with("rediss:")
}

fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
}

impl Connection {
    /// Has given no answer to what every server answers: makes it anew, where it does not come back by itself.
    pub fn renew(&self) {
        if let Self::Cluster(connection) = self {
            connection.renew();
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Managed(connection) => connection.req_packed_command(cmd),
            Self::Plain(connection) => connection.req_packed_command(cmd),
            Self::Followed(connection) => Box::pin(connection.command(cmd)),
            Self::Cluster(connection) => {
                let mut now = connection.now();
                Box::pin(async move { now.req_packed_command(cmd).await })
            }
            Self::PlainCluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Managed(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Plain(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Followed(connection) => Box::pin(connection.commands(pipeline, offset, count)),
            Self::Cluster(connection) => {
                let mut now = connection.now();
                Box::pin(async move { now.req_packed_commands(pipeline, offset, count).await })
            }
            Self::PlainCluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Managed(connection) => connection.get_db(),
            Self::Plain(connection) => connection.get_db(),
            Self::Followed(connection) => connection.database(),
            // A cluster has one database.
            Self::Cluster(_) => 0,
            Self::PlainCluster(connection) => connection.get_db(),
        }
    }
}
