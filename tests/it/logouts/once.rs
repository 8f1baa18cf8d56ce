//! Owns what becomes of a logout token that comes twice at once, or late. Does not know what can be wrong with one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::authority::ports::LogoutStore as _;
use gatelodge::session::key::{LogoutTokenKey, TenantNumber};
use tonic::Code;

use super::told::Told;
use super::unset;
use crate::hostile::Hostile;
use crate::world::faults::Fault;
use crate::world::{Kept, on_every_store};

on_every_store! {
    of_copies_that_come_at_once_one_is_carried_out
    a_copy_of_what_is_being_carried_out_is_asked_to_come_again
    a_late_token_ends_nothing_that_began_after_it
    a_login_between_its_two_writes_does_not_slip_past
}

/// The longest that what the provider says may differ from our clock, and a little more.
const LATE: Duration = Duration::from_secs(15);

fn key_of(token: &str) -> LogoutTokenKey {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    LogoutTokenKey::of(TenantNumber(1), "hostile", claims["jti"].as_str().unwrap())
}

// security.md 90.
async fn of_copies_that_come_at_once_one_is_carried_out(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    for without in ["sub", "sid"] {
        let browser = told.log_in(&hostile).await;
        let token = hostile.claims(unset(without)).logout_token();
        hostile.behave();
        let work = ["end_joined", "end_user"].map(|step| told.store.count(step));
        told.store.set(Fault::SlowToAnswer(Duration::from_millis(30)));
        let told_of = futures::future::join_all((0..8).map(|_| told.tell(&token))).await;
        told.store.set(None);
        let ended: u32 = told_of.iter().map(|(_, ended)| ended).sum();
        // On a machine that is slow enough, one that has waited long is asked to come again.
        let answered = told_of.iter().all(|(status, _)| matches!(status, 200 | 503));
        assert!(answered && ended == 1, "{without}: {told_of:?}");
        let done = ["end_joined", "end_user"].map(|step| told.store.count(step));
        assert_eq!(done.iter().sum::<usize>(), work.iter().sum::<usize>() + 1, "{without}");
        assert!(!told.lives(&browser).await);
    }
}

async fn a_copy_of_what_is_being_carried_out_is_asked_to_come_again(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    let browser = told.log_in(&hostile).await;
    let (token, elsewhere) = (hostile.logout_token(), [7; 16]);
    told.store.claim_token(&key_of(&token), elsewhere, Duration::from_mins(1)).await.unwrap();
    let outcome = told.post(&format!("logout_token={token}")).await.unwrap();
    let answer = outcome.answer.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, outcome.revoked_count, &body["reason"]), (503, 0, &"logout_in_progress".into()));
    let says = |name: &str, value: &str| answer.headers.iter().any(|one| one.name == name && one.value == value);
    assert!(says("retry-after", "1") && says("cache-control", "no-store"), "{answer:?}");
    assert!(told.lives(&browser).await);
    told.store.give_back(&key_of(&token), elsewhere).await.unwrap();
    assert_eq!(told.tell(&token).await, (200, 1));
}

// A token that comes late, or again after it could not be carried out, means what there was when it was issued.
async fn a_late_token_ends_nothing_that_began_after_it(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    let token = hostile.claims(unset("sid")).logout_token();
    hostile.behave();
    let before = [told.log_in(&hostile).await, told.log_in(&hostile).await];
    told.store.set(Fault::Away);
    assert_eq!(told.post(&format!("logout_token={token}")).await.unwrap_err().code(), Code::Unavailable);
    told.store.set(None);
    told.world.clock.advance(LATE);
    let since = told.log_in(&hostile).await;
    assert_eq!(told.tell(&token).await, (200, 2));
    assert_eq!((told.lives(&before[0]).await, told.lives(&before[1]).await), (false, false));
    assert!(told.lives(&since).await, "a login that began after it");
}

// security.md 95: its session has been noted as one of the provider's, and is not there yet.
async fn a_login_between_its_two_writes_does_not_slip_past(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    for (without, ends) in [("sub", "end_joined"), ("nothing", "end_joined"), ("sid", "end_user")] {
        let (made, ended) = (told.store.count("create"), told.store.count(ends));
        let token = Hostile::logout_token(hostile.claims(unset(without)));
        hostile.behave();
        told.store.set(Fault::HoldsBefore("create"));
        let logout = async {
            while told.store.count("create") == made {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            assert_eq!(told.tell(&token).await, (200, 0), "without {without}");
            told.store.set(None);
        };
        let ((_, failure), ()) = futures::future::join(told.try_to_log_in(&hostile, async || ()), logout).await;
        assert_eq!(failure, Some(LoginFailure::RevokedMeanwhile), "without {without}");
        assert_eq!(told.store.count(ends), ended + 1, "without {without}");
    }
}

// security.md 95: the same token still ends the logins that were under way.
#[tokio::test]
async fn a_login_under_way_does_not_slip_past_a_late_token() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let token = hostile.claims(unset("sid")).logout_token();
    hostile.behave();
    let meanwhile = async || {
        told.world.clock.advance(LATE);
        assert_eq!(told.tell(&token).await, (200, 0));
    };
    let (_, failure) = told.try_to_log_in(&hostile, meanwhile).await;
    assert_eq!(failure, Some(LoginFailure::RevokedMeanwhile));
    assert!(told.lives(&told.log_in(&hostile).await).await, "one that begins afterwards");
}
