//! Owns what must hold of keys and values in Redis: one slot, bytes that other versions write, scripts that a server
//! has forgotten. Does not know the scripts.

use std::collections::BTreeMap;
use std::time::Duration;

use gatelodge::authority::audit_store::{EntryAdded, KeptEntry};
use gatelodge::authority::ports::{Creation, LeaseAttempt, LoginEnd, LoginTaken, Lookup, NewSession, StoreError};
use gatelodge::session::audit::{EntryId, EntryName, Room};
use gatelodge::session::key::{Partition, SessionKey};
use gatelodge::session::mark::MarkTarget;
use gatelodge::session::record::Ending;
use gatelodge::session::time::Timestamp;

use super::bench::{self, BINDING, Bench, Kind, LONG, SHORT, TENANT, fresh, keys_of, new_session, record, user};
use crate::redis::{Cluster, Server};

/// The names of this bench's keys of that kind.
async fn keys(bench: &Bench, kind: u8) -> Vec<Vec<u8>> {
    let Kind::Redis { prefix, servers, .. } = &bench.kind else { panic!("not redis") };
    let (prefix, servers) = (prefix.clone(), servers.clone());
    let all = move || servers.iter().flat_map(|server| keys_of(server, &prefix)).collect::<Vec<_>>();
    let is_kind = |key: &Vec<u8>| key.windows(2).any(|pair| pair == [b'}', kind]);
    tokio::task::spawn_blocking(all).await.unwrap().into_iter().filter(is_kind).collect()
}

/// Does something to a key of the shared server.
async fn bend(key: &[u8], script: &'static str) {
    let key = key.to_vec();
    let run = move || redis::cmd("EVAL").arg(script).arg(1).arg(key).exec(&mut Server::shared().admin()).unwrap();
    tokio::task::spawn_blocking(run).await.unwrap();
}

fn assert_unreadable<T>(outcome: &Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Unreadable(_))));
}

