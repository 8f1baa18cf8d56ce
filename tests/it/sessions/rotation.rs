//! Shows how an old credential becomes a new one, and that nobody is logged out by what goes wrong on the way.
//! Does not know how a cookie is delivered.

use std::time::Duration;

use futures::future::join_all;
use gatelodge::rpc::policy::Role;
use gatelodge::session::record::Other;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{AFTER, COOKIE, Door, GRACE, active, denied_its_token, rotating};
use crate::rpc::serving::{by, context, cookies};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    a_credential_is_replaced_by_age_and_the_session_goes_on
    nothing_is_replaced_before_its_time_or_when_rotation_is_off
    a_lost_answer_logs_nobody_out_and_is_given_again
    a_backend_that_cannot_set_cookies_rotates_nothing_and_takes_either
    racing_requests_yield_one_successor
    csrf_tokens_of_the_predecessor_are_good_through_the_grace
    tokens_open_before_during_and_after_a_rotation
    a_logout_in_the_grace_ends_the_session
}

async fn a_credential_is_replaced_by_age_and_the_session_goes_on(kept: Kept) {
    let mut door = Door::due(kept).await;
    let (next, token) = door.rotated().await;
    assert!(token.starts_with("csrf_"), "the answer that rotates carries a fresh token");
    let first = active(door.ask(&next, |_| ()).await);
    let session = first.session.unwrap();
    assert_eq!((session.generation, first.set_cookies.len()), (2, 0));
    assert!(matches!(door.post(&next, &token).await, Outcome::Active(_)), "the token is the successor's");
    assert!(door.log.text().contains("a session's credential was rotated"), "{}", door.log.text());

    // What was under way with the one before arrives in the grace, which began when the successor came back.
    door.world.clock.advance(GRACE.saturating_sub(Duration::from_millis(1)));
    let late = active(door.ask(&door.browser.clone(), |_| ()).await);
    let mut again = door.browser.clone();
    again.keep(&late.set_cookies);
    assert_eq!(again.cookie(COOKIE), next.cookie(COOKIE), "the same successor");

    // And it goes on: a third generation after another period.
    door.world.clock.advance(AFTER);
    door.browser = next;
    let (third, _) = door.rotated().await;
    assert_eq!(active(door.ask(&third, |_| ()).await).session.unwrap().generation, 3);
}

async fn nothing_is_replaced_before_its_time_or_when_rotation_is_off(kept: Kept) {
    for on in [true, false] {
        let mut door = Door::open(kept, |settings| settings.rotation.after = on.then_some(AFTER)).await;
        let browser = door.browser.clone();
        let first = active(door.ask(&browser, |_| ()).await);
        let key = Door::key(first.session.as_ref().unwrap());
        let revision = door.record(&key).await.header.revision;
        door.world.clock.advance(if on { AFTER.saturating_sub(Duration::from_millis(1)) } else { AFTER * 3 });
        let later = active(door.ask(&browser, |_| ()).await);
        assert!(later.set_cookies.is_empty() && later.csrf_token.is_empty());
        assert_eq!(door.record(&key).await.header.revision, revision, "nothing was written but its use");
    }
}

// contract.md, 6.
async fn a_lost_answer_logs_nobody_out_and_is_given_again(kept: Kept) {
    let mut door = Door::due(kept).await;
    let (lost, _) = door.rotated().await;
    for _ in 0..3 {
        door.world.clock.advance(GRACE * 4);
        let (again, token) = door.rotated().await;
        assert_eq!(again.cookie(COOKIE), lost.cookie(COOKIE), "the same successor, however late");
        assert!(matches!(door.post(&door.browser.clone(), &token).await, Outcome::Active(_)), "its token came first");
    }
    let (again, _) = door.rotated().await;
    assert_eq!(active(door.ask(&again, |_| ()).await).session.unwrap().generation, 2);
}

async fn a_backend_that_cannot_set_cookies_rotates_nothing_and_takes_either(kept: Kept) {
    let mut door = Door::due(kept).await;
    let browser = door.browser.clone();
    let seen = active(door.ask(&browser, |question| question.can_set_cookies = false).await);
    assert!(seen.set_cookies.is_empty());
    assert_eq!(door.record(&Door::key(seen.session.as_ref().unwrap())).await.header.other, None);

    let (next, _) = door.rotated().await;
    // A backend is handed the successor first: that it came back is what counts.
    for browser in [&next, &browser] {
        let seen =
            active(door.ask(browser, |question| (question.can_set_cookies, question.context) = (false, None)).await);
        assert!(seen.set_cookies.is_empty());
        assert_eq!(seen.session.unwrap().generation, 2);
    }
}

