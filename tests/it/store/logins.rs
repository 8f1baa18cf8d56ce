//! Owns what must hold of logins under way, in every store. Does not know which store it is.

use std::time::Duration;

use gatelodge::authority::ports::{LoginEnd, LoginTaken, OpenLogin};
use gatelodge::session::key::{LoginKey, SessionKey, TenantNumber};
use tokio::time::Instant;

use super::bench::{BINDING, Bench, LONG, SHORT, TENANT, fresh, partition};

const LEASE: Duration = Duration::from_secs(30);

async fn take(bench: &Bench, key: &LoginKey, lease: Duration) -> LoginTaken {
    // The same binding under a former key comes first.
    bench.store.take(key, &[[1; 16], BINDING], lease).await.unwrap()
}

fn some_session() -> SessionKey {
    SessionKey::of(TENANT, partition(), &fresh())
}

// security.md 4, 5: a state is good once, and its answer is repeated only as an answer.
pub async fn a_login_is_taken_once_and_its_answer_repeated(bench: &Bench) {
    let before = bench.store.time().await.unwrap();
    let key = bench.login(LONG).await;
    let after = bench.store.time().await.unwrap();
    let LoginTaken::Taken { sealed, started, remaining } = take(bench, &key, LEASE).await else { panic!("not taken") };
    assert_eq!(sealed, b"sealed");
    assert!(started >= before && started <= after, "{started:?}");
    assert!(remaining <= LONG && remaining > LONG / 2, "{remaining:?}");
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Busy);
    assert!(bench.store.note(&key, &some_session()).await.unwrap());
    assert!(bench.store.finish(&key, LoginEnd::Done(b"answer".to_vec()), SHORT).await.unwrap());
    for _ in 0..2 {
        assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Done(b"answer".to_vec()));
    }
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Missing);
}

pub async fn a_failed_login_says_why(bench: &Bench) {
    let key = bench.login(LONG).await;
    take(bench, &key, LEASE).await;
    assert!(bench.store.finish(&key, LoginEnd::Failed(0), LONG).await.unwrap());
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Failed(0));
    // One that the provider refused was never taken.
    let key = bench.login(LONG).await;
    assert!(bench.store.finish(&key, LoginEnd::Failed(200), LONG).await.unwrap());
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Failed(200));
}

// security.md 3: a login belongs to the browser that began it.
pub async fn another_browser_changes_nothing(bench: &Bench) {
    let key = bench.login(LONG).await;
    for bindings in [vec![], vec![[1; 16]], vec![[1; 16], [2; 16]]] {
        assert_eq!(bench.store.take(&key, &bindings, LEASE).await.unwrap(), LoginTaken::OtherBrowser);
    }
    assert!(matches!(take(bench, &key, LEASE).await, LoginTaken::Taken { .. }));
    assert_eq!(bench.store.take(&key, &[[1; 16]], LEASE).await.unwrap(), LoginTaken::OtherBrowser);
    bench.store.finish(&key, LoginEnd::Done(b"answer".to_vec()), LONG).await.unwrap();
    assert_eq!(bench.store.take(&key, &[[1; 16]], LEASE).await.unwrap(), LoginTaken::OtherBrowser);
}

pub async fn a_login_that_is_not_there_is_missing(bench: &Bench) {
    let never = LoginKey::of(TENANT, &fresh());
    let lapsed = bench.login(SHORT).await;
    bench.pass(SHORT + Duration::from_millis(1)).await;
    for key in [never, lapsed] {
        assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Missing);
        assert!(!bench.store.note(&key, &some_session()).await.unwrap());
        assert!(!bench.store.finish(&key, LoginEnd::Done(b"answer".to_vec()), LONG).await.unwrap());
        assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Missing);
    }
}

pub async fn an_interrupted_login_names_the_session_that_was_noted(bench: &Bench) {
    let (noted, session) = (bench.login(LONG).await, some_session());
    let bare = bench.login(SHORT).await;
    take(bench, &noted, SHORT).await;
    take(bench, &bare, SHORT).await;
    assert!(bench.store.note(&noted, &session).await.unwrap());
    bench.pass(SHORT + Duration::from_millis(1)).await;
    for _ in 0..2 {
        assert_eq!(take(bench, &noted, LEASE).await, LoginTaken::Interrupted(Some(session)));
    }
    // Its own time is over, and that it was interrupted is still to be seen.
    assert_eq!(take(bench, &bare, LEASE).await, LoginTaken::Interrupted(None));
    assert!(bench.store.finish(&noted, LoginEnd::Failed(3), LONG).await.unwrap());
    assert_eq!(take(bench, &noted, LEASE).await, LoginTaken::Failed(3));
}

pub async fn an_interrupted_login_never_gets_an_answer(bench: &Bench) {
    let key = bench.login(LONG).await;
    take(bench, &key, SHORT).await;
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Interrupted(None));
    assert!(!bench.store.finish(&key, LoginEnd::Done(b"late".to_vec()), LONG).await.unwrap());
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Interrupted(None));
}

