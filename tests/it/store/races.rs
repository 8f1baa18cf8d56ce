//! Owns what must hold when many do the same at once, in every store. Does not know which store it is.

use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::ports::{Creation, LeaseAttempt, LoginEnd, LoginTaken, Lookup, NewSession, Touched, Written};
use gatelodge::session::record::Ending;
use gatelodge::session::time::Timestamp;

use super::bench::{BINDING, Bench, CREATED, Kind, LONG, SHORT, TENANT, keys_of, new_session, user};

/// Runs all of them at once, on all threads.
async fn race<T: Send + 'static>(racers: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    join_all(racers.map(tokio::spawn)).await.into_iter().map(Result::unwrap).collect()
}

pub async fn of_a_hundred_takes_one_wins(bench: &Bench) {
    let key = bench.login(LONG).await;
    let outcomes = race((0..100).map(|_| {
        let store = bench.store.clone();
        async move {
            loop {
                match store.take(&key, &[BINDING], LONG).await.unwrap() {
                    LoginTaken::Taken { .. } => {
                        store.finish(&key, LoginEnd::Done(b"answer".to_vec()), LONG).await.unwrap();
                        return true;
                    }
                    LoginTaken::Busy => store.wait(&key, LONG).await.unwrap(),
                    LoginTaken::Done(answer) => {
                        assert_eq!(answer, b"answer");
                        return false;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
}

pub async fn of_a_hundred_leases_one_wins(bench: &Bench) {
    let key = bench.session(&user()).await;
    let attempts = race((0..100).map(|_| {
        let store = bench.store.clone();
        async move { store.lease(&key, LONG).await.unwrap() }
    }))
    .await;
    let taken = attempts.iter().filter(|attempt| matches!(attempt, LeaseAttempt::Taken(..))).count();
    let busy = attempts.iter().filter(|attempt| matches!(attempt, LeaseAttempt::Busy)).count();
    assert_eq!((taken, busy), (1, 99));
    assert_eq!(bench.found(&key).await.header.fence, 1);
}

pub async fn a_touch_racing_an_end_never_revives(bench: &Bench) {
    for round in 0..50 {
        let key = bench.session(&user()).await;
        let ending = bench.store.clone();
        let end = tokio::spawn(async move { ending.end(&key, Ending::Revoked, LONG).await.unwrap() });
        let at = Timestamp::from_secs(1_700_000_000);
        let touches = race((0..4).map(|_| {
            let store = bench.store.clone();
            async move { store.touch(&key, at, at, LONG).await.unwrap() }
        }));
        touches.await;
        assert!(end.await.unwrap());
        assert!(bench.is_gone(&key).await, "round {round}");
        assert_eq!(bench.store.touch(&key, at, at, LONG).await.unwrap(), Touched::Gone);
        assert!(bench.is_gone(&key).await, "round {round}");
    }
}

pub async fn ending_a_user_leaves_no_survivor_of_logins_before_it(bench: &Bench) {
    for round in 0..10 {
        let user = user();
        let started = bench.store.time().await.unwrap();
        let creations = (0..20).map(|_| {
            let store = bench.store.clone();
            let new = NewSession { login_started: started, ..new_session(started, &user) };
            tokio::spawn(async move { store.create(new).await.unwrap() })
        });
        let creations: Vec<_> = creations.collect();
        let ended = bench.store.end_user(&user, LONG, LONG).await.unwrap();
        let outcomes: Vec<_> = join_all(creations).await.into_iter().map(Result::unwrap).collect();
        let refused = outcomes.iter().filter(|outcome| **outcome == Creation::RevokedMeanwhile).count();
        let made = outcomes.len() - refused;
        // One that was ended on its way to the disk is refused, and counts as never having lived.
        assert_eq!((ended, made + refused), (made as u64, 20), "round {round}: {outcomes:?}");
        assert!(bench.store.sessions_of(&user).await.unwrap().is_empty(), "round {round}: a survivor");
    }
}

pub async fn the_cap_is_exact_under_racing_creations(bench: &Bench) {
    let user = user();
    // Some that are dead by then must not count.
    for _ in 0..5 {
        let short = NewSession { keep_for: SHORT, ..new_session(bench.store.time().await.unwrap(), &user) };
        bench.store.create(short).await.unwrap();
    }
    bench.pass(SHORT + Duration::from_millis(1)).await;
    let now = bench.store.time().await.unwrap();
    let outcomes = race((0..60).map(|_| {
        let store = bench.store.clone();
        let new = NewSession { user_cap: 20, ..new_session(now, &user) };
        async move { store.create(new).await.unwrap() }
    }))
    .await;
    let count = |outcome| outcomes.iter().filter(|other| **other == outcome).count();
    assert_eq!((count(CREATED), count(Creation::TooMany)), (20, 40));
    assert_eq!(bench.store.sessions_of(&user).await.unwrap().len(), 20);
}

pub async fn the_index_names_nobody_who_is_gone(bench: &Bench) {
    let user = user();
    let living = bench.session(&user).await;
    let ended = bench.session(&user).await;
    bench.store.end(&ended, Ending::Revoked, SHORT).await.unwrap();
    for _ in 0..3 {
        let short = NewSession { keep_for: SHORT, ..new_session(bench.store.time().await.unwrap(), &user) };
        bench.store.create(short).await.unwrap();
    }
    bench.pass(SHORT + Duration::from_millis(1)).await;
    bench.sweep().await;
    if let Kind::Redis { servers, prefix, .. } = &bench.kind {
        let (servers, prefix) = (servers.clone(), prefix.clone());
        let members = move || {
            let found = servers.iter().flat_map(|server| {
                let keys = keys_of(server, &prefix).into_iter();
                let indexes = keys.filter(|key| key[prefix.len()..].windows(2).any(|pair| pair == b"}i"));
                indexes.map(|key| redis::cmd("ZCARD").arg(key).query::<usize>(&mut server.admin()).unwrap())
            });
            let tokens = servers.iter().flat_map(|server| keys_of(server, &prefix));
            let tokens = tokens.filter(|key| key[prefix.len()..].windows(2).any(|pair| pair == b"}t")).count();
            (found.sum::<usize>(), tokens)
        };
        assert_eq!(tokio::task::spawn_blocking(members).await.unwrap(), (1, 1));
    }
    let page = bench.store.walk(TENANT, None, 100).await.unwrap();
    assert_eq!(page.sessions.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [living]);
}

pub async fn of_racing_rewrites_each_is_seen_by_the_next(bench: &Bench) {
    const RACERS: u64 = 16;
    let key = bench.session(&user()).await;
    let tries = race((0..RACERS).map(|_| {
        let store = bench.store.clone();
        async move {
            for tried in 1.. {
                let Lookup::Found(mut record) = store.read(&key).await.unwrap() else { panic!("gone") };
                record.header.revision += 1;
                match store.rewrite(&key, record).await.unwrap() {
                    Written::Yes => return tried,
                    Written::RevisionChanged => (),
                    other => panic!("{other:?}"),
                }
            }
            unreachable!()
        }
    }))
    .await;
    assert_eq!(bench.found(&key).await.header.revision, 1 + RACERS);
    // Every failed try has lost to another's write: nobody spins while one is on its way to the disk.
    assert!(tries.iter().all(|tried| *tried <= RACERS), "{tries:?}");
}
