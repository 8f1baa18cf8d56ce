//! Owns what a good logout token ends and what it does not, and what becomes of it when it comes again, when the store or
//! the provider is in trouble, and when a login is under way. Does not know what can be wrong with one.

use std::time::Duration;

use gatelodge::authority::login_answer::LoginFailure;
use serde_json::json;
use tonic::Code;

use super::told::Told;
use super::{set, unset};
use crate::hostile::keys::OTHER_RSA;
use crate::hostile::{Hostile, Object, Signing};
use crate::world::faults::Fault;
use crate::world::{Kept, on_every_store};

on_every_store! {
    a_sid_ends_its_own_sessions_and_no_others
    a_sub_ends_all_of_its_sessions_and_nobody_elses
    a_sid_with_a_sub_ends_those_of_both_alone
    a_sid_with_a_sub_ends_those_whose_login_named_no_sid
    who_is_not_known_here_is_logged_out_already
    a_token_is_carried_out_once
    another_providers_word_counts_for_its_own_users_alone
    a_login_under_way_does_not_slip_past
    a_token_whose_work_failed_can_come_again
}

async fn a_sid_ends_its_own_sessions_and_no_others(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    let (one, two) = (told.log_in(&hostile).await, told.log_in(&hostile).await);
    hostile.claims(set("sid", "another"));
    let other = told.log_in(&hostile).await;
    hostile.behave().claims(unset("sub"));
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 2));
    assert_eq!((told.lives(&one).await, told.lives(&two).await, told.lives(&other).await), (false, false, true));
}

// security.md 88: all sessions of (tenant, issuer, sub), old ones and those without a `sid` too.
async fn a_sub_ends_all_of_its_sessions_and_nobody_elses(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    let mut own = vec![told.log_in(&hostile).await];
    hostile.claims(unset("sid"));
    own.push(told.log_in(&hostile).await);
    for sid in ["a", "b", "c"] {
        hostile.claims(set("sid", sid));
        own.push(told.log_in(&hostile).await);
    }
    hostile.claims(set("sub", "somebody-else"));
    let other = told.log_in(&hostile).await;
    hostile.behave().claims(unset("sid"));
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 5));
    for browser in own {
        assert!(!told.lives(&browser).await);
    }
    assert!(told.lives(&other).await);
}

async fn a_sid_with_a_sub_ends_those_of_both_alone(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    let own = told.log_in(&hostile).await;
    hostile.claims(set("sub", "somebody-else"));
    let same_sid = told.log_in(&hostile).await;
    hostile.behave().claims(set("sid", "another"));
    let same_sub = told.log_in(&hostile).await;
    hostile.behave();
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 1));
    assert_eq!((told.lives(&own).await, told.lives(&same_sid).await, told.lives(&same_sub).await), (false, true, true));
}

// security.md 88: a provider that has `sid` in its logout tokens alone would end nothing else.
async fn a_sid_with_a_sub_ends_those_whose_login_named_no_sid(kept: Kept) {
    let (hostile, other) = (Hostile::start().await, Hostile::start().await);
    other.settings_with(|settings| settings.registration.name = "other".into());
    let told = Told::by_all(&[&hostile, &other], kept).await;
    other.claims(unset("sid"));
    let theirs = told.log_in(&other).await;
    hostile.claims(unset("sid"));
    let own = [told.log_in(&hostile).await, told.log_in(&hostile).await];
    hostile.claims(set("sub", "somebody-else"));
    let same_provider = told.log_in(&hostile).await;
    hostile.behave();
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 2));
    for browser in &own {
        assert!(!told.lives(browser).await);
    }
    assert_eq!((told.lives(&same_provider).await, told.lives(&theirs).await), (true, true));
    hostile.claims(unset("sid"));
    let named = told.log_in(&hostile).await;
    hostile.behave().claims(unset("sub"));
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 0), "a `sid` alone names nobody");
    assert!(told.lives(&named).await);
}

// OpenID Connect Back-Channel Logout 1.0, 2.7; security.md 91.
async fn who_is_not_known_here_is_logged_out_already(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    let browser = told.log_in(&hostile).await;
    for (sid, sub) in [(Some("nobody's"), None), (None, Some("nobody")), (Some("nobody's"), Some("nobody"))] {
        hostile.behave();
        sid.map_or_else(|| hostile.claims(unset("sid")), |sid| hostile.claims(set("sid", sid)));
        sub.map_or_else(|| hostile.claims(unset("sub")), |sub| hostile.claims(set("sub", sub)));
        assert_eq!(told.tell(&hostile.logout_token()).await, (200, 0), "{sid:?} {sub:?}");
    }
    assert!(told.lives(&browser).await);
}

