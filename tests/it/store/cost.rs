//! Owns the bound on what a session costs in Redis. Does not know how the bytes are laid out.

use bytes::Bytes;
use gatelodge::authority::ports::{Creation, NewSession, SessionStore as _};
use gatelodge::session::key::UserKey;
use gatelodge::store::redis::RedisSettings;

use super::bench::{self, new_session, settings_for, user};
use crate::redis::Server;

/// What a session may cost at this many: its record of about 300 bytes, its place in the index, TTL and key included.
const BYTES: u64 = 600;
const SESSIONS: u64 = 20_000;

/// Sessions of one partition: its index then has the shape that it has with a thousand times as many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_costs_no_more_than_promised() {
    let server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    let settings = RedisSettings { key_prefix: "gl".to_owned(), ..settings_for(server.port) };
    let store = bench::connect(settings).await.unwrap();
    let now = store.time().await.unwrap();
    let place = user();
    let used = || -> u64 {
        let info: String = redis::cmd("INFO").arg("memory").query(&mut server.admin()).unwrap();
        info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok()).unwrap()
    };
    let make = async |count: u64| {
        let made = (0..count).map(|_| {
            let neighbour = UserKey { partition: place.partition, ..user() };
            let mut new = NewSession { tokens: None, ..new_session(now, &neighbour) };
            new.record.body = Bytes::from(vec![0x5e; 204]);
            store.create(new)
        });
        for created in futures::future::join_all(made).await {
            assert_eq!(created.unwrap(), Creation::Created);
        }
    };
    make(500).await;
    let before = used();
    for _ in 0..SESSIONS / 500 {
        make(500).await;
    }
    let each = (used() - before) / SESSIONS;
    println!("{each} bytes a session, {SESSIONS} sessions");
    assert!(each <= BYTES, "{each} bytes");
}
