//! Owns connections that one user has at a time, for commands that hold up all that is behind them. Does not know the commands.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use bb8_redis::bb8::{ManageConnection, Pool, PooledConnection, RunError};
use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::connection::Connection;
use super::link::Link;

/// Connections that were given back, and those that are out.
pub struct Exclusive {
    pool: Pool<Makers>,
}

impl Exclusive {
    /// At most so many, each of which somebody waits for at most for so long. Nothing is connected before somebody wants one.
    pub fn new(link: &Arc<Link>, most: u32, patience: Duration) -> Self {
        let pool = Pool::builder()
            .max_size(most)
            // Of one that leads to a server which is the primary no more nothing is asked any more.
            .test_on_check_out(true)
            .retry_connection(false)
            .connection_timeout(patience)
            .idle_timeout(Some(Duration::from_mins(1)))
            .build_unchecked(Makers(Arc::clone(link)));
        Self { pool }
    }

    /// One for this user alone. It goes to nobody else unless it is [`Held::free`].
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn get(&self) -> Result<Held<'_>, RunError<RedisError>> {
        let mut one = self.pool.get().await?;
        one.busy = true;
        Ok(Held(one))
    }
}

/// A connection that one user has.
pub struct Held<'a>(PooledConnection<'a, Makers>);

impl Held<'_> {
    /// Every command on it has been answered: somebody else may have it next.
    pub fn free(mut self) {
        self.0.busy = false;
    }

    /// Waits until it leads to a server that is the primary no more.
    pub fn left(&self) -> impl Future<Output = ()> + Send + use<> {
        let (link, number) = (Arc::clone(&self.0.link), self.0.number);
        async move { link.server().left(number).await }
    }
}

impl Deref for Held<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0.connection
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0.connection
    }
}

struct Makers(Arc<Link>);

/// A connection, and whether a command on it may not have been answered: whoever gave up waiting has left it behind.
struct Made {
    connection: Connection,
    busy: bool,
    number: u64,
    link: Arc<Link>,
}

impl ManageConnection for Makers {
    type Connection = Made;
    type Error = RedisError;

    async fn connect(&self) -> Result<Made, RedisError> {
        let (number, connection) = self.0.server().exclusive().await?;
        Ok(Made { connection, busy: false, number, link: Arc::clone(&self.0) })
    }

    async fn is_valid(&self, made: &mut Made) -> Result<(), RedisError> {
        let is_there = made.number == self.0.server().number();
        let gone = (ErrorKind::Server(ServerErrorKind::ReadOnly), "another server is the primary");
        if is_there { Ok(()) } else { Err(gone.into()) }
    }

    fn has_broken(&self, made: &mut Made) -> bool {
        made.busy
    }
}
