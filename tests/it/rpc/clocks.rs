//! Owns what a machine whose clock is an hour off does to sessions: nothing, whichever replica it is. Does not know how
//! an authority learns the store's time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::authority::ports::Clock;
use gatelodge::rpc::policy::Role;
use gatelodge::session::time::Timestamp;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::serving::{Serving, by, cookies, validation};
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept};

const AFTER: Duration = Duration::from_hours(1);
const OFF: Duration = Duration::from_hours(1);

/// A machine's clock that is wrong.
pub struct Wrong {
    pub right: Arc<dyn Clock>,
    pub fast: bool,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        let now = self.right.now().as_millis();
        let off = u64::try_from(OFF.as_millis()).unwrap();
        Timestamp::from_millis(if self.fast { now + off } else { now - off })
    }
}

async fn ask(serving: &Serving, browser: &mut Browser) -> v1::ActiveSession {
    let question = v1::ValidateSessionRequest { can_set_cookies: true, ..validation(browser) };
    let answer = serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
    match answer.outcome {
        Some(Outcome::Active(active)) => {
            browser.keep(&active.set_cookies);
            active
        }
        other => panic!("{other:?}"),
    }
}

async fn access(serving: &Serving, browser: &Browser) -> v1::AccessToken {
    let question = v1::GetAccessTokenRequest { cookies: cookies(browser), ..Default::default() };
    let answer = serving.sessions().await.get_access_token(by(Role::Backend, question)).await.unwrap().into_inner();
    match answer.outcome {
        Some(v1::get_access_token_response::Outcome::AccessToken(token)) => token,
        other => panic!("{other:?}"),
    }
}

// store.md, 7: sessions go by the store's time; a machine's own serves for what providers sign alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_whose_clock_is_an_hour_off_logs_nobody_out_and_believes_nothing_longer() {
    for kept in [Kept::Memory, Kept::Redis] {
        for fast in [true, false] {
            let settings = |settings: &mut gatelodge::authority::settings::Settings| {
                settings.rotation.after = Some(AFTER);
                settings.lifetimes.idle = Duration::from_hours(12);
            };
            let wrong = |ports: &mut gatelodge::authority::Ports| {
                ports.wall = Arc::new(Wrong { right: Arc::clone(&ports.clock), fast });
            };
            let replicas = Replicas::with_other(kept, settings, wrong).await;
            let (right, off) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
            let provider = &replicas.one.provider;
            // Logged in and refreshed where the clock is wrong, and used where it is right.
            let mut browser = Browser::default();
            let made = replicas.two.log_in(&mut browser, "ada").await.result.unwrap();
            assert_eq!(made.times.created, replicas.one.clock.now(), "{kept:?}");
            replicas.catch_up().await;
            for serving in [&right, &off] {
                ask(serving, &mut browser).await;
            }
            let second = access(&right, &browser).await.expire_time.unwrap().seconds;
            let now = |world: &crate::world::World| i64::try_from(world.clock.now().as_secs()).unwrap();
            assert_eq!(
                second,
                now(&replicas.one) + 300,
                "{kept:?} {fast}: it ends when the provider said, for everybody"
            );

            replicas.one.clock.advance(Duration::from_secs(290));
            replicas.hear().await;
            let token = access(&off, &browser).await;
            assert_eq!(
                (token.value.as_str(), token.expire_time.unwrap().seconds),
                ("access-100", now(&replicas.one) + 300)
            );
            assert_eq!(access(&right, &browser).await, token, "{kept:?} {fast}: and is refreshed no sooner elsewhere");
            assert_eq!(provider.refreshed.load(Ordering::SeqCst), 1);

            // Neither rotates before the time, and a successor of one is presented to the other.
            let before = browser.clone();
            ask(&off, &mut browser).await;
            assert_eq!(browser.cookies, before.cookies, "{kept:?} {fast}: not due yet");
            replicas.one.clock.advance(AFTER);
            replicas.hear().await;
            ask(&off, &mut browser).await;
            assert_ne!(browser.cookies, before.cookies, "{kept:?} {fast}: it is due");
            assert_eq!(ask(&right, &mut browser).await.session.unwrap().generation, 2);
            assert_eq!(ask(&off, &mut before.clone()).await.session.unwrap().generation, 2, "in its grace");

            // What ends here is not believed there for an instant longer than it takes to hear of it.
            replicas.catch_up().await;
            ask(&off, &mut browser).await;
            assert_eq!(replicas.one.revoke(&browser).await, 1);
            replicas.catch_up().await;
            let answer = off.sessions().await.validate_session(by(Role::Edge, validation(&browser))).await.unwrap();
            assert!(matches!(answer.into_inner().outcome, Some(Outcome::Inactive(_))), "{kept:?} {fast}");
        }
    }
}