pub async fn a_late_holder_whom_nobody_missed_may_finish(bench: &Bench) {
    let key = bench.login(LONG).await;
    take(bench, &key, SHORT).await;
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert!(bench.store.finish(&key, LoginEnd::Done(b"late".to_vec()), LONG).await.unwrap());
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Done(b"late".to_vec()));
}

pub async fn an_end_stays_as_it_is(bench: &Bench) {
    let key = bench.login(LONG).await;
    take(bench, &key, LEASE).await;
    assert!(bench.store.finish(&key, LoginEnd::Done(b"first".to_vec()), LONG).await.unwrap());
    assert!(!bench.store.finish(&key, LoginEnd::Failed(1), LONG).await.unwrap());
    assert!(!bench.store.finish(&key, LoginEnd::Done(b"second".to_vec()), LONG).await.unwrap());
    assert!(!bench.store.note(&key, &some_session()).await.unwrap());
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Done(b"first".to_vec()));
}

pub async fn nothing_can_be_noted_after_the_lease(bench: &Bench) {
    let key = bench.login(LONG).await;
    assert!(!bench.store.note(&key, &some_session()).await.unwrap(), "nobody has taken it");
    take(bench, &key, SHORT).await;
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert!(!bench.store.note(&key, &some_session()).await.unwrap());
    assert_eq!(take(bench, &key, LEASE).await, LoginTaken::Interrupted(None));
}

pub async fn a_waiter_is_woken_by_the_end(bench: &Bench) {
    let key = bench.login(LONG).await;
    take(bench, &key, LEASE).await;
    let start = Instant::now();
    let (one, two, finished) = tokio::join!(bench.store.wait(&key, LEASE), bench.store.wait(&key, LEASE), async {
        tokio::time::sleep(SHORT).await;
        bench.store.finish(&key, LoginEnd::Done(b"answer".to_vec()), LONG).await
    });
    (one.unwrap(), two.unwrap(), assert!(finished.unwrap()));
    assert!(start.elapsed() >= SHORT && start.elapsed() < LEASE / 3, "{:?}", start.elapsed());
}

pub async fn a_waiter_waits_for_no_one_who_is_not_there(bench: &Bench) {
    let start = Instant::now();
    let interrupted = bench.login(LONG).await;
    take(bench, &interrupted, SHORT).await;
    bench.pass(SHORT + Duration::from_millis(1)).await;
    for key in [LoginKey::of(TENANT, &fresh()), bench.login(LONG).await, interrupted] {
        bench.store.wait(&key, LEASE).await.unwrap();
    }
    assert!(start.elapsed() < LEASE / 3, "{:?}", start.elapsed());
    let taken = bench.login(LONG).await;
    take(bench, &taken, LEASE).await;
    let start = Instant::now();
    bench.store.wait(&taken, SHORT).await.unwrap();
    assert!(start.elapsed() >= SHORT && start.elapsed() < LEASE / 3, "{:?}", start.elapsed());
}

async fn opened(bench: &Bench, tenant: TenantNumber, most: u32, ttl: Duration) -> (LoginKey, bool) {
    let key = LoginKey { tenant, partition: partition(), id: fresh() };
    let login = OpenLogin { sealed: b"sealed".to_vec(), binding: BINDING, most: Some(most) };
    (key, bench.store.open(&key, login, ttl).await.unwrap())
}

// security.md 108: what anybody can begin has a ceiling; what has ended, or is past its time, leaves room.
pub async fn no_more_logins_are_under_way_in_a_partition_than_may_be(bench: &Bench) {
    let (one, _) = opened(bench, TENANT, 2, LONG).await;
    let (two, _) = opened(bench, TENANT, 2, LONG).await;
    let refused = opened(bench, TENANT, 2, LONG).await;
    assert!(!refused.1);
    assert_eq!(bench.store.take(&refused.0, &[BINDING], LONG).await.unwrap(), LoginTaken::Missing);
    assert!(opened(bench, TenantNumber(2), 2, LONG).await.1, "another tenant's");
    assert!(matches!(bench.store.take(&one, &[BINDING], LONG).await.unwrap(), LoginTaken::Taken { .. }));
    assert!(!opened(bench, TENANT, 2, LONG).await.1, "one that is taken is under way");
    assert!(bench.store.hold(&one, b"held".to_vec(), LONG).await.unwrap());
    assert!(!opened(bench, TENANT, 2, LONG).await.1, "one that waits for a choice too");
    assert!(bench.store.finish(&two, LoginEnd::Failed(9), LONG).await.unwrap());
    assert!(opened(bench, TENANT, 2, SHORT).await.1);
    assert!(!opened(bench, TENANT, 2, LONG).await.1);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert!(opened(bench, TENANT, 2, LONG).await.1);
}

pub async fn of_a_hundred_openings_as_many_as_may_get_in(bench: &Bench) {
    let opened = futures::future::join_all((0..100).map(|_| opened(bench, TENANT, 7, LONG))).await;
    assert_eq!(opened.iter().filter(|(_, is_in)| *is_in).count(), 7);
}
