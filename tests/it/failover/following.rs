//! Owns the way to the primary that sentinels name: taken when it changes, also while the one of before answers; and what is
//! said where there is no way. Does not know what is kept.

use std::time::Duration;

use gatelodge::authority::ports::{Lookup, SessionStore as _, StoreError};
use gatelodge::crypto::Secret;
use gatelodge::store::redis::{ConnectError, RedisSettings, RedisStore, SentinelSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::PATIENCE;
use crate::redis::{MASTER, Server, Watched, address, free_port};
use crate::store::bench::{CREATED, connect, new_session, settings_for, user};

async fn watched() -> Watched {
    tokio::task::spawn_blocking(Watched::start).await.unwrap()
}

fn patient() -> RedisSettings {
    RedisSettings {
        connect_timeout: Duration::from_secs(1),
        response_timeout: Duration::from_secs(1),
        ..settings_for(1)
    }
}

/// Makes a session, as soon as that can be done.
async fn create(store: &RedisStore) -> gatelodge::session::key::SessionKey {
    let end = Instant::now() + PATIENCE;
    loop {
        let new = match store.time().await {
            Ok(now) => new_session(now, &user()),
            Err(StoreError::Unavailable(_)) if Instant::now() < end => continue,
            Err(error) => panic!("{error:?}"),
        };
        let key = new.key;
        match store.create(new).await {
            Ok(created) => {
                assert_eq!(created, CREATED);
                return key;
            }
            Err(StoreError::Unavailable(_)) if Instant::now() < end => sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

// The one of before is well, and would take whatever it is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_was_replaced_and_goes_on_answering_gets_no_write() {
    let watched = watched().await;
    let store = connect(watched.settings(patient())).await.unwrap();
    let before = create(&store).await;
    watched.wait_until_replicated();
    let mut watched = tokio::task::spawn_blocking(move || {
        watched.promote();
        watched.wait_until_replaced();
        watched
    })
    .await
    .unwrap();
    assert_eq!(watched.primary(), 1);
    let after = [create(&store).await, create(&store).await];
    watched.servers[0].stop();
    for key in after.into_iter().chain([before]) {
        let lookup = loop {
            match store.read(&key).await {
                Err(StoreError::Unavailable(_)) => sleep(Duration::from_millis(20)).await,
                other => break other.unwrap(),
            }
        };
        assert!(matches!(lookup, Lookup::Found(_)), "it was written to the one that is gone");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_while_a_sentinel_or_all_of_them_are_away() {
    let mut watched = watched().await;
    watched.sentinels[0].stop();
    let store = connect(watched.settings(patient())).await.unwrap();
    create(&store).await;
    watched.sentinels[1].stop();
    watched.sentinels[2].stop();
    sleep(Duration::from_secs(2)).await;
    create(&store).await;
}

/// Says to whoever asks that the primary is there, since that failover.
async fn sentinel_that_says(epoch: u64, port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    let asked = String::from_utf8_lossy(&buffer[..length]).to_uppercase();
                    let commands = asked.matches("\r\n*").count() + 1;
                    let pairs = [
                        ("ip", "127.0.0.1".to_owned()),
                        ("port", port.to_string()),
                        ("config-epoch", epoch.to_string()),
                    ];
                    let answer = if asked.contains("MASTER") {
                        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
                        pairs.iter().fold("*6\r\n".to_owned(), |all, (name, value)| all + &bulk(name) + &bulk(value))
                    } else {
                        "+OK\r\n".repeat(commands)
                    };
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    own
}

fn by(sentinels: &[u16], settings: RedisSettings) -> RedisSettings {
    let sentinel = SentinelSettings {
        master: MASTER.into(),
        urls: sentinels.iter().map(|port| Secret::new(format!("redis://127.0.0.1:{port}"))).collect(),
        server: Secret::new("redis://store:secret@primary.invalid"),
    };
    RedisSettings { urls: Vec::new(), sentinel: Some(sentinel), ..settings }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_that_knows_only_of_an_earlier_failover_is_not_believed() {
    let [old, new] = tokio::task::spawn_blocking(|| [Server::start(&[]), Server::start(&[])]).await.unwrap();
    for late in 0..3 {
        let mut sentinels = Vec::new();
        for number in 0..3 {
            let of = if number == late { sentinel_that_says(3, old.port) } else { sentinel_that_says(4, new.port) };
            sentinels.push(of.await);
        }
        let store = connect(by(&sentinels, patient())).await.unwrap();
        let key = create(&store).await;
        let direct = connect(RedisSettings { urls: vec![Secret::new(address(new.port))], ..settings_for(1) }).await;
        assert!(matches!(direct.unwrap().read(&key).await.unwrap(), Lookup::Found(_)), "{late}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_it_from_the_primary_is_told_with_the_key_that_mends_it() {
    let watched = watched().await;
    let good = watched.settings(patient());
    let change = |change: fn(&mut SentinelSettings)| {
        let mut settings = good.clone();
        change(settings.sentinel.as_mut().unwrap());
        settings
    };
    let (server, sentinel) = (watched.servers[0].port, watched.sentinels[0].port);
    let at = |port: u16| RedisSettings { urls: vec![Secret::new(address(port))], ..patient() };
    let default =
        |port: u16| RedisSettings { urls: vec![Secret::new(format!("redis://127.0.0.1:{port}"))], ..patient() };
    let faults = [
        (change(|sentinel| sentinel.master = "other".into()), "store.redis.sentinel.master"),
        (
            change(|sentinel| {
                let wrong = |url: &mut Secret| *url = Secret::new(url.expose().replace("watch", "hush"));
                sentinel.urls.iter_mut().for_each(wrong);
            }),
            "store.redis.sentinel.password",
        ),
        (
            change(|sentinel| sentinel.server = Secret::new("redis://store:hush@primary.invalid")),
            "set store.redis.password",
        ),
        (by(&[server], patient()), "what answers there is no sentinel"),
        (default(sentinel), "move its address from store.redis.urls to store.redis.sentinel.urls"),
        (at(watched.servers[1].port), "this Redis is a replica"),
    ];
    for (settings, expected) in faults {
        let error: ConnectError = match connect(settings).await {
            Ok(store) => panic!("{expected}: it was not refused: {:?}", store.ping().await),
            Err(error) => error,
        };
        let text = format!("{error} {error:?}");
        assert!(error.to_string().contains(expected) && !text.contains("hush"), "{text}");
    }
    // None there yet: they may come.
    let store = connect(by(&[free_port()], patient())).await.unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
}
