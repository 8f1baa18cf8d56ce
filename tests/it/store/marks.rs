//! Owns what must hold of not-before marks, in every store. Does not know which store it is.

use std::time::Duration;

use gatelodge::authority::ports::{Creation, Lookup, NewSession};
use gatelodge::session::key::{SessionKey, TenantNumber, UserKey};
use gatelodge::session::mark::{MarkTarget, MarksNow, ProviderTag};
use gatelodge::session::record::Ending;

use super::bench::{Bench, CREATED, LONG, SHORT, TENANT, new_session, user};

const IDP: &str = "idp";

/// A session whose login with `provider` has begun while these marks were in force.
async fn born(bench: &Bench, user: &UserKey, provider: &str, marks: &MarksNow) -> (SessionKey, Creation) {
    let mut new = new_session(bench.store.time().await.unwrap(), user);
    new.record.header.marks = marks.at_birth(ProviderTag::of(provider));
    (new.key, bench.store.create(new).await.unwrap())
}

async fn made(bench: &Bench, user: &UserKey, provider: &str) -> SessionKey {
    let marks = bench.store.marks(user.tenant).await.unwrap();
    let (key, created) = born(bench, user, provider, &marks).await;
    assert!(matches!(created, Creation::Created(_)));
    key
}

async fn listed(bench: &Bench, user: &UserKey) -> Vec<SessionKey> {
    let walked = bench.store.walk(user.tenant, None, 1000).await.unwrap().sessions;
    let mut walked: Vec<_> = walked.into_iter().map(|(key, _)| key).filter(|key| key.tenant == user.tenant).collect();
    let mut own: Vec<_> = bench.store.sessions_of(user).await.unwrap().into_iter().map(|(key, _)| key).collect();
    walked.sort();
    own.sort();
    assert_eq!(walked, own, "the walk and the list of the only user disagree");
    own
}

pub async fn a_mark_kills_what_was_born_before_it(bench: &Bench) {
    let user = user();
    let targets = [MarkTarget::Provider(TENANT, IDP.into()), MarkTarget::Tenant(TENANT), MarkTarget::Everything];
    for target in targets {
        let before = bench.store.marks(TENANT).await.unwrap();
        let (one, other) = (made(bench, &user, IDP).await, made(bench, &user, "other").await);
        let mark = bench.store.raise(&target, LONG).await.unwrap();
        let now = bench.store.marks(TENANT).await.unwrap();
        let mut expected = before.clone();
        expected.raise(&target, mark);
        assert_eq!(now, expected, "{target:?}");

        let (lookup, marks) = bench.store.read_with_marks(&one).await.unwrap();
        let Lookup::Found(record) = lookup else { panic!("{lookup:?}") };
        assert_eq!(marks, now, "{target:?}: as in the session's own slot");
        assert!(marks.kill(&record.header.marks));
        let spared = matches!(target, MarkTarget::Provider(..));
        assert_eq!(listed(bench, &user).await, if spared { vec![other] } else { vec![] }, "{target:?}");

        // A login that has begun before may not be completed; one that begins now may.
        assert_eq!(born(bench, &user, IDP, &before).await.1, Creation::RevokedMeanwhile, "{target:?}");
        let new = made(bench, &user, IDP).await;
        assert!(listed(bench, &user).await.contains(&new), "{target:?}");
        bench.store.end_user(&user, LONG, SHORT).await.unwrap();
        bench.pass(SHORT + Duration::from_millis(1)).await;
    }
}

pub async fn a_mark_only_rises(bench: &Bench) {
    let target = MarkTarget::Tenant(TENANT);
    let mut last = bench.store.time().await.unwrap().as_millis() - 1;
    for _ in 0..4 {
        let mark = bench.store.raise(&target, LONG).await.unwrap();
        assert!(mark > last, "{mark} after {last}");
        last = mark;
    }
    let (_, marks) = bench.store.read_with_marks(&made(bench, &user(), IDP).await).await.unwrap();
    assert_eq!((marks.everything, marks.tenant), (0, last));
}

pub async fn killed_sessions_do_not_count(bench: &Bench) {
    let user = user();
    for _ in 0..2 {
        made(bench, &user, IDP).await;
    }
    let create = async || {
        let mut new = NewSession { user_cap: 2, ..new_session(bench.store.time().await.unwrap(), &user) };
        new.record.header.marks = bench.store.marks(TENANT).await.unwrap().at_birth(ProviderTag::of(IDP));
        bench.store.create(new).await.unwrap()
    };
    assert_eq!(create().await, Creation::TooMany);
    bench.store.raise(&MarkTarget::Provider(TENANT, IDP.into()), LONG).await.unwrap();
    assert_eq!((create().await, create().await, create().await), (CREATED, CREATED, Creation::TooMany));
}

pub async fn ending_the_killed_ends_none(bench: &Bench) {
    let user = user();
    let (one, _, other) =
        (made(bench, &user, IDP).await, made(bench, &user, IDP).await, made(bench, &user, "other").await);
    bench.store.raise(&MarkTarget::Provider(TENANT, IDP.into()), LONG).await.unwrap();
    assert!(!bench.store.end(&one, Ending::Revoked, LONG).await.unwrap(), "it was dead already");
    assert_eq!(bench.store.end_user(&user, LONG, LONG).await.unwrap(), 1);
    assert!(bench.is_gone(&one).await && bench.is_gone(&other).await);
    assert_eq!(bench.store.count(TENANT).await.unwrap(), 0, "what was dead is taken out all the same");
}

pub async fn the_sweep_removes_the_killed(bench: &Bench) {
    let user = user();
    let (killed, spared) = (made(bench, &user, IDP).await, made(bench, &user, "other").await);
    assert_eq!(bench.store.count(TENANT).await.unwrap(), 2);
    bench.store.raise(&MarkTarget::Provider(TENANT, IDP.into()), LONG).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.store.count(TENANT).await.unwrap(), 1);
    assert!(bench.is_gone(&killed).await && !bench.is_gone(&spared).await);
    assert_eq!(bench.store.tokens(&killed).await.unwrap(), None);
}

pub async fn a_mark_goes_after_its_time(bench: &Bench) {
    bench.store.raise(&MarkTarget::Everything, SHORT * 4).await.unwrap();
    assert_ne!(bench.store.marks(TENANT).await.unwrap(), MarksNow::default());
    bench.pass(SHORT * 5).await;
    assert_eq!(bench.store.marks(TENANT).await.unwrap(), MarksNow::default());
    bench.sweep().await;
    assert_eq!(bench.store.marks(TENANT).await.unwrap(), MarksNow::default());
}

pub async fn a_mark_is_for_its_tenant(bench: &Bench) {
    let stranger = UserKey::of(TenantNumber(2), "https://issuer.example", "stranger");
    let spared = made(bench, &stranger, IDP).await;
    bench.store.raise(&MarkTarget::Tenant(TENANT), LONG).await.unwrap();
    bench.store.raise(&MarkTarget::Provider(TENANT, IDP.into()), LONG).await.unwrap();
    assert_eq!(listed(bench, &stranger).await, [spared]);
    bench.store.raise(&MarkTarget::Everything, LONG).await.unwrap();
    assert_eq!(listed(bench, &stranger).await, []);
}
