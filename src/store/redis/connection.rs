//! Owns the connections: the shared one that every call rides on, and exclusive ones for calls that block.
//! Both connect when first used, and reconnect by themselves. Does not know what is sent.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline, RedisError,
    RedisFuture, RedisResult, Value,
};

use super::settings::{ConnectError, RedisSettings};

/// A peer that acknowledges nothing for this long is taken as gone, so that a silent network heals like a loud one.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// How many commands may wait to be sent on one connection.
const QUEUE: usize = 1024;

/// How often a cluster connection follows a redirection, or tries again, within one call.
const CLUSTER_RETRIES: u32 = 4;

/// A connection of either kind.
#[derive(Clone)]
pub enum Connection {
    /// To one server, reconnecting.
    Managed(ConnectionManager),
    /// To one server, for one user at a time.
    Plain(MultiplexedConnection),
    /// To a cluster, reconnecting.
    Cluster(ClusterConnection),
}

/// What connections are made from.
pub struct Server {
    addresses: Vec<ConnectionInfo>,
    kind: Kind,
}

enum Kind {
    Single(Box<Client>),
    /// For calls, and for calls that block.
    Cluster(Box<(ClusterClient, ClusterClient)>),
}

impl Server {
    /// Reads the settings. Does not connect.
    pub fn new(settings: &RedisSettings) -> Result<Self, ConnectError> {
        let addresses = addresses(settings)?;
        let wrong = |source: RedisError| ConnectError::Address { number: 1, source: Arc::new(source) };
        let none = || ConnectError::Address {
            number: 1,
            source: Arc::new(RedisError::from((ErrorKind::InvalidClientConfig, "none is given"))),
        };
        let first = addresses.first().ok_or_else(none)?.clone();
        if settings.cluster {
            let builder = |response| cluster(addresses.clone(), settings, response).build().map_err(wrong);
            let kind = Kind::Cluster(Box::new((builder(settings.response_timeout)?, builder(super::wait::LONGEST)?)));
            return Ok(Self { addresses, kind });
        }
        Ok(Self { kind: Kind::Single(Box::new(Client::open(first).map_err(wrong)?)), addresses })
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
            Kind::Cluster(clients) => {
                Ok(Connection::Cluster(clients.0.get_pending_async_connection_with_config(ClusterConfig::new())))
            }
        }
    }

    /// A connection to the first server that can be reached, as to a single one.
    pub async fn probe(&self, connect_timeout: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(connect_timeout));
        let mut outcome = Err(RedisError::from((ErrorKind::InvalidClientConfig, "no address")));
        for address in &self.addresses {
            outcome = Client::open(address.clone())?.get_multiplexed_async_connection_with_config(&config).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// A new connection whose commands may take as long as they block.
    pub async fn exclusive(&self, connect_timeout: Duration) -> RedisResult<Connection> {
        match &self.kind {
            Kind::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(connect_timeout))
                    .set_response_timeout(Some(super::wait::LONGEST));
                Ok(Connection::Plain(client.get_multiplexed_async_connection_with_config(&config).await?))
            }
            Kind::Cluster(clients) => Ok(Connection::Cluster(clients.1.get_async_connection().await?)),
        }
    }
}

fn addresses(settings: &RedisSettings) -> Result<Vec<ConnectionInfo>, ConnectError> {
    let parse = |(index, url): (usize, &crate::crypto::Secret)| {
        let info = url.expose().into_connection_info();
        let wrong = |source: RedisError| ConnectError::Address { number: index + 1, source: Arc::new(source) };
        Ok(info.map_err(wrong)?.set_tcp_settings(tcp()))
    };
    settings.urls.iter().enumerate().map(parse).collect()
}

fn cluster(addresses: Vec<ConnectionInfo>, settings: &RedisSettings, response: Duration) -> ClusterClientBuilder {
    ClusterClientBuilder::new(addresses)
        .connection_timeout(settings.connect_timeout)
        .response_timeout(response)
        .overall_response_timeout(Some(response))
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(10)
        .max_retry_wait(100)
        .tcp_settings(tcp())
}

fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Managed(connection) => connection.req_packed_command(cmd),
            Self::Plain(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
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
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Managed(connection) => connection.get_db(),
            Self::Plain(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
