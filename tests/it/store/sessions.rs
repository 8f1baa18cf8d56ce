//! Owns what must hold of a single session, in every store. Does not know which store it is.

use std::time::Duration;

use gatelodge::authority::ports::{Creation, LeaseAttempt, Lookup, NewSession, StoreError, Touched, Written};
use gatelodge::session::key::{Partition, SessionKey};
use gatelodge::session::record::{Ending, Other};
use gatelodge::session::time::Timestamp;

use super::bench::{Bench, LONG, SHORT, TENANT, fresh, new_session, partition, record, user};

pub async fn a_session_reads_back_as_it_was_made(bench: &Bench) {
    let mut new = new_session(bench.store.time().await.unwrap(), &user());
    new.record.header.other = Some(Other::Next([9; 16]));
    new.record.header.last_active = Some(Timestamp::from_millis(1_700_000_000_123));
    let (key, made) = (new.key, new.record.clone());
    assert!(matches!(bench.store.create(new).await.unwrap(), Creation::Created(_)));
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Found(made));
    assert_eq!(bench.store.tokens(&key).await.unwrap().as_deref(), Some(b"sealed tokens".as_slice()));

    let bare = NewSession { tokens: None, ..new_session(bench.store.time().await.unwrap(), &user()) };
    let key = bare.key;
    bench.store.create(bare).await.unwrap();
    assert_eq!(bench.store.tokens(&key).await.unwrap(), None);
    bench.store.ping().await.unwrap();
}

pub async fn what_was_never_made_is_gone_for_no_known_reason(bench: &Bench) {
    let key = SessionKey::of(TENANT, partition(), &fresh());
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(None));
    assert_eq!(bench.store.tokens(&key).await.unwrap(), None);
}

pub async fn an_ended_session_is_gone_with_all_it_had(bench: &Bench) {
    let user = user();
    let key = bench.session(&user).await;
    assert!(bench.store.end(&key, Ending::Revoked, LONG).await.unwrap());
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Revoked)));
    assert_eq!(bench.store.tokens(&key).await.unwrap(), None);
    assert!(bench.store.sessions_of(&user).await.unwrap().is_empty());
    assert!(!bench.store.end(&key, Ending::Revoked, LONG).await.unwrap());
}

pub async fn the_first_reason_of_an_end_stays_until_it_is_forgotten(bench: &Bench) {
    let key = bench.session(&user()).await;
    bench.store.end(&key, Ending::Replaced, SHORT).await.unwrap();
    bench.store.end(&key, Ending::Revoked, SHORT * 2).await.unwrap();
    bench.pass(SHORT).await;
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Replaced)));
    bench.store.end(&key, Ending::Revoked, Duration::ZERO).await.unwrap();
    bench.pass(SHORT * 2).await;
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(None));
    bench.store.end(&key, Ending::Interrupted, LONG).await.unwrap();
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Interrupted)));
}

pub async fn ending_what_is_not_there_refuses_its_creation(bench: &Bench) {
    let new = new_session(bench.store.time().await.unwrap(), &user());
    assert!(!bench.store.end(&new.key, Ending::Interrupted, LONG).await.unwrap());
    let key = new.key;
    assert_eq!(bench.store.create(new).await.unwrap(), Creation::RevokedMeanwhile);
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(Some(Ending::Interrupted)));
    assert_eq!(bench.store.tokens(&key).await.unwrap(), None);
}

pub async fn a_session_goes_by_itself(bench: &Bench) {
    let user = user();
    let new = NewSession { keep_for: SHORT, ..new_session(bench.store.time().await.unwrap(), &user) };
    let key = new.key;
    bench.store.create(new).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!(bench.store.read(&key).await.unwrap(), Lookup::Gone(None));
    assert_eq!(bench.store.tokens(&key).await.unwrap(), None);
    assert!(bench.store.sessions_of(&user).await.unwrap().is_empty());
    assert!(!bench.store.end(&key, Ending::Revoked, LONG).await.unwrap());
}

pub async fn a_touch_keeps_a_session_and_never_moves_its_use_back(bench: &Bench) {
    let new = NewSession { keep_for: SHORT * 2, ..new_session(bench.store.time().await.unwrap(), &user()) };
    let key = new.key;
    bench.store.create(new).await.unwrap();
    let (early, late) = (Timestamp::from_secs(1_700_000_000), Timestamp::from_secs(1_700_000_009));
    assert_eq!(bench.store.touch(&key, late, late, LONG).await.unwrap(), Touched::Yes);
    // By a clock that lies behind, and that takes any use for one of long ago.
    assert_eq!(bench.store.touch(&key, early, late, LONG).await.unwrap(), Touched::Yes);
    bench.pass(SHORT * 2).await;
    let mut expected = record(1);
    expected.header.last_active = Some(late);
    assert_eq!(bench.found(&key).await, expected);
}

