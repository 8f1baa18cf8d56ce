//! Owns what has ended, when a primary dies, also one that takes the last of it along: dead at every authority, and in the
//! store again. Does not know how the servers choose.

use std::time::Duration;

use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::ports::{Lookup, SessionStore as _, UserLookup, UserStore as _};
use gatelodge::rpc::policy::Role;
use gatelodge::session::key::{SessionKey, UserKey};
use gatelodge_client::v1::{self, admin_service_revoke_request::Target};
use tokio::time::{Instant, sleep};

use super::servers::{LOG, Servers, name_of};
use super::{PATIENCE, Pair};
use crate::redis::{Cluster, Watched};
use crate::rpc::serving::by;
use crate::world::{Browser, ISSUER, state_of};

/// Makes a test of every function named, for both kinds of servers.
macro_rules! both {
    ($($name:ident)*) => {
        mod cluster {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Pair::<super::Cluster>::start().await).await;
            })*
        }
        mod sentinel {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Pair::<super::Watched>::start().await).await;
            })*
        }
    };
}

both! {
    a_failover_of_the_log_logs_nobody_out_and_nothing_that_ends_after_it_lives_on
    what_ended_just_before_a_failover_that_lost_it_lives_on_nowhere
    a_user_who_was_disabled_stays_so_and_no_login_slips_past
    all_of_a_tenant_that_ended_stays_dead_also_for_who_comes_later
}

impl<S: Servers> Pair<S> {
    /// Stops the server for good.
    async fn lose(&mut self, at: usize) {
        self.servers(move |servers| servers.all()[at].stop()).await;
    }

    /// Cuts off the replicas of the server that holds the log once they have all there was until now.
    async fn cut_off_the_log(&mut self) -> usize {
        self.servers(|servers| {
            servers.wait_until_replicated();
            let at = servers.holder(LOG);
            servers.cut_off_replicas_of(at);
            at
        })
        .await
    }

    /// Somebody who is kept where the log is.
    async fn log_in_beside_the_log(&mut self, name: &str) -> (String, Browser, SessionKey) {
        let log = self.servers(|servers| servers.holder(LOG)).await;
        for number in 0.. {
            let sub = format!("{name}{number}");
            let (browser, session) = self.log_in(&sub).await;
            if self.servers(move |servers| servers.holder(&name_of(&session))).await == log {
                return (sub, browser, session);
            }
        }
        unreachable!("somebody is")
    }

