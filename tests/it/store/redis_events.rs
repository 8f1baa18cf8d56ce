//! Owns what must hold of the event log in Redis when the stream is trimmed, flushed, restarted or an older copy of
//! itself: whoever can't be sure to have heard everything is told so. Does not know what events mean.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::ports::{EventLog as _, Heard};
use gatelodge::session::event::Position;
use gatelodge::store::redis::{RedisSettings, RedisStore};

use super::bench::{connect, keys_of, settings_for};
use super::events::{begun, events, now, numbered};
use crate::redis::Server;

const WAIT: Duration = Duration::from_secs(2);

/// A log on a server of its own.
async fn log() -> (Server, Arc<RedisStore>) {
    let server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    let store = connect(RedisSettings { key_prefix: "e".into(), ..settings_for(server.port) }).await.unwrap();
    (server, store)
}

/// The stream's name.
fn stream(server: &Server) -> Vec<u8> {
    keys_of(server, "e").into_iter().find(|key| key.contains(&b'e')).unwrap()
}

async fn assert_reset(log: &RedisStore, after: Position) -> Position {
    match log.next(Some(after), WAIT).await.unwrap() {
        Heard::Reset(position) => position,
        heard @ Heard::Events(_) => panic!("{heard:?}"),
    }
}

// XREAD goes on silently at the oldest entry that is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_that_trimming_left_is_a_reset() {
    let (server, log) = log().await;
    let start = begun(&*log).await;
    log.announce((1..4).map(|number| numbered(1, number)).collect()).await.unwrap();
    redis::cmd("XTRIM").arg(stream(&server)).arg("MAXLEN").arg(1).exec(&mut server.admin()).unwrap();
    let last = assert_reset(&log, start).await;
    log.announce(vec![numbered(1, 4)]).await.unwrap();
    assert_eq!(events(&*log, last, WAIT).await.len(), 1, "it goes on after the reset");
}

// XREAD gives a reader nothing that is ahead of the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_ahead_of_a_log_that_was_lost_is_reset() {
    let (server, log) = log().await;
    let ahead = begun(&*log).await;
    redis::cmd("DEL").arg(stream(&server)).exec(&mut server.admin()).unwrap();
    assert_eq!(assert_reset(&log, ahead).await, Position::default());
    log.announce(vec![numbered(1, 1)]).await.unwrap();
    assert_reset(&log, ahead).await;
}

// A replica that is promoted may lack what the primary had taken: also what this reader has not heard yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_of_the_log_is_a_reset_though_it_knows_the_position() {
    let (mut server, log) = log().await;
    let heard = begun(&*log).await;
    assert!(events(&*log, heard, Duration::from_millis(10)).await.is_empty());
    let name = stream(&server);
    let copy: Vec<u8> = redis::cmd("DUMP").arg(&name).query(&mut server.admin()).unwrap();
    log.announce(vec![numbered(1, 1)]).await.unwrap();
    let server = tokio::task::spawn_blocking(move || {
        server.stop();
        server.start_again();
        server
    });
    let server = server.await.unwrap();
    redis::cmd("RESTORE").arg(&name).arg(60_000).arg(copy).exec(&mut server.admin()).unwrap();
    let again = loop {
        match log.next(Some(heard), WAIT).await {
            Ok(Heard::Reset(position)) => break position,
            Ok(Heard::Events(events)) => panic!("{events:?}: the one in between was missed"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert_eq!((again, now(&*log).await), (heard, heard));
    log.announce(vec![numbered(1, 2)]).await.unwrap();
    assert_eq!(events(&*log, again, WAIT).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_trimmed_by_age_and_goes_by_itself() {
    let (server, log) = log().await;
    log.announce(vec![numbered(1, 1)]).await.unwrap();
    let name = stream(&server);
    // Entries of an hour ago, enough of them that a whole node of the stream can go.
    let old = "redis.call('DEL', KEYS[1]) local t = redis.call('TIME')[1] * 1000 - 3600000 \
               for i = 1, 500 do redis.call('XADD', KEYS[1], (t + i) .. '-0', 'e', 'x') end";
    redis::cmd("EVAL").arg(old).arg(1).arg(&name).exec(&mut server.admin()).unwrap();
    log.announce(vec![numbered(1, 2)]).await.unwrap();
    let left: u64 = redis::cmd("XLEN").arg(&name).query(&mut server.admin()).unwrap();
    assert!(left < 200, "{left} entries are left");
    let life: i64 = redis::cmd("PTTL").arg(&name).query(&mut server.admin()).unwrap();
    assert!((1_100_000..=1_200_000).contains(&life), "{life}");
}
