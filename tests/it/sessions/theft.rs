//! Shows that an old credential after its grace ends the session, and that one which a failover forgot never does.
//! Does not know how a store fails over.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{AFTER, Door, GRACE, active, inactive, rotating};
use crate::rpc::failed;
use crate::rpc::serving::{by, cookies};
use crate::world::replicas::until;
use crate::world::{Kept, on_every_store};

on_every_store! {
    an_old_credential_after_its_grace_ends_the_session_and_the_log_says_so
    an_even_older_credential_is_theft_at_once
    a_failover_that_lost_the_issue_logs_nobody_out
    a_failover_that_lost_the_first_presentation_logs_nobody_out
    two_successors_of_one_credential_are_both_taken_up
    a_refresh_under_way_seals_nothing_under_a_key_that_a_failover_lost
}

// RFC 9700, 4.14.2, as for refresh tokens: nobody knows which of the two is the user.
async fn an_old_credential_after_its_grace_ends_the_session_and_the_log_says_so(kept: Kept) {
    let mut door = Door::due(kept).await;
    let old = door.browser.clone();
    let (next, _) = door.rotated().await;
    let session = active(door.ask(&next, |_| ()).await).session.unwrap();
    door.world.clock.advance(GRACE);
    // A backend's probe is enough to see it, whatever the client looks like.
    let seen = door.ask(&old, |question| (question.can_set_cookies, question.context) = (false, None)).await;
    assert_eq!(inactive(seen), v1::InactiveReason::Revoked);
    assert_eq!(inactive(door.ask(&next, |_| ()).await), v1::InactiveReason::Revoked, "whoever holds it logs in again");
    let text = door.log.text();
    let line = text.lines().find(|line| line.contains("the session is ended as stolen")).expect(&text);
    assert!(line.contains("WARN") && line.contains(&session.session_id), "{line}");
}

async fn an_even_older_credential_is_theft_at_once(kept: Kept) {
    let mut door = Door::due(kept).await;
    let first = door.browser.clone();
    for _ in 0..2 {
        let (next, _) = door.rotated().await;
        active(door.ask(&next, |_| ()).await);
        door.world.clock.advance(AFTER);
        door.browser = next;
    }
    assert_eq!(inactive(door.ask(&first, |_| ()).await), v1::InactiveReason::Revoked);
    assert_eq!(inactive(door.ask(&door.browser.clone(), |_| ()).await), v1::InactiveReason::Revoked);
}

// store.md, 1: a generation ahead of the record is a write that a failover lost: never theft, never a logout.
async fn a_failover_that_lost_the_issue_logs_nobody_out(kept: Kept) {
    let mut door = Door::due(kept).await;
    let old = door.browser.clone();
    let session = active(door.ask(&old, |question| question.can_set_cookies = false).await).session.unwrap();
    let key = Door::key(&session);
    let before = door.record(&key).await;
    let (next, token) = door.rotated().await;
    door.fail_over_to(&key, &before).await;

    let taken_up = active(door.ask(&next, |_| ()).await).session.unwrap();
    assert_eq!((taken_up.session_id.as_str(), taken_up.generation), (session.session_id.as_str(), 2));
    assert!(matches!(door.post(&next, &token).await, Outcome::Active(_)));
    assert!(matches!(door.ask(&old, |_| ()).await, Outcome::Active(_)), "what was under way arrives");
    assert!(door.log.text().contains("the store has lost the write of a rotation"));
    // Its tokens are gone, which is an answer and no trouble.
    let question = v1::GetAccessTokenRequest { cookies: cookies(&next), ..Default::default() };
    let status = door.sessions.get_access_token(by(Role::Backend, question)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{status:?}");
    // From here on it is a session like any other.
    door.world.clock.advance(AFTER);
    door.browser = next;
    let (third, _) = door.rotated().await;
    assert_eq!(active(door.ask(&third, |_| ()).await).session.unwrap().generation, 3);
}

async fn a_failover_that_lost_the_first_presentation_logs_nobody_out(kept: Kept) {
    let mut door = Door::due(kept).await;
    let (next, _) = door.rotated().await;
    let key = Door::key(&active(door.ask(&door.browser.clone(), |_| ()).await).session.unwrap());
    let issued = door.record(&key).await;
    active(door.ask(&next, |_| ()).await);
    door.fail_over_to(&key, &issued).await;
    door.world.clock.advance(GRACE + Duration::from_secs(1));
    // The store knows no better than before: either is good, and the successor begins its grace anew.
    assert!(matches!(door.ask(&door.browser.clone(), |_| ()).await, Outcome::Active(_)));
    assert_eq!(active(door.ask(&next, |_| ()).await).session.unwrap().generation, 2);
    assert!(matches!(door.ask(&door.browser.clone(), |_| ()).await, Outcome::Active(_)));
}

async fn two_successors_of_one_credential_are_both_taken_up(kept: Kept) {
    let mut door = Door::due(kept).await;
    let browser = door.browser.clone();
    let session = active(door.ask(&browser, |question| question.can_set_cookies = false).await).session.unwrap();
    let key = Door::key(&session);
    let before = door.record(&key).await;
    let (lost, _) = door.rotated().await;
    door.fail_over_to(&key, &before).await;
    let (known, _) = door.rotated().await;
    assert_ne!(lost.cookies, known.cookies);
    for browser in [&lost, &known, &lost] {
        assert_eq!(active(door.ask(browser, |_| ()).await).session.unwrap().generation, 2);
    }
}

// The refresh began with the credential before: what it brings can't be sealed for the one that was taken up meanwhile.
async fn a_refresh_under_way_seals_nothing_under_a_key_that_a_failover_lost(kept: Kept) {
    let mut door = Door::open(kept, |settings| {
        rotating(settings);
        settings.tokens.refresh = true;
    })
    .await;
    let old = door.browser.clone();
    let key = Door::key(&active(door.ask(&old, |_| ()).await).session.unwrap());
    let before = door.record(&key).await;
    door.world.clock.advance(AFTER);
    *door.world.provider.slow.lock().unwrap() = Some(Duration::from_secs(1));
    let (next, _) = door.rotated().await;
    until(|| door.world.provider.refreshed.load(Ordering::SeqCst) == 1).await;
    door.fail_over_to(&key, &before).await;
    active(door.ask(&next, |_| ()).await);
    assert!(
        door.log.text().contains("the store has lost the write of a rotation"),
        "it is taken up during the refresh"
    );
    until(|| !door.world.provider.revoked.lock().unwrap().is_empty()).await;
    assert_eq!(*door.world.provider.revoked.lock().unwrap(), ["refresh-100"], "they are for nobody");
    for browser in [&next, &old] {
        let question = v1::GetAccessTokenRequest { cookies: cookies(browser), ..Default::default() };
        let refused = door.sessions.get_access_token(by(Role::Backend, question)).await;
        failed(refused, tonic::Code::FailedPrecondition, "ACCESS_TOKEN_EXPIRED");
        let question = v1::GetAttributesRequest { cookies: cookies(browser), ..Default::default() };
        door.sessions.get_attributes(by(Role::Backend, question)).await.unwrap();
    }
}
