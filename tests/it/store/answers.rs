//! Owns what must hold of calls with an idempotency key, and of their answers, in every store. Does not know which store
//! it is.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::authority::answer_store::Claim;
use gatelodge::authority::answer_store::Claimed::{Answered, AtWork, Taken};
use gatelodge::session::key::{AnswerKey, TenantNumber};
use tokio::time::Instant;

use super::bench::{Bench, LONG, SHORT, TENANT};

const REQUEST: [u8; 16] = [9; 16];
const ONE: Claim = Claim { by: [1; 16], request: REQUEST };
const OTHER: Claim = Claim { by: [2; 16], request: [8; 16] };
const A_MOMENT: Duration = Duration::from_millis(1);

fn call() -> AnswerKey {
    AnswerKey::of(TENANT, [7; 16])
}

// security.md 103: no other tenant, and no other call, has it.
pub async fn a_call_is_claimed_by_one_who_may_hold_on_to_it(bench: &Bench) {
    let claim = async |call, claim| bench.store.claim_call(&call, &claim, LONG).await.unwrap();
    assert_eq!(claim(call(), ONE).await, Taken);
    assert_eq!(claim(call(), OTHER).await, AtWork(REQUEST));
    assert_eq!(claim(call(), ONE).await, Taken, "the same once more");
    assert_eq!(claim(AnswerKey::of(TENANT, [6; 16]), OTHER).await, Taken);
    assert_eq!(claim(AnswerKey::of(TenantNumber(2), [7; 16]), OTHER).await, Taken);
    let same_place = AnswerKey { tenant: TenantNumber(2), ..call() };
    assert_eq!(claim(same_place, OTHER).await, Taken);
}

pub async fn a_claim_runs_out_or_is_given_back(bench: &Bench) {
    let claim = async |claim, within| bench.store.claim_call(&call(), &claim, within).await.unwrap();
    assert_eq!(claim(ONE, SHORT).await, Taken);
    bench.pass(SHORT * 2 / 3).await;
    assert_eq!(claim(ONE, SHORT * 2).await, Taken, "it is held on to");
    bench.pass(SHORT).await;
    assert_eq!(claim(OTHER, LONG).await, AtWork(REQUEST));
    bench.pass(SHORT + A_MOMENT).await;
    assert_eq!(claim(OTHER, LONG).await, Taken, "whoever had it has gone");
    bench.store.give_back_call(&call(), &ONE).await.unwrap();
    assert_eq!(claim(ONE, LONG).await, AtWork(OTHER.request), "it was not theirs to give back");
    assert!(!bench.store.keep_answer(&call(), &ONE, b"late".to_vec(), LONG).await.unwrap());
    bench.store.give_back_call(&call(), &OTHER).await.unwrap();
    assert_eq!(claim(ONE, LONG).await, Taken);
}

pub async fn an_answer_is_kept_for_its_time_and_stays_as_it_is(bench: &Bench) {
    let keep = async |claim, text: &[u8], keep_for| {
        bench.store.keep_answer(&call(), &claim, text.to_vec(), keep_for).await.unwrap()
    };
    let claim = async |claim| bench.store.claim_call(&call(), &claim, SHORT).await.unwrap();
    assert_eq!(claim(ONE).await, Taken);
    assert!(keep(ONE, b"sealed", SHORT * 4).await);
    assert!(!keep(OTHER, b"another", LONG).await);
    bench.store.give_back_call(&call(), &ONE).await.unwrap();
    for again in [ONE, OTHER] {
        assert_eq!(claim(again).await, Answered(REQUEST, b"sealed".to_vec()));
    }
    bench.pass(SHORT * 4 + A_MOMENT).await;
    bench.sweep().await;
    assert_eq!(claim(OTHER).await, Taken);
    bench.pass(SHORT + A_MOMENT).await;
    assert!(keep(OTHER, b"late", LONG).await, "nobody has carried it out meanwhile");
    assert_eq!(claim(ONE).await, Answered(OTHER.request, b"late".to_vec()));
}

pub async fn of_a_hundred_claims_one_wins(bench: &Bench) {
    let call = call();
    let claims: Vec<_> = (0..100_u8).map(|by| Claim { by: [by; 16], request: REQUEST }).collect();
    let claimed = join_all(claims.iter().map(|claim| bench.store.claim_call(&call, claim, LONG))).await;
    let claimed: Vec<_> = claimed.into_iter().map(Result::unwrap).collect();
    assert_eq!(claimed.iter().filter(|one| **one == Taken).count(), 1);
    assert_eq!(claimed.iter().filter(|one| **one == AtWork(REQUEST)).count(), 99);
}

pub async fn a_waiter_is_woken_by_the_answer_and_by_a_claim_given_back(bench: &Bench) {
    let began = Instant::now();
    bench.store.wait_for_answer(&call(), LONG).await.unwrap();
    for is_answered in [false, true] {
        assert_eq!(bench.store.claim_call(&call(), &ONE, LONG).await.unwrap(), Taken);
        let ends = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if is_answered {
                assert!(bench.store.keep_answer(&call(), &ONE, b"sealed".to_vec(), LONG).await.unwrap());
            } else {
                bench.store.give_back_call(&call(), &ONE).await.unwrap();
            }
        };
        let call = call();
        let (waited, ()) = tokio::join!(bench.store.wait_for_answer(&call, LONG), ends);
        waited.unwrap();
    }
    bench.store.wait_for_answer(&call(), LONG).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
