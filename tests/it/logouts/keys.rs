//! Owns what becomes of logout tokens while the provider's keys are away, new, or asked for by junk: a refusal is final to a
//! provider, so that none is given while nobody can say. Does not know what a good one ends.

use std::time::Duration;

use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::told::Told;
use super::{set, unset};
use crate::hostile::keys::OTHER_RSA;
use crate::hostile::{Answer, Body, Endpoint, Hostile, Signing};
use crate::world::Kept;

/// From now on another key signs than the one that the provider had.
fn rotate(hostile: &Hostile) {
    hostile.sign(Signing::With(&OTHER_RSA, "RS256")).jwks(|keys| keys["keys"] = json!([OTHER_RSA.jwk()]));
}

/// Lets time pass for what is kept of the provider.
async fn let_pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

impl Told {
    /// Tells it of a logout that it can't judge.
    async fn cant_say(&self, token: &str) {
        let failed = self.post(&format!("logout_token={token}")).await.unwrap_err();
        assert_eq!(failed.code(), Code::Unavailable, "{failed:?}");
        assert_eq!(failed.get_error_details().error_info().unwrap().reason, "PROVIDER_UNAVAILABLE");
    }
}

// security.md 92: keys that are at hand do when the provider is away; where there are none, nobody can say.
#[tokio::test]
async fn without_the_providers_keys_it_is_asked_to_come_again() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    for away in [Endpoint::Metadata, Endpoint::Jwks] {
        hostile.answers(away, Answer::json(503, "{}"));
    }
    told.cant_say(&hostile.logout_token()).await;

    let told = Told::by(hostile.behave(), Kept::Memory).await;
    told.log_in(&hostile).await;
    for away in [Endpoint::Metadata, Endpoint::Jwks] {
        hostile.answers(away, Answer::json(503, "{}"));
    }
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 1));
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_fetched() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    told.log_in(&hostile).await;
    rotate(&hostile);
    assert_eq!(told.tell(&hostile.logout_token()).await, (200, 1));
}

// security.md 92: a key that can't be looked up is no bad key. The same token does its work once it can be.
#[tokio::test]
async fn a_new_key_that_cant_be_fetched_refuses_nothing() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    rotate(&hostile);
    let token = hostile.logout_token();
    hostile.answers(Endpoint::Jwks, Answer::json(503, "{}"));
    let asked = hostile.calls(Endpoint::Jwks);
    told.cant_say(&token).await;
    told.cant_say(&token).await;
    assert_eq!(hostile.calls(Endpoint::Jwks), asked + 1, "it is not asked again at once");
    assert!(told.lives(&browser).await);
    rotate(hostile.behave());
    let_pass(Duration::from_secs(31)).await;
    assert_eq!(told.tell(&token).await, (200, 1));
}

// Junk can't spend what logins have, nor make a genuine logout a final refusal.
#[tokio::test]
async fn junk_keeps_nobody_from_a_new_key() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    let junk = hostile.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "made-up")).logout_token();
    assert_eq!(told.tell(&junk).await, (400, 0), "the provider was asked, and has no such key");
    rotate(hostile.behave());
    let token = hostile.logout_token();
    told.cant_say(&token).await;
    told.log_in(&hostile).await;
    assert_eq!(told.tell(&token).await, (200, 2), "the login has fetched the key");
    assert!(!told.lives(&browser).await);
}

// security.md 93: what anybody can send costs the provider one call in a while, and the store none.
#[tokio::test]
async fn a_flood_of_junk_asks_nobody() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    let asked =
        || ["claim_token", "joined", "end_joined", "sessions_of", "end_user"].map(|step| told.store.count(step));
    let (fetched, asked_before) = (hostile.calls(Endpoint::Jwks), asked());
    hostile.sign(Signing::With(&OTHER_RSA, "RS256"));
    for number in 0..90 {
        let token = match number % 3 {
            0 => hostile.header(set("kid", "rsa")).logout_token(),
            1 => hostile.claims(set("aud", "another")).logout_token(),
            _ => format!("junk.{number}.junk"),
        };
        assert_eq!(told.tell(&token).await, (400, 0));
    }
    assert_eq!(hostile.calls(Endpoint::Jwks), fetched);
    hostile.behave().sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "new"));
    assert_eq!(told.tell(&hostile.logout_token()).await, (400, 0), "the provider was asked, and has no such key");
    for number in 0..20 {
        hostile.header(set("kid", format!("newer-{number}")));
        told.cant_say(&hostile.logout_token()).await;
    }
    told.cant_say(&hostile.header(unset("kid")).logout_token()).await;
    assert_eq!(hostile.calls(Endpoint::Jwks), fetched + 1, "unknown keys are looked for once in a while");
    assert_eq!(asked(), asked_before, "the store was asked");
    assert!(told.lives(&browser).await);
}

// security.md 93: what is wrong by what it says of itself asks nobody, even where nothing is known of the provider yet.
#[tokio::test]
async fn junk_asks_nothing_of_a_provider_that_is_down() {
    let hostile = Hostile::start().await;
    hostile.answers(Endpoint::Metadata, Answer::json(503, "{}"));
    let told = Told::by(&hostile, Kept::Memory).await;
    let bad = [("typ", json!("JWT")), ("typ", json!("at+jwt")), ("crit", json!(["x"]))];
    for (name, value) in bad {
        assert_eq!(told.tell(&hostile.header(set(name, value)).logout_token()).await, (400, 0));
        hostile.behave().answers(Endpoint::Metadata, Answer::json(503, "{}"));
    }
    let bad = [("exp", json!(5)), ("events", json!({})), ("nonce", json!("n")), ("jti", json!(5)), ("azp", json!("x"))];
    for (name, value) in bad {
        assert_eq!(told.tell(&hostile.claims(set(name, value)).logout_token()).await, (400, 0));
        hostile.behave().answers(Endpoint::Metadata, Answer::json(503, "{}"));
    }
    assert_eq!(hostile.calls(Endpoint::Metadata), 0);
    told.cant_say(&hostile.logout_token()).await;
    assert_eq!(hostile.calls(Endpoint::Metadata), 1);
}

// security.md 93, 127: those that wait for the provider hold a few places of their own, and nobody else's.
#[tokio::test]
async fn junk_that_waits_for_the_provider_takes_no_place_of_others() {
    let hostile = Hostile::start().await;
    let told = Told::by(&hostile, Kept::Memory).await;
    let browser = told.log_in(&hostile).await;
    hostile.sign(Signing::With(&OTHER_RSA, "RS256")).header(set("kid", "new"));
    hostile.answers(Endpoint::Jwks, Answer::body(Body::After(Duration::from_mins(5))));
    let form = format!("logout_token={}", hostile.logout_token());
    let waiting = async { futures::future::join_all((0..64).map(|_| told.post(&form))).await };
    let turned_away = async {
        loop {
            match told.post("junk").await {
                Ok(_) => tokio::task::yield_now().await,
                Err(status) => break status,
            }
        }
    };
    let status = match futures::future::select(Box::pin(waiting), Box::pin(turned_away)).await {
        futures::future::Either::Right((status, _)) => status,
        futures::future::Either::Left((outcomes, _)) => panic!("{outcomes:?}"),
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert!(details.retry_info().is_some());
    assert!(told.lives(&browser).await);
}
