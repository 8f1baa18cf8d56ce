//! Owns what must hold of keys and values in Redis: one slot, bytes that other versions write, scripts that a server
//! has forgotten. Does not know the scripts.

use gatelodge::authority::ports::{LeaseAttempt, LoginStore as _, LoginTaken, Lookup, SessionStore as _, StoreError};
use gatelodge::session::key::{LoginKey, SessionKey};
use gatelodge::session::record::Ending;
use gatelodge::session::time::Timestamp;

use super::bench::{self, BINDING, Bench, Kind, LONG, TENANT, fresh, keys_of, record, user};
use crate::redis::{Cluster, Server};

/// The names of this bench's keys of that kind.
async fn keys(bench: &Bench, kind: u8) -> Vec<Vec<u8>> {
    let Kind::Redis { prefix, servers, .. } = &bench.kind else { panic!("not redis") };
    let (prefix, servers) = (prefix.clone(), servers.clone());
    let all = move || servers.iter().flat_map(|server| keys_of(server, &prefix)).collect::<Vec<_>>();
    let is_kind = |key: &Vec<u8>| key.windows(2).any(|pair| pair == [b'}', kind]);
    tokio::task::spawn_blocking(all).await.unwrap().into_iter().filter(is_kind).collect()
}

async fn set(key: Vec<u8>, commands: Vec<redis::Cmd>) {
    let send = move || {
        for mut command in commands {
            let _: redis::Value = command.arg(&key).query(&mut Server::shared().admin()).unwrap();
        }
    };
    tokio::task::spawn_blocking(send).await.unwrap();
}

fn is_unreadable<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unreadable(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_never_a_logout() {
    let store = bench::redis().await;
    let of_another_type = || vec![redis::cmd("DEL"), list_push()];
    let forged: [Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>; 4] = [
        Box::new(|kept| Some([&[2], &kept[1..]].concat())),
        Box::new(|kept| Some(kept[..50].to_vec())),
        Box::new(|_| Some(b"rubbish".to_vec())),
        Box::new(|_| None),
    ];
    for forge in forged {
        let user = user();
        let key = store.session(&user).await;
        let name = keys(&store, b's').await.into_iter().find(|name| name.ends_with(&key.id)).unwrap();
        let kept: Vec<u8> = {
            let name = name.clone();
            let get = move || redis::cmd("GET").arg(name).query(&mut Server::shared().admin()).unwrap();
            tokio::task::spawn_blocking(get).await.unwrap()
        };
        match forge(&kept) {
            Some(bytes) => {
                let set = move || {
                    let mut command = redis::cmd("SET");
                    command.arg(name).arg(bytes).arg("KEEPTTL").exec(&mut Server::shared().admin()).unwrap();
                };
                tokio::task::spawn_blocking(set).await.unwrap();
            }
            None => set(name, of_another_type()).await,
        }
        let at = Timestamp::from_secs(1_700_000_000);
        assert!(is_unreadable(store.store.read(&key).await));
        assert!(is_unreadable(store.store.touch(&key, at, LONG).await));
        assert!(is_unreadable(store.store.lease(&key, LONG).await));
        assert!(is_unreadable(store.store.sessions_of(&user).await));
        assert!(is_unreadable(store.store.write_tokens(&key, 0, record(2), vec![1]).await));
        // It can be ended all the same, and is then gone for the index too.
        assert!(store.store.end(&key, Ending::Revoked, LONG).await.unwrap());
        assert_eq!(store.store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Revoked)));
        assert!(store.store.sessions_of(&user).await.unwrap().is_empty());
    }
}

fn list_push() -> redis::Cmd {
    // LPUSH takes the key before the value: EVAL lets the key come last.
    let mut push = redis::cmd("EVAL");
    push.arg("redis.call('LPUSH', KEYS[1], 'x') return redis.call('EXPIRE', KEYS[1], 60)").arg(1);
    push
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_of_a_later_version_is_unreadable() {
    let store = bench::redis().await;
    let key: LoginKey = store.login(LONG).await;
    let name = keys(&store, b'o').await.remove(0);
    let newer = move || redis::cmd("HSET").arg(name).arg("v").arg("2").exec(&mut Server::shared().admin()).unwrap();
    tokio::task::spawn_blocking(newer).await.unwrap();
    assert!(is_unreadable(store.store.take(&key, &[BINDING], LONG).await));
    assert!(is_unreadable(store.store.note(&key, &SessionKey::of(TENANT, key.partition, &fresh())).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgot_the_scripts_is_taught_again() {
    for bench in [bench::redis().await, bench::cluster().await] {
        let key = bench.session(&user()).await;
        let Kind::Redis { servers, .. } = &bench.kind else { panic!("not redis") };
        let servers = servers.clone();
        let forget = move || {
            for server in servers {
                redis::cmd("SCRIPT").arg("FLUSH").exec(&mut server.admin()).unwrap();
            }
        };
        tokio::task::spawn_blocking(forget).await.unwrap();
        assert!(matches!(bench.store.lease(&key, LONG).await.unwrap(), LeaseAttempt::Taken(..)));
        let login = bench.login(LONG).await;
        assert!(matches!(bench.store.take(&login, &[BINDING], LONG).await.unwrap(), LoginTaken::Taken { .. }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_spread_evenly_over_the_nodes() {
    let bench = bench::cluster().await;
    for _ in 0..300 {
        bench.session(&user()).await;
    }
    let Kind::Redis { prefix, .. } = &bench.kind else { panic!("not redis") };
    let prefix = prefix.clone();
    let count =
        move || Cluster::shared().primaries().iter().map(|node| keys_of(node, &prefix).len()).collect::<Vec<_>>();
    let counts = tokio::task::spawn_blocking(count).await.unwrap();
    // 300 users, each with record, tokens and an index that some of them share.
    assert_eq!(counts.len(), 3);
    assert!(counts.iter().all(|count| (180..=400).contains(count)), "{counts:?}");
    bench.leave().await;
}