    /// Waits until the store says so.
    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so().await {
            assert!(Instant::now() < end, "{what}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the session is gone from the store itself, whatever authorities know.
    async fn is_ended_in_the_store(&self, session: &SessionKey) {
        let gone = async || matches!(self.one.redis.read(session).await, Ok(Lookup::Gone(_)));
        self.until("it is never ended once more", gone).await;
    }

    async fn disable(&self, user_id: String) {
        self.one.hears().await;
        let request = v1::DisableUserRequest { user_id, reason: "test".into(), ..Default::default() };
        self.one.serving.admin().await.disable_user(by(Role::Admin, request)).await.unwrap();
    }
}

// store.md, 6: while the stream is broken caches are bypassed; security.md 113: and nobody is logged out.
async fn a_failover_of_the_log_logs_nobody_out_and_nothing_that_ends_after_it_lives_on<S: Servers>(mut pair: Pair<S>) {
    let (browser, session) = pair.log_in("ada").await;
    let log = pair
        .servers(|servers| {
            servers.wait_until_replicated();
            servers.holder(LOG)
        })
        .await;
    pair.lose(log).await;
    pair.fails_over(&browser).await;
    assert!(pair.one.says(&browser).await && pair.two.says(&browser).await, "a failover is no logout");
    pair.revoke(&session).await;
    assert!(!pair.is_told_of(&session).await, "what comes then is told by itself");
    assert!(!pair.two.says(&browser).await && !pair.one.says(&browser).await);
}

// store.md, 7: what the promoted replica has never heard of is known to the authorities, and is done again.
async fn what_ended_just_before_a_failover_that_lost_it_lives_on_nowhere<S: Servers>(mut pair: Pair<S>) {
    let (_, ended, session) = pair.log_in_beside_the_log("user").await;
    let (other, _) = pair.log_in("ada").await;
    let log = pair.cut_off_the_log().await;
    pair.revoke(&session).await;
    pair.is_told_of(&session).await;
    let is_back = pair.servers(move |servers| {
        servers.all()[log].stop();
        servers.has_beside(log, &name_of(&session))
    });
    assert!(is_back.await, "else this test shows nothing");
    pair.fails_over(&other).await;
    assert!(
        !pair.two.says(&ended).await && !pair.one.says(&ended).await,
        "the store has it again, and nobody believes it"
    );
    assert!(pair.one.says(&other).await && pair.two.says(&other).await, "a failover is no logout");
    pair.is_ended_in_the_store(&session).await;
    let later = pair.another().await;
    assert!(!later.says(&ended).await && later.says(&other).await, "who comes later knows it from the store");
}

async fn a_user_who_was_disabled_stays_so_and_no_login_slips_past<S: Servers>(mut pair: Pair<S>) {
    let (sub, ended, session) = pair.log_in_beside_the_log("user").await;
    let user = UserKey::of(session.tenant, ISSUER, &sub);
    // A login that is under way when the user is disabled.
    let mut late = Browser::default();
    let started = pair.two.world.start(&late, "").await;
    late.keep(&started.answer.set_cookies);
    let (other, _) = pair.log_in("ada").await;
    let log = pair.cut_off_the_log().await;
    pair.disable(format!("idp_{sub}")).await;
    pair.is_told_of(&session).await;
    pair.lose(log).await;
    pair.fails_over(&other).await;
    assert!(!pair.two.says(&ended).await && !pair.one.says(&ended).await);
    let disabled =
        async || matches!(pair.one.redis.user(&user).await, Ok(UserLookup::Found(kept)) if kept.facts.disabled);
    let code = pair.two.world.provider.code_for(&sub);
    let query = format!("code={code}&state={}", state_of(&started.answer));
    let failure = pair.two.world.callback(&late, &query).await.failure();
    assert!(matches!(failure, Some(LoginFailure::RevokedMeanwhile | LoginFailure::UserDisabled)), "{failure:?}");
    pair.until("the user is never disabled once more", disabled).await;
    pair.is_ended_in_the_store(&session).await;
    assert!(pair.one.says(&other).await && pair.two.says(&other).await, "a failover is no logout");
}

async fn all_of_a_tenant_that_ended_stays_dead_also_for_who_comes_later<S: Servers>(mut pair: Pair<S>) {
    let (_, ended, session) = pair.log_in_beside_the_log("user").await;
    let log = pair.cut_off_the_log().await;
    pair.one.hears().await;
    let request = v1::AdminServiceRevokeRequest {
        target: Some(Target::Tenant(v1::WholeTenant {})),
        reason: "test".into(),
        ..Default::default()
    };
    pair.one.serving.admin().await.revoke(by(Role::Admin, request)).await.unwrap();
    let known = async || !pair.two.says(&ended).await;
    pair.until("the second never hears of it", known).await;
    pair.lose(log).await;
    pair.fails_over(&ended).await;
    let (living, _) = pair.log_in("grace").await;
    assert!(!pair.one.says(&ended).await && !pair.two.says(&ended).await);
    let raised = async || {
        matches!(pair.one.redis.read_with_marks(&session).await,
            Ok((Lookup::Found(record), marks)) if marks.kill(&record.header.marks))
            || matches!(pair.one.redis.read(&session).await, Ok(Lookup::Gone(_)))
    };
    pair.until("the mark is never raised once more", raised).await;
    let later = pair.another().await;
    assert!(!later.says(&ended).await, "who comes later knows it from the store");
    assert!(later.says(&living).await, "who has logged in since lives on");
}
