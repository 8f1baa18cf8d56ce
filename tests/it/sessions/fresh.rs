//! Shows what a fresh login is: one whose age the provider states, judged by one clock at the callback and at every request.
//! Does not know how an edge carries it.

use std::sync::Arc;
use std::time::Duration;

use gatelodge::authority::Ports;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::refresh_tokens_response::Outcome as Refresh;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{Door, active, denied};
use super::step_up::{begin, come_back, completed, failed, query};
use crate::rpc::clocks::Wrong;
use crate::rpc::serving::{Serving, by, cookies};
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, Says, on_every_store};

on_every_store! {
    a_login_whose_age_nobody_stated_is_never_fresh
    the_age_of_a_login_is_told_by_the_stores_clock_whatever_the_machines_clock_says
    a_login_that_the_callback_takes_is_fresh_enough_for_the_request_that_asked_for_it
    who_is_asked_to_log_in_has_done_so_since_the_login_began
}

fn no_older_than(seconds: i64) -> v1::Requirements {
    v1::Requirements { max_login_age: Some(prost_types::Duration { seconds, nanos: 0 }), ..Default::default() }
}

fn says(door: &Door, says: Says) {
    *door.world.provider.says.lock().unwrap() = says;
}

async fn asks(door: &mut Door, browser: &Browser, needs: v1::Requirements) -> Outcome {
    door.ask(browser, |question| question.requirements = Some(needs)).await
}

// security.md 34: missing is the weakest.
async fn a_login_whose_age_nobody_stated_is_never_fresh(kept: Kept) {
    let mut door = Door::closed(kept, |_| ()).await;
    says(&door, Says { no_age: true, ..Says::default() });
    let mut browser = Browser::default();
    door.world.log_in(&mut browser, "ada").await;
    let identity = active(door.ask(&browser, |_| ()).await).identity.unwrap();
    assert_eq!(identity.auth_time, None, "nobody said so");
    let year = 365 * 24 * 3600;
    assert_eq!(denied(asks(&mut door, &browser, no_older_than(year)).await), v1::DeniedReason::LoginTooOld);

    // Asked for it, a provider has to say.
    let query = query(&mut door, &browser, no_older_than(year)).await;
    let mut began = begin(&door, &browser, &query).await;
    assert_eq!(failed(&come_back(&door, &mut began, "ada").await), v1::LoginFailure::AuthenticationUnmet);
    says(&door, Says::default());
    let mut began = begin(&door, &browser, &query).await;
    completed(&come_back(&door, &mut began, "ada").await);
    assert!(matches!(asks(&mut door, &began.browser, no_older_than(year)).await, Outcome::Active(_)));
}

async fn the_age_of_a_login_is_told_by_the_stores_clock_whatever_the_machines_clock_says(kept: Kept) {
    for fast in [true, false] {
        let wrong = |ports: &mut Ports| ports.wall = Arc::new(Wrong { right: Arc::clone(&ports.clock), fast });
        let replicas = Replicas::with_other(kept, |_| (), wrong).await;
        let (world, provider) = (&replicas.two, &replicas.one.provider);
        let mut browser = Browser::default();
        provider.says.lock().unwrap().age = Duration::from_secs(100);
        world.log_in(&mut browser, "ada").await.result.unwrap();
        for (seconds, is_fresh) in [(100, true), (99, false)] {
            let question = v1::ValidateSessionRequest {
                cookies: cookies(&browser),
                requirements: Some(no_older_than(seconds)),
                ..Default::default()
            };
            let right =
                Serving::of(&replicas.one).await.sessions().await.validate_session(by(Role::Edge, question)).await;
            let outcome = right.unwrap().into_inner().outcome.unwrap();
            assert_eq!(matches!(outcome, Outcome::Active(_)), is_fresh, "{fast} {seconds}: {outcome:?}");
        }
        // The provider is held to what it has said.
        let question = v1::RefreshTokensRequest { cookies: cookies(&browser), ..Default::default() };
        let refreshed = Serving::of(world).await.sessions().await.refresh_tokens(by(Role::Backend, question)).await;
        assert!(matches!(refreshed.unwrap().into_inner().outcome, Some(Refresh::Refreshed(_))));
        let asked = provider.refresh.lock().unwrap().take().unwrap();
        assert_eq!(asked.auth_time, Some(asked.now - Duration::from_secs(100)), "{fast}");
    }
}

// What one side takes and the other refuses sends browser and provider each other's way for ever.
async fn a_login_that_the_callback_takes_is_fresh_enough_for_the_request_that_asked_for_it(kept: Kept) {
    let mut door = Door::open(kept, |_| ()).await;
    door.world.clock.advance(Duration::from_mins(5));
    let browser = door.browser.clone();
    let query = query(&mut door, &browser, no_older_than(60)).await;
    for (age, is_taken) in [(61, false), (60, true)] {
        says(&door, Says { age: Duration::from_secs(age), ..Says::default() });
        let mut began = begin(&door, &browser, &query).await;
        let answer = come_back(&door, &mut began, "ada").await;
        if is_taken {
            completed(&answer);
        } else {
            assert_eq!(failed(&answer), v1::LoginFailure::AuthenticationUnmet);
        }
        let outcome = asks(&mut door, &began.browser, no_older_than(60)).await;
        assert_eq!(matches!(outcome, Outcome::Active(_)), is_taken, "{age} s");
    }
}

// security.md 8: what a login asks for is remembered and enforced.
async fn who_is_asked_to_log_in_has_done_so_since_the_login_began(kept: Kept) {
    let door = Door::closed(kept, |_| ()).await;
    let nobody = Browser::default();
    for query in ["prompt=login", "prompt=consent%20login", "prompt=login&max_age=900", "max_age=0"] {
        for (took, age, is_taken) in [(0, 60, false), (120, 130, false), (120, 100, true), (0, 0, true)] {
            let mut began = begin(&door, &nobody, query).await;
            let wish = door.world.provider.wishes.lock().unwrap().pop().unwrap();
            assert_eq!(wish.max_age, Some(Duration::ZERO), "so the provider has to say when");
            door.world.clock.advance(Duration::from_secs(took));
            says(&door, Says { age: Duration::from_secs(age), ..Says::default() });
            let answer = come_back(&door, &mut began, "ada").await;
            if is_taken {
                completed(&answer);
            } else {
                assert_eq!(failed(&answer), v1::LoginFailure::AuthenticationUnmet, "{query} {took} {age}");
            }
        }
        says(&door, Says { no_age: true, ..Says::default() });
        let mut began = begin(&door, &nobody, query).await;
        assert_eq!(failed(&come_back(&door, &mut began, "ada").await), v1::LoginFailure::AuthenticationUnmet);
    }
    for query in ["prompt=consent", "prompt=select_account", ""] {
        let mut began = begin(&door, &nobody, query).await;
        completed(&come_back(&door, &mut began, "ada").await);
    }
}