// An authority that begins goes by the marks under the first tag: were another one raised before, it would let in what the
// others refuse.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_is_raised_once_more_nowhere_before_the_first_tag() {
    let bench = bench::redis().await;
    let (store, second) =
        (&bench.store, SessionKey { tenant: TENANT, partition: Partition::new(1).unwrap(), id: fresh() });
    let target = MarkTarget::Tenant(TENANT);
    let mark = store.raise(&target, LONG).await.unwrap();
    let first_tag = b"{ru}m";
    let first =
        keys(&bench, b'm').await.into_iter().find(|name| name.windows(5).any(|part| part == first_tag)).unwrap();
    bend(&first, "redis.call('DEL', KEYS[1]) redis.call('LPUSH', KEYS[1], 'x')").await;
    assert!(store.raise_to(&target, mark + 1, LONG).await.is_err());
    assert_eq!(store.read_with_marks(&second).await.unwrap().1.tenant, mark);
    bend(&first, "redis.call('DEL', KEYS[1])").await;
    store.raise_to(&target, mark + 1, LONG).await.unwrap();
    assert_eq!(store.read_with_marks(&second).await.unwrap().1.tenant, mark + 1);
    assert_eq!(store.marks(TENANT).await.unwrap().tenant, mark + 1);
    bench.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_never_a_logout() {
    let bench = bench::redis().await;
    let of_a_later_version = r"redis.call('SETRANGE', KEYS[1], 0, '\2')";
    let cut_short = "redis.call('SET', KEYS[1], redis.call('GETRANGE', KEYS[1], 0, 40), 'KEEPTTL')";
    let rubbish = "redis.call('SET', KEYS[1], 'rubbish', 'KEEPTTL')";
    let of_another_type =
        "redis.call('DEL', KEYS[1]) redis.call('LPUSH', KEYS[1], 'x') redis.call('EXPIRE', KEYS[1], 60)";
    for bent in [of_a_later_version, cut_short, rubbish, of_another_type] {
        let user = user();
        let key = bench.session(&user).await;
        let name = keys(&bench, b's').await.into_iter().find(|name| name.ends_with(&key.id)).unwrap();
        bend(&name, bent).await;
        let (store, at) = (&bench.store, Timestamp::from_secs(1_700_000_000));
        assert_unreadable(&store.read(&key).await);
        assert_unreadable(&store.touch(&key, at, at, LONG).await);
        assert_unreadable(&store.lease(&key, LONG).await);
        assert_unreadable(&store.sessions_of(&user).await);
        assert_unreadable(&store.write_tokens(&key, 0, record(2), vec![1]).await);
        assert_unreadable(&store.rewrite(&key, record(2)).await);
        // It can be ended all the same, and is then gone for the index too.
        assert!(store.end(&key, Ending::Revoked, LONG).await.unwrap());
        assert_eq!(store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Revoked)));
        assert!(store.sessions_of(&user).await.unwrap().is_empty());
    }
    bench.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_of_a_later_version_is_unreadable() {
    let bench = bench::redis().await;
    let key = bench.login(LONG).await;
    bend(&keys(&bench, b'o').await.remove(0), "redis.call('HSET', KEYS[1], 'v', '2')").await;
    assert_unreadable(&bench.store.take(&key, &[BINDING], LONG).await);
    assert_unreadable(&bench.store.note(&key, &SessionKey::of(TENANT, key.partition, &fresh())).await);
    assert_unreadable(&bench.store.finish(&key, LoginEnd::Failed(1), LONG).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_is_out_of_the_index_at_once() {
    let bench = bench::redis().await;
    let key = bench.session(&user()).await;
    // A write of the record, which knows no user, keeps whose it is.
    let LeaseAttempt::Taken(lease) = bench.store.lease(&key, LONG).await.unwrap() else { panic!("no lease") };
    bench.store.write_tokens(&key, lease.fence(), record(2), b"new".to_vec()).await.unwrap();
    assert_eq!(keys(&bench, b'i').await.len(), 1);
    bench.store.end(&key, Ending::Revoked, LONG).await.unwrap();
    assert!(keys(&bench, b'i').await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_house_clears_away_all_that_the_dead_left() {
    let bench = bench::redis().await;
    let user = user();
    let new = new_session(bench.store.time().await.unwrap(), &user);
    let dead = new.key;
    bench.store.create(NewSession { keep_for: SHORT, ..new }).await.unwrap();
    let lease = bench.store.lease(&dead, LONG).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    let left = async || (keys(&bench, b't').await.len(), keys(&bench, b'l').await.len());
    assert_eq!(left().await, (1, 1));
    let new = NewSession { user_cap: 1, ..new_session(bench.store.time().await.unwrap(), &user) };
    assert!(matches!(bench.store.create(new).await.unwrap(), Creation::Created(_)));
    assert_eq!(left().await, (1, 0), "the tokens of the new session, and nothing else");
    drop(lease);
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

/// How long each key of the audit lives, by how long its name is after the tenant: the hours, one, a count, a name.
async fn lives(bench: &Bench) -> BTreeMap<usize, Duration> {
    let keys = keys(bench, b'r').await;
    let ask = move || {
        let mut admin = Server::shared().admin();
        let left = |key: &Vec<u8>| redis::cmd("PTTL").arg(key).query::<i64>(&mut admin).unwrap();
        let lives: Vec<_> = keys.iter().map(left).collect();
        keys.into_iter().zip(lives).collect::<Vec<_>>()
    };
    let all = tokio::task::spawn_blocking(ask).await.unwrap();
    let id_of = |key: &[u8]| key.len() - key.windows(2).position(|pair| pair == b"}r").unwrap() - 6;
    let life = |left: i64| Duration::from_millis(u64::try_from(left).expect("it lives for ever"));
    all.into_iter().map(|(key, left)| (id_of(&key), life(left))).collect()
}

// An hour's entries go together, when the last of them may; so do the names by which they are found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_down_lives_as_long_as_it_is_kept_and_an_hour() {
    let bench = bench::redis().await;
    let (day, hour) = (Duration::from_hours(24), Duration::from_hours(1));
    let now = bench.store.time().await.unwrap();
    let entry = |number| KeptEntry {
        id: EntryId::new(now, number, [7; 8]),
        names: vec![EntryName([7; 16])],
        room: Room::Begun,
        sealed: b"sealed".to_vec(),
    };
    let all_live_long = async || {
        let lives = lives(&bench).await;
        assert_eq!(lives.keys().copied().collect::<Vec<_>>(), [0, 4, 5, 16]);
        for (kind, life) in lives {
            let whole = if kind == 5 { 2 * hour } else { day + hour };
            assert!(life <= whole && whole < life + Duration::from_secs(30), "{kind}: {life:?}");
        }
    };
    let keep = async |number| bench.store.keep_entry(TENANT, entry(number), day, 2).await.unwrap();
    assert_eq!(keep(1).await, EntryAdded::Yes);
    all_live_long().await;
    for key in keys(&bench, b'r').await {
        bend(&key, "redis.call('PEXPIRE', KEYS[1], 1000)").await;
    }
    assert_eq!(keep(2).await, EntryAdded::Yes);
    all_live_long().await;
    // One that is sent again, since its answer was lost, takes no more room.
    assert_eq!(keep(2).await, EntryAdded::Yes);
    assert_eq!(keep(3).await, EntryAdded::HourIsFull);
    bench.store.drop_entries(TENANT).await.unwrap();
    assert_eq!(lives(&bench).await.into_keys().collect::<Vec<_>>(), [16], "names of nothing, which end by themselves");
    bench.leave().await;
}