pub async fn a_touch_that_is_not_due_writes_nothing_and_says_when_the_last_was(bench: &Bench) {
    let new = NewSession { keep_for: LONG, ..new_session(bench.store.time().await.unwrap(), &user()) };
    let key = new.key;
    bench.store.create(new).await.unwrap();
    let (first, next) = (Timestamp::from_secs(1_700_000_000), Timestamp::from_secs(1_700_000_009));
    let touch = async |at, due, keep_for| bench.store.touch(&key, at, due, keep_for).await.unwrap();
    assert_eq!(touch(first, first - SHORT, SHORT * 3).await, Touched::Yes, "nobody had used it");
    assert_eq!(touch(next, first - Duration::from_millis(1), LONG).await, Touched::NotDue(first));
    assert_eq!(bench.found(&key).await.header.last_active, Some(first));
    bench.pass(SHORT * 3 + Duration::from_millis(1)).await;
    assert!(bench.is_gone(&key).await, "and it is kept no longer");
    assert_eq!(touch(next, first, LONG).await, Touched::Gone);

    let key = bench.session(&user()).await;
    let touch = async |at, due| bench.store.touch(&key, at, due, LONG).await.unwrap();
    assert_eq!((touch(first, first).await, touch(next, first).await), (Touched::Yes, Touched::Yes), "just due");
    assert_eq!(bench.found(&key).await.header.last_active, Some(next));
}

pub async fn a_touch_never_revives(bench: &Bench) {
    let at = Timestamp::from_secs(1_700_000_000);
    let user = user();
    let ended = bench.session(&user).await;
    bench.store.end(&ended, Ending::Revoked, LONG).await.unwrap();
    let short = NewSession { keep_for: SHORT, ..new_session(bench.store.time().await.unwrap(), &user) };
    let lapsed = short.key;
    bench.store.create(short).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    for key in [ended, lapsed, SessionKey::of(TENANT, partition(), &fresh())] {
        assert_eq!(bench.store.touch(&key, at, at, LONG).await.unwrap(), Touched::Gone);
        assert!(bench.is_gone(&key).await);
    }
}

pub async fn a_creation_is_refused_when_its_user_was_revoked_meanwhile(bench: &Bench) {
    let user = user();
    let before = bench.store.time().await.unwrap();
    bench.pass(Duration::from_millis(5)).await;
    assert_eq!(bench.store.end_user(&user, LONG, SHORT * 4).await.unwrap(), 0);
    let create = async |started| {
        let new = NewSession { login_started: started, ..new_session(before, &user) };
        bench.store.create(new).await.unwrap()
    };
    assert_eq!(create(before).await, Creation::RevokedMeanwhile);
    bench.pass(Duration::from_millis(5)).await;
    assert!(matches!(create(bench.store.time().await.unwrap()).await, Creation::Created(_)));
    // A second revocation raises the mark above logins that began after the first.
    let between = bench.store.time().await.unwrap();
    assert_eq!(bench.store.end_user(&user, LONG, SHORT).await.unwrap(), 1);
    assert_eq!(create(between).await, Creation::RevokedMeanwhile);
    bench.pass(SHORT * 4).await;
    assert!(matches!(create(before).await, Creation::Created(_)));
}

pub async fn a_new_session_ends_those_it_replaces(bench: &Bench) {
    let user = user();
    let (first, other) = (bench.session(&user).await, bench.session(&user).await);
    let never = SessionKey::of(TENANT, user.partition, &fresh());
    let now = bench.store.time().await.unwrap();
    // Two living sessions and a cap of two: the one that is replaced makes room.
    let new = NewSession { replaces: vec![first, never], user_cap: 2, ..new_session(now, &user) };
    let key = new.key;
    assert!(matches!(bench.store.create(new).await.unwrap(), Creation::Created(_)));
    assert_eq!(bench.store.read(&first).await.unwrap(), Lookup::Gone(Some(Ending::Replaced)));
    assert_eq!(bench.store.read(&never).await.unwrap(), Lookup::Gone(Some(Ending::Replaced)));
    assert_eq!(bench.store.tokens(&first).await.unwrap(), None);
    let mut left: Vec<_> = bench.store.sessions_of(&user).await.unwrap().into_iter().map(|(key, _)| key).collect();
    let mut expected = vec![other, key];
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
}