// security.md 90, 91: a repeat ends nothing that was made since, and what it names is logged out already.
async fn a_token_is_carried_out_once(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    told.log_in(&hostile).await;
    let token = hostile.logout_token();
    assert_eq!(told.tell(&token).await, (200, 1));
    let since = told.log_in(&hostile).await;
    for _ in 0..2 {
        assert_eq!(told.tell(&token).await, (200, 0));
    }
    assert!(told.lives(&since).await);
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 1), "another does its work");
    // It is remembered for as long as it could pass: 120 seconds, and the leeway.
    let since = told.log_in(&hostile).await;
    told.world.clock.advance(Duration::from_secs(125));
    assert_eq!((told.tell(&token).await, told.lives(&since).await), ((200, 0), true));
}

async fn another_providers_word_counts_for_its_own_users_alone(kept: Kept) {
    let (hostile, other) = (Hostile::start().await, Hostile::start().await);
    other.settings_with(|settings| settings.registration.name = "other".into());
    with_its_own_key(&other);
    let told = Told::by_all(&[&hostile, &other], kept).await;
    let browser = told.log_in(&hostile).await;
    let theirs = told.log_in(&other).await;
    // The same `sub` and `sid`: only who says so tells them apart.
    for bend in [unset("nothing"), unset("sid"), unset("sub")] {
        with_its_own_key(other.behave()).claims(bend);
        assert_eq!(told.tell(&other.logout_token()).await.0, 200);
    }
    assert_eq!((told.lives(&browser).await, told.lives(&theirs).await), (true, false));
    // Signed by the one, in the name of the other.
    for without in ["nothing", "sid", "sub"] {
        with_its_own_key(other.behave()).claims(set("iss", hostile.issuer())).claims(unset(without));
        assert_eq!(told.tell(&other.logout_token()).await, (400, 0), "{without}");
    }
    assert!(told.lives(&browser).await);
}

/// Signs with a key that no other hostile provider has, under the name that theirs has.
fn with_its_own_key(hostile: &Hostile) -> &Hostile {
    let mut key = OTHER_RSA.jwk();
    key["kid"] = "rsa".into();
    let own = move |keys: &mut Object| drop(keys.insert("keys".into(), json!([key])));
    hostile.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "rsa")).jwks(own)
}

// security.md 95, for each way to name who has ended.
async fn a_login_under_way_does_not_slip_past(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    for without in ["sub", "sid", "nothing"] {
        let meanwhile = async || {
            let bent = Hostile::logout_token(hostile.claims(unset(without)));
            hostile.behave();
            assert_eq!(told.tell(&bent).await, (200, 0), "{without}");
        };
        let (_, failure) = told.try_to_log_in(&hostile, meanwhile).await;
        assert_eq!(failure, Some(LoginFailure::RevokedMeanwhile), "{without}");
    }
    assert!(told.lives(&told.log_in(&hostile).await).await, "one that begins afterwards");
}

// security.md 92: never 200 unless it is done, and then the same token does the work.
async fn a_token_whose_work_failed_can_come_again(kept: Kept) {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, kept).await;
    let mut token = hostile.logout_token();
    let mut browser = told.log_in(&hostile).await;
    for step in ["claim_token", "end_joined", "end", "end_user", "spend"] {
        if step == "end_user" {
            token = hostile.claims(unset("sid")).logout_token();
            hostile.behave();
        }
        told.store.set(Fault::LosesAnswerOf(step));
        let failed = told.post(&format!("logout_token={token}")).await.unwrap_err();
        assert_eq!(failed.code(), Code::Unavailable, "{step}");
        told.store.set(None);
        assert_eq!(told.tell(&token).await.0, 200, "{step}");
        assert!(!told.lives(&browser).await, "{step}");
        (token, browser) = (hostile.logout_token(), told.log_in(&hostile).await);
    }
    told.store.set(Fault::Away);
    assert_eq!(told.post(&format!("logout_token={token}")).await.unwrap_err().code(), Code::Unavailable);
    told.store.set(None);
    assert_eq!(told.tell(&token).await, (200, 1));
}

#[tokio::test]
async fn what_cant_be_read_is_no_logout() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    let token = hostile.logout_token();
    let forms = [
        String::new(),
        "logout_token=".into(),
        format!("token={token}"),
        format!("logout_token={token}&logout_token={token}"),
        format!("logout_token={token}&x=%ff"),
        format!("logout_token={token}&x={}", "x".repeat(70_000)),
    ];
    for form in forms {
        let answer = told.post(&form).await.unwrap().answer.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &body["reason"]), (400, &"request_malformed".into()), "{body}");
    }
    assert!(told.lives(&browser).await);
    assert_eq!(told.tell(&token).await, (200, 1));
}

#[tokio::test]
async fn a_provider_that_may_not_tell_ends_nothing() {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.logout.channels.back = false);
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    assert_eq!(told.tell(&hostile.logout_token()).await, (400, 0));
    assert!(told.lives(&browser).await);
}
