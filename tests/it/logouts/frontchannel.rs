//! Owns what a provider's page may end through the browser, and who may show the answer. Does not know logout tokens.

use gatelodge_client::v1::HttpAnswer;

use super::set;
use super::told::Told;
use crate::hostile::Hostile;
use crate::world::{Kept, on_every_store};

on_every_store! {
    issuer_and_sid_together_end_their_sessions_and_no_others
    what_is_not_known_here_leaves_nothing_in_the_store
    all_that_end_are_told_at_once_and_a_repeat_costs_nothing
}

async fn listening() -> Hostile {
    let hostile = Hostile::start().await;
    hostile.settings_with(|settings| settings.logout.channels.front = true);
    hostile
}

pub fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn policy(answer: &HttpAnswer) -> &str {
    &answer.headers.iter().find(|header| header.name == "content-security-policy").unwrap().value
}

// OpenID Connect Front-Channel Logout 1.0, 3.
async fn issuer_and_sid_together_end_their_sessions_and_no_others(kept: Kept) {
    let hostile = listening().await;
    let told = Told::by(&hostile, kept).await;
    let own = told.log_in(&hostile).await;
    hostile.claims(set("sid", "another"));
    let other = told.log_in(&hostile).await;
    let issuer = hostile.issuer();
    let good = query(&[("iss", &issuer), ("sid", "op-session"), ("more", "ignored")]);
    for ended in [1, 0] {
        let outcome = told.frame(&good).await;
        let answer = outcome.answer.unwrap();
        assert_eq!((answer.status, outcome.revoked_count), (200, ended));
        assert!(policy(&answer).ends_with(&format!("frame-ancestors {issuer}")), "{}", policy(&answer));
        assert!(answer.headers.iter().any(|header| header.name == "cache-control" && header.value == "no-store"));
        assert!(answer.set_cookies.is_empty() && answer.location.is_empty());
    }
    assert_eq!((told.lives(&own).await, told.lives(&other).await), (false, true));
}

// security.md 108: anybody can send as many of these as they like.
async fn what_is_not_known_here_leaves_nothing_in_the_store(kept: Kept) {
    let hostile = listening().await;
    let told = Told::by(&hostile, kept).await;
    let browser = told.log_in(&hostile).await;
    let issuer = hostile.issuer();
    let written = told.store.count("end_joined");
    for number in 0..20 {
        let told_of = told.frame(&query(&[("iss", &issuer), ("sid", &format!("made-up-{number}"))])).await;
        assert_eq!((told_of.answer.unwrap().status, told_of.revoked_count), (200, 0));
    }
    assert_eq!(told.store.count("end_joined"), written);
    assert!(told.lives(&browser).await);
    told.frame(&query(&[("iss", &issuer), ("sid", "op-session")])).await;
    assert_eq!((told.store.count("end_joined"), told.lives(&browser).await), (written + 1, false));
}

// Anybody who has seen the address in a log can send it again and again.
async fn all_that_end_are_told_at_once_and_a_repeat_costs_nothing(kept: Kept) {
    let hostile = listening().await;
    let told = Told::by(&hostile, kept).await;
    for _ in 0..4 {
        told.log_in(&hostile).await;
    }
    // One of them has ended before: whoever ended it may have died before it was told.
    told.world.revoke(&told.log_in(&hostile).await).await;
    let issuer = hostile.issuer();
    let query = query(&[("iss", &issuer), ("sid", "op-session")]);
    let announced = told.store.count("announce");
    assert_eq!(told.frame(&query).await.revoked_count, 4);
    assert_eq!(told.store.count("announce"), announced + 1);
    let steps = || ["read", "end", "part", "announce"].map(|step| told.store.count(step));
    let before = steps();
    for _ in 0..3 {
        assert_eq!(told.frame(&query).await.revoked_count, 0);
    }
    assert_eq!(steps(), before);
}

#[tokio::test]
async fn what_names_no_session_of_a_provider_that_may_ends_nothing() {
    let hostile = listening().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    let issuer = hostile.issuer();
    let bad = [
        query(&[]),
        query(&[("iss", &issuer)]),
        query(&[("sid", "op-session")]),
        query(&[("iss", &issuer), ("sid", "")]),
        query(&[("iss", ""), ("sid", "op-session")]),
        query(&[("iss", &format!("{issuer}/")), ("sid", "op-session")]),
        query(&[("iss", &issuer), ("sid", &"s".repeat(256))]),
        query(&[("iss", &issuer), ("sid", "s\u{e9}")]),
        query(&[("iss", "https://elsewhere.example"), ("sid", "op-session")]),
        query(&[("iss", &issuer), ("sid", "op-session"), ("sid", "op-session")]),
        query(&[("iss", &issuer), ("sid", "op-session"), ("x", &"x".repeat(9000))]),
    ];
    for query in bad {
        let outcome = told.frame(&query).await;
        let answer = outcome.answer.unwrap();
        assert_eq!((answer.status, outcome.revoked_count), (400, 0), "{query}");
        assert!(policy(&answer).contains("frame-ancestors 'none'"), "{query}");
    }
    assert_eq!(told.store.count("joined") + told.store.count("end_joined"), 0, "the store was asked");
    let unknown = told.frame(&query(&[("iss", &issuer), ("sid", "unknown")])).await;
    assert_eq!((unknown.answer.unwrap().status, unknown.revoked_count), (200, 0));
    assert!(told.lives(&browser).await);
}

#[tokio::test]
async fn it_is_off_unless_the_settings_say_otherwise() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    let outcome = told.frame(&query(&[("iss", &hostile.issuer()), ("sid", "op-session")])).await;
    assert_eq!((outcome.answer.unwrap().status, outcome.revoked_count), (400, 0));
    assert!(told.lives(&browser).await);
}
