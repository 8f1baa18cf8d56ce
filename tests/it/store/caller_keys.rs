//! Owns what must hold of callers' keys, in every store. Does not know which store it is.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::ports::{CallerKeyAdded, KeptCallerKey};
use gatelodge::session::caller::CallerKeyId;
use gatelodge::session::key::TenantNumber;
use gatelodge::session::time::Timestamp;

use super::bench::{Bench, LONG, TENANT};

/// Of the authority's own time, which need not be the store's.
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const MOST: usize = 3;

fn id(number: u8) -> CallerKeyId {
    CallerKeyId { tenant: TENANT, id: [number; 12] }
}

fn named(name: u8, ends: Timestamp) -> KeptCallerKey {
    KeptCallerKey { ends, name: [name; 16], sealed: vec![name] }
}

async fn add(bench: &Bench, key: CallerKeyId, kept: KeptCallerKey, now: Timestamp) -> CallerKeyAdded {
    bench.store.add_caller_key(&key, kept, now, LONG, MOST).await.unwrap()
}

pub async fn a_callers_key_reads_back_until_it_is_removed(bench: &Bench) {
    let (kept, store) = (named(1, NOW + LONG), &bench.store);
    assert_eq!(store.caller_key(&id(1)).await.unwrap(), None);
    assert_eq!(add(bench, id(1), kept.clone(), NOW).await, CallerKeyAdded::Yes);
    assert_eq!(add(bench, id(1), kept.clone(), NOW).await, CallerKeyAdded::Yes, "a repeat");
    assert_eq!(store.caller_key(&id(1)).await.unwrap(), Some(kept.clone()));
    assert_eq!(store.caller_keys(TENANT).await.unwrap(), [(id(1), kept)]);
    assert!(store.remove_caller_key(&id(1)).await.unwrap() && !store.remove_caller_key(&id(1)).await.unwrap());
    assert_eq!((store.caller_key(&id(1)).await.unwrap(), store.caller_keys(TENANT).await.unwrap()), (None, vec![]));
}

pub async fn names_and_number_of_callers_keys_are_each_tenants_own(bench: &Bench) {
    for number in 1..=3 {
        assert_eq!(add(bench, id(number), named(number, NOW + LONG), NOW).await, CallerKeyAdded::Yes);
    }
    assert_eq!(add(bench, id(9), named(1, NOW + LONG), NOW).await, CallerKeyAdded::NameTaken);
    assert_eq!(add(bench, id(9), named(9, NOW + LONG), NOW).await, CallerKeyAdded::Full);
    let other = CallerKeyId { tenant: TenantNumber(2), ..id(1) };
    assert_eq!(add(bench, other, named(1, NOW + LONG), NOW).await, CallerKeyAdded::Yes);
    assert!(bench.store.remove_caller_key(&id(1)).await.unwrap());
    assert_eq!(bench.store.caller_keys(TenantNumber(2)).await.unwrap(), [(other, named(1, NOW + LONG))]);
    assert_eq!(add(bench, id(9), named(1, NOW + LONG), NOW).await, CallerKeyAdded::Yes, "name and place are free");
}

pub async fn a_callers_key_that_has_ended_keeps_no_name_and_no_place(bench: &Bench) {
    let soon = NOW + Duration::from_secs(5);
    for number in 1..=3 {
        assert_eq!(add(bench, id(number), named(number, soon), NOW).await, CallerKeyAdded::Yes);
    }
    assert_eq!(add(bench, id(9), named(1, NOW + LONG), soon).await, CallerKeyAdded::Yes);
    assert_eq!(bench.store.caller_keys(TENANT).await.unwrap(), [(id(9), named(1, NOW + LONG))]);
}

pub async fn of_a_hundred_callers_keys_of_one_name_one_is_added(bench: &Bench) {
    let racing = (0..100).map(|number| {
        let store = bench.store.clone();
        tokio::spawn(async move { store.add_caller_key(&id(number), named(7, NOW + LONG), NOW, LONG, 1000).await })
    });
    let added: Vec<_> = join_all(racing).await.into_iter().map(|one| one.unwrap().unwrap()).collect();
    assert_eq!(added.iter().filter(|one| **one == CallerKeyAdded::Yes).count(), 1);
    assert_eq!(bench.store.caller_keys(TENANT).await.unwrap().len(), 1);
}

pub async fn a_callers_key_is_sealed_anew_over_what_was_read_alone(bench: &Bench) {
    let (kept, store) = (named(1, NOW + LONG), &bench.store);
    let reseal = |before: &KeptCallerKey, sealed: &[u8]| {
        let (before, sealed) = (before.clone(), sealed.to_vec());
        async move { store.reseal_caller_key(&id(1), before, sealed).await.unwrap() }
    };
    assert!(!reseal(&kept, b"anew").await, "there is none");
    assert_eq!(add(bench, id(1), kept.clone(), NOW).await, CallerKeyAdded::Yes);
    assert_eq!(add(bench, id(2), named(2, NOW + LONG), NOW).await, CallerKeyAdded::Yes);
    assert!(reseal(&kept, b"anew").await);
    let anew = KeptCallerKey { sealed: b"anew".to_vec(), ..kept.clone() };
    assert!(!reseal(&kept, b"once more").await, "it is another by now");
    assert_eq!(store.caller_key(&id(1)).await.unwrap(), Some(anew.clone()));
    assert_eq!(store.caller_key(&id(2)).await.unwrap(), Some(named(2, NOW + LONG)));
    assert!(store.remove_caller_key(&id(1)).await.unwrap());
    assert!(!reseal(&anew, b"back").await, "what is revoked does not come back");
    assert_eq!(store.caller_key(&id(1)).await.unwrap(), None);
}