async fn racing_requests_yield_one_successor(kept: Kept) {
    const RACERS: usize = 100;
    let door = Door::due(kept).await;
    let asks = (0..RACERS).map(|_| {
        let (mut client, browser) = (door.sessions.clone(), door.browser.clone());
        async move {
            let question = v1::ValidateSessionRequest {
                cookies: cookies(&browser),
                context: Some(context("GET", "/")),
                can_set_cookies: true,
                ..Default::default()
            };
            active(client.validate_session(by(Role::Edge, question)).await.unwrap().into_inner().outcome.unwrap())
        }
    });
    let answers = join_all(asks).await;
    let mut given: Vec<_> = answers.iter().flat_map(|answer| answer.set_cookies.clone()).collect();
    assert_eq!(given.len(), RACERS, "every one of them is given the successor");
    given.dedup();
    assert_eq!(given.len(), 1, "and it is one");
    let key = Door::key(answers[0].session.as_ref().unwrap());
    assert!(matches!(door.record(&key).await.header.other, Some(Other::Next(_))));
}

// security.md 70: a token is bound to its generation; the one before is good as long as its credential.
async fn csrf_tokens_of_the_predecessor_are_good_through_the_grace(kept: Kept) {
    let mut door = Door::open(kept, rotating).await;
    let browser = door.browser.clone();
    let old = active(door.ask(&browser, |question| question.issue_csrf_token = true).await).csrf_token;
    door.world.clock.advance(AFTER);
    let (next, new) = door.rotated().await;
    assert!(matches!(door.post(&browser, &old).await, Outcome::Active(_)), "before the successor came back");
    assert!(matches!(door.post(&next, &old).await, Outcome::Active(_)));
    door.world.clock.advance(GRACE.saturating_sub(Duration::from_millis(1)));
    for (browser, token) in [(&browser, &old), (&browser, &new), (&next, &old), (&next, &new)] {
        assert!(matches!(door.post(browser, token).await, Outcome::Active(_)), "in the grace");
    }
    door.world.clock.advance(Duration::from_millis(1));
    assert_eq!(denied_its_token(door.post(&next, &old).await), v1::DeniedReason::CsrfRotated);
    assert!(matches!(door.post(&next, &new).await, Outcome::Active(_)));
}

async fn access_token(door: &mut Door, browser: &Browser) -> String {
    let question = v1::GetAccessTokenRequest { cookies: cookies(browser), ..Default::default() };
    let answer = door.sessions.get_access_token(by(Role::Backend, question)).await.unwrap().into_inner();
    match answer.outcome.unwrap() {
        v1::get_access_token_response::Outcome::AccessToken(token) => token.value,
        v1::get_access_token_response::Outcome::Inactive(inactive) => panic!("{inactive:?}"),
    }
}

async fn tokens_open_before_during_and_after_a_rotation(kept: Kept) {
    let mut door = Door::open(kept, |settings| {
        rotating(settings);
        settings.tokens.refresh = true;
    })
    .await;
    let old = door.browser.clone();
    active(door.ask(&old, |_| ()).await);
    door.world.clock.advance(AFTER);
    let first = access_token(&mut door, &old).await;
    let (next, _) = door.rotated().await;
    for browser in [&next, &old, &next] {
        assert_eq!(access_token(&mut door, browser).await, first);
    }
    door.world.clock.advance(GRACE * 20);
    assert_ne!(access_token(&mut door, &next).await, first, "lapsed, and refreshed under the successor");
}

async fn a_logout_in_the_grace_ends_the_session(kept: Kept) {
    let mut door = Door::due(kept).await;
    let (next, _) = door.rotated().await;
    active(door.ask(&next, |_| ()).await);
    let target = v1::session_service_revoke_request::Target::PresentedSession(v1::PresentedSession {});
    let old = cookies(&door.browser);
    let revoke = v1::SessionServiceRevokeRequest { cookies: old, target: Some(target), ..Default::default() };
    let revoked = door.sessions.revoke(by(Role::Edge, revoke)).await.unwrap().into_inner();
    assert_eq!(revoked.revoked_count, 1);
    assert!(matches!(door.ask(&next, |_| ()).await, Outcome::Inactive(_)));
    assert_eq!(door.world.provider.revoked.lock().unwrap().len(), 1, "the refresh token goes too");
}
