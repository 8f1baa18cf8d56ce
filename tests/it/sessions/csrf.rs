//! Shows what is wrong with a CSRF token, in the words of the contract, and what helps; and that nothing else is judged by
//! it. Does not know how a token is made.

use std::time::Duration;

use gatelodge_client::v1::DeniedReason as Reason;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::door::{Door, active, denied_its_token};
use crate::world::{Browser, Kept, on_every_store};

on_every_store! {
    every_fault_of_a_token_has_its_own_reason
    a_token_is_for_its_session_alone
    on_a_safe_method_no_token_is_looked_at
}

const MAX_AGE: Duration = Duration::from_hours(1);

async fn open(kept: Kept) -> Door {
    Door::open(kept, |settings| settings.csrf.max_age = MAX_AGE).await
}

async fn token(door: &mut Door, browser: &Browser) -> String {
    active(door.ask(browser, |question| question.issue_csrf_token = true).await).csrf_token
}

async fn every_fault_of_a_token_has_its_own_reason(kept: Kept) {
    let mut door = open(kept).await;
    let browser = door.browser.clone();
    let good = token(&mut door, &browser).await;
    assert_eq!(denied_its_token(door.post(&browser, "").await), Reason::CsrfMissing);
    // security.md 69: cut, lengthened, changed in any place, of another kind, of nobody's making.
    let changed = |at: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut wrong: Vec<String> = (5..good.len() - 1).step_by(7).map(changed).collect();
    wrong.extend([good[..good.len() - 4].to_owned(), format!("{good}AAAA"), good.replace("csrf_", "sess_")]);
    wrong.extend(["csrf_".to_owned(), "x".to_owned(), browser.cookie(super::door::COOKIE).unwrap().to_owned()]);
    for wrong in wrong {
        assert_eq!(denied_its_token(door.post(&browser, &wrong).await), Reason::CsrfInvalid, "{wrong}");
    }
    assert!(matches!(door.post(&browser, &good).await, Outcome::Active(_)), "none of it spoils the good one");

    door.world.clock.advance(MAX_AGE.saturating_sub(Duration::from_secs(1)));
    assert!(matches!(door.post(&browser, &good).await, Outcome::Active(_)));
    door.world.clock.advance(Duration::from_secs(2));
    assert_eq!(denied_its_token(door.post(&browser, &good).await), Reason::CsrfExpired);
    let fresh = token(&mut door, &browser).await;
    assert!(matches!(door.post(&browser, &fresh).await, Outcome::Active(_)), "the session lives all the same");
}

async fn a_token_is_for_its_session_alone(kept: Kept) {
    let mut door = open(kept).await;
    let ada = door.browser.clone();
    let (mut again, mut bob) = (Browser::default(), Browser::default());
    door.world.log_in(&mut again, "ada").await.result.unwrap();
    door.world.log_in(&mut bob, "bob").await.result.unwrap();
    for other in [&again, &bob] {
        let foreign = token(&mut door, other).await;
        assert_eq!(denied_its_token(door.post(&ada, &foreign).await), Reason::CsrfOtherSession);
        assert!(matches!(door.post(other, &foreign).await, Outcome::Active(_)));
    }
}

// contract.md, 6: ignored there, even stale.
async fn on_a_safe_method_no_token_is_looked_at(kept: Kept) {
    let mut door = open(kept).await;
    let browser = door.browser.clone();
    for token in ["", "null", "csrf_AAAA"] {
        let came = |question: &mut gatelodge_client::v1::ValidateSessionRequest| {
            question.context.as_mut().unwrap().csrf_token = Some(token.to_owned().into());
        };
        assert!(!active(door.ask(&browser, came).await).judged.unwrap().csrf, "{token}");
    }
}
