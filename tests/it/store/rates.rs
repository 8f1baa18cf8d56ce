//! Owns what must hold of counting in every store: exact, whoever counts at once; each key by itself; forgotten in time. Does
//! not know which store it is.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::session::key::{RateKey, TenantNumber};
use gatelodge::session::rate::{Allowance, Taken};

use super::bench::{Bench, SHORT, TENANT, fresh};

pub async fn an_allowance_is_taken_once_and_comes_back_one_by_one(bench: &Bench) {
    let (key, allowance) = (RateKey::of(TENANT, fresh()), Allowance { most: 3, within: SHORT * 3 });
    let mut wait = Duration::ZERO;
    // A real clock may give one back meanwhile: then the next is taken too.
    for number in 0..100 {
        match bench.store.take_one(&key, allowance).await.unwrap() {
            Taken::Yes => assert!(number < 99, "as many as one likes"),
            Taken::No(told) => {
                assert!(number >= 3, "{number} were taken");
                wait = told;
                break;
            }
        }
    }
    assert!(!wait.is_zero() && wait <= SHORT, "{wait:?}");
    bench.pass(wait + Duration::from_millis(1)).await;
    assert_eq!(bench.store.take_one(&key, allowance).await.unwrap(), Taken::Yes, "exactly then the next one is there");
}

// security.md 108: replicas and callers at once take no more than there is.
pub async fn of_a_hundred_at_once_as_many_as_allowed_take_one(bench: &Bench) {
    let (key, allowance) = (RateKey::of(TENANT, fresh()), Allowance { most: 7, within: Duration::from_hours(1) });
    let taken = join_all((0..100).map(|_| bench.store.take_one(&key, allowance))).await;
    let waits: Vec<_> = taken
        .into_iter()
        .filter_map(|taken| match taken.unwrap() {
            Taken::Yes => None,
            Taken::No(wait) => Some(wait),
        })
        .collect();
    assert_eq!(waits.len(), 93);
    assert!(waits.iter().all(|wait| *wait <= allowance.within / 7 && *wait > Duration::from_mins(7)), "{waits:?}");
}

// security.md 103: neither tenant nor id can be taken for another.
pub async fn each_counts_by_itself_and_is_forgotten_in_time(bench: &Bench) {
    let (id, once) = (fresh(), Allowance { most: 1, within: SHORT });
    for key in [RateKey::of(TENANT, id), RateKey::of(TenantNumber(2), id), RateKey::of(TENANT, fresh())] {
        assert_eq!(bench.store.take_one(&key, once).await.unwrap(), Taken::Yes);
        assert!(matches!(
            bench.store.take_one(&key, Allowance { within: SHORT * 99, ..once }).await.unwrap(),
            Taken::No(_)
        ));
    }
    bench.pass(SHORT + Duration::from_millis(1)).await;
    bench.sweep().await;
    assert_eq!(bench.store.take_one(&RateKey::of(TENANT, id), once).await.unwrap(), Taken::Yes);
}

pub async fn what_replicas_have_let_through_adds_up_and_is_paid_back(bench: &Bench) {
    let (key, allowance) = (RateKey::of(TENANT, fresh()), Allowance { most: 4, within: Duration::from_hours(1) });
    let (part, moment) = (Duration::from_mins(5), Duration::from_mins(1));
    let owed = join_all((0..10).map(|_| bench.store.owe(&key, part, allowance))).await;
    let longest = owed.into_iter().map(Result::unwrap).max().unwrap();
    assert!(longest <= part * 10 && longest + moment > part * 10, "none of ten is lost: {longest:?}");
    assert!(matches!(bench.store.take_one(&key, allowance).await.unwrap(), Taken::No(wait) if wait <= part));
    let most = bench.store.owe(&key, allowance.within * 9, allowance).await.unwrap();
    assert!(most <= allowance.within * 2 && most + moment > allowance.within * 2, "nobody waits for ever: {most:?}");
    let other = RateKey::of(TENANT, fresh());
    assert_eq!(bench.store.owe(&other, SHORT, allowance).await.unwrap(), SHORT);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    bench.sweep().await;
    assert_eq!(bench.store.owe(&other, SHORT, allowance).await.unwrap(), SHORT, "what has come back is forgotten");
}
