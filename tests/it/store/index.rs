//! Owns what must hold of a user's sessions and of walks over a tenant, in every store. Does not know which store it is.

use std::collections::BTreeSet;
use std::time::Duration;

use gatelodge::authority::ports::{Lookup, NewSession, StoreError, WalkPosition};
use gatelodge::session::key::{SessionKey, TenantNumber, UserKey};
use gatelodge::session::record::Ending;

use super::bench::{Bench, LONG, SHORT, TENANT, new_session, record, user};

pub async fn a_user_has_the_living_sessions_of_their_own(bench: &Bench) {
    let (one, same_partition) = (user(), user());
    let other = UserKey { partition: one.partition, ..same_partition };
    let keys = BTreeSet::from([bench.session(&one).await, bench.session(&one).await]);
    bench.session(&other).await;
    let ended = bench.session(&one).await;
    bench.store.end(&ended, Ending::Revoked, LONG).await.unwrap();
    let found = bench.store.sessions_of(&one).await.unwrap();
    assert_eq!(found.iter().map(|(key, _)| *key).collect::<BTreeSet<_>>(), keys);
    assert!(found.iter().all(|(_, found)| *found == record(1)));
}

pub async fn ending_a_user_ends_all_their_sessions_and_nobody_elses(bench: &Bench) {
    let one = user();
    let other = UserKey { partition: one.partition, ..user() };
    let keys = [bench.session(&one).await, bench.session(&one).await, bench.session(&one).await];
    let spared = bench.session(&other).await;
    let short = NewSession { keep_for: SHORT, ..new_session(bench.store.time().await.unwrap(), &one) };
    bench.store.create(short).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!(bench.store.end_user(&one, LONG, LONG).await.unwrap(), 3);
    for key in keys {
        assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Revoked)));
        assert_eq!(bench.store.tokens(&key).await.unwrap(), None);
    }
    assert!(bench.store.sessions_of(&one).await.unwrap().is_empty());
    assert!(!bench.is_gone(&spared).await);
    assert_eq!(bench.store.end_user(&one, LONG, LONG).await.unwrap(), 0);
}

pub async fn a_walk_meets_every_living_session_of_the_tenant_once(bench: &Bench) {
    let crowd = user();
    let mut keys = BTreeSet::new();
    for _ in 0..7 {
        keys.insert(bench.session(&crowd).await);
        keys.insert(bench.session(&user()).await);
    }
    let stranger = UserKey { tenant: TenantNumber(2), ..crowd };
    let strange = bench.session(&stranger).await;
    for limit in [1, 3, 14, 100] {
        let mut met = Vec::new();
        let mut position = None;
        loop {
            let page = bench.store.walk(TENANT, position, limit).await.unwrap();
            assert!(page.sessions.len() <= limit);
            met.extend(page.sessions.into_iter().map(|(key, _)| key));
            position = page.next;
            if position.is_none() {
                break;
            }
        }
        assert_eq!(met.len(), keys.len(), "limit {limit}");
        assert_eq!(met.into_iter().collect::<BTreeSet<SessionKey>>(), keys);
    }
    let page = bench.store.walk(TenantNumber(2), None, 100).await.unwrap();
    assert_eq!(page.sessions.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [strange]);
}

pub async fn a_walk_passes_over_what_has_gone(bench: &Bench) {
    let user = user();
    let (one, two, three) = (bench.session(&user).await, bench.session(&user).await, bench.session(&user).await);
    let short = NewSession { keep_for: SHORT, ..new_session(bench.store.time().await.unwrap(), &user) };
    bench.store.create(short).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    let first = bench.store.walk(TENANT, None, 1).await.unwrap();
    let mut met: Vec<SessionKey> = first.sessions.iter().map(|(key, _)| *key).collect();
    // Ends whichever was not met yet, in the middle of the walk.
    let end = [one, two].into_iter().find(|key| !met.contains(key)).unwrap();
    bench.store.end(&end, Ending::Revoked, LONG).await.unwrap();
    let mut position = first.next;
    while let Some(at) = position {
        let page = bench.store.walk(TENANT, Some(at), 2).await.unwrap();
        met.extend(page.sessions.iter().map(|(key, _)| *key));
        position = page.next;
    }
    let expected: BTreeSet<_> = [one, two, three].into_iter().filter(|key| *key != end).collect();
    assert_eq!((met.len(), met.into_iter().collect::<BTreeSet<_>>()), (2, expected));
}

pub async fn a_made_up_position_is_refused(bench: &Bench) {
    for bytes in [vec![], vec![0], vec![0xff; 28], vec![0; 3]] {
        let page = bench.store.walk(TENANT, Some(WalkPosition(bytes)), 10).await;
        assert!(matches!(page, Err(StoreError::Unreadable(_))));
    }
}