pub async fn the_cap_counts_only_the_living(bench: &Bench) {
    let user = user();
    let create = async |keep_for| {
        let new = new_session(bench.store.time().await.unwrap(), &user);
        bench.store.create(NewSession { keep_for, user_cap: 2, ..new }).await.unwrap()
    };
    assert!(matches!(create(LONG).await, Creation::Created(_)));
    assert!(matches!(create(SHORT).await, Creation::Created(_)));
    assert_eq!(create(LONG).await, Creation::TooMany);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert!(matches!(create(LONG).await, Creation::Created(_)));
    assert_eq!(create(LONG).await, Creation::TooMany);
    assert_eq!(bench.store.sessions_of(&user).await.unwrap().len(), 2);
}

pub async fn a_session_outside_its_users_partition_is_refused(bench: &Bench) {
    let user = user();
    let elsewhere = Partition::all().find(|partition| *partition != user.partition).unwrap();
    let stray = SessionKey { partition: elsewhere, ..bench.session(&user).await };
    let now = bench.store.time().await.unwrap();
    for new in [
        NewSession { key: stray, ..new_session(now, &user) },
        NewSession { replaces: vec![stray], ..new_session(now, &user) },
    ] {
        assert!(matches!(bench.store.create(new).await, Err(StoreError::Unreadable(_))));
    }
}

pub async fn the_longest_life_is_kept(bench: &Bench) {
    let new = new_session(bench.store.time().await.unwrap(), &user());
    let new = NewSession { keep_for: Duration::MAX, tokens_for: Duration::MAX, ..new };
    let key = new.key;
    assert!(matches!(bench.store.create(new).await.unwrap(), Creation::Created(_)));
    let at = Timestamp::from_secs(1_700_000_000);
    assert_eq!(bench.store.touch(&key, at, at, Duration::MAX).await.unwrap(), Touched::Yes);
    assert!(!bench.is_gone(&key).await);
    assert!(bench.store.end(&key, Ending::Revoked, Duration::MAX).await.unwrap());
}

pub async fn a_record_is_written_over_the_one_before_it_alone(bench: &Bench) {
    let key = bench.session(&user()).await;
    for wrong in [0, 1, 3] {
        assert_eq!(bench.store.rewrite(&key, record(wrong)).await.unwrap(), Written::RevisionChanged);
    }
    let mut new = record(2);
    (new.header.generation, new.header.current, new.header.other) = (2, [4; 16], Some(Other::Previous([1; 16])));
    new.body = bytes::Bytes::from_static(b"another body");
    assert_eq!(bench.store.rewrite(&key, new.clone()).await.unwrap(), Written::Yes);
    assert_eq!(bench.found(&key).await, new);
    assert_eq!(bench.store.rewrite(&key, record(2)).await.unwrap(), Written::RevisionChanged);
    bench.store.end(&key, Ending::Revoked, LONG).await.unwrap();
    assert_eq!(bench.store.rewrite(&key, record(3)).await.unwrap(), Written::Gone);
    assert!(bench.is_gone(&key).await);
}

pub async fn a_rewrite_keeps_fence_use_user_tokens_and_life(bench: &Bench) {
    let user = user();
    let new = NewSession { keep_for: SHORT * 3, ..new_session(bench.store.time().await.unwrap(), &user) };
    let key = new.key;
    bench.store.create(new).await.unwrap();
    let LeaseAttempt::Taken(lease) = bench.store.lease(&key, LONG).await.unwrap() else { panic!("no lease") };
    let (early, late) = (Timestamp::from_secs(1_700_000_000), Timestamp::from_secs(1_700_000_009));
    bench.store.touch(&key, late, late, SHORT * 3).await.unwrap();
    let mut rewritten = record(2);
    (rewritten.header.last_active, rewritten.header.fence) = (Some(early), 0);
    assert_eq!(bench.store.rewrite(&key, rewritten).await.unwrap(), Written::Yes);
    let header = bench.found(&key).await.header;
    assert_eq!((header.fence, header.last_active), (1, Some(late)));
    assert!(lease.is_held());
    assert_eq!(bench.store.tokens(&key).await.unwrap().as_deref(), Some(b"sealed tokens".as_slice()));
    assert_eq!(bench.store.sessions_of(&user).await.unwrap().len(), 1);
    bench.pass(SHORT * 3 + Duration::from_millis(1)).await;
    assert!(bench.is_gone(&key).await);
}

pub async fn a_rewrite_wakes_who_waits_for_a_change(bench: &Bench) {
    let key = bench.session(&user()).await;
    let (_lease, start) = (bench.store.lease(&key, LONG).await.unwrap(), tokio::time::Instant::now());
    let (waited, written) = tokio::join!(bench.store.wait_for_lease(&key, LONG), async {
        tokio::time::sleep(SHORT).await;
        bench.store.rewrite(&key, record(2)).await
    });
    (waited.unwrap(), assert_eq!(written.unwrap(), Written::Yes));
    assert!(start.elapsed() >= SHORT && start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
